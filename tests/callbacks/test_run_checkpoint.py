"""When a run is saved, which checkpoint is its best, and what a signal does."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback, LightningModule

from callbacks import RunCheckpoint
from core.errors import InputError, RunFailed, RunInterrupted
from core.processes.signals import StopRequest
from core.summary import read_summary
from engine import trainer as trainer_module
from engine.runs.checkpoint_io import load_checkpoint
from engine.runs.run_folder import RunFolder
from engine.trainer import Trainer
from engine.training.run_messages import print_result
from lightning_modules import CharRNN
from tests.contract.data import PointBatch, Points
from tests.contract.modules import ManuallyAdversarial
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


class Saves:
    """Notes which file is saved at which step."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made: list[tuple[str, int]] = []
        save = trainer_module.Trainer.save_checkpoint

        def noting(trainer: Trainer, path: Path, *rest: Any) -> None:
            self.made.append((Path(path).name, trainer.global_step))
            save(trainer, path, *rest)

        monkeypatch.setattr(trainer_module.Trainer, "save_checkpoint", noting)


def _fit(root: Path, *callbacks: Callback, val_size: int = 40, **settings: object) -> Trainer:
    trainer = tiny_trainer(root, logger=False, callbacks=list(callbacks), **settings)
    trainer.fit(tiny_vgg(), TinyDataModule(val_size=val_size))
    return trainer


