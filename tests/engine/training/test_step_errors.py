"""A model and data that do not fit together are told so in one line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from core.errors import InputError, RunFailed
from datamodules.batches import UnlabelledImageBatch
from datamodules.foreign_batches import describe_batch
from datamodules.images.augmentation import Augmentation
from engine.training.step_errors import PART_OF_STAGE
from tests.plain import PlainData, PlainModule
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

Command = Callable[..., tuple[int, str, str]]
FOREIGN = "tests.foreign.other_package."
NET, PICTURES = ("--model", FOREIGN + "models.Net"), ("--data", FOREIGN + "data.Pictures")
BORING = ("--data", "pytorch_lightning.demos.boring_classes.BoringDataModule")
TEXT = ("--data", "tests.tiny_text.TinyCorpus")
UNLABELLED = "an UnlabelledImageBatch of a tensor of float32 [1], a tensor of float32 [2], a dict"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*NET, *BORING), "Net.training_step fails on a batch of BoringDataModule, a tensor of float32 [1, 32]"),
        ((*NET, *TEXT), "Net.training_step fails on a batch of TinyCorpus, a CharacterBatch of a tensor of int64"),
        (
            ("--config", "char_rnn.yaml", *PICTURES, "--model.vocab_size", 5),
            "CharRNN.training_step fails on a batch of Pictures, a list of a tensor of float32 [40, 3, 16, 16]",
        ),
        (
            ("--config", "char_rnn.yaml", "--data", "tests.tiny.TinyDataModule"),
            "CharRNN needs vocab_size, and TinyDataMod",
        ),
        (
            ("--config", "text_cnn.yaml", "--data", "tests.tiny.TinyDataModule"),
            "vocab_size, and TinyDataModule has none",
        ),
    ],
)
def test_the_command_names_model_batch_and_reason(words: tuple, said: str, command: Command) -> None:
    code, _, errors = command("fit", *words, "--trainer.accelerator", "cpu", "--trainer.max_epochs", 1)
    assert code == 2, errors
    assert said in errors
    assert "fit together" in errors
    assert errors.count("\n") == 1


class Fails(PlainModule):
    """A module one of whose steps cannot take its batches.

    Args:
        step: The step.
        epoch: The epoch in which it begins to fail.
    """

    def __init__(self, step: str, epoch: int = 0) -> None:
        super().__init__()
        self.step, self.epoch = step, epoch

    def _loss(self, batch: list[Tensor]) -> Tensor:
        stage = {"train": "training", "validate": "validation"}.get(self.trainer.state.stage.value, "test")
        return (
            batch.picture
            if f"{stage}_step" == self.step and self.trainer.current_epoch >= self.epoch
            else super()._loss(batch)
        )

    def predict_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        """Fails."""
        return batch.picture


@pytest.mark.parametrize("call", ["fit", "validate", "test", "predict"])
def test_every_call_of_a_notebook_says_it(call: str, tmp_path: Path) -> None:
    step = {"fit": "training_step", "validate": "validation_step"}.get(call, f"{call}_step")
    model, data = Fails(step), PlainData()
    given = (model, data.test_dataloader()) if call == "predict" else (model, data)
    with pytest.raises(InputError, match=rf"Fails.{step} fails on a batch of .*no attribute 'picture'; the two do"):
        getattr(tiny_trainer(tmp_path, max_epochs=1), call)(*given)


def test_images_that_an_option_has_shrunk_are_told_with_it(tmp_path: Path) -> None:
    data = TinyDataModule(augmentation=Augmentation(first_sizes=(8,)))
    with pytest.raises(InputError, match=r"\[40, 3, 8, 8\], .*; data.augmentation.first_sizes has made them smaller;"):
        tiny_trainer(tmp_path).fit(tiny_vgg(head="flatten"), data)


def test_a_validation_after_training_is_a_run_that_failed(tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match=r"Fails.validation_step fails on a batch of PlainData"):
        tiny_trainer(tmp_path).fit(Fails("validation_step"), PlainData())
    (summary,) = tmp_path.rglob("summary.json")
    assert json.loads(summary.read_text())["status"] == "failed"


def test_an_error_of_a_later_step_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(AttributeError, match="picture"):
        tiny_trainer(tmp_path).fit(Fails("training_step", epoch=1), PlainData())


@pytest.mark.parametrize("option", ["--early_stopping.monitor", "--checkpoint.monitor"])
def test_a_value_that_is_never_logged_is_named_with_those_that_are(option: str, command: Command) -> None:
    patience = ("--early_stopping.patience", 1) if "early" in option else ()
    words = ("--trainer.accelerator", "cpu", "--trainer.max_epochs", 1, *patience, option, "val/loss")
    code, _, errors = command("fit", *NET, *PICTURES, *words)
    assert code == 2, errors
    assert f"{option} val/loss: no such metric; there are train_loss, val_accuracy, val_loss" in errors


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        (torch.zeros(2, 3), "a tensor of float32 [2, 3]"),
        ([torch.zeros(1), ("a",)], "a list of a tensor of float32 [1], a tuple of a str"),
        ({"x": torch.zeros(1, dtype=torch.int64)}, "a dict of 'x': a tensor of int64 [1]"),
        (UnlabelledImageBatch(torch.zeros(1), torch.zeros(2), {}), UNLABELLED),
        (None, "a NoneType"),
    ],
)
def test_a_batch_is_described(batch: Any, words: str) -> None:
    assert describe_batch(batch) == words


@pytest.mark.parametrize("stage", PART_OF_STAGE)
def test_a_stage_whose_limit_is_zero_is_told_so(stage: str, finished_run: Callable, command: Command) -> None:
    run = finished_run()
    record = (run / "summary.json").read_text()
    setting = f"--trainer.limit_{PART_OF_STAGE[stage]}_batches"
    code, _, errors = command(stage, "--ckpt_path", run, setting, 0)
    assert (code, errors) == (2, f"error: {setting} 0: leaves nothing to {stage}\n")
    assert (run / "summary.json").read_text() == record


def test_a_validation_without_a_split_is_told_so(finished_run: Callable, command: Command) -> None:
    code, _, errors = command("validate", "--ckpt_path", finished_run(), "--data.val_size", 0)
    assert code == 2
    assert errors == "error: validate: there is no validation data in SYNTHETIC pictures in place of tiny pictures\n"


def test_loaders_without_batches_are_told_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^validate: there is no validation data$"):
        tiny_trainer(tmp_path).validate(PlainModule(), [])


class Predicts(PlainModule):
    """A module that predicts."""

    def forward(self, batch: list[Tensor]) -> Tensor:
        """Returns a number a sample."""
        return self.net(batch[0])


class ByPosition(PlainData):
    """Data whose loaders get their batch size by position, and what follows it."""

    def train_dataloader(self) -> DataLoader:
        """Returns a loader that shuffles."""
        return DataLoader(super().train_dataloader().dataset, 4, True)

    def predict_dataloader(self) -> DataLoader:
        """Returns a loader."""
        return DataLoader(super().train_dataloader().dataset, 4)


@pytest.mark.parametrize(
    ("stage", "settings", "said"),
    [
        ("predict", {}, "ByPosition.predict_dataloader: Lightning makes its DataLoader anew, and needs batch_size= by"),
        ("fit", {"overfit_batches": 2}, "ByPosition.train_dataloader: Lightning makes its DataLoader anew, and needs "),
    ],
)
def test_a_loader_that_lightning_cannot_make_anew(stage: str, settings: dict, said: str, tmp_path: Path) -> None:
    """Torch's own words named neither the loader nor the way out."""
    with pytest.raises(InputError) as refusal:
        getattr(tiny_trainer(tmp_path, **settings), stage)(Predicts(), datamodule=ByPosition())
    assert str(refusal.value).startswith(said)
    assert "\n" not in str(refusal.value)


def test_the_command_says_so_too(tmp_path: Path, command: Command) -> None:
    here = "tests.engine.training.test_step_errors."
    words = ("--model", here + "Predicts", "--data", here + "ByPosition", "--trainer.accelerator", "cpu")
    code, _, errors = command("fit", *words, "--trainer.max_epochs", 1, "--run_dir", tmp_path / "run")
    assert code == 0, errors
    code, _, errors = command("predict", "--ckpt_path", tmp_path / "run")
    assert code == 2
    assert errors.startswith("error: ByPosition.predict_dataloader: Lightning makes its DataLoader anew, and needs")
