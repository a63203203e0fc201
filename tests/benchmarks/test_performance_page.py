"""The tables of docs/performance.md are made of records, and agree with them."""

import json
from pathlib import Path

import pytest

from benchmarks.performance_page import PAGE, render

MARKS = "".join(
    f"<!-- made by python -m benchmarks: {name} -->\n<!-- end of {name} -->\n"
    for name in ("overhead", "long_run", "parts", "shared_machine")
)
ONE = {"median": 2.0, "min": 1.0, "max": 4.0}
RESULTS = {
    "overhead": {
        "mlp": {
            "steps_per_second": {
                name: {"median": speed} for name, speed in (("raw", 1e3), ("bare", 500), ("full", 625))
            },
            "microseconds_over_bare": ONE,
        }
    },
    "long_run": {
        "unit": {
            "microseconds_a_step": {"raw": {"median": 500.0}, "full": {"median": 625.0}},
            "microseconds_over_raw": ONE,
            "full_of_raw": ONE,
            "milliseconds_an_epoch": ONE,
        }
    },
    "parts": {
        "seeding": {
            "what": "seed",
            "unit": "microseconds",
            "names": ["slowly", "fast"],
            "first": {"median": 300.0},
            "second": {"median": 1.5},
            "first_of_second": ONE,
        }
    },
    "shared_machine": {
        "mlp": dict.fromkeys(("kept_beside_a_busy_process", "kept_when_spinning", "alone_sleeping_of_spinning"), ONE)
    },
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "results").mkdir()
    for name, results in RESULTS.items():
        record = {
            "date": "2026-01-02",
            "hardware": "an abacus",
            "versions": {"torch": "2.14.1"},
            "options": {"pairs": 7},
        }
        (tmp_path / "results" / f"{name}.json").write_text(json.dumps(record | {"results": results}))
    return tmp_path


def test_the_page_agrees_with_the_records() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert render(page) == page, "python -m benchmarks makes it anew"


def test_tables_are_made_of_the_records(folder: Path) -> None:
    page = render(MARKS, folder)
    assert "| perceptron, 2 hidden layers of 256 | 1,000 | 2,000 | 1,600 | 2.00 (1.00 to 4.00) | - |" in page
    assert "| seed | slowly | 300 microseconds | fast | 1.50 microseconds | 2.00 (1.00 to 4.00) |" in page
    assert "| `mlp` | 2.00 (1.00 to 4.00) | 2.00 (1.00 to 4.00) | 2.00 (1.00 to 4.00) |" in page
    assert f"| logistic unit, batches of 20 | 500 | 625 |{' 2.00 (1.00 to 4.00) |' * 3}" in page
    assert page.count("medians of 7 turns") == 4
    assert render(page, folder) == page


def test_what_was_not_measured_has_no_figures(folder: Path) -> None:
    (folder / "results" / "parts.json").unlink()
    assert "Not yet run: `python -m benchmarks.parts`." in render(MARKS, folder)