def _checkpoint(trainer: Trainer, name: str) -> dict[str, Any]:
    return load_checkpoint(trainer.run_folder.path / "checkpoints" / name)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callback]:
    """Makes a callback that decides what validations come out as."""

    def make(*values: float) -> Callback:
        left = list(values)

        class Decided(Callback):
            def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
                value = torch.tensor(left.pop(0))
                pl_module.val_metrics.compute = lambda: {"loss": -value, "acc": value}

        return Decided()

    return make


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ((0.1, 0.3, 0.2), 1),
        ((0.3, 0.2, 0.1), 0),
        ((0.1, 0.2, 0.3), 2),
        ((0.2, 0.2, 0.2), 0),
        ((float("nan"), 0.1, 0.0), 1),
    ],
)
def test_the_best_checkpoint_is_that_of_the_best_validation(
    values: tuple[float, ...], best: int, figures: Callable[..., Callback], tmp_path: Path
) -> None:
    trainer = _fit(tmp_path, figures(*values), max_epochs=3)
    assert _checkpoint(trainer, "best.ckpt")["epoch"] == best
    assert _checkpoint(trainer, "last.ckpt")["epoch"] == 2
    assert trainer.checkpoint_callback.best_epoch == best
    assert trainer.checkpoint_callback.best_score == pytest.approx(values[best])


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_validation_with_a_figure_that_is_not_finite_is_never_the_best(
    bad: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The accuracy of outputs that are not numbers is a number."""
    losses = [bad, 1.0, bad]

    class Decided(Callback):
        def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
            loss = torch.tensor(losses.pop(0))
            acc = torch.tensor(0.9 if not losses else 0.5)
            pl_module.val_metrics.compute = lambda: {"loss": loss, "acc": acc}

    trainer = _fit(tmp_path, Decided(), max_epochs=3)
    assert _checkpoint(trainer, "best.ckpt")["epoch"] == 1


def test_the_first_process_decides_what_is_best(
    figures: Callable[..., Callback], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is logged without being reduced differs, and a checkpoint that only some processes save stops them all."""
    said = iter([True, False])
    monkeypatch.setattr(
        "pytorch_lightning.strategies.SingleDeviceStrategy.broadcast",
        lambda _, value, src=0: next(said) if isinstance(value, bool) else value,
    )
    trainer = _fit(tmp_path, figures(0.1, 0.3))
    assert _checkpoint(trainer, "best.ckpt")["epoch"] == 0


def test_less_may_be_better(figures: Callable[..., Callback], tmp_path: Path) -> None:
    trainer = _fit(tmp_path, figures(0.1, 0.3, 0.2), RunCheckpoint("val/loss", "min"), max_epochs=3)
    assert _checkpoint(trainer, "best.ckpt")["epoch"] == 1


def test_the_last_can_be_the_best_whatever_validation_says(
    figures: Callable[..., Callback], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer = _fit(tmp_path, figures(0.1, 0.3, 0.2), RunCheckpoint("last"), max_epochs=3)
    assert _checkpoint(trainer, "best.ckpt")["epoch"] == 2
    print_result(trainer, trainer.lightning_module, trainer.datamodule)
    assert "done: --checkpoint.monitor last, so the last epoch counts (epoch 2)" in capsys.readouterr().out


@pytest.mark.parametrize("monitor", ["test/acc", "val/f1", "train/acc"])
def test_only_a_validation_metric_that_exists_selects(monitor: str, tmp_path: Path) -> None:
    """Models were once picked on the test set."""
    with pytest.raises(InputError, match=f"--checkpoint.monitor {monitor}: "):
        _fit(tmp_path, RunCheckpoint(monitor))


def test_without_validation_the_last_epoch_is_the_best(tmp_path: Path) -> None:
    """There was once no best.ckpt, since Lightning counts the missing split as one of no batches."""
    trainer = _fit(tmp_path, val_size=0)
    assert _checkpoint(trainer, "best.ckpt")["epoch"] == _checkpoint(trainer, "last.ckpt")["epoch"] == 1
    assert trainer.checkpoint_callback.best_score is None


def test_validation_that_is_switched_off_makes_the_last_epoch_the_best(tmp_path: Path) -> None:
    assert _checkpoint(_fit(tmp_path, limit_val_batches=0), "best.ckpt")["epoch"] == 1


def test_epochs_without_a_validation_are_not_best(figures: Callable[..., Callback], tmp_path: Path) -> None:
    trainer = _fit(tmp_path, figures(0.2, 0.1), max_epochs=4, check_val_every_n_epoch=2)
    assert _checkpoint(trainer, "best.ckpt")["epoch"] == 1
    assert _checkpoint(trainer, "last.ckpt")["epoch"] == 3


def test_a_validation_within_an_epoch_counts(figures: Callable[..., Callback], tmp_path: Path) -> None:
    trainer = _fit(tmp_path, figures(0.1, 0.2, 0.5, 0.3), max_epochs=2, val_check_interval=3)
    assert _checkpoint(trainer, "best.ckpt")["global_step"] == 9
    assert _checkpoint(trainer, "last.ckpt")["global_step"] == 12


@pytest.mark.parametrize(
    ("every", "steps"), [(0, []), (1, [1, 2, 3, 4, 5, 7, 8, 9, 10, 11]), (2, [2, 4, 8, 10]), (5, [5, 10]), (6, [])]
)
def test_it_saves_within_an_epoch_as_often_as_asked(
    every: int, steps: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never at an epoch's last batch, whose validation a resumed run would skip."""
    saves = Saves(monkeypatch)
    _fit(tmp_path, RunCheckpoint(every_n_train_steps=every))
    assert [step for name, step in saves.made if name == "last.ckpt" and step % 6] == steps
    assert {step for _, step in saves.made if not step % 6} == {6, 12}


def test_accumulated_batches_are_not_torn_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saves = Saves(monkeypatch)
    _fit(tmp_path, RunCheckpoint(every_n_train_steps=1), accumulate_grad_batches=2)
    assert [step for _, step in saves.made if step % 3] == [1, 2, 4, 5]


@pytest.mark.parametrize("max_steps", [3, 6, 8])
def test_a_run_that_ends_within_an_epoch_still_validates(max_steps: int, tmp_path: Path) -> None:
    trainer = _fit(tmp_path, max_epochs=-1, max_steps=max_steps)
    assert trainer.global_step == max_steps
    assert _checkpoint(trainer, "last.ckpt")["global_step"] == max_steps
    assert len((trainer.run_folder.path / "metrics.csv").read_text().splitlines()) == 1 + -(-max_steps // 6)
    assert "val/acc" in trainer.callback_metrics


def test_a_negative_interval_is_wrong_input() -> None:
    with pytest.raises(InputError, match=r"--checkpoint.every_n_train_steps -1: cannot be negative"):
        RunCheckpoint(every_n_train_steps=-1)


# Signals


class Send(Callback):
    """Sends this process a signal in the middle of a step."""

    def __init__(self, signum: int, step: int, times: int = 1) -> None:
        self.signum = signum
        self.step = step
        self.times = times

    def on_before_backward(self, trainer: Trainer, *_: object) -> None:
        if trainer.global_step == self.step:
            for _ in range(self.times):
                os.kill(os.getpid(), self.signum)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("step", "saved"), [(1, 2), (5, 6)], ids=["mid-epoch", "last batch"])
def test_a_signal_ends_the_run_after_the_batch_with_a_checkpoint(
    signum: int, step: int, saved: int, tmp_path: Path
) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    trainer = tiny_trainer(tmp_path, logger=False, callbacks=[Send(signum, step)])
    with pytest.raises(RunInterrupted) as caught:
        trainer.fit(tiny_vgg(), TinyDataModule())
    assert caught.value.signum == signum
    assert _checkpoint(trainer, "last.ckpt")["global_step"] == saved
    assert (trainer.run_folder.path / "checkpoints" / "best.ckpt").exists() == (saved == 6)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_a_signal_in_the_last_step_lets_the_run_finish(tmp_path: Path) -> None:
    trainer = _fit(tmp_path, Send(signal.SIGTERM, 11))
    assert trainer.state.finished
    assert _checkpoint(trainer, "last.ckpt")["global_step"] == 12


def test_a_second_signal_acts_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.processes.signals.TOGETHER", 0.0)
    trainer = tiny_trainer(tmp_path, logger=False, callbacks=[Send(signal.SIGINT, 1, times=2)])
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        trainer.fit(tiny_vgg(), TinyDataModule())
    assert not (trainer.run_folder.path / "checkpoints").exists()


def test_signals_together_are_one(tmp_path: Path) -> None:
    with pytest.raises(RunInterrupted):  # `timeout` sends two
        _fit(tmp_path, Send(signal.SIGTERM, 1, times=2))
    assert len(list(tmp_path.rglob("last.ckpt"))) == 1


def test_handlers_are_given_back_however_a_run_ends(tmp_path: Path) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    _fit(tmp_path, max_epochs=1)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers

    class Fail(Callback):
        def on_train_batch_end(self, *_: object) -> None:
            raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"):
        _fit(tmp_path, Fail())
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_an_interrupted_trainer_can_fit_again(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, logger=False, callbacks=[Send(signal.SIGINT, 2)])
    with pytest.raises(RunInterrupted):
        trainer.fit(tiny_vgg(), TinyDataModule())
    trainer.fit(tiny_vgg(), TinyDataModule(), ckpt_path=trainer.run_folder.path / "checkpoints" / "last.ckpt")
    assert _checkpoint(trainer, "last.ckpt")["global_step"] == 12


def test_a_validation_after_an_interrupted_fit_changes_nothing(tmp_path: Path) -> None:
    data = TinyDataModule()
    trainer = tiny_trainer(tmp_path, logger=False, callbacks=[Send(signal.SIGINT, 8)])
    with pytest.raises(RunInterrupted):
        trainer.fit(tiny_vgg(), data)
    best = trainer.run_folder.path / "checkpoints" / "best.ckpt"
    before, status = best.read_bytes(), read_summary(trainer.run_folder.path / "summary.json")["status"]
    trainer.validate(trainer.lightning_module, datamodule=data, verbose=False)
    assert best.read_bytes() == before
    assert read_summary(trainer.run_folder.path / "summary.json")["status"] == status == "interrupted"


@pytest.mark.parametrize(("monitor", "mode"), [("val/acc", "max"), ("last", "max")])
def test_another_value_that_counts_from_now_on_begins_with_what_the_best_epoch_had_of_it(
    monitor: str, mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = _fit(tmp_path / "first", RunCheckpoint("val/loss", "min"))
    kept = _checkpoint(first, "last.ckpt")
    (state,) = (state for state in kept["callbacks"].values() if "best_epoch" in state)
    trainer = tiny_trainer(tmp_path / "then", callbacks=[RunCheckpoint(monitor, mode)], max_epochs=3)
    path = first.run_folder.path / "checkpoints" / "last.ckpt"
    trainer.checkpoint_callback.load_state_dict(state)
    assert trainer.checkpoint_callback.best_score == state["best"]["metrics"].get(monitor)
    trainer.fit(tiny_vgg(), TinyDataModule(), ckpt_path=path)
    print_result(trainer, trainer.lightning_module, trainer.datamodule)
    assert "None" not in capsys.readouterr().out
    assert None not in trainer.checkpoint_callback.best["metrics"]
    assert 0 <= (trainer.checkpoint_callback.best_score or 0) <= 1


def test_a_run_that_begins_with_a_lone_checkpoint_has_no_best_epoch_yet(
    figures: Callable[..., Callback], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor has the checkpoint's own: the weights of that one are nowhere in the new run."""
    first = _fit(tmp_path / "first", figures(0.9, 0.5))
    path = (first.run_folder.path / "checkpoints" / "last.ckpt").rename(tmp_path / "lone.ckpt")
    trainer = tiny_trainer(tmp_path / "then", callbacks=[figures(0.2, 0.1)], max_epochs=4)
    trainer.fit(tiny_vgg(), TinyDataModule(), ckpt_path=path)
    assert _checkpoint(trainer, "best.ckpt")["epoch"] == 2
    best = read_summary(trainer.run_folder.path / "summary.json")["best"]
    assert (best["epoch"], best["metrics"]["val/acc"]) == (2, pytest.approx(0.2))
    capsys.readouterr()
    print_result(trainer, trainer.lightning_module, trainer.datamodule)
    assert "best validation accuracy 20.00% (epoch 2)" in capsys.readouterr().out
    again = tiny_trainer(tmp_path / "then", callbacks=[figures(0.15)], max_epochs=5)
    again.fit(tiny_vgg(), TinyDataModule(), ckpt_path=trainer.run_folder.path)
    assert again.checkpoint_callback.best_epoch == 2  # of the same run, which has it


@pytest.mark.parametrize("interval", [2, 3])
def test_a_save_that_is_due_at_a_new_best_is_made(
    interval: int, figures: Callable[..., Callback], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After the next batch: the state of a validation's batch is no moment from which Lightning resumes."""
    saves = Saves(monkeypatch)
    better = [0.1 * number for number in range(1, 9)]
    checkpoint = RunCheckpoint(every_n_train_steps=interval)
    trainer = _fit(tmp_path, figures(*better), checkpoint, max_epochs=2, val_check_interval=interval)
    steps = trainer.num_training_batches
    within = [step for step in range(interval, 2 * steps, interval) if step % steps and (step + 1) % steps]
    assert [step for name, step in saves.made if name == "last.ckpt"] == [step + 1 for step in within]
    assert within


def test_a_best_that_could_not_be_saved_is_none(
    figures: Callable[..., Callback], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    save = trainer_module.Trainer.save_checkpoint

    def failing(trainer: Trainer, path: Path, *rest: Any) -> None:
        if trainer.current_epoch == 1:
            raise RunFailed("no space is left")
        save(trainer, path, *rest)

    monkeypatch.setattr(trainer_module.Trainer, "save_checkpoint", failing)
    with pytest.raises(RunFailed):
        _fit(tmp_path, figures(0.3, 0.5, 0.4))
    (run,) = tmp_path.glob("runs/*/*")
    summary = read_summary(run / "summary.json")
    assert summary["status"] == "failed"
    assert summary["best"]["epoch"] == load_checkpoint(run / "checkpoints" / "best.ckpt")["epoch"] == 0


@pytest.mark.parametrize("least", [{"min_steps": 2}, {"min_epochs": 3}])
def test_a_run_that_has_reached_its_last_step_makes_no_other(least: dict[str, int], tmp_path: Path) -> None:
    trainer = _fit(tmp_path, max_epochs=5, max_steps=4, **least)
    run = trainer.run_folder.path
    assert trainer.optimizer_steps == 4
    for _ in range(2):
        again = tiny_trainer(tmp_path, logger=False, max_epochs=5, max_steps=4, **least)
        again.fit(tiny_vgg(), TinyDataModule(), ckpt_path=run)
        assert load_checkpoint(run / "checkpoints" / "last.ckpt")["optimizer_steps"] == 4


def test_a_run_that_goes_back_stays_there_though_it_is_killed_before_it_saves(
    figures: Callable[..., Callback], tmp_path: Path
) -> None:
    run = _fit(tmp_path, figures(0.5, 0.4, 0.3)).run_folder.path
    best = run / "checkpoints" / "best.ckpt"

    class Killed(Callback):
        def on_train_batch_start(self, trainer: Trainer, *_: object) -> None:
            if trainer.optimizer_steps > 7:
                raise KeyboardInterrupt

    trainer = tiny_trainer(tmp_path, logger=False, callbacks=[Killed()], run_folder=RunFolder(run))
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        trainer.fit(tiny_vgg(), TinyDataModule(), ckpt_path=best)
    assert load_checkpoint(run / "checkpoints" / "last.ckpt")["epoch"] == 0


def test_any_score_is_better_than_one_that_is_not_finite() -> None:
    checkpoint = RunCheckpoint("val/loss", "min")
    checkpoint.best_score = float("nan")
    assert checkpoint.improves(0.1)
    assert not checkpoint.improves(float("inf"))


def test_a_request_that_is_released_twice_changes_nothing() -> None:
    handler = signal.getsignal(signal.SIGTERM)
    request = StopRequest()
    request.release()
    request.listen()
    assert signal.getsignal(signal.SIGTERM) == request._receive
    request.release()
    request.release()
    assert signal.getsignal(signal.SIGTERM) == handler


@pytest.mark.parametrize(("signum", "expected"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_command_ends_with_the_code_of_the_signal(
    signum: int, expected: int, config: Path, command: Callable[..., tuple[int, str, str]], monkeypatch
) -> None:
    monkeypatch.setattr(RunCheckpoint, "on_before_backward", Send(signum, 2).on_before_backward)
    code, output, errors = command("fit", "--config", config, "--run_dir", "run")
    assert code == expected
    assert "interrupted at step 3" in output
    assert "fit --ckpt_path run" in output
    assert "Traceback" not in errors


@pytest.mark.parametrize("option", ["--trainer.fast_dev_run=5", "--trainer.enable_checkpointing=false"])
def test_what_saves_nothing_is_not_told_to_go_on(
    option: str, config: Path, command: Callable[..., tuple[int, str, str]], monkeypatch
) -> None:
    monkeypatch.setattr(RunCheckpoint, "on_before_backward", Send(signal.SIGINT, 2, times=2).on_before_backward)
    code, output, errors = command("fit", "--config", config, "--run_dir", "run", option)
    assert code == 130, errors
    assert "--ckpt_path" not in output + errors


class EverySecondBatch(ManuallyAdversarial):
    """Updates weights after every second batch alone."""

    def training_step(self, batch: PointBatch, batch_idx: int) -> None:
        if batch_idx % 2:
            super().training_step(batch, batch_idx)
        else:
            for player in self.means:
                self.means[player].update(self.loss(player, batch).detach())


def test_batches_that_update_no_weights_are_no_steps(tmp_path: Path) -> None:
    counts: list[int] = []
    saved: list[int] = []

    class Look(Callback):
        def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
            counts.append(trainer.optimizer_steps)

        def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict) -> None:
            saved.append(trainer.optimizer_steps)

    callbacks = [Look(), RunCheckpoint(every_n_train_steps=1)]
    tiny_trainer(tmp_path, max_epochs=1, logger=False, callbacks=callbacks).fit(EverySecondBatch(), Points())
    assert counts == [0, 1, 1, 2, 2, 3]
    assert [steps for steps in saved if steps] == [1, 2, 3]  # what is dumped before training is a trial


class TrainsOnly(LightningModule):
    """A module without a validation step, of no package of ours."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch: torch.Tensor, batch_idx: int) -> torch.Tensor:
        """Logs the loss."""
        loss = self.layer(batch).square().mean()
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Returns plain gradient descent."""
        return torch.optim.SGD(self.parameters(), lr=0.1)


def test_without_validation_the_last_epoch_is_best_whatever_is_monitored(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=2, callbacks=[RunCheckpoint(monitor="train_loss")])
    trainer.fit(TrainsOnly(), torch.utils.data.DataLoader(torch.ones(4, 2), batch_size=2))
    assert trainer.checkpoint_callback.best_epoch == 1
    assert (trainer.run_folder.path / "checkpoints" / "best.ckpt").exists()


def test_each_model_of_a_trainer_has_its_own_monitored_value(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path)
    checkpoint = trainer.checkpoint_callback
    for model, monitored in ((tiny_vgg(), ("val/acc", "max")), (CharRNN(5, hidden=4), ("val/loss", "min"))):
        checkpoint.setup(trainer, model, "validate")
        assert (checkpoint.monitor, checkpoint.mode) == monitored
