"""Style transfer by optimization: what a run leaves, how it goes on, and what its options change."""

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from pytorch_lightning import Callback
from safetensors.torch import save_file

from callbacks import RunCheckpoint
from core.errors import InputError
from datamodules import StylePicturesDataModule
from datamodules.images.luminance import chroma, luminance
from engine.runs.checkpoint_io import load_checkpoint
from engine.runs.run_folder import RunFolder
from engine.trainer import Trainer
from lightning_modules import StyleTransfer
from lightning_modules.layers import memory_forecast
from tests.bits import assert_same_bits, figures_of
from tests.interruptions import FolderCopies
from tests.lightning_modules.layers.distilled import of_distillation
from tests.style import STYLE_CONFIG, save_picture

Command = Callable[..., tuple[int, str, str]]
SHARED = {"max_iter": 1, "history_size": 4, "tolerance_grad": 0.0, "tolerance_change": 0.0}
SEARCHING = SHARED | {"max_iter": 3, "line_search_fn": "strong_wolfe"}
WAYS: dict[str, dict] = {  # settings of a model, with its optimizer
    "lbfgs": {"optimizer": lambda picture: torch.optim.LBFGS(picture, **SHARED)},
    "line search": {"optimizer": lambda picture: torch.optim.LBFGS(picture, **SEARCHING)},
    "adam": {"noise": 1.0},
    "coarse to fine": {"scales": {0: 0.5, 1: 1.0}, "noise": 0.5},
    "tiles": {"optimizer": lambda picture: torch.optim.LBFGS(picture, **SHARED), "tile": 64},
}


@pytest.fixture
def config() -> str:
    """The file of the small config."""
    Path("style.yaml").write_text(STYLE_CONFIG)
    return "style.yaml"


def layers(**changes: object) -> dict[str, object]:
    """Returns settings of a small model."""
    settings = {"content_layers": {"relu2_2": 1.0}, "style_layers": {"relu1_1": 0.5, "relu2_1": 0.5}}
    return settings | {"network": "random:vgg16"} | changes


def fit(data: StylePicturesDataModule, settings: dict, **trainer: object) -> StyleTransfer:
    """Trains a picture and returns its model, which still has its trainer."""
    torch.manual_seed(0)
    own = {"optimizer": lambda picture: torch.optim.Adam(picture, 0.05)} | settings
    model = StyleTransfer(data.image_size, data.in_channels, **layers(**own))
    call = {"ckpt_path": trainer.pop("ckpt_path", None)}
    defaults = {"accelerator": "cpu", "devices": 1, "precision": "32-true", "max_epochs": 1, "logger": False}
    Trainer(**defaults | trainer).fit(model, data, **call)
    return model


def trained(data: StylePicturesDataModule, epochs: int = 1, **settings: object) -> StyleTransfer:
    """Trains a picture without keeping checkpoints."""
    return fit(data, settings, max_epochs=epochs, enable_checkpointing=False)


def content_of(data: StylePicturesDataModule) -> torch.Tensor:
    """Returns the content picture, [1, C, H, W]."""
    return data.splits["train"].pictures.content


def test_a_run_leaves_the_picture_and_its_progress(finished_run: Callable[..., Path], command: Command) -> None:
    run = finished_run(text=STYLE_CONFIG, name="style.yaml")
    with Image.open(run / "picture.png") as picture, Image.open(run / "progress.png") as strip:
        assert picture.size == (48, 36)
        assert strip.size == (3 * 160 + 4, 120)  # the start and two epochs
    rows = (run / "metrics.csv").read_text().splitlines()
    assert {"train/content", "train/style", "val/total_variation", "val/loss"} <= set(rows[0].split(","))
    summary = json.loads((run / "summary.json").read_text())
    assert summary["signatures"]["style"].startswith("random:vgg16 ")
    losses = [float(row.split(",")[rows[0].split(",").index("val/style")]) for row in rows[1:]]
    assert losses[1] < losses[0]
    code, output, errors = command("test", "--ckpt_path", run)
    assert code == 0, errors
    assert "test/style" in output
    code, output, errors = command("predict", "--ckpt_path", run, "--output", "out.jpg")
    assert code == 0, errors
    with Image.open("out.jpg") as picture:
        assert picture.size == (48, 36)


def test_a_picture_is_predicted_without_its_network(finished_run: Callable[..., Path], command: Command) -> None:
    run = finished_run(text=STYLE_CONFIG, name="style.yaml")
    code, _, errors = command("predict", "--ckpt_path", run, "--output", "a.png", "--model.network", "gone.pth")
    assert code == 0, errors
    code, _, errors = command("test", "--ckpt_path", run, "--model.network", "random:vgg19")
    assert code == 2
    assert "--model.network: this run has the network random:vgg16" in errors
    code, _, errors = command("predict", "--ckpt_path", run, "--output", "b.png", "--input", "a.png")
    assert code == 2
    assert "fast_style.yaml" in errors


