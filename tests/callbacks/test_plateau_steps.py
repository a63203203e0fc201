"""A plateau schedule of another package's module loses no step when its run goes on."""

from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule, Trainer
from torch import Tensor
from torch.optim import SGD
from torch.optim.lr_scheduler import ReduceLROnPlateau

from callbacks import PlateauSteps, RunCheckpoint
from core.errors import InputError
from engine.runs.checkpoint_io import load_checkpoint
from engine.runs.run_folder import RunFolder
from tests.bits import figures_of
from tests.interruptions import PulledPlug, PullPlug
from tests.plain import PlainData, PlainModule
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


class Plateau(PlainModule):
    """A module whose schedule makes its rate ten times smaller at each of its steps.

    Args:
        plateau: The settings of the schedule beside itself.
    """

    def __init__(self, **plateau: Any) -> None:
        super().__init__()
        self.plateau = {"monitor": "val_loss"} | plateau
        self.rates: dict[int, float] = {}  # by epoch
        self.stepped: list[float | Tensor] = []

    def on_train_batch_start(self, *_: object) -> None:
        """Notes the rate."""
        self.rates[self.current_epoch] = self.optimizers().param_groups[0]["lr"]

    def lr_scheduler_step(self, scheduler: ReduceLROnPlateau, metric: Any) -> None:
        """Notes the step."""
        self.stepped.append(metric)
        super().lr_scheduler_step(scheduler, metric)

    def configure_optimizers(self) -> dict[str, Any]:
        """Returns an optimizer and a schedule that finds no epoch good enough."""
        optimizer = SGD(self.parameters(), 0.01)
        schedule = ReduceLROnPlateau(optimizer, patience=0, threshold=100.0, threshold_mode="abs")
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule} | self.plateau}


def _fit(root: Path, epochs: int, ckpt_path: Path | None = None, plateau: dict | None = None, **settings: Any) -> Any:
    model = Plateau(**(plateau or {}))
    trainer = tiny_trainer(root, max_epochs=epochs, **settings)
    trainer.fit(model, PlainData(), ckpt_path=ckpt_path)
    return model, load_checkpoint(trainer.run_folder.path / "checkpoints" / "last.ckpt")


def _assert_same(whole: tuple[Plateau, dict], resumed: tuple[Plateau, dict]) -> None:
    assert resumed[0].rates == {epoch: whole[0].rates[epoch] for epoch in resumed[0].rates}
    assert resumed[1]["lr_schedulers"] == whole[1]["lr_schedulers"]
    for name, value in whole[1]["state_dict"].items():
        assert torch.equal(value, resumed[1]["state_dict"][name])


@pytest.mark.parametrize("fast_loop", [True, False])
def test_no_step_is_lost_at_an_epochs_end(fast_loop: bool, tmp_path: Path) -> None:
    whole = _fit(tmp_path / "whole", 4, fast_loop=fast_loop)
    assert list(whole[0].rates.values()) == pytest.approx([0.01, 0.01, 0.001, 0.0001])
    assert len(whole[0].stepped) == 4
    _fit(tmp_path / "part", 2, fast_loop=fast_loop)
    (last,) = (tmp_path / "part").rglob("last.ckpt")
    _assert_same(whole, _fit(tmp_path / "part", 4, last, fast_loop=fast_loop))


