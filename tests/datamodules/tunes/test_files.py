"""Tunes come from files and folders; what cannot be read is counted and named."""

from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import InputError
from datamodules.tunes.files import nottingham, read_collection

GOOD = "X:{0}\nT:Tune {0}\nM:4/4\nL:1/4\nK:G\nABcd|efga|\n\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Writes a file in the folder `tunes`."""

    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / "tunes" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def test_a_file_of_tunes(write: Callable) -> None:
    path = write("a.abc", "% a collection\r\n" + (GOOD.format(1) + GOOD.format(2)).replace("\n", "\r\n"))
    collection = read_collection(path)
    assert [tune.title for tune in collection.tunes] == ["Tune 1", "Tune 2"]
    assert collection.lines() == []


def test_a_folder_with_other_things(write: Callable) -> None:
    write("b/two.ABC", GOOD.format(2))
    write("one.abc", "\ufeff" + GOOD.format(1))
    write(".hidden.abc", GOOD.format(9))
    write("notes.txt", "no music")
    write("old.abc", "X:3\nT:Fr\xe8re\nK:C\nA".encode("latin-1"))
    collection = read_collection(write("x.mid", b"this is no MIDI file").parent)
    assert [tune.title for tune in collection.tunes] == ["Tune 2", "Fr\xe8re", "Tune 1"]
    assert collection.lines() == [
        "skipped  tunes that cannot be read: 1 (x.mid: no MIDI file that can be read (MThd not found. Probably not a "
        "MIDI file))",
        "skipped  files that are neither ABC nor MIDI: 1 (notes.txt)",
    ]


def test_broken_tunes_and_bars_are_counted_and_named(write: Callable) -> None:
    broken = "X:4\nT:Broken\nK:C\nA&B\n\nX:5\nK:C\n\nX:6\nT:Long bar\nM:2/4\nL:1/4\nK:C\nAB|ABC|AB|\n"
    lines = read_collection(write("a.abc", GOOD.format(1) + broken)).lines()
    assert lines == [
        "skipped  tunes that cannot be read: 2 (Broken: several voices (&); a.abc, tune 3: no notes)",
        "note     bars longer or shorter than their metre: 1 of 5, in 1 (Long bar)",
    ]


def test_music_behind_an_empty_line_is_counted_and_named(write: Callable) -> None:
    """As of a page whose lines were copied with an empty one after each."""
    apart = "X:1\nT:Apart\nK:G\n\nABcd|efga|\n \nABcd|e4|\n\n"
    words = "X:2\nT:Words\nK:G\nABcd|\n\nFrom a book | page 5: dance\nW: a|b\n%A|B\n"
    collection = read_collection(write("a.abc", apart + words + GOOD.format(3)))
    assert len(collection.tunes) == 3
    assert collection.lines()[0] == (
        "skipped  music behind an empty line, which ends a tune: that of 1 (Apart); take such lines out if it belongs "
        "to the tune"
    )


@pytest.mark.parametrize("end", ["\r\n", "\r", "\r\r\n"])
def test_line_ends_of_any_kind_are_one(write: Callable, end: str) -> None:
    tune = "X:1\nT:Two lines\nL:1/4\nK:G\nABcd|\nefga|\n"
    (read,) = read_collection(write("a.abc", tune.replace("\n", end))).tunes
    assert read.body.count("|") == 2


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.abc", "", "a.abc: no tunes in it; a tune has the fields X: and K:"),
        ("a.abc", "X:1\nT:None\n", r"a.abc: none of its tunes can be read: 1 \(None: no key field K:\)"),
    ],
)
def test_a_file_without_tunes_is_an_error(write: Callable, name: str, content: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_collection(write(name, content))


def test_a_folder_without_tunes_is_an_error(write: Callable) -> None:
    with pytest.raises(InputError, match=r"tunes: no tunes in this folder; tunes are files that end in \.abc or \.mid"):
        read_collection(write("notes.txt", "none").parent)


def test_a_missing_collection_says_where_it_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        read_collection(tmp_path / "no.abc")
    with pytest.raises(InputError, match=r"no nottingham.abc in .*: put the ABC files of https://"):
        nottingham(tmp_path)
