"""The subcommand `inspect` on finished runs: every view that makes sense, on one page, and one line where none does."""

import csv
import json
import re
import shutil
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure as MatplotlibFigure
from PIL import Image

from core.errors import InputError
from core.media import Table
from inspection.page import PAGE, write_inspection
from inspection.views import Shown, View
from tests.browser import open_page
from tests.tiny_text import CHARACTERS, DOCUMENTS, TinyDocuments

Command = Callable[..., tuple[int, str, str]]
pytestmark = pytest.mark.usefixtures("few_examples")
OF_PICTURES = {"filters", "activations", "grad_cam", "mistakes", "neighbours", "embedding_map"}
HAS_CAPTUM = find_spec("captum") is not None
POINTS = """\
model:
  class_path: lightning_modules.MLP
  init_args:
    widths: [3]
data:
  class_path: datamodules.XORDataModule
trainer:
  accelerator: cpu
  devices: 1
  precision: 32-true
  max_epochs: 1
"""


TUNES = """\
model:
  class_path: lightning_modules.CharRNN
  init_args: {hidden: 6, layers: 1}
data:
  class_path: datamodules.MusicDataModule
  init_args: {source: synthetic, batch_size: 4, steps: 20, bar_marks: true, written: 0}
trainer: {accelerator: cpu, devices: 1, precision: 32-true, max_epochs: 1, max_steps: 3}
"""


FOLDERS = """\
model:
  class_path: lightning_modules.MLP
  init_args: {widths: [8]}
data:
  class_path: datamodules.FlowersDataModule
  init_args: {image_size: 8, batch_size: 8, split_seed: null}
trainer: {accelerator: cpu, devices: 1, precision: 32-true, max_epochs: 4}
"""


def record(folder: Path) -> dict:
    """Returns the record of an inspection."""
    return json.loads((folder / "inspect.json").read_text())


@pytest.fixture
def run(finished_run: Callable[..., Path]) -> Path:
    """A finished run of the tiny config."""
    return finished_run()


def test_a_classifier_of_pictures(run: Path, command: Command) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    code, output, errors = command("inspect", run)
    assert code == 0, errors
    found = record(run / "inspect")
    assert found["files"].keys() == OF_PICTURES | ({"pixels"} if HAS_CAPTUM else set())
    assert found["looked at"] == "val (40)"
    assert found["weights"].startswith("best.ckpt, of epoch ")
    names = {name for some in found["files"].values() for name in some}
    assert {path.name for path in (run / "inspect").iterdir()} == {*names, "inspect.json", "inspect.html"}
    assert found["left_out"]["Which cell follows what"] == "VGG reads no text symbol by symbol"
    assert "left out decision_surface, " in output
    assert output.splitlines()[-1] == "page     run/inspect/inspect.html"
    page = (run / "inspect" / "inspect.html").read_text()
    assert page.count("data:image/png;base64,") >= len(names)
    assert not re.search(r"https?://", page)
    assert all(path.read_bytes() == content for path, content in before.items()), "the run itself stays as it is"


def test_named_pictures_and_views(run: Path, command: Command, tmp_path: Path) -> None:
    for name, size in (("a.png", (16, 16)), ("<b>.png", (40, 20))):
        Image.new("RGB", size, (200, 30, 30)).save(tmp_path / name)
    given = ("inspect", run, "--input", "a.png", "<b>.png", "--only", "[grad_cam, neighbours]", "--output", "page")
    code, _, errors = command(*given)
    assert code == 0, errors
    assert record(Path("page"))["files"] == {"grad_cam": ["grad_cam.png"], "neighbours": ["neighbours.png"]}
    assert "&lt;b&gt;.png" in Path("page/inspect.html").read_text()
    assert not (run / "inspect").exists()
    code, output, errors = command(*given[:2], "--only", "filters, filters", "--output", "page", "--views.flip", "true")
    assert code == 0, errors
    assert "not recorded" not in output, "as nothing of an inspection is"
    assert {path.name for path in Path("page").glob("*.png")} == {"filters.png"}, "those of before are gone"


