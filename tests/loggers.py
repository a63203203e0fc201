"""Loggers that note what they receive, and what TensorBoard shows."""

import io
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import wandb
from PIL import Image
from pytorch_lightning.loggers import WandbLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from wandb.sdk.data_types.utils import val_to_json


class Told(WandbLogger):
    """Takes the place of Weights & Biases, and notes tables, images and sounds."""

    def __init__(self) -> None:
        self.tables: dict[str, tuple[list[str], list[list[Any]]]] = {}
        self.images: list[str] = []
        self.sounds: dict[str, bytes] = {}
        self.steps: dict[str, int] = {}

    name = version = save_dir = None
    log_hyperparams = save = finalize = after_save_checkpoint = log_graph = lambda *_, **__: None

    def log_text(self, key: str, columns: Any = None, data: Any = None, step: int = -1, **_: object) -> None:
        """Notes a table."""
        self.tables[key] = (columns, data)
        self.steps[key] = step

    def log_image(self, key: str, images: list[Any], step: int = -1, **_: object) -> None:
        """Notes the name of an image."""
        assert isinstance(images, list)
        self.images.append(key)
        self.steps[key] = step

    def log_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
        """Notes the file of a sound, as a run of Weights & Biases takes it."""
        for key, value in metrics.items():
            if not isinstance(value, wandb.Audio | list):
                continue
            with TemporaryDirectory() as folder:
                run = MagicMock(spec=wandb.Run, dir=folder, _settings=SimpleNamespace(allow_media_symlink=False))
                run._publish_file = lambda path: None
                taken = val_to_json(run, key, value, namespace=step)
                self.sounds[key] = (Path(folder) / taken["path"]).read_bytes()
            self.steps[key] = step


def _events(run: Path) -> EventAccumulator:
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"images": 0})
    events.Reload()
    return events


def texts_on_board(run: Path) -> dict[str, str]:
    """Returns the texts that TensorBoard shows of a run, the latest of each tag."""
    events = _events(run)
    return {tag: events.Tensors(tag)[-1].tensor_proto.string_val[0].decode() for tag in events.Tags()["tensors"]}


def images_on_board(run: Path) -> dict[str, list[tuple[int, np.ndarray]]]:
    """Returns the images that TensorBoard shows of a run, with their steps."""
    events = _events(run)
    return {
        tag: [
            (event.step, np.asarray(Image.open(io.BytesIO(event.encoded_image_string)))) for event in events.Images(tag)
        ]
        for tag in events.Tags()["images"]
    }
