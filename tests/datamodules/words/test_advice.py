"""Settings that do not fit a text are told with those that do."""

from collections.abc import Sequence

import pytest

from core.errors import InputError
from datamodules.words.advice import notes_on
from datamodules.words.counts import CountedWords, count_words


def counted(documents: Sequence[str]) -> CountedWords:
    """Returns documents with all their words counted."""
    return count_words(documents, str.split, 1, None, None)


def test_a_small_text_of_which_little_is_kept_gets_a_larger_share() -> None:
    text = counted([" ".join(f"w{number % 100}" for number in range(1000))])
    first, *others = notes_on(text, 1e-4, "word2vec.c", "word")
    assert first == "note     100 words in the vocabulary, which are 1,000 of the text's 1,000"
    assert others == [
        "note     data.subsample 0.0001 leaves out 89% of these words, which are few; "
        "--data.subsample 0.01 leaves out 0%"
    ]
    assert len(notes_on(text, 0.01, "word2vec.c", "word")) == 1
    assert "--data.subsample 0 leaves out 0%" in notes_on(counted(["a a a b " * 100]), 1e-4, "paper", "word")[1]
    assert len(notes_on(counted([""]), 1e-4, "paper", "word")) == 1


def test_a_share_that_leaves_no_pair_is_refused_with_one_that_does() -> None:
    text = counted([" ".join(f"w{number % 100}" for number in range(1000))])
    with pytest.raises(InputError) as refused:
        notes_on(text, 1e-9, "word2vec.c", "word")
    assert str(refused.value) == (
        "data.subsample 1e-09 leaves no pair of the text's 1,000 words; --data.subsample 0.01 leaves out 0%"
    )
    assert len(notes_on(text, 1e-9, "word2vec.c", "word", to_learn=False)) == 2


@pytest.mark.parametrize(
    ("tokenizer", "is_told"), [("word", True), ("letters", True), ("char", False), ("jieba", False)]
)
def test_chinese_without_blanks_needs_another_tokenizer(tokenizer: str, is_told: bool) -> None:
    text = counted(["港股缩量回调 锌价难续去年辉煌 and"])
    assert any("tokenizer jieba" in line for line in notes_on(text, 0, "paper", tokenizer)) == is_told
    assert not any("jieba" in line for line in notes_on(counted(["港股 and some more"]), 0, "paper", tokenizer))