def test_files_that_no_inspection_has_written_are_neither_replaced_nor_removed() -> None:
    table = Table(name="words", step=0, header=["word"], rows=[["one"]])
    looked = {}, [(View("words", "Words", "", iter), [Shown(table)])], {}
    for name in ("words.csv", PAGE, "inspect.json"):
        folder = Path(name).with_suffix("")
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("mine")
        with pytest.raises(InputError, match=rf"--output {folder}: {name} is there already, and no earlier inspection"):
            write_inspection(folder, "title", *looked)
        assert [path.read_text() for path in folder.iterdir()] == ["mine"]
        (folder / name).rename(folder / "other.csv")
        for _ in range(2):
            write_inspection(folder, "title", *looked)
        assert {path.name for path in folder.iterdir()} == {"other.csv", "words.csv", PAGE, "inspect.json"}
        shutil.rmtree(folder)


def test_a_classifier_of_texts(finished_run: Callable[..., Path], command: Command) -> None:
    run = finished_run("run", text=DOCUMENTS, name="documents.yaml")
    code, _, errors = command("inspect", run, "--part", "train")
    assert code == 0, errors
    found = record(run / "inspect")
    assert "words_1.png" in found["files"]["words"]
    reasons = found["left_out"].values()
    assert {"BagOfNgrams has no last dense layer", "BagOfNgrams classifies no pictures"} <= {*reasons}
    code, _, errors = command("inspect", run, "--input", "one two three", "--only", "[words]")
    assert code == 0, errors


@pytest.mark.parametrize("buckets", [0, 50])
def test_what_a_network_of_ngrams_reads_has_readable_names(
    buckets: int, finished_run: Callable[..., Path], command: Command
) -> None:
    encoding = "data.encoding"
    options = (f"--{encoding}.ngrams", 2, f"--{encoding}.buckets", buckets, f"--{encoding}.max_size", 40)
    run = finished_run("run", *options, text=DOCUMENTS, name="documents.yaml")
    code, _, errors = command("inspect", run, "--part", "train")
    assert code == 0, errors
    with (run / "inspect" / "words_1.csv").open() as file:
        header, *rows = csv.reader(file)
    assert header == ["word or n-gram", "adds to the log odds"]
    names = [name for name, _ in rows]
    assert len(names) == len({*names}) > 5
    assert any(" " in name for name in names)
    assert ("<unknown>" in names) == (not buckets)
    amounts = [abs(float(value)) for _, value in rows]
    assert amounts == sorted(amounts, reverse=True)
    with (run / "inspect" / "mistakes.csv").open() as file:
        texts = [text for text, *_ in csv.reader(file)][1:]
    documents = TinyDocuments().split_texts()[0]["train"]
    assert texts
    assert all(any(one.startswith(text.removesuffix("...")) for one in documents) for text in texts)
    assert all(b"\x00" not in path.read_bytes() for path in (run / "inspect").glob("*.[chj]*"))


def test_inputs_that_are_not_looked_at_are_told(finished_run: Callable[..., Path], command: Command) -> None:
    run = finished_run("run", text=DOCUMENTS, name="documents.yaml")
    Path("texts.txt").write_text("one two three\n" * 14)
    code, printed, errors = command("inspect", run, "--input", "texts.txt", "--only", "[words]", "--output", "own")
    assert code == 0, errors
    assert "the first 3 of 14 inputs are looked at one by one" in printed
    assert [name for name in record(Path("own"))["files"]["words"] if name.endswith(".png")][-1] == "words_3.png"


def test_a_word_that_a_network_does_not_know_is_told(finished_run: Callable[..., Path], command: Command) -> None:
    run = finished_run("run", text=DOCUMENTS, name="documents.yaml")
    kept: list[Sequence[str]] = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("inspection.words.draw_text", lambda words, *_: kept.append(words) or MatplotlibFigure())
        code, _, errors = command("inspect", run, "--input", "one qqqq", "--only", "[words]")
    assert code == 0, errors
    assert kept[0][-1] == "<unknown>"


