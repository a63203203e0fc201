"""What TensorBoard and Weights & Biases show beside the curves, and that training does not notice."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_lightning import Callback, LightningDataModule, LightningModule
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from torch.utils.data import DataLoader

from callbacks import Watch
from datamodules.images.augmentation import Augmentation
from tests.bits import assert_same_bits
from tests.generating import TinyGenerator, TinyNoise
from tests.loggers import Told
from tests.plain import PlainData, PlainModule
from tests.tiny import Gaps, TinyDataModule, tiny_trainer, tiny_vgg
from tests.tiny_text import TinyCorpus, tiny_char_rnn

EVERYTHING = {"graph": True, "inputs": True, "histograms": True}
NOTHING = {"graph": False, "inputs": False, "histograms": False}


def fit(root: Path, watch: dict[str, bool], model: LightningModule, data: LightningDataModule, **settings: Any) -> Path:
    """Trains two epochs; returns the run's folder."""
    trainer = tiny_trainer(root, callbacks=[Watch(**watch)], **settings)
    trainer.fit(model, data)
    return trainer.run_folder.path


def board(run: Path) -> EventAccumulator:
    """Returns what TensorBoard has read of a run."""
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"histograms": 0, "images": 0})
    return events.Reload()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with everything on."""
    return fit(tmp_path_factory.mktemp("watched"), EVERYTHING, tiny_vgg(), TinyDataModule())


@pytest.mark.parametrize(
    ("make", "data"),
    [
        (tiny_vgg, lambda: TinyDataModule(augmentation=Augmentation(flip="random", crop_padding=2))),
        (tiny_vgg, lambda: TinyDataModule(val_size=0)),
        (tiny_char_rnn, TinyCorpus),
        (TinyGenerator, TinyNoise),
    ],
    ids=["pictures", "no validation", "characters", "another package"],
)
def test_no_bit_of_training_changes(make: Callable, data: Callable, tmp_path: Path) -> None:
    states, rows = [], []
    for name, watch in (("with", EVERYTHING), ("without", NOTHING)):
        (tmp_path / name).mkdir()
        folder = fit(tmp_path / name, watch, make(), data())
        states.append(torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True))
        with open(folder / "metrics.csv") as file:
            rows.append([{name: row[name] for name in row if name != "seconds"} for row in csv.DictReader(file)])
    for state in states:
        state.pop("config", None)  # in which the options differ
    assert rows[0] == rows[1]
    assert states[0].keys() == states[1].keys()
    assert_same_bits(states[0], states[1])


def test_the_graph_has_the_modules_as_scopes(run: Path) -> None:
    graph = board(run).Graph()
    assert isinstance(graph, GraphDef)
    nodes = {node.name: node for node in graph.node}
    assert list(nodes["VGG/stages/0/0/conv2d"].input) == ["batch/images", "VGG/stages/0/0/weight"]
    (shape,) = nodes["VGG/stages/0/0/conv2d"].attr["_output_shapes"].list.shape
    assert [dim.size for dim in shape.dim] == [2, 8, 16, 16]


def test_histograms_of_weights_gradients_and_activations_after_every_epoch(run: Path) -> None:
    events = board(run)
    tags = events.Tags()["histograms"]
    kinds = {
        kind: [tag for tag in tags if tag.startswith(f"{kind}/")] for kind in ("weights", "gradients", "activations")
    }
    parameters = [name for name, _ in tiny_vgg().named_parameters()]
    assert kinds["weights"] == [f"weights/{name}" for name in parameters]
    assert kinds["gradients"] == [f"gradients/{name}" for name in parameters]
    assert kinds["activations"][1:3] == ["activations/stages.0.0", "activations/stages.0.1"]
    points = events.Histograms("activations/stages.0.0")
    assert [point.step for point in points] == [6, 12]
    assert points[0].histogram_value.num == 16 * 8 * 16 * 16, "of a batch of validation"
    assert points[0].histogram_value.sum != points[1].histogram_value.sum
    last = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]["stages.0.0.weight"]
    shown = events.Histograms("weights/stages.0.0.weight")[-1].histogram_value
    assert (shown.min, shown.max) == (float(last.min()), float(last.max()))
    assert sum(shown.bucket) == last.numel()
    with open(run / "layers.csv") as file:
        table = {row["name"]: row for row in csv.DictReader(file)}
    assert list(table) == tags
    assert float(table["weights/stages.0.0.weight"]["mean"]) == pytest.approx(float(last.mean()), rel=1e-4)


@pytest.mark.filterwarnings("ignore:.*was None:UserWarning")
def test_an_epoch_whose_first_batch_is_none_has_gradients_of_the_second(tmp_path: Path) -> None:
    """Only weights were shown: a batch that is left out has no start, and no other was kept."""
    run = fit(tmp_path, EVERYTHING, tiny_vgg(), Gaps(val_size=0))
    points = board(run).Histograms("gradients/classifier.3.weight")
    assert [point.step for point in points] == [6, 12]


@pytest.mark.filterwarnings("ignore:val_dataloader yielded None:UserWarning")
def test_a_validation_whose_first_batch_is_none_leaves_one_of_training_to_look_at(tmp_path: Path) -> None:
    class Bearing(PlainModule):
        """Names its losses, and bears with batches of validation that are None."""

        def losses(self, batch: list[torch.Tensor]) -> dict[str, torch.Tensor]:
            return {"loss": self._loss(batch)}

        def validation_step(self, batch: list[torch.Tensor] | None, batch_idx: int) -> None:
            self.log("val_loss", 0.0 if batch is None else self._loss(batch), batch_size=1)

    data = PlainData()
    data.val_dataloader = lambda: DataLoader([None, *data._loader(16)], batch_size=None)
    run = fit(tmp_path, EVERYTHING, Bearing(), data)
    assert [point.step for point in board(run).Histograms("gradients/net.0.weight")] == [5, 10]


def test_gradients_are_those_of_the_same_samples_after_every_epoch(tmp_path: Path) -> None:
    run = fit(tmp_path, EVERYTHING, tiny_vgg(), TinyDataModule(eval_batch_size=40), max_epochs=1)
    data, model = TinyDataModule(eval_batch_size=40), tiny_vgg()
    model.load_state_dict(torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"])
    data.setup("fit")
    split = data.splits["val"]
    images = data.normalization(split.images[:32].float()).permute(0, 3, 1, 2)
    loss = torch.nn.functional.cross_entropy(model.eval()(images), split.targets[:32])
    loss.backward()
    shown = board(run).Histograms("gradients/classifier.3.weight")[-1].histogram_value
    assert shown.max == pytest.approx(float(model.classifier[3].weight.grad.max()), rel=1e-3)


def test_inputs_are_the_first_batch_as_the_network_gets_it(tmp_path: Path) -> None:
    seen: list[torch.Tensor] = []

    class Look(Callback):
        def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
            seen.append(batch.images.clone())

    data = TinyDataModule(augmentation=Augmentation(cutout=8))
    trainer = tiny_trainer(tmp_path, callbacks=[Look()], max_epochs=1)
    trainer.fit(tiny_vgg(), data)
    folder = trainer.run_folder.path
    with Image.open(folder / "inputs.png") as picture:
        shown = np.asarray(picture)
    expected = data.normalization.undo(seen[0][:1])[0].numpy()
    assert np.array_equal(shown[:16, :16], expected)
    (image,) = board(folder).Images("inputs")
    assert (image.step, image.width, image.height) == (0, 8 * 18 - 2, 4 * 18 - 2)


def test_a_runs_settings_and_its_real_metrics_are_an_entry_of_hparams(run: Path) -> None:
    metadata = board(run).summary_metadata
    content = {
        tag: HParamsPluginData.FromString(one.plugin_data.content)
        for tag, one in metadata.items()
        if one.plugin_data.plugin_name == "hparams"
    }
    settings = content["_hparams_/session_start_info"].session_start_info.hparams
    assert settings["model.dropout"].number_value == 0.2
    assert settings["model.batch_norm"].string_value == "True"
    assert settings["model"].string_value == "lightning_modules.VGG"
    assert not [name for name in settings if name.startswith(("watch.", "nan_guard.")) or "data_dir" in name]
    metrics = [info.name.tag for info in content["_hparams_/experiment"].experiment.metric_infos]
    assert metrics == ["val/loss", "val/acc"]
    summary = json.loads((run / "summary.json").read_text())
    shown = board(run).Scalars("val/acc")[-1].value
    assert shown == pytest.approx(summary["last"]["metrics"]["val/acc"])


def test_training_and_validation_share_charts(run: Path) -> None:
    (tensor,) = board(run).Tensors("custom_scalars__config__")
    layout = Layout.FromString(tensor.tensor_proto.string_val[0])
    charts = {chart.title: list(chart.multiline.tag) for chart in layout.category[0].chart}
    assert charts == {"loss": ["^train/loss$", "^val/loss$"], "acc": ["^train/acc$", "^val/acc$"]}
    assert {"train/loss", "val/loss", "train/acc", "val/acc"} <= {*board(run).Tags()["scalars"]}


def test_weights_and_biases_gets_the_same(tmp_path: Path) -> None:
    histograms: dict[int, dict[str, Any]] = {}

    class Listening(Told):
        def log_metrics(self, metrics: dict[str, Any], step: int) -> None:
            found = {name: value for name, value in metrics.items() if name.startswith(("weights/", "gradients/"))}
            if found:
                histograms[step] = found

    told = Listening()
    run = fit(tmp_path, EVERYTHING, tiny_vgg(), TinyDataModule(), logger=[told])
    assert "inputs" in told.images
    assert list(histograms) == [6, 12]
    one = histograms[12]["weights/stages.0.0.weight"]
    shown = board(run).Histograms("weights/stages.0.0.weight")[-1].histogram_value
    assert (one.histogram, one.bins[-1]) == (shown.bucket[-64:], shown.max)


def test_text_has_no_pictures_and_a_model_of_another_package_no_graph(tmp_path: Path) -> None:
    run = fit(tmp_path, EVERYTHING, TinyGenerator(), TinyNoise())
    events = board(run)
    assert not events.Tags()["graph"]
    assert {tag.partition("/")[0] for tag in events.Tags()["histograms"]} == {"weights"}
    assert not (run / "inputs.png").exists()


def test_nothing_is_shown_if_it_is_switched_off(tmp_path: Path) -> None:
    run = fit(tmp_path, NOTHING, tiny_vgg(), TinyDataModule())
    events = board(run)
    assert not events.Tags()["graph"]
    assert not events.Tags()["histograms"]
    assert not (run / "inputs.png").exists()
    assert not (run / "layers.csv").exists()


def test_a_run_that_goes_on_is_described_once(tmp_path: Path) -> None:
    run = fit(tmp_path, EVERYTHING, tiny_vgg(), TinyDataModule(), max_epochs=1)
    tiny_trainer(tmp_path, callbacks=[Watch(**EVERYTHING)]).fit(tiny_vgg(), TinyDataModule(), ckpt_path=run)
    events = board(run)
    assert [image.step for image in events.Images("inputs")] == [0]
    assert [point.step for point in events.Histograms("gradients/stages.0.0.weight")] == [6, 12]


def test_the_flag_of_the_command(config: Path, command: Callable, tmp_path: Path) -> None:
    words = ("fit", "--config", config, "--run_dir", tmp_path / "run", "--trainer.max_epochs", 1)
    code, _, errors = command(*words, "--watch.histograms", "true", "--watch.graph", "false")
    assert code == 0, errors
    events = board(tmp_path / "run")
    assert events.Tags()["histograms"]
    assert not events.Tags()["graph"]
    code, _, errors = command("fit", "--ckpt_path", tmp_path / "run", "--watch.histograms", "false")
    assert code == 0, errors
