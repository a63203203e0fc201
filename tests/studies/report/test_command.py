"""The command `report`, whose page is looked at by a real browser without a network."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser import open_page
from tests.pictures import picture
from tests.processes import ROOT
from tests.studies.report.folders import HOSTILE, make_run, make_study

pytest.importorskip("plotly", reason="the extra report is not installed")

Command = Callable[..., tuple[int, str, str]]


def _data(page: str) -> dict[str, Any]:
    """Returns what the charts of a page show."""
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL).group(1))


def test_a_page_of_a_study_in_a_browser_shows_hostile_texts_and_runs_none(tmp_path: Path, command: Command) -> None:
    """Names of folders, settings, reasons, texts and tables."""
    study = make_study(tmp_path / "rates")
    for number in range(2):
        run = study / f"{number:04}-lr=0.1,seed={number + 1}"
        trial = json.loads((run / "trial.json").read_text())
        trial["settings"] = {"model.lr": HOSTILE, "model.<b>units": 3 + number, "seed_everything": 1}
        (run / "trial.json").write_text(json.dumps(trial))
        (run / "samples.txt").write_text(HOSTILE)
        (run / "mistakes.csv").write_text(f'input,"{HOSTILE.replace(chr(34), "")}"\n1,<i>2\n')
        picture(run / "<img src=x onerror=alert(1)>.png", (40, 30))
        summary = json.loads((run / "summary.json").read_text())
        summary["sessions"][0]["command"] = HOSTILE
        (run / "summary.json").write_text(json.dumps(summary | {"hardware": HOSTILE, "monitor": HOSTILE}))
    for number, rows in enumerate(study.glob("*/metrics.csv")):
        rows.write_text(re.sub(r"(\n\d+,\d+,[\d.]+,)[\d.]+", rf"\g<1>{number + 1}e-4", rows.read_text()))  # the rates
    content = json.loads((study / "study.json").read_text())
    content["file"]["name"] = HOSTILE
    (study / "study.json").write_text(json.dumps(content))

    code, output, errors = command("report", study, "--output", "page.html")
    assert code == 0, errors
    assert re.fullmatch(r"report   6 runs in page\.html \(\d\.\d MB\)\n", output)

    opened = open_page(Path("page.html"), tmp_path)
    assert opened.requests == []
    assert opened.messages == []
    body = opened.dom.partition("<body")[2]
    assert "data-hit" not in body
    assert "<img src=" not in body.replace('<img src="data:', "")
    assert "&lt;img src='https://evil.example/a.png'" in body
    drawn = re.findall(r'class="chart[^"]*"[^>]*data-drawn="yes"', body)
    assert len(drawn) == 1 + 1 + 3  # the answer, parallel coordinates, and curves
    assert body.count("main-svg") >= len(drawn)
    assert "e\u22124<" in body  # small learning rates, which are no micros
    assert "µ<" not in body


def test_an_axis_of_one_value_shows_that_alone(tmp_path: Path, command: Command) -> None:
    """Such as the learning rate of runs of one epoch, around which Plotly would show -1 to 1."""
    for seed in (1, 2):
        make_run(tmp_path / "runs" / str(seed), lr=0.003, seed=seed, accuracies=(0.5 + 0.1 * seed,))
    code, _, errors = command("report", "runs", "--output", "page.html")
    assert code == 0, errors
    body = open_page(Path("page.html"), tmp_path).dom.partition("<body")[2]
    charts = re.split(r'class="chart[" ]', body)[1:]
    labels = {
        re.search('aria-label="([^"]+)"', one).group(1): re.findall(r'"ytick">.*?>([^<>]+)</text>', one)
        for one in charts
    }
    assert labels["lr"] == ["0.003"]
    assert len(labels["acc"]) > 2  # whose runs differ


def test_a_page_is_made_without_torch(tmp_path: Path) -> None:
    words = ["report", str(make_run(tmp_path / "a")), "--output", str(tmp_path / "page.html")]
    program = f"import sys, cli; assert cli.main({words!r}) == 0; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_page_of_one_run_repeats_it(tmp_path: Path, command: Command) -> None:
    make_run(tmp_path / "a b", pictures=True, status="diverged")
    code, _, errors = command("report", "a b")
    assert code == 0, errors
    text = (tmp_path / "report.html").read_text()
    assert "python cli.py fit --config &#39;a b/config.yaml&#39;" in text
    assert "python cli.py fit --config a.yaml --seed_everything 1" in text
    assert "version 0.1.0, commit 0123456789" in text
    assert "a CPU" in text
    assert "python 3.11, torch 2.14" in text
    assert 'class="status-diverged"' in text
    assert "confusion.png" in text
    assert "https://" not in text.replace("https://plotly", "")


def test_the_table_says_how_many_runs_have_the_figure(tmp_path: Path, command: Command) -> None:
    """Beside the figure of one run stood "3", of which two had diverged."""
    study = make_study(tmp_path / "rates")
    code, _, errors = command("report", study, "--output", "page.html")
    assert code == 0, errors
    text = Path("page.html").read_text()
    assert re.findall(r'<td class="number " data-value="(\d)">(\d|\d of \d)</td><td>', text) == [
        ("2", "2"),
        ("2", "2"),
        ("1", "1 of 2"),
    ]
    assert [one["n"] for one in _data(text)["groups"]] == [2, 2, 1]


def _page_of_rates(folder: Path, command: Command) -> Path:
    """Makes a page of three learning rates, the best of which is neither the least nor the greatest."""
    for lr, reached in ((0.1, 0.7), (0.001, 0.8), (0.01, 0.9)):
        make_run(folder / "runs" / str(lr), lr=lr, accuracies=(0.5, reached))
    code, _, errors = command("report", "runs", "--output", "page.html")
    assert code == 0, errors
    return Path("page.html")


def test_places_of_colours_follow_the_number_that_differs(tmp_path: Path, command: Command) -> None:
    """And not the rank, in which the groups come."""
    data = _data(_page_of_rates(tmp_path, command).read_text())
    assert [(one["label"], one["place"]) for one in data["groups"]] == [("lr=0.01", 1), ("lr=0.001", 0), ("lr=0.1", 2)]


def test_colours_in_a_browser_follow_the_number_that_differs(tmp_path: Path, command: Command) -> None:
    _page_of_rates(tmp_path, command)
    body = open_page(Path("page.html"), tmp_path).dom.partition("<body")[2]
    hues = re.findall(r'--own: hsl\((\d+)[^"]*"[^>]*>(lr=[\d.]+)<', body)
    assert [label for _, label in sorted(hues, key=lambda one: -int(one[0]))] == ["lr=0.001", "lr=0.01", "lr=0.1"]


@pytest.mark.parametrize(("reached", "is_off"), [((0.0, 0.5, 0.9), True), ((0.1, 0.5, 0.9), False)])
def test_values_that_are_not_above_0_have_no_logarithms(
    reached: tuple[float, ...], is_off: bool, tmp_path: Path, command: Command
) -> None:
    """Plotly took the limits of such a chart for exponents."""
    for number, value in enumerate(reached):
        make_run(tmp_path / "runs" / str(number), lr=0.1 + number, accuracies=(value,))
    code, _, errors = command("report", "runs", "--output", "page.html")
    assert code == 0, errors
    (box,) = re.findall(r'<input[^>]*id="answer-log"[^>]*>', open_page(Path("page.html"), tmp_path).dom)
    assert ("disabled" in box) == is_off


def test_fifty_runs_fit_into_six_megabytes(tmp_path: Path, command: Command) -> None:
    for number in range(50):
        run = make_run(
            tmp_path / "runs" / f"{number:02}",
            lr=number // 2 + 1.0,
            seed=number % 2,
            accuracies=tuple(1 - 1 / (epoch + number + 2) for epoch in range(60)),
        )
        if number < 5:
            picture(run / "a.png", (600, 400), seed=number)
    code, _, errors = command("report", "runs", "--output", "page.html")
    assert code == 0, errors
    assert Path("page.html").stat().st_size < 6_000_000
    text = Path("page.html").read_text()
    assert text.count("fit --config runs/") == 50
    assert "50 runs of 25 settings" in text


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "report needs RUNS"),
        (("none",), "report none: no such folder; 'python cli.py runs FOLDER' lists runs"),
        (("a", "--output", "page.txt"), "--output page.txt: the page needs a name that ends with .html"),
        (("a", "--output", "none/page.html"), "--output none/page.html: cannot be written (no folder none)"),
        (("a", "--metric", "val/f1"), "--metric val/f1: no run has measured it"),
    ],
)
def test_what_cannot_be_reported_is_one_line(
    words: tuple[str, ...], reason: str, tmp_path: Path, command: Command
) -> None:
    make_run(tmp_path / "a")
    code, _, errors = command("report", *words)
    assert code == 2
    assert errors.startswith(f"error: {reason}")
    assert errors.count("\n") == 1
    assert not list(tmp_path.glob("*.html"))
