"""A path is found by a name with other folders or another ending, the surest way first."""

import pytest

from datamodules.base.named_paths import NamedPaths

PATHS = ["a/x.1.jpg", "a/x.2.jpg", "a/1.jpg", "a/1.png", "b/1.png", "b/c/2.png", "2.png", "x.webp"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a/1.jpg", ["a/1.jpg"]),
        ("./a/1.png", ["a/1.png"]),
        ("a/1", ["a/1.jpg", "a/1.png"]),
        ("a/1.gif", ["a/1.jpg", "a/1.png"]),
        ("a/x.1", ["a/x.1.jpg"]),
        ("a/x.1.png", ["a/x.1.jpg"]),
        ("2.png", ["2.png"]),
        ("x.3", ["x.webp"]),
        *((name, []) for name in ("a/y", "b/3.png", "", "/", "..")),
    ],
)
@pytest.mark.parametrize("anywhere", [False, True])
def test_a_name_finds_the_surest(name: str, found: list[str], anywhere: bool) -> None:
    assert NamedPaths(PATHS, anywhere).find(name)[1] == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("c/2.png", ["b/c/2.png"]),
        ("old/b/1.jpg", ["b/1.png"]),
        ("old/x.2.gif", ["a/x.2.jpg"]),
        ("1.png", ["a/1.png", "b/1.png"]),
        ("/data/a/1.png", ["a/1.png"]),
    ],
)
def test_folders_may_be_absent_where_that_is_asked_for(name: str, found: list[str]) -> None:
    assert NamedPaths(PATHS, True).find(name)[1] == found
    assert NamedPaths(PATHS, False).find(name)[1] == []


def test_what_fits_better_is_surer() -> None:
    names = ["a/1.jpg", "a/1", "a/1.gif", "1.jpg", "old/1.jpg"]
    unsure = [NamedPaths(["a/1.jpg"], True).find(name)[0] for name in names]
    assert unsure == [0, 2, 4, 1, 7]
