"""What a person who watches sees."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from pytorch_lightning import Callback
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR
from torch.utils.data import DataLoader

from callbacks import Freeze, Record, RunCheckpoint
from callbacks.progress import describe_epoch
from core.measures import measures_of
from lightning_modules.schedules import WarmupLinear
from tests.plain import PlainData, PlainModule, PlainPlayers
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


def _watch(root: Path, capsys: pytest.CaptureFixture[str], val_size: int = 40, **settings: object) -> tuple:
    trainer = tiny_trainer(root, logger=False, **settings)
    trainer.fit(tiny_vgg(), TinyDataModule(val_size=val_size))
    captured = capsys.readouterr()
    return trainer, captured.out.splitlines(), captured.err


def test_a_run_begins_with_what_trains_on_what(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trainer, lines, _ = _watch(tmp_path, capsys)
    parameters = sum(parameter.numel() for parameter in tiny_vgg().parameters())
    assert lines[0] == f"run      {trainer.run_folder.path.relative_to(tmp_path)}"
    assert lines[1].startswith("data     SYNTHETIC pictures in place of tiny pictures: 240 training, 40 validation")
    assert lines[2] == f"model    VGG, {parameters:,} parameters"
    assert re.fullmatch(r"device   .+, 1 thread, 32-true, channels last", lines[3])


@pytest.mark.parametrize(
    ("schedule", "note"),
    [
        (partial(StepLR, step_size=30), ["note     StepLR counts optimizer steps (6 an epoch)"]),
        (WarmupLinear, []),  # whose length is the run's
        (ReduceLROnPlateau, []),  # counts epochs, as everybody expects
    ],
)
def test_a_schedule_that_counts_steps_says_so(
    schedule: Callable, note: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tiny_vgg(lr_scheduler=schedule)
    tiny_trainer(tmp_path, logger=False, max_epochs=1).fit(model, TinyDataModule(val_size=40))
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("note")] == note


def test_every_epoch_leaves_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, lines, _ = _watch(tmp_path, capsys)
    figures = r"loss \d+\.\d{3} acc +\d+\.\d\d%"
    epochs = [line for line in lines if line.startswith("epoch")]
    assert len(epochs) == 2
    for number, line in enumerate(epochs):
        assert re.fullmatch(
            rf"epoch   {number}/1  train {figures}  val {figures} [ *]  [\d,]+ images/s  \d+:\d\d", line
        )
    assert " * " in epochs[0]


@pytest.mark.parametrize(("monitor", "mode"), [("val/acc", "max"), ("val/loss", "min")])
def test_a_star_marks_the_best_epoch_so_far(
    monitor: str, mode: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer, lines, _ = _watch(tmp_path, capsys, callbacks=[RunCheckpoint(monitor, mode)], max_epochs=8)
    record = next(callback for callback in trainer.callbacks if isinstance(callback, Record))
    scores = [float(row[monitor]) * (1 if mode == "max" else -1) for row in record.rows]
    best = [place for place, score in enumerate(scores) if score > max(scores[:place], default=-1e9)]
    starred = [place for place, line in enumerate(line for line in lines if line.startswith("epoch")) if " * " in line]
    assert starred == best
    assert 0 < len(best) < 8
    assert best[-1] == trainer.checkpoint_callback.best_epoch


def test_a_run_without_validation_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, lines, _ = _watch(tmp_path, capsys, val_size=0)
    assert "280 training, no validation, 50 test images" in lines[1]
    assert "val" not in lines[-1]


def test_epochs_that_end_before_the_steps_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trainer, lines, _ = _watch(tmp_path, capsys, max_epochs=1, max_steps=100)
    end = trainer.optimizer_steps
    early = f"--trainer.max_epochs 1 ends the run at step {end}, before --trainer.max_steps 100"
    assert f"note     {early}; --trainer.max_epochs null does not" in lines
    _, lines, _ = _watch(tmp_path, capsys, max_epochs=1, max_steps=end)
    assert not [line for line in lines if line.startswith("note")]


def test_fixed_layers_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, lines, _ = _watch(tmp_path, capsys, callbacks=[Freeze(["stages"])], max_epochs=1)
    assert re.search(r"parameters, [\d,]+ of them trainable$", lines[2])


@pytest.mark.parametrize("bar", [True, False])
def test_there_is_no_bar_off_a_terminal(bar: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, errors = _watch(tmp_path, capsys, enable_progress_bar=bar, max_epochs=1)
    assert "%|" not in errors
    assert "\r" not in errors


@pytest.mark.parametrize("bar", [True, False])
def test_on_a_terminal_there_is_a_bar_unless_it_is_switched_off(
    bar: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("callbacks.progress.REFRESH", 0.0)
    _, lines, errors = _watch(tmp_path, capsys, enable_progress_bar=bar, max_epochs=1)
    assert ("images/s" in errors) == bar
    assert len([line for line in lines if line.startswith("epoch")]) == 1


def test_validation_is_no_part_of_the_speed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Clock(Callback):
        """A batch takes a second, and a validation an hour."""

        now = 0.0

        def on_train_batch_start(self, *_: object) -> None:
            self.now += 1

        def on_validation_epoch_start(self, *_: object) -> None:
            self.now += 3600

    clock = Clock()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("callbacks.progress.time", SimpleNamespace(monotonic=lambda: clock.now))
    _, lines, errors = _watch(tmp_path, capsys, callbacks=[clock], max_epochs=1, val_check_interval=2)
    assert {*re.findall(r"([\d,]+) images/s", errors)} == {"40"}
    assert " 40 images/s " in lines[-1]


def test_a_resumed_run_says_where_it_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trainer, _, _ = _watch(tmp_path, capsys, max_epochs=1)
    again = tiny_trainer(tmp_path, logger=False)
    again.fit(tiny_vgg(), TinyDataModule(), ckpt_path=trainer.run_folder.path / "checkpoints" / "last.ckpt")
    lines = capsys.readouterr().out.splitlines()
    assert "resumed  at step 6, epoch 1" in lines
    assert lines[-1].startswith("epoch   1/1")


def test_a_module_of_another_package_shows_whatever_it_logs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoints = RunCheckpoint("val_loss", "min")
    trainer = tiny_trainer(tmp_path, logger=False, callbacks=[checkpoints], check_val_every_n_epoch=2)
    trainer.fit(PlainModule(), datamodule=PlainData())
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == [
        "data     PlainData from tests.plain: 40 training samples",  # the first epoch loads no other part
        "model    PlainModule, 7 parameters",
    ]
    assert not lines[3].endswith("channels last")
    assert lines[4].startswith("note     a resume within an epoch")
    figure = r"\d[\d.e-]*"
    assert re.fullmatch(rf"epoch   0/1  train_loss {figure}  [\d,]+ samples/s  0:\d\d", lines[5])
    assert re.fullmatch(rf"epoch   1/1  train_loss {figure}  val_loss {figure} \*  [\d,]+ samples/s  0:\d\d", lines[6])


def test_without_a_known_size_batches_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Batches(PlainData):
        def train_dataloader(self) -> list[DataLoader]:
            return super().train_dataloader(), super().train_dataloader()

    class Both(PlainModule):
        def training_step(self, batch: list, batch_idx: int) -> dict:
            return super().training_step(batch[1], batch_idx)

    tiny_trainer(tmp_path, logger=False, max_epochs=1).fit(Both(), datamodule=Batches())
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].endswith(": 80 training, 16 validation samples")
    assert re.search(r"[\d,]+ batches/s", lines[-1])


@pytest.mark.parametrize(
    ("model", "shown"),
    [(PlainModule, r"train_loss_step \d\.?\d* [\d,]+ samples/s"), (PlainPlayers, r"samples/s")],
)
def test_the_bar_of_another_packages_module_has_what_it_logs_for_it(
    model: type, shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("callbacks.progress.REFRESH", 0.0)
    tiny_trainer(tmp_path, logger=False, max_epochs=1).fit(model(), datamodule=PlainData(endless=True))
    assert re.search(shown, capsys.readouterr().err)


def test_measured_and_other_values_of_an_epoch_stand_side_by_side() -> None:
    measures = measures_of(tiny_vgg())
    figures = {"val/loss": 1.0, "val/acc": 0.5, "val_other": 2.0}
    assert describe_epoch("val", figures, measures) == "val loss 1.000 acc 50.00% val_other 2"
    assert describe_epoch("train", {}, measures) == ""
