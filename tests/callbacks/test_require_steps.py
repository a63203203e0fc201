"""A new run without any step in its first epoch is an error; single batches may be left out."""

from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from core.errors import InputError
from engine.trainer import Trainer
from tests.plain import PlainData, PlainModule, PlainPlayers
from tests.tiny import tiny_trainer


class Forgets(PlainModule):
    """A module that returns the loss of some batches alone.

    Args:
        batches: Numbers of the batches.
    """

    def __init__(self, *batches: int) -> None:
        super().__init__()
        self.batches = batches

    def training_step(self, batch: list[Tensor], batch_idx: int) -> Any:
        """Returns nothing for the others."""
        made = super().training_step(batch, batch_idx)
        return made if batch_idx in self.batches else None


class LeavesOut(PlainModule):
    """A module that leaves every epoch out."""

    def on_train_batch_start(self, batch: list[Tensor], batch_idx: int) -> int:
        """Says so."""
        return -1


@pytest.mark.filterwarnings("ignore:.*returned `None`:UserWarning")
@pytest.mark.parametrize("fast_loop", [True, False])
def test_a_run_without_a_loss_is_an_error_and_leaves_nothing(fast_loop: bool, tmp_path: Path) -> None:
    """It ended as done, with the accuracy that chance gives."""
    said = r"^Forgets.training_step has returned no loss in a whole epoch, so that no step was made; return the loss$"
    with pytest.raises(InputError, match=said):
        tiny_trainer(tmp_path, fast_loop=fast_loop).fit(Forgets(), PlainData())
    assert not (tmp_path / "runs").exists()


def test_epochs_that_are_left_out_are_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^LeavesOut.training_step was not called in a whole epoch: each batch was"):
        tiny_trainer(tmp_path).fit(LeavesOut(), PlainData())


@pytest.mark.filterwarnings("ignore:.*returned `None`:UserWarning")
@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (Forgets(3), {}),
        (Forgets(0), {"accumulate_grad_batches": 8}),
        (PlainPlayers(), {}),
        (PlainPlayers(returns=True), {"fast_loop": False}),
    ],
)
def test_a_run_with_a_step_is_none(model: PlainModule, settings: dict[str, Any], tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, **settings)
    trainer.fit(model, PlainData())
    assert trainer.has_trained


def test_a_run_that_goes_on_has_made_steps(tmp_path: Path) -> None:
    """Also where it goes on with an epoch that was over."""
    tiny_trainer(tmp_path, max_epochs=1).fit(PlainModule(), PlainData())
    (run,) = (tmp_path / "runs" / "plainmodule").iterdir()
    trainer: Trainer = tiny_trainer(tmp_path)
    trainer.fit(PlainModule(), PlainData(), ckpt_path=run)
    assert trainer.optimizer_steps == 10
