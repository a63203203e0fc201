"""Reads a run of a classifier as a judge of generated pictures."""

from pathlib import Path
from typing import Any, Self

import torch
from pytorch_lightning import Trainer
from torch import Tensor, nn
from torch.nn.functional import interpolate

from core.errors import InputError
from core.files.home import from_home
from core.files.tensor_files import load_checkpoint
from core.protocols.judges import TakesJudge
from core.run_layout import CONFIG, checkpoint_in, has_config
from core.summary import of_own_data, summary_of
from core.terminal.printable import shown_path
from core.terminal.shells import as_typed
from datamodules.base.digest import digest_of
from datamodules.images.image_data_module import ImageDataModule
from engine.settings.config_files import read_config
from engine.settings.overview import typed_command
from engine.settings.ownership import data_class, task_class
from engine.settings.run_search import newest_run_in
from engine.settings.trust import refuse_foreign_code
from lightning_modules.tasks.image_classifier import ImageClassifier

PIECE = 500  # pictures that are judged at a time
NOT_OF_JUDGES = ("augmentation", "batch_size", "eval_batch_size")


class NetworkJudge:
    """A classifier and the normalisation of its pictures; its features are the inputs of its head.

    Args:
        network: The classifier, trained.
        data: The data module that it was trained on, which need not be loaded.
        mark: What stands in the signature beside the class of the network, such as its accuracy.
    """

    def __init__(self, network: ImageClassifier, data: ImageDataModule, mark: str = "") -> None:
        self.network = network.eval().requires_grad_(False)
        self.class_names: tuple[str, ...] = tuple(getattr(data, "class_names", ()))
        self.in_channels = data.in_channels
        self._size = data.image_size
        self._normalization = data.normalization
        self._features = Tensor()
        (head,) = network.head_layers()
        head.register_forward_pre_hook(self._keep)
        self.digest = digest_of([tensor for _, tensor in sorted(network.state_dict().items())])
        self.signature = f"features of a {type(network).__name__}, digest {self.digest}{mark}"

    def _keep(self, head: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._features = inputs[0].flatten(1)

    def to(self, device: torch.device) -> Self:
        """Moves the network to a device; returns the judge."""
        self.network.to(device)
        return self

    @torch.no_grad()
    def __call__(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Returns features, float32 [N, D], and the most probable classes, int64 [N], in full precision.

        Args:
            pictures: uint8 [N, H, W, C]; those of another size are resized.
        """
        parts = [self._judge(part) for part in pictures.split(PIECE)]
        features, classes = zip(*parts, strict=True)
        return torch.cat(features), torch.cat(classes)

    def _judge(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        device = next(self.network.parameters()).device
        images = pictures.to(device).float()
        if images.shape[1] != self._size:
            resized = interpolate(images.permute(0, 3, 1, 2), size=(self._size,) * 2, mode="bilinear", antialias=True)
            images = resized.permute(0, 2, 3, 1).contiguous()
        with torch.autocast(device.type, enabled=False):
            logits = self.network(self._normalization(images).permute(0, 3, 1, 2))
        return self._features.float(), logits.argmax(1)


def hand_in_judge(trainer: Trainer) -> None:
    """Gives the model in training or measurement the judge that it names, if it names one.

    Raises:
        InputError: There is no such judge, or it does not fit.
    """
    model = trainer.lightning_module
    if isinstance(model, TakesJudge) and model.judge is not None and not trainer.predicting:
        model.take_judge(read_judge(model.judge))


def read_judge(name: str) -> NetworkJudge:
    """Reads a run of a classifier: its config, the weights of its best checkpoint, and its accuracy.

    Args:
        name: The run's folder.

    Raises:
        InputError: It is no such run.
    """
    run = from_home(name)
    checkpoint_file = checkpoint_in(run)
    if not has_config(run) or checkpoint_file is None:
        newest = newest_run_in(run)
        way_out = f"name a run, the newest in it is {newest}" if newest else "fit a classifier first"
        raise InputError(f"model.judge {name}: no run folder with config.yaml and a checkpoint; {way_out}")
    config = read_config(run / CONFIG)
    test = f"{typed_command()} test --ckpt_path {as_typed(shown_path(run))} --trust"
    way_out = f"if you trust this code, test that run first: {test}"
    refuse_foreign_code(run / CONFIG, config, way_out=way_out)
    network_class, kind = task_class(config), data_class(config)
    if not issubclass(network_class, ImageClassifier) or not issubclass(kind, ImageDataModule):
        raise InputError(f"model.judge {name}: a run of {config['model']['class_path']}, which classifies no pictures")
    checkpoint = load_checkpoint(checkpoint_file)
    network = network_class(**_arguments(checkpoint.get("hyper_parameters", {})))
    if len(network.head_layers()) != 1:
        raise InputError(f"model.judge {name}: {network_class.__name__} has no single head, whose inputs are features")
    network.load_state_dict(checkpoint["state_dict"])
    data = _data_of(kind, config, checkpoint, name)
    return NetworkJudge(network, data, _accuracy(run, checkpoint_file.name))


def _arguments(hyperparameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hyperparameters.items() if not name.startswith("_")}


def _data_of(kind: type, config: dict[str, Any], checkpoint: dict[str, Any], name: str) -> ImageDataModule:
    """Returns the data module of a run, not loaded, with mean and standard deviation of the checkpoint if it has any.

    Raises:
        InputError: It cannot be made, or nothing is known of its pixels.
    """
    given = config["data"].get("init_args") or {}
    try:
        data = kind(**{argument: value for argument, value in given.items() if argument not in NOT_OF_JUDGES})
    except InputError as error:
        raise InputError(f"model.judge {name}: {error}") from error
    kept = checkpoint.get(kind.__qualname__) or {}
    if {"mean", "std"} <= kept.keys():
        data.mean, data.std = tuple(kept["mean"]), tuple(kept["std"])
    if not data.mean and data.normalization.kind == "channel":
        raise InputError(f"model.judge {name}: its checkpoint does not tell how its pictures are normalised")
    return data


def _accuracy(run: Path, checkpoint: str) -> str:
    """Returns in words how often a run's classifier is right with a checkpoint's weights, if it has been measured."""
    summary = summary_of(run)
    of_weights = [
        test for test in of_own_data(summary.get("tests", [])) if test.get("checkpoint", checkpoint) == checkpoint
    ]
    tests = [test["metrics"] for test in of_weights if "test/acc" in test.get("metrics", {})]
    if tests:
        return f", {tests[-1]['test/acc']:.2%} of its test right"
    validated = (summary.get("best") or {}).get("metrics", {})
    return f", {validated['val/acc']:.2%} of its validation right" if "val/acc" in validated else ""
