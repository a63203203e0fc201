"""What a trainer finds once is found again where it has changed."""

from pathlib import Path

from pytorch_lightning import Callback

from callbacks import NaNGuard, RunCheckpoint
from lightning_modules import VGG
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


def test_a_builtin_callback_is_found_in_the_list_as_it_is(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path)
    first = trainer.builtin(NaNGuard)
    assert first is trainer.builtin(NaNGuard) in trainer.callbacks
    other = NaNGuard(enabled=False)
    trainer.callbacks = [other, *(one for one in trainer.callbacks if one is not first)]
    assert trainer.builtin(NaNGuard) is other
    assert trainer.checkpoint_callback is trainer.builtin(RunCheckpoint)


class BringsItsGuard(VGG):
    """A model with a guard of its own, which takes the place of the trainer's."""

    def configure_callbacks(self) -> list[Callback]:
        return [NaNGuard(every_n_steps=3)]


def test_a_model_s_callback_takes_the_place_of_a_builtin_one(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=1, limit_train_batches=1)
    assert trainer.builtin(NaNGuard).every_n_steps is None
    trainer.fit(BringsItsGuard(5, image_size=16, widths=[8], convolutions=[1]), TinyDataModule())
    assert trainer.builtin(NaNGuard).every_n_steps == 3


def test_the_layout_is_that_of_the_model_in_training(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=1, limit_train_batches=1)
    assert not trainer.channels_last
    trainer.fit(tiny_vgg(), TinyDataModule())
    assert trainer.channels_last
    trainer.channels_last = False
    assert not trainer.channels_last
