"""The table of benchmarks/README.md is made of scripts and records, and agrees with them."""

import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.page import BEGIN, COUNTED, END, FOLDER, insert, leaves, scripts, table
from benchmarks.performance_page import PAGE

RECORD = {
    "date": "2026-01-02",
    "hardware": "an abacus, 2 threads",
    "versions": {"torch": "2.14.1"},
    "data": "real",
    "options": {"pairs": 4, "seeds": [42, 1]},
    "results": {
        "case": {
            "ours_of": {"theirs": {"median": 12.345, "min": 1234.5, "max": 0.1234}},
            "note": "no figure",
            "parts": {"a": 1.0},
        }
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A script with a record, one without, and a module that is no script."""
    (tmp_path / "results").mkdir()
    (tmp_path / "one.py").write_text('"""What one is.\n\n    python -m benchmarks.one --fast\n\nMore.\n"""\n')
    (tmp_path / "two.py").write_text('"""What two is.\n\n    python -m benchmarks.two\n"""\n')
    (tmp_path / "shared.py").write_text('"""What they share; see python -m benchmarks.shared"""\n')
    (tmp_path / "results" / "one.json").write_text(json.dumps(RECORD))
    (tmp_path / "README.md").write_text(f"Before.\n\n{BEGIN}\nold\n{END}\n\nAfter.\n")
    return tmp_path


def test_the_readme_agrees_with_the_records() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert insert(page, table()) == page, "python -m benchmarks makes it anew"


def test_every_record_is_of_a_script() -> None:
    assert {path.stem for path in (FOLDER / "results").glob("*.json")} <= scripts().keys()


def test_scripts_state_their_command(folder: Path) -> None:
    found = {
        "one": ("What one is.", "python -m benchmarks.one --fast"),
        "two": ("What two is.", "python -m benchmarks.two"),
    }
    assert scripts(folder) == found


def test_leaves_are_figures_with_their_path() -> None:
    assert dict(leaves(RECORD["results"])) == {"case/ours_of/theirs": RECORD["results"]["case"]["ours_of"]["theirs"]}


def test_the_page_is_made_anew_between_its_marks(folder: Path) -> None:
    performance = folder / "performance.md"
    performance.write_text(PAGE.read_text())
    main(folder, performance)
    page = (folder / "README.md").read_text()
    assert "old" not in page
    assert "| case: ours of: theirs **12.3** (1,234 to 0.123) |" in page
    assert "| an abacus, 2 threads; torch 2.14.1; real; n 4; 2026-01-02 |" in page
    assert "What two is.<br>`python -m benchmarks.two` | not yet run | - |" in page
    assert page.startswith("Before.\n")
    assert page.endswith("\nAfter.\n")
    main(folder, performance)
    assert (folder / "README.md").read_text() == page


def test_the_page_says_how_many_figures_a_median_is_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COUNTED, "one", "seeds")
    assert "; n 2; " in table(folder)


def test_the_page_says_which_part_was_made_on_what(folder: Path) -> None:
    earlier = {"made": {"date": "2025-12-31", "versions": {"torch": "2.13.0"}, "data": "", "options": {"pairs": 2}}}
    record = RECORD | {"results": RECORD["results"] | {"earlier": earlier, "again": earlier}}
    (folder / "results" / "one.json").write_text(json.dumps(record))
    assert (
        "| case: an abacus, 2 threads; torch 2.14.1; real; n 4; 2026-01-02"
        "<br>earlier, again: an abacus, 2 threads; torch 2.13.0; -; n 2; 2025-12-31 |"
    ) in table(folder)


def test_chosen_figures_alone_are_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("benchmarks.page").page.SHOWN, "one", ("*/ours_of/other",))
    assert "theirs" not in table(folder)


@pytest.mark.parametrize("page", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{END}{END}", f"{BEGIN}{BEGIN}{END}"])
def test_a_page_without_its_marks_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="once each"):
        insert(page, "")