@pytest.mark.parametrize("way", WAYS)
def test_a_resumed_run_has_the_same_bits(way: str, tmp_path: Path) -> None:
    whole, broken = RunFolder.create(tmp_path, "whole"), RunFolder(tmp_path / "broken")
    size = 128 if way == "tiles" else 48

    def go(run: RunFolder, *callbacks: Callback, **more: object) -> None:
        data = StylePicturesDataModule(source="synthetic", long_side=size, steps=4)
        own = [RunCheckpoint(every_n_train_steps=3), *callbacks]
        fit(data, WAYS[way], max_epochs=2, callbacks=own, run_folder=run, **more)

    go(whole, FolderCopies({7: broken.path}))  # whose checkpoint is of step 6, within epoch 1
    assert load_checkpoint(broken.path / "checkpoints" / "last.ckpt")["global_step"] == 6
    go(broken, ckpt_path=broken.path, fast_loop=False)  # the other training loop makes the same steps
    checkpoints = [load_checkpoint(run.path / "checkpoints" / "last.ckpt") for run in (whole, broken)]
    for one in checkpoints:
        del one["loops"]
    assert_same_bits(*checkpoints)
    assert (broken.path / "progress.png").read_bytes() == (whole.path / "progress.png").read_bytes()
    assert figures_of(broken.path / "metrics.csv") == figures_of(whole.path / "metrics.csv")


def test_an_epoch_that_was_cut_and_goes_on_is_once_in_the_strip(tmp_path: Path) -> None:
    strips, goes_on = [], {}
    for length in ({"max_steps": 3}, {}):
        data = StylePicturesDataModule(source="synthetic", long_side=48, steps=2)
        model = fit(data, {}, max_epochs=2, default_root_dir=tmp_path, **length, **goes_on)
        strips.append(model._strip)
        run = model.trainer.run_folder.path
        goes_on = {"run_folder": RunFolder(run), "ckpt_path": run / "checkpoints" / "last.ckpt"}
    assert [len(strip) for strip in strips] == [3, 3]  # the start and two epochs
    same = [torch.equal(*pictures) for pictures in zip(*strips, strict=True)]
    assert same == [True, True, False]


def test_the_guard_names_the_layer_that_is_not_finite(config: str, command: Command) -> None:
    weights = of_distillation()
    weights["conv12.weight"][0] = torch.inf
    save_file(weights, "broken.safetensors")
    code, _, errors = command("fit", "--config", config, "--run_dir", "run", "--model.network", "broken.safetensors")
    assert code == 1
    assert "the loss of step 0 is not finite; first such output in forward order: network.steps.conv1_2" in errors


def test_the_published_mistake_leaves_the_style_loss_at_zero() -> None:
    data = StylePicturesDataModule(source="synthetic", long_side=48, steps=3)
    mistaken, without = trained(data, style_of="style"), trained(data, style_weight=0.0)
    assert mistaken.trainer.callback_metrics["val/style"] == 0
    assert without.trainer.callback_metrics["val/style"] > 0.01
    assert torch.equal(mistaken(), without())


def test_a_mask_keeps_the_content_where_it_is_black() -> None:
    save_picture("a.png"), save_picture("b.png", seed=1)
    mask = Image.new("L", (48, 40))
    mask.paste(255, (24, 0, 48, 40))
    mask.save("mask.png")
    data = StylePicturesDataModule("a.png", "b.png", mask="mask.png", long_side=0, steps=3)
    model = trained(data)
    (shown,) = model.result(data.splits["val"].pictures)
    (content,) = content_of(data).byte().permute(0, 2, 3, 1)
    assert torch.equal(shown[:, :24], content[:, :24])
    assert (shown[:, 24:].int() - content[:, 24:].int()).abs().float().mean() > 1


@pytest.mark.parametrize("colors", ["content", "content_at_end"])
def test_the_colours_of_the_content_can_be_kept(colors: str) -> None:
    data = StylePicturesDataModule(source="synthetic", long_side=48, steps=4, colors=colors)
    model = trained(data)
    assert model.picture.pixels.shape[0] == (1 if colors == "content" else 3)
    pictures = data.splits["val"].pictures
    shown = model.result(pictures).permute(0, 3, 1, 2).float()
    within = ((shown > 0) & (shown < 255)).all(1, keepdim=True).expand(-1, 2, -1, -1)
    assert within.float().mean() > 0.5
    torch.testing.assert_close(chroma(shown)[within], pictures.chroma[within], atol=1.5, rtol=0)
    assert (luminance(shown) - luminance(content_of(data).expand(1, 3, -1, -1))).abs().mean() > 1


def test_several_styles_count_by_their_weights() -> None:
    for place, name in enumerate(("a.png", "b.png", "c.png")):
        save_picture(name, seed=place)
    alone = trained(StylePicturesDataModule("a.png", "b.png", long_side=48, steps=2))
    first = trained(StylePicturesDataModule("a.png", ["b.png", "c.png"], [3.0, 0.0], long_side=48, steps=2))
    both = trained(StylePicturesDataModule("a.png", ["b.png", "c.png"], long_side=48, steps=2))
    assert torch.equal(alone(), first())
    assert not torch.equal(alone(), both())


