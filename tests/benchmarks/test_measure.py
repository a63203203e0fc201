"""Turns, ratios and records of the benchmarks."""

import json
import os
from argparse import Namespace
from pathlib import Path

import pytest

from benchmarks.measure import (
    ROOT,
    by_turns,
    data_flags,
    data_settings,
    environment,
    parser,
    ratio,
    source_of,
    summarize,
    write,
)


def test_contenders_run_by_turns_and_the_warm_up_does_not_count(capsys: pytest.CaptureFixture[str]) -> None:
    calls = []

    def contender(name: str) -> float:
        calls.append(name)
        return float(len(calls))

    figures = by_turns({name: lambda name=name: contender(name) for name in "ab"}, 2, "m", digits=3)
    assert calls == list("ababab")
    assert figures == {"a": [3.0, 5.0], "b": [4.0, 6.0]}
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[0].split() == ["1/2", "a", "3.000", "m"]


def test_a_summary_is_median_least_and_largest() -> None:
    assert summarize([5.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 5.0}


def test_ratios_are_taken_turn_by_turn() -> None:
    assert ratio([1.0, 10.0, 9.0], [1.0, 5.0, 3.0]) == {"median": 2.0, "min": 1.0, "max": 3.0}
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        ratio([1.0, 2.0], [1.0])


def test_a_record_tells_what_was_measured_on_what(tmp_path: Path) -> None:
    arguments = parser("What it is.\n\nMore.").parse_args(["--pairs", "3", "--output", str(tmp_path / "a" / "b.json")])
    write("x/script.py", {"a": summarize([1.0])}, Namespace(**vars(arguments), data_dir=Path("/secret")), "real")
    content = json.loads((tmp_path / "a" / "b.json").read_text())
    assert content["results"] == {"a": {"median": 1.0, "min": 1.0, "max": 1.0}}
    assert content["options"] == {"pairs": 3}
    assert content["data"] == "real"
    assert content["versions"]["torch"]
    assert "thread" in content["hardware"]


def test_without_a_folder_pictures_are_drawn() -> None:
    assert data_settings(None) == {"source": "synthetic"}
    assert data_settings(Path("/there")) == {"data_dir": "/there"}
    assert data_flags(None) == ["--data.source", "synthetic"]
    assert data_flags(Path("here")) == ["--data.data_dir", str(Path.cwd() / "here")]
    assert [source_of(path) for path in (None, Path("/there"))] == ["synthetic pictures", "real"]


def test_a_process_finds_this_project_and_what_was_found_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/packages")
    assert environment()["PYTHONPATH"].split(os.pathsep) == [str(ROOT), "/packages"]
    monkeypatch.delenv("PYTHONPATH")
    assert environment()["PYTHONPATH"] == str(ROOT)
