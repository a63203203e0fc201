"""Pieces of words by byte-pair encoding, from Hugging Face's tokenizers.

Rico Sennrich, Barry Haddow and Alexandra Birch, 2016, arXiv:1508.07909. A space belongs to the piece that follows it,
as in SentencePiece (Taku Kudo and John Richardson, 2018, arXiv:1808.06226), so that pieces, put together, are the text.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from core.code.installed import installs
from core.errors import InputError
from datamodules.text.vocabulary import frequent


def train_subwords(
    texts: Sequence[str], size: int, special_symbols: Sequence[str], unknown: str, spaces: bool = True
) -> Any:
    """Returns a tokenizer whose pieces neither reach over a space nor join words and punctuation marks.

    Where texts have more characters than there may be symbols, the rarer ones are unknown.

    Args:
        texts: Texts; with `spaces`, such as begin with one.
        size: Largest number of symbols.
        special_symbols: Symbols that no text has, which get the first numbers.
        unknown: The one among them that stands for characters without a symbol.
        spaces: Whether a space begins the piece that follows it; else pieces have none, and are not the text.

    Raises:
        InputError: The package is not installed.
    """
    library = _tokenizers()
    tokenizer = library.Tokenizer(library.models.BPE(unk_token=unknown))
    before = library.pre_tokenizers
    if spaces:
        space = before.Metaspace(replacement=" ", prepend_scheme="never")
        tokenizer.pre_tokenizer = before.Sequence([space, before.Punctuation()])
    else:
        tokenizer.pre_tokenizer = before.Whitespace()
    settings = {"vocab_size": size, "special_tokens": list(special_symbols), "show_progress": False}
    tokenizer.train_from_iterator(texts, library.trainers.BpeTrainer(**settings))
    if tokenizer.get_vocab_size() > size:  # the library counts characters, but stops at none; of equals it takes any
        most = size - len(special_symbols)
        usual = _usual_characters(texts, most, spaces)
        trainer = library.trainers.BpeTrainer(**settings, initial_alphabet=usual, limit_alphabet=most)
        tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _usual_characters(texts: Sequence[str], most: int, spaces: bool) -> list[str]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text if spaces else "".join(text.split()))
    return frequent(counts, 1, most)


def read_subwords(content: str, where: object) -> Any:
    """Returns a tokenizer from its saved form.

    Args:
        content: The form, as JSON.
        where: Where it stands, for the error message.

    Raises:
        InputError: It is none, or the package is not installed.
    """
    library = _tokenizers()
    try:
        return library.Tokenizer.from_str(content)
    except Exception as error:  # the library raises no narrower type
        raise InputError(f"{where}: holds no vocabulary of subwords ({error})") from error


def _tokenizers() -> Any:
    try:
        import tokenizers
    except ImportError as error:
        raise InputError(f"data.encoding.tokenizer: this tokenizer needs tokenizers; {installs('text')}") from error
    return tokenizers
