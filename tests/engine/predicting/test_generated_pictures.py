"""`predict` of a generator writes any number of pictures, by class and seed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.generated import GAN_CONFIG


@pytest.fixture
def run(finished_run: Callable) -> Path:
    """A run of a tiny conditional generator."""
    return finished_run("gan", text=GAN_CONFIG, name="gan.yaml")


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_pictures_are_written_by_class_and_number(run: Path, command: Callable) -> None:
    code, output, errors = command(
        *("predict", "--ckpt_path", run, "--model.samples", 5, "--model.classes", "[cross, 1]", "--output", "made")
    )
    assert code == 0, errors
    assert "5 pictures written to made" in output
    names = ["cross_000000", "ring_000001", "cross_000002", "ring_000003", "cross_000004"]
    assert sorted(path.name for path in Path("made").iterdir()) == sorted(f"{name}.png" for name in names)
    assert pixels(Path("made/cross_000000.png")).shape == (16, 16, 3)


def test_a_picture_is_a_function_of_seed_class_and_number(run: Path, command: Callable) -> None:
    for name, settings in {
        "few": ("--model.samples", 2),
        "many": ("--model.samples", 7),
        "other": ("--model.samples", 2, "--model.sample_seed", 1),
    }.items():
        code, _, errors = command("predict", "--ckpt_path", run, "--output", name, *settings)
        assert code == 0, errors
    few, many, other = (pixels(Path(name, "ring_000001.png")) for name in ("few", "many", "other"))
    assert np.array_equal(few, many)
    assert not np.array_equal(few, other)


def test_one_file_holds_a_grid(run: Path, command: Callable) -> None:
    code, _, errors = command("predict", "--ckpt_path", run, "--output", "grid.png", "--model.samples", 12)
    assert code == 0, errors
    assert pixels(Path("grid.png")).shape == (2 * 18 - 2, 10 * 18 - 2, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "--output: name a folder for the pictures, or a file such as picture.png for all in one"),
        (("--output", "full"), "--output full: is there already, and nothing in it is replaced; name a new folder"),
        (
            ("--output", "full/picture.png/x"),
            "--output full/picture.png/x: full/picture.png is a file, where a folder is expected",
        ),
        (("--output", "made", "--input", "x.png"), "--input: DCGAN makes pictures of noise; --model.samples says how"),
        (
            ("--output", "made", "--model.classes", "[5]"),
            "model.classes is [5]: the model makes pictures of",
        ),
        (("--output", "made", "--model.classes", "[cros]"), "model.classes: there is no class cros; there are "),
    ],
)
def test_what_cannot_be_written_is_refused(options: tuple, message: str, run: Path, command: Callable) -> None:
    Path("full").mkdir()
    Path("full/picture.png").touch()
    code, _, errors = command("predict", "--ckpt_path", run, *options)
    assert code == 2
    assert message in errors
    assert len(errors.splitlines()) == 1
    assert not Path("made").exists()
