"""Variants of one tune are in one part of a split."""

from datamodules.tunes.keys import transposed
from datamodules.tunes.notation import Tune
from datamodules.tunes.reading import read_tune
from datamodules.tunes.synthetic import synthetic_tunes
from datamodules.tunes.variants import groups, plain, runs, split


def moved(tune: Tune, by: int) -> Tune:
    """Returns a tune transposed by so many fifths."""
    tokens = transposed(tune.tokens, by)
    return Tune(**vars(tune) | {"key": tokens[2][2:-1], "body": tokens[3:]})


def test_titles_bodies_and_shared_runs_join_tunes() -> None:
    tunes = synthetic_tunes(8, seed=0)
    another_key = Tune(**vars(moved(tunes[0], 1)) | {"title": "Another name"})
    titled = Tune(**vars(tunes[2]) | {"title": "The Tune (variant) 2"})
    half = Tune(**vars(tunes[3]) | {"body": tunes[3].body[: len(tunes[3].body) * 2 // 3], "title": "Half of it"})
    nameless = [Tune(**vars(tune) | {"title": ""}) for tune in tunes[4:6]]
    every = [Tune(**vars(tune) | {"title": f"Name {chr(97 + n)}"}) for n, tune in enumerate(tunes)]
    together = groups([*every, another_key, titled, half, *nameless, Tune(**vars(tunes[6]) | {"title": "tune"})])
    joined = sorted(sorted(group) for group in together)
    assert joined == [[0, 8], [1], [2, 6, 9, 13], [3, 10], [4, 11], [5, 12], [7]]


def test_a_split_parts_no_group_and_is_the_same_again() -> None:
    tunes = synthetic_tunes(40, seed=0)
    twins = [moved(tune, 2) for tune in tunes]
    parts = split([*tunes, *twins], 0.2, 0.1, seed=0)
    assert sorted(place for places in parts.values() for place in places) == list(range(80))
    assert {name: len(places) for name, places in parts.items()} == {"train": 56, "val": 16, "test": 8}
    for places in parts.values():
        assert {place % 40 for place in places if place < 40} == {place % 40 for place in places if place >= 40}
    assert split([*tunes, *twins], 0.2, 0.1, seed=0) == parts
    assert split([*tunes, *twins], 0.2, 0.1, seed=1) != parts


def test_what_copies_may_differ_in_is_left_out() -> None:
    tune = read_tune('M:4/4\nL:1/4\nK:D\n"D"dfd2|"A7"^gg|')
    assert plain(tune) == plain(moved(tune, 1))
    assert plain(tune) == "C2E2C4|^F2F2|"
    assert plain(tune, chord_names=True) == '"C"C2E2C4|"G7"^F2F2|'
    assert runs("abcd", 3) == {"abc", "bcd"}