def test_the_page_in_a_browser(run: Path, command: Command, tmp_path: Path) -> None:
    """A picture's name that is HTML is shown, and the page asks no network."""
    name = "<img src=x onerror=document.body.dataset.hit=1>.png"
    Image.new("RGB", (16, 16), (200, 30, 30)).save(tmp_path / name)
    code, _, errors = command("inspect", run, "--input", name, "--only", "[grad_cam]", "--output", "page")
    assert code == 0, errors
    opened = open_page(Path("page/inspect.html"), tmp_path)
    assert (opened.requests, opened.messages) == ([], [])
    body = opened.dom.partition("<body")[2]
    assert "data-hit" not in body
    assert "&lt;img src=x onerror=" in body


def test_a_language_model(finished_run: Callable[..., Path], command: Command) -> None:
    run = finished_run("run", text=CHARACTERS, name="characters.yaml")
    code, _, errors = command("inspect", run)
    assert code == 0, errors
    found = record(run / "inspect")
    assert found["files"]["reach"] == ["reach.png"]
    assert "CharRNN predicts no classes" in found["left_out"].values()
    assert " predictions of val, " in (run / "inspect" / PAGE).read_text()
    text = "anna sees boris. " * 20
    code, _, errors = command("inspect", run, "--input", text, "--only", "[reach]", "--output", "own")
    assert code == 0, errors
    assert " predictions of the inputs, " in Path("own", PAGE).read_text()
    code, _, errors = command("inspect", run, "--input", text[:100], "--only", "[cells]", "--output", "own")
    assert code == 2
    assert errors == ("error: --only cells: the text is too short: two passages of 60 symbols or more are needed\n")


