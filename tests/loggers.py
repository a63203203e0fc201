"""Loggers that note what they receive, and what TensorBoard shows."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pytorch_lightning.loggers import WandbLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


class Told(WandbLogger):
    """Takes the place of Weights & Biases, and notes tables, images and sounds."""

    def __init__(self) -> None:
        self.tables: dict[str, tuple[list[str], list[list[Any]]]] = {}
        self.images: list[str] = []
        self.sounds: dict[str, tuple[np.ndarray, int]] = {}
        self.steps: dict[str, int] = {}

    name = version = save_dir = None
    log_metrics = log_hyperparams = save = finalize = after_save_checkpoint = log_graph = lambda *_, **__: None

    def log_text(self, key: str, columns: Any = None, data: Any = None, step: int = -1, **_: object) -> None:
        """Notes a table."""
        self.tables[key] = (columns, data)
        self.steps[key] = step

    def log_image(self, key: str, images: list[Any], step: int = -1, **_: object) -> None:
        """Notes the name of an image."""
        assert isinstance(images, list)
        self.images.append(key)
        self.steps[key] = step

    def log_audio(self, key: str, audios: list[Any], sample_rate: list[int], step: int = -1, **_: object) -> None:
        """Notes a sound."""
        ((self.sounds[key],),) = ([(audio, rate) for audio, rate in zip(audios, sample_rate, strict=True)],)
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
