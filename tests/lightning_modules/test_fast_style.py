"""A network of one style: it learns, goes on, and paints pictures of any size."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from core.errors import InputError
from datamodules import PicturesDataModule
from datamodules.batches import UnlabelledImageBatch
from lightning_modules import FastStyle
from tests.bits import assert_same_bits
from tests.exports import assert_runs_elsewhere
from tests.style import save_picture

CONFIG = """\
model:
  class_path: lightning_modules.FastStyle
  init_args:
    network: random:vgg16
    width: 4
    blocks: 1
    style_size: 48
    content_layers: {relu2_1: 1.0}
    style_layers: {relu1_1: 0.5, relu2_1: 0.5}
    optimizer: {class_path: torch.optim.Adam, init_args: {lr: 0.01}}
data:
  class_path: datamodules.PicturesDataModule
  init_args: {source: synthetic, image_size: 32, batch_size: 10, val_size: 10}
checkpoint: {every_n_train_steps: 5}
trainer:
  accelerator: cpu
  devices: 1
  precision: 32-true
  max_epochs: 2
  callbacks: [{class_path: tests.contract.interruptions.KilledAt}]
"""

STEP = ("--trainer.max_steps",)
Command = Callable[..., tuple[int, str, str]]


def model(**changes: object) -> FastStyle:
    """Returns a small network."""
    torch.manual_seed(0)
    return FastStyle(32, **{"width": 4, "blocks": 1} | changes)


@pytest.mark.parametrize("size", [(32, 32), (17, 30), (41, 19)])
def test_a_painted_picture_has_the_size_of_its_own(size: tuple[int, int]) -> None:
    painted = model()(255 * torch.rand(2, 3, *size))
    assert painted.shape == (2, 3, *size)
    assert -23 < painted.min() < painted.max() < 278


def test_the_published_network_has_its_number_of_parameters() -> None:
    """As in torch's examples, whose convolutions have biases that an instance norm takes away again: 1,679,235."""
    network = FastStyle(256)
    biases = 32 + 64 + 128 + 10 * 128 + 64 + 32
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_679_235 - biases


def test_losses_are_means_over_pictures() -> None:
    painter = model(network="random:vgg16", style_size=48).eval()
    data = PicturesDataModule(source="synthetic", image_size=32)
    painter.trainer = SimpleNamespace(datamodule=data, channels_last=False)
    painter.setup("fit")
    pictures = 255 * torch.rand(3, 3, 32, 32) * torch.tensor([0.1, 0.5, 1.0])[:, None, None, None]
    whole, *single = (painter.losses(UnlabelledImageBatch(part, None, {})) for part in (pictures, *pictures.split(1)))
    for name, value in whole.items():
        torch.testing.assert_close(value, torch.stack([losses[name] for losses in single]).mean())


def test_the_network_describes_the_content_up_to_its_last_layer_alone() -> None:
    """All of it was run for the content, whose last layer is in the middle."""
    painter = model(network="random:vgg16", style_size=48, content_layers={"relu2_1": 1.0}).eval()
    data = PicturesDataModule(source="synthetic", image_size=32)
    painter.trainer = SimpleNamespace(datamodule=data, channels_last=False)
    painter.setup("fit")
    batch = UnlabelledImageBatch(255 * torch.rand(2, 3, 32, 32), None, {})
    painter.losses(batch)  # and the style, once
    run: list[str] = []
    for name in ("relu2_1", "relu3_1", "relu5_1"):
        painter.network.steps.get_submodule(name).register_forward_hook(lambda *_, name=name: run.append(name))
    painter.losses(batch)
    assert run == ["relu2_1", "relu2_1", "relu3_1", "relu5_1"]