@pytest.mark.parametrize(
    ("plateau", "settings"),
    [
        ({}, {}),
        ({"frequency": 2}, {"check_val_every_n_epoch": 2}),
        ({"frequency": 3}, {}),
        ({"strict": False}, {"check_val_every_n_epoch": 2}),
        ({"monitor": "train_loss_epoch"}, {}),
        ({"interval": "step", "monitor": "train_loss"}, {}),
    ],
)
@pytest.mark.filterwarnings("ignore:ReduceLROnPlateau conditioned")
def test_a_schedule_is_stepped_when_lightning_would(
    plateau: dict, settings: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = _fit(tmp_path / "ours", 5, plateau=plateau, **settings)
    monkeypatch.setattr(PlateauSteps, "on_train_start", lambda *_: None)
    theirs = _fit(tmp_path / "theirs", 5, plateau=plateau, **settings)
    assert ours[0].stepped == theirs[0].stepped
    assert ours[0].rates == theirs[0].rates


@pytest.mark.parametrize(
    ("plateau", "settings"),
    [
        ({}, {}),
        ({}, {"val_check_interval": 2}),
        ({"strict": False}, {"check_val_every_n_epoch": 2}),
    ],
)
@pytest.mark.filterwarnings("ignore:ReduceLROnPlateau conditioned")
def test_no_step_is_lost_within_an_epoch(plateau: dict, settings: dict, tmp_path: Path) -> None:
    """A validation within the epoch can lie before the resume; an epoch without one takes the latest value again."""
    whole = _fit(tmp_path / "whole", 4, plateau=plateau, **settings)
    callbacks = [RunCheckpoint(every_n_train_steps=13), PullPlug(14)]
    with pytest.raises(PulledPlug):
        _fit(tmp_path / "part", 4, plateau=plateau, callbacks=callbacks, **settings)
    (last,) = (tmp_path / "part").rglob("last.ckpt")
    assert load_checkpoint(last)["global_step"] == 13
    _assert_same(whole, _fit(tmp_path / "part", 4, last, plateau, **settings))


@pytest.mark.filterwarnings("ignore:ReduceLROnPlateau conditioned")
def test_the_validation_of_a_stop_is_none_of_a_run_that_goes_on(tmp_path: Path) -> None:
    """A run that stopped after 4 of an epoch's 5 batches, validated after 3, went on with the values of its stop."""
    whole, part = tmp_path / "whole", tmp_path / "part"
    made = _fit(whole, 1, val_check_interval=3)
    stopped, _ = _fit(part, 1, val_check_interval=3, max_steps=4)
    assert not stopped.stepped
    (last,) = part.rglob("last.ckpt")
    resumed = _fit(part, 1, last, val_check_interval=3, run_folder=RunFolder(last.parent.parent))
    _assert_same(made, resumed)
    assert [float(value) for value in resumed[0].stepped] == [float(value) for value in made[0].stepped]
    assert resumed[1]["epoch_validation"] == made[1]["epoch_validation"]
    # but for the training figure, of which this module keeps no sum
    rows, expected = ([line[:4] for line in figures_of(next(root.rglob("metrics.csv")))] for root in (part, whole))
    assert rows == expected
    assert rows[0] == ["epoch", "step", "lr", "val_loss"]


@pytest.mark.parametrize("interval", ["epoch", "step"])
def test_a_value_that_is_missing_is_named_with_those_that_are_there(interval: str, tmp_path: Path) -> None:
    reason = "Plateau.configure_optimizers: its ReduceLROnPlateau monitors nix: no such metric; there are train_loss"
    with pytest.raises(InputError, match=reason):
        _fit(tmp_path, 2, plateau={"monitor": "nix", "interval": interval})


def test_a_schedule_that_counts_steps_is_said_to_lose_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _fit(tmp_path, 1, plateau={"interval": "step", "monitor": "train_loss"})
    said = "ReduceLROnPlateau counts optimizer steps (5 an epoch); a resume within an epoch leaves one of its steps out"
    assert f"note     {said}\n" in capsys.readouterr().out


def test_tasks_step_their_own(tmp_path: Path) -> None:
    seen: list[int] = []

    class Seen(PlateauSteps):
        def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            super().on_train_epoch_end(trainer, pl_module)
            seen.append(len(self._frequencies))

    trainer = tiny_trainer(tmp_path, max_epochs=1, callbacks=[Seen()])
    trainer.fit(tiny_vgg(lr_scheduler=ReduceLROnPlateau), TinyDataModule())
    assert seen == [0]


@pytest.mark.parametrize("interval", ["epoch", "step"])
def test_every_process_steps_by_the_value_of_the_first(
    interval: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What another package logs without `sync_dist` is of each process's own samples."""
    model, trainer = Plateau(monitor="train_loss", interval=interval), tiny_trainer(tmp_path, max_epochs=1)
    monkeypatch.setattr("callbacks.plateau_steps.of_first", lambda trainer, value: float(value) + 100)
    trainer.fit(model, PlainData())
    assert len(model.stepped) == {"epoch": 1, "step": 5}[interval]
    assert all(value > 100 for value in model.stepped)
