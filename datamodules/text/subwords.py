"""Pieces of words by byte-pair encoding, from Hugging Face's tokenizers.

Rico Sennrich, Barry Haddow and Alexandra Birch, 2016, arXiv:1508.07909. A space belongs to the piece that follows it,
as in SentencePiece (Taku Kudo and John Richardson, 2018, arXiv:1808.06226), so that pieces, put together, are the text.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from core.code.installed import installs
from core.errors import InputError


def train_subwords(
    texts: Iterable[str], size: int, special_symbols: Sequence[str], unknown: str, spaces: bool = True
) -> Any:
    """Returns a tokenizer whose pieces neither reach over a space nor join words and punctuation marks.

    Args:
        texts: Texts; with `spaces`, such as begin with one.
        size: Largest number of symbols.
        special_symbols: Symbols that no text has, which get the first numbers.
        unknown: The one among them that stands for characters that `texts` do not have.
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
    trainer = library.trainers.BpeTrainer(vocab_size=size, special_tokens=list(special_symbols), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


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
