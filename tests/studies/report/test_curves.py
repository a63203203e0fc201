"""Curves of groups, by epoch, step and second."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from studies.report.curves import MOST_NUMBERS, MOST_POINTS, curves
from studies.report.groups import group
from studies.report.metrics import Metrics
from studies.report.reported import find_runs
from tests.processes import ROOT
from tests.studies.report.folders import make_run

# A legend of three lines without a browser; double clicks on some are answered with which lines are on
LEGEND = """
const make = () => ({ children: [], on: {}, is: {}, style: { setProperty() {} },
  append(one) { this.children.push(one); },
  setAttribute(name, value) { this.is[name] = value; },
  addEventListener(name, act) { this.on[name] = act; } });
const groups = [0, 1, 2].map((place) => ({ place, n: 1, label: "" }));
const textContent = JSON.stringify({ groups, percent: [], curves: {} });
globalThis.document = { getElementById: (id) => (id === "data" ? { textContent } : null), createElement: make,
  addEventListener() {} };
globalThis.Charts = { ofMany: () => "red" };
const [file, ...places] = process.argv.slice(1);
const report = new Function(require("fs").readFileSync(file, "utf8") + "; return Report;")();
const legend = make();
report.legend(legend, () => {});
for (const place of places) {
  const { click, dblclick } = legend.children[place].on;
  [click, click, dblclick].forEach((act, time) => act({ detail: Math.min(time + 1, 2) }));
  console.log(legend.children.map((one) => (one.is["aria-pressed"] === "true" ? "1" : "0")).join(""));
}
"""


def _curves(folder: Path) -> dict:
    runs, study = find_runs([str(folder)])
    return curves(group(runs, study, Metrics.of(runs, study, None, None)))


def test_one_run_is_a_line_without_a_band(tmp_path: Path) -> None:
    make_run(tmp_path / "a", accuracies=(0.5, 0.75))
    found = _curves(tmp_path)
    assert list(found) == ["val/acc", "train/loss", "lr"]
    (line,) = found["val/acc"]
    assert line == {
        "group": 0,
        "epoch": {"x": [1.0, 2.0], "y": [0.5, 0.75]},
        "step": {"x": [10.0, 20.0], "y": [0.5, 0.75]},
        "seconds": {"x": [2.5, 5.0], "y": [0.5, 0.75]},
    }


def test_seeds_are_a_mean_with_a_band_of_those_that_have_come_as_far(tmp_path: Path) -> None:
    make_run(tmp_path / "a", seed=1, accuracies=(0.5, 0.75))
    make_run(tmp_path / "b", seed=2, accuracies=(0.25, 0.25, 1.0))
    (line,) = _curves(tmp_path)["val/acc"]
    assert line["epoch"] == {"x": [1, 2, 3], "y": [0.375, 0.5, 1.0], "low": [0.25, 0.25, 1.0], "high": [0.5, 0.75, 1.0]}


def test_seconds_differ_between_seeds_and_lie_between_their_points(tmp_path: Path) -> None:
    make_run(tmp_path / "a", seed=1, accuracies=(0.0, 1.0))
    other = make_run(tmp_path / "b", seed=2, accuracies=(0.0, 1.0))
    rows = (other / "metrics.csv").read_text()
    (other / "metrics.csv").write_text(rows.replace("10,2.5", "10,3.0").replace("20,5.0", "20,6.0"))
    (line,) = _curves(tmp_path)["val/acc"]
    assert line["seconds"] == {
        "x": [2.5, 3, 5, 6],
        "y": [0, 0.1, 0.83333, 1],
        "low": [0, 0, 0.66667, 1],
        "high": [0, 0.2, 1, 1],
    }


def test_a_validation_within_an_epoch_lies_within_it(tmp_path: Path) -> None:
    path = make_run(tmp_path / "a")
    (path / "metrics.csv").write_text("epoch,step,val/acc\n0,5,0.1\n0,10,0.2\n1,15,nan\n1,20,0.4\n")
    (line,) = _curves(tmp_path)["val/acc"]
    assert line["epoch"] == {"x": [0.5, 1, 2], "y": [0.1, 0.2, 0.4]}
    assert line["seconds"]["x"] == []


def test_long_curves_of_many_runs_stay_small(tmp_path: Path) -> None:
    for number in range(3):
        make_run(tmp_path / str(number), lr=number + 1.0, accuracies=tuple(1 / (epoch + 2) for epoch in range(2000)))
    found = _curves(tmp_path)
    assert len(json.dumps(found)) < 10 * MOST_NUMBERS
    points = found["val/acc"][0]["epoch"]["x"]
    assert 20 <= len(points) <= MOST_POINTS
    assert (points[0], points[-1]) == (1, 2000)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_a_double_click_shows_a_line_alone_and_another_shows_all() -> None:
    words = ["node", "-e", LEGEND, str(ROOT / "studies/report/curves.js"), *"11122"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["010", "111", "010", "001", "111"]