def test_a_scale_begins_with_its_epoch_and_measures_stay_those_of_the_full_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    compare = StyleTransfer._compare

    def noted(self: StyleTransfer, picture: torch.Tensor, *others: object) -> object:
        seen.append((self.trainer.training, picture.shape[-1], len(self.trainer.optimizers[0].state)))
        return compare(self, picture, *others)

    monkeypatch.setattr(StyleTransfer, "_compare", noted)
    data = StylePicturesDataModule(source="synthetic", long_side=64, steps=2)
    trained(data, epochs=3, scales={0: 0.5, 2: 1.0})
    training = [entry[1:] for entry in seen if entry[0]]
    assert training == [(32, 0), (32, 1), (32, 1), (32, 1), (64, 0), (64, 1)]  # the optimizer starts anew
    assert {width for is_training, width, _ in seen if not is_training} == {64}


@pytest.mark.parametrize("name", ["pretrained:hed_vgg16", "torchvision:vgg19"])
def test_a_small_network_stands_in_for_one_that_is_not_here_where_pictures_are_drawn(
    name: str, config: str, command: Command, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if name.startswith("torchvision:"):
        request.getfixturevalue("tries_network")
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "h5py" else find_spec(name))
    fit = ("fit", "--config", config, "--run_dir", "run", "--model.network", name, "--trainer.max_steps", 1)
    code, output, errors = command(*fit)
    assert code == 0, errors
    stand_in = f"random:vgg{name[-2:]}"
    assert f"network  {name} is not here: {stand_in} stands in" in output
    assert json.loads(Path("run/summary.json").read_text())["signatures"]["style"].startswith(stand_in)
    save_picture("a.png")
    own = ("--data.source", "auto", "--data.content", "a.png", "--data.style", "a.png", "--run_dir", "other")
    code, _, errors = command(*fit, *own)
    assert code == 2
    assert f"--model.network {name}" in errors
    assert not Path("other").exists()


def test_a_run_that_does_not_fit_into_the_memory_is_refused(
    config: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_forecast, "available_memory", lambda: 1000)
    code, _, errors = command("fit", "--config", config, "--run_dir", "run")
    assert code == 2
    assert "a picture of 48x36 takes about" in errors
    assert len(errors.splitlines()) == 1
    assert not Path("run").exists()


def test_the_forecast_is_said_before_the_first_step(config: str, command: Command) -> None:
    code, output, errors = command("fit", "--config", config, "--run_dir", "run", "--trainer.max_steps", 1)
    assert code == 0, errors
    lines = output.splitlines()
    assert next(place for place, line in enumerate(lines) if line.startswith("memory   about ")) < next(
        place for place, line in enumerate(lines) if line.startswith("epoch")
    )


def test_one_picture_is_not_trained_on_two_devices(config: str, command: Command) -> None:
    data = StylePicturesDataModule(source="synthetic", long_side=48)
    data.trainer = type("Two", (), {"world_size": 2})()
    with pytest.raises(InputError, match=r"--trainer\.devices: one picture is trained on one device"):
        data.train_dataloader()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": 1.5}, r"model\.noise is 1\.5"),
        ({"scales": {1: 0.5}}, "needs a scale from epoch 0 on"),
        ({"scales": {0: 2.0}}, r"model\.scales is 2"),
        ({"tile": 8}, r"model\.tile is 8"),
        ({"style_weight": -1.0}, r"model\.style_weight is -1"),
        ({"style_layers": {}}, "each needs a layer"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        StyleTransfer((36, 48), **layers(**settings))


def test_a_layer_that_the_network_does_not_have_is_named(config: str, command: Command) -> None:
    code, _, errors = command("fit", "--config", config, "--run_dir", "run", "--model.content_layers", "{relu9_9: 1}")
    assert code == 2
    assert "relu9_9: the network has no such layer; it has conv1_1" in errors
    assert not Path("run").exists()


def test_a_file_of_weights_may_move_but_not_change(tmp_path: Path) -> None:
    save_file(of_distillation(), "small.safetensors")
    run, data = RunFolder.create(tmp_path, "run"), StylePicturesDataModule(source="synthetic", long_side=48, steps=2)
    model = fit(data, {"network": "small.safetensors"}, run_folder=run)
    run.release()
    Path("small.safetensors").rename("moved.safetensors")

    def test(name: str) -> None:
        other = StyleTransfer(data.image_size, **layers(network=name))
        Trainer(accelerator="cpu", logger=False).test(other, data, ckpt_path=run.path, verbose=False)

    test("moved.safetensors")
    save_file(of_distillation(), "moved.safetensors")
    with pytest.raises(InputError, match=f"this run has the network {model.network_signature}, and now it is moved"):
        test("moved.safetensors")