def test_it_learns_shows_pictures_and_paints_others(finished_run: Callable[..., Path], command: Command) -> None:
    run = finished_run(text=CONFIG, name="fast.yaml")
    rows = (run / "metrics.csv").read_text().splitlines()
    place = rows[0].split(",").index("val/loss")
    assert float(rows[2].split(",")[place]) < float(rows[1].split(",")[place])
    with Image.open(run / "painted.png") as grid:
        assert grid.size == (4 * 32 + 3 * 2, 2 * 32 + 2)
    Path("photos").mkdir()
    save_picture("photos/a.png", 50, 30), save_picture("photos/b.jpg", 33, 60)
    Path("photos/c.png").write_text("hello")
    code, output, errors = command("predict", "--ckpt_path", run, "--input", "photos", "--output", "painted")
    assert code == 2
    assert "1 of 3 inputs cannot be read: photos/c.png: no picture that can be read" in errors
    assert "2 pictures written to painted" in output
    sizes = {}
    for path in Path("painted").iterdir():
        with Image.open(path) as picture:
            sizes[path.name] = picture.size
    assert sizes == {"a.png": (50, 30), "b.png": (33, 60)}
    code, _, errors = command("predict", "--ckpt_path", run, "--input", "photos")
    assert (code, errors[:20]) == (2, "error: --output: nam")


def test_a_resumed_run_has_the_same_bits(
    finished_run: Callable[..., Path], command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.runs.checkpoint_io import load_checkpoint

    whole = finished_run("whole", text=CONFIG, name="fast.yaml")
    Path("fast.yaml").write_text(CONFIG)
    monkeypatch.setattr("tests.contract.interruptions.KilledAt.step", 13)
    assert command("fit", "--config", "fast.yaml", "--run_dir", "run")[0] == 1
    monkeypatch.setattr("tests.contract.interruptions.KilledAt.step", None)
    code, output, errors = command("fit", "--ckpt_path", "run")
    assert code == 0, errors
    assert "resumed  at step 10," in output
    checkpoints = [load_checkpoint(run / "checkpoints" / "last.ckpt") for run in (Path("run"), whole)]
    for one in checkpoints:
        del one["loops"], one["run_config"]
    assert_same_bits(*checkpoints)


def test_a_style_is_needed_and_has_to_be_a_picture(command: Command) -> None:
    Path("photos").mkdir()
    for place in range(4):
        save_picture(f"photos/{place}.png", seed=place)
    save_picture("one.png", 1, 1)
    save_picture("banner.png", 2000, 150)
    Path("fast.yaml").write_text(CONFIG)
    own = ("fit", "--config", "fast.yaml", "--run_dir", "run", "--data.source", "auto", "--data.data_dir", "photos")
    own = (*own, "--data.batch_size", 2, "--data.val_size", 1)
    for style, message in (
        ((), "--model.style: a picture is needed"),
        (("--model.style", "one.png"), "one.png: 1x1 pixels; a style needs 32"),
        (
            ("--model.style", "banner.png", "--model.style_size", 256),
            "banner.png: 2000x150 pixels, scaled to 256x19; a style needs 32 on its shorter side: raise "
            "--model.style_size, until its longer side has 427",
        ),
        (("--model.style", "gone.png"), "gone.png: "),
        (("--data.normalization", "symmetric"), "painted pictures are from 0 to 255; set --data.normalization none"),
    ):
        code, _, errors = command(*own, *style)
        assert code == 2
        assert message in errors
        assert len(errors.splitlines()) == 1
        assert not Path("run").exists()


def test_a_run_goes_on_with_the_style_that_it_learned(command: Command) -> None:
    for place, name in enumerate(("one.png", "moved.png", "other.png")):
        save_picture(name, seed=place // 2)
    Path("fast.yaml").write_text(CONFIG)
    assert command("fit", "--config", "fast.yaml", "--model.style", "one.png", "--run_dir", "run", *STEP, 1)[0] == 0
    Path("one.png").unlink()
    code, _, errors = command("fit", "--ckpt_path", "run", "--model.style", "other.png", *STEP, 2)
    assert (code, errors) == (
        2,
        "error: --model.style other.png: not the picture that this run has learned until now\n",
    )
    code, _, errors = command("fit", "--ckpt_path", "run", "--model.style", "moved.png", *STEP, 2)
    assert code == 0, errors


def test_it_paints_pictures_of_any_size_without_this_project() -> None:
    assert_runs_elsewhere(model(width=2).eval().export_form(None))


def test_a_painter_is_written_as_a_graph() -> None:
    """Of `torch.export`, which decides on no size; ONNX begins with the same."""
    assert_runs_elsewhere(model(width=2).eval().export_form(None), "exported_program")


def test_numbers_that_make_no_sense_are_refused() -> None:
    for settings in ({"width": 0}, {"blocks": -1}, {"style_size": 8}):
        with pytest.raises(InputError, match=f"model.{next(iter(settings))}"):
            model(**settings)
