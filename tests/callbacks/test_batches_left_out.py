"""Every callback bears with a training batch that is None, as other packages' loaders give, and the loop leaves out."""

import json
from pathlib import Path

import pytest
from pytorch_lightning import Callback

import callbacks
from callbacks import HardSamples, ProgressiveValidation, RunCheckpoint, Watch
from tests.interruptions import PulledPlug, PullPlug
from tests.tiny import Gaps, tiny_trainer, tiny_vgg

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*was None:UserWarning", "ignore:train_dataloader yielded None:UserWarning"
)


def everything() -> list[Callback]:
    """Returns the callbacks that do something in training, beside those that every run has."""
    watch = Watch(graph=True, inputs=True, histograms=True)
    return [HardSamples(0.5, from_epoch=1), ProgressiveValidation(), watch, RunCheckpoint(every_n_train_steps=1)]


@pytest.mark.parametrize("fast_loop", [True, False])
def test_a_run_goes_on_where_the_first_batch_of_each_epoch_is_none(fast_loop: bool, tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, callbacks=everything(), fast_loop=fast_loop, log_every_n_steps=1)
    trainer.fit(tiny_vgg(), Gaps())
    assert {type(one).__name__ for one in trainer.callbacks} >= {*callbacks.__all__}, "a callback is missing here"
    assert trainer.optimizer_steps == 4  # of two epochs of half the samples, three batches each
    assert json.loads((trainer.run_folder.path / "summary.json").read_text())["status"] == "finished"


def test_a_run_goes_on_within_an_epoch_at_a_batch_that_is_none(tmp_path: Path) -> None:
    """Such a batch has an end and no start, at which the bar of a resumed epoch was opened."""
    trainer = tiny_trainer(tmp_path, callbacks=[RunCheckpoint(every_n_train_steps=1), PullPlug(3)], max_epochs=1)
    with pytest.raises(PulledPlug):
        trainer.fit(tiny_vgg(), Gaps())
    resumed = tiny_trainer(tmp_path, max_epochs=1)
    resumed.fit(tiny_vgg(), Gaps(), ckpt_path=trainer.run_folder.path)
    assert resumed.optimizer_steps == 4  # two of the six batches were None