@pytest.mark.usefixtures("few_samples")
def test_tunes_have_bars_that_cells_may_follow(
    finished_run: Callable[..., Path], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inspection.cells.LEAST", 0.0)
    run = finished_run("run", text=TUNES, name="tunes.yaml")
    code, _, errors = command("inspect", run)
    assert code == 0, errors
    found = record(run / "inspect")
    assert found["files"]["reach"] == ["reach.png"]
    with open(run / "inspect" / "cells.csv") as table:
        followed = {row[0] for row in csv.reader(table)}
    assert {"time since the bar line", "before a bar line"} <= followed
    assert "is a capital" not in followed
    tune = "M:4/4 K:D " + "|".join(["ABcd ABcd"] * 30)
    code, _, errors = command("inspect", run, "--input", tune, "--only", "[reach]", "--output", "own")
    assert code == 0, errors
    Path("own.abc").write_text("X:1\nT:One\nM:4/4\nL:1/8\nK:D\n" + "ABcd ABcd|\n" * 30 + "\nX:2\nM:4/4\nK:D\nABcd|\n")
    code, _, errors = command("inspect", run, "--input", "own.abc", "--only", "[reach]", "--output", "own")
    assert code == 0, errors
    mistakes = {"other.abc": "other.abc: no such file\n", "no tune": ": 'no tune': music before"}
    for given, said in mistakes.items():
        code, _, errors = command("inspect", run, "--input", tune, given, "--only", "[reach]", "--output", "own")
        assert code == 2
        assert errors.startswith("error: --input")
        assert said in errors


def test_points_in_the_plane(finished_run: Callable[..., Path], command: Command) -> None:
    run = finished_run("run", text=POINTS, name="points.yaml")
    code, _, errors = command("inspect", run)
    assert code == 0, errors
    files = record(run / "inspect")["files"]
    assert {"decision_surface", "embedding_map"} <= files.keys()
    assert not {"filters", "neighbours"} & files.keys()


def test_a_network_without_a_run(config: Path, command: Command, run: Path) -> None:
    given = ("--config", config, "--weights", run, "--output", "page", "--only", "[filters]")
    code, output, errors = command("inspect", *given)
    assert code == 0, errors
    assert output.startswith("weights  ")
    assert record(Path("page"))["run"] == "tiny"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--only", "[filter]"), "--only filter: there is no such view; there are "),
        (("--only", "[cells]"), "--only cells: VGG reads no text symbol by symbol"),
        (("--only", "filters,filter"), "--only filter: there is no such view; there are "),
        (("--only", "[]"), "--only : there is no such view; there are "),
        (("--part", "dev"), "--part dev: there are val, test, train"),
        (("--input", "nothing.png"), "nothing.png"),
        (("--input", ""), "--input: the name is empty; name a picture"),
        (("--output", ""), "--output : name a folder, such as inspect"),
        (("--output", "run"), "--output run: is the folder of a run, which stays as it is; choose another"),
        (("--invert",), "--invert: it is for pictures that --input names"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(
    options: tuple[str, ...], reason: str, run: Path, command: Command
) -> None:
    code, _, errors = command("inspect", run, *options)
    assert code == 2
    assert reason in errors
    assert errors.count("\n") == 1
    assert not (run / "inspect").exists()


def test_a_task_without_views_is_refused(few_samples: None, command: Command) -> None:
    given = ("--config", "published/gan_mnist_mlp.yaml", "--weights", "none.pth", "--data.source", "synthetic")
    code, _, errors = command("inspect", *given, "--output", "page")
    assert code == 2
    assert "inspect: there is no view of " in errors
    assert errors.count("\n") == 1
    assert not Path("page").exists()


def class_folders(root: Path, *classes: str, light: int = 0) -> Path:
    """Saves forty pictures of noise for each class."""
    rng = np.random.default_rng(0)
    for name in classes:
        (root / name).mkdir(parents=True)
        for number in range(40):
            pixels = rng.integers(0, 100, (8, 8, 3), np.uint8) + np.uint8(light)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


def test_it_looks_at_the_pictures_that_are_measured(tmp_path: Path, command: Command) -> None:
    (tmp_path / "noise.yaml").write_text(FOLDERS)
    pictures = class_folders(tmp_path / "pictures", "cat", "dog")
    others = {"--data.data_dir": class_folders(tmp_path / "light", "cat", "dog", light=150)}
    run = tmp_path / "run"
    start = ("--config", tmp_path / "noise.yaml", "--data.data_dir", pictures, "--seed_everything", 3)
    code, _, errors = command("fit", *start, "--run_dir", run)
    assert code == 0, errors
    for measure, part, options in (("validate", "val", {}), ("test", "test", others), ("test", "test", {})):
        given = [word for option in options.items() for word in option]
        code, measured, errors = command(measure, "--ckpt_path", run, *given)
        assert code == 0, errors
        right = float(re.search(rf"{part}/acc +([\d.]+)%", measured)[1])
        code, _, errors = command("inspect", run, "--part", part, "--only", "mistakes", *given)
        assert code == 0, errors
        wrong, number = re.search(r"(\d+) of (\d+) images", (run / "inspect" / PAGE).read_text()).groups()
        assert right == pytest.approx(100 - 100 * int(wrong) / int(number), abs=0.01), (measure, given)


def test_other_classes_than_those_of_the_run_are_refused(tmp_path: Path, command: Command) -> None:
    (tmp_path / "noise.yaml").write_text(FOLDERS)
    run, start = tmp_path / "run", ("--config", tmp_path / "noise.yaml", "--data.data_dir")
    code, _, errors = command("fit", *start, class_folders(tmp_path / "pictures", "cat", "dog"), "--run_dir", run)
    assert code == 0, errors
    code, _, errors = command("inspect", run, "--data.data_dir", class_folders(tmp_path / "fruit", "apple", "banana"))
    assert code == 2
    assert "has the classes apple, banana, where the network was trained with cat, dog" in errors
    assert not (run / "inspect").exists()
