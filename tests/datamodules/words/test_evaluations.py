"""Files of questions about words are read in the forms in which people have them, and others are named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import InputError
from datamodules.words.batches import AnalogyBatch, SimilarityBatch
from datamodules.words.evaluations import WordTests, read_tests

NUMBERS = {"king": 0, "queen": 1, "man": 2, "woman": 3}


@pytest.mark.parametrize(
    "content",
    [
        "king\tqueen\t8.5\nMan\twoman\t7\nking\tpope\t3\n",
        "word1,word2,score\r\nking,queen,8.5\r\nman,woman,7\r\n\r\nking,pope,3\r\n",
        "king queen 8.5\nman  woman 7\nking pope 3\n",
        "Word 1\tWord 2\tHuman (mean)\nking\tqueen\t8.5\nman\twoman\t7\nnew york\tking\t3",
    ],
)
def test_similarities_are_read(write: Callable[..., Path], content: str) -> None:
    (test,) = read_tests([write("EN-Men 3k.txt", content)], NUMBERS, lowercase=True)
    assert isinstance(test.batch, SimilarityBatch)
    assert (test.name, test.total, test.covered) == ("en-men-3k", 3, 2)
    assert test.batch.words.tolist() == [[0, 1], [2, 3]]
    assert test.batch.scores.tolist() == [8.5, 7.0]
    assert test.describe() == "en-men-3k: 2 of 3 pairs have all their words in the vocabulary"


@pytest.mark.parametrize("separator", [" ", ",", ", ", "\t"])
def test_analogies_are_read_with_their_kinds(write: Callable[..., Path], separator: str) -> None:
    content = ": family\nman_king_woman_queen\nman_pope_woman_nun\n: the other way\nKing_man_queen_woman\n"
    content = content.replace("_", separator)
    (test,) = read_tests([write("questions.txt", content)], NUMBERS, lowercase=True)
    assert isinstance(test.batch, AnalogyBatch)
    assert (test.total, test.covered) == (3, 2)
    assert test.batch.words.tolist() == [[2, 0, 3, 1], [0, 2, 1, 3]]
    assert test.batch.kinds.tolist() == [0, 1]
    assert test.batch.kind_names == ("family", "the other way")
    assert len(WordTests([test, test])) == 4


def test_capital_letters_count_where_the_vocabulary_has_them(write: Callable[..., Path]) -> None:
    path = write("pairs.txt", "King\tqueen\t1\nking\tqueen\t2\n")
    (test,) = read_tests([path], NUMBERS, lowercase=False)
    assert test.covered == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("old\tnew\tA\t1.58\t2.72\nking\tqueen\tN\t8\t2\n", "line 1: 5 columns; a file of similarities has two"),
        ("king\tqueen\t3\nking\tqueen\n", "line 2: 2 columns"),
        ("king\tqueen\t3\nking\tqueen\tmuch\n", "line 2: 'much' is no number"),
        ("king\tqueen\tnan\nking\tqueen\tnan\n", "line 2: 'nan' is no number"),
        (": family\nman king woman\n", "line 2: 3 columns"),
        ("pope\tnun\t3\n", "none of its 1 pairs has all its words among the 4 known"),
        (": family\npope nun monk abbess\n", "none of its 1 analogies has all its words among the 4"),
        ("\n\n", "none of its 0 pairs"),
    ],
)
def test_other_files_are_named(write: Callable[..., Path], content: str, message: str) -> None:
    path = write("pairs.txt", content)
    with pytest.raises(InputError, match=message) as error:
        read_tests([path], NUMBERS, lowercase=True)
    assert str(path) in str(error.value)


def test_two_files_of_one_name_are_refused(write: Callable[..., Path]) -> None:
    paths = [write(f"{folder}/men.txt", "king\tqueen\t1\n") for folder in "ab"]
    with pytest.raises(InputError, match=r"b/men.txt: another file is named men, too"):
        read_tests(paths, NUMBERS, lowercase=True)
