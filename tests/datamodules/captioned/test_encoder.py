"""Captions become numbers and come back, as words or by spaces; a cut caption has no end."""

import pytest
import torch

from core.errors import InputError
from datamodules.captioned.encoder import CaptionEncoder, CaptionEncoding, words_of
from datamodules.text.special_symbols import END, UNKNOWN

CAPTIONS = ["A dog runs .", "A Dog sits !", "the dog runs and runs and runs"]


def encoder(**settings: object) -> CaptionEncoder:
    """Returns an encoder of three captions."""
    return CaptionEncoder(CaptionEncoding(**{"min_count": 2} | settings)).fitted(CAPTIONS)


def test_frequent_words_are_numbered_and_others_are_unknown() -> None:
    words = encoder()
    assert words.vocabulary.symbols[4:] == ("runs", "dog", "a", "and")
    numbers = words.encode("A dog, sleeping.")
    assert numbers == [6, 5, UNKNOWN, END]
    assert words.decode([*numbers, 4, 4]) == ["a", "dog", "\u2047"]
    assert words_of("It's a man's T-shirt .") == ["it's", "a", "man's", "t", "shirt"]


def test_words_are_not_cut_at_combining_marks() -> None:
    assert words_of("एक हिन्दी cafe\u0301!") == ["एक", "हिन्दी", "cafe\u0301"]


def test_by_spaces_the_full_stop_is_the_end() -> None:
    words = encoder(tokenizer="spaces", lowercase=False, min_count=1)
    assert "." not in words.vocabulary
    assert words.encode("A dog runs .")[-2:] == [words.vocabulary.ids(["runs"])[0], END]
    assert words.encode("A dog . A Dog")[2] == END
    assert words.encode("A Dog") != words.encode("A dog")


def test_a_long_caption_is_cut_without_an_end() -> None:
    words = encoder(max_length=3)
    assert words.encode("a dog runs") == words.vocabulary.ids(["a", "dog", "runs"])
    assert words.encode("a dog") == [*words.vocabulary.ids(["a", "dog"]), END]


def test_captions_of_pictures_are_padded() -> None:
    words = encoder()
    symbols, lengths = words.encode_all([["a dog", "dog"], ["runs"]])
    assert lengths.tolist() == [[3, 2], [2, 0]]
    assert symbols.tolist() == [[[6, 5, END], [5, END, 0]], [[4, END, 0], [0, 0, 0]]]
    assert symbols.dtype == torch.int32
    assert words.encode_all([])[0].shape == (0, 0, 0)


def test_an_encoder_comes_back_from_its_content() -> None:
    words = encoder(max_length=7)
    again = CaptionEncoder.from_content(words.content(), "here")
    assert again.encoding == words.encoding
    assert again.vocabulary == words.vocabulary
    for content in ({"symbols": []}, {"encoding": {}, "symbols": ["a"]}, {"encoding": {"x": 1}, "symbols": []}):
        with pytest.raises(InputError, match="here: holds no vocabulary of captions"):
            CaptionEncoder.from_content(content, "here")


def test_a_vocabulary_of_an_earlier_release_goes_on_cutting_words_at_marks() -> None:
    words = CaptionEncoder(CaptionEncoding(min_count=1)).fitted(["cafe\u0301s", "cafe s"])
    content = words.content()
    again = CaptionEncoder.from_content(content, "here")
    assert again.decode(again.encode("cafe\u0301s")) == ["cafe\u0301s"]
    del content["marks"]
    cut = CaptionEncoder.from_content(content, "here")
    assert cut.decode(cut.encode("cafe\u0301s")) == ["cafe", "s"]
    assert cut.content() == content, "as in its checkpoints"
    assert "marks" not in encoder().content()


@pytest.mark.parametrize("settings", [{"min_count": 0}, {"max_length": 0}, {"tokenizer": "x"}])
def test_settings_out_of_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"data\.encoding\.\w+ is \w+: (at least 1|one of words, )"):
        CaptionEncoding(**settings)
