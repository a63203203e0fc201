"""A run that goes on ends with the same bits as one that was never interrupted, and changes only what may change."""

import csv
import json
import os
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import EMAWeightAveraging, GradientAccumulationScheduler
from pytorch_lightning.cli import ReduceLROnPlateau
from torch.optim.lr_scheduler import StepLR

from callbacks import EarlyStopping, Freeze, HardSamples, RunCheckpoint
from core.errors import InputError, RunFailed
from datamodules.images.augmentation import Augmentation
from engine.runs.checkpoint_io import load_checkpoint
from engine.runs.resume import changes
from engine.runs.run_folder import RunFolder
from lightning_modules import GAN
from lightning_modules.optimizers import Muon
from lightning_modules.schedules import WarmupCosine
from lightning_modules.tasks.task import Task
from tests.bits import assert_same_bits, figures_of
from tests.interruptions import FolderCopies, PulledPlug, PullPlug, PullPlugInValidation
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

EVERYTHING = Augmentation("random", crop_padding=2, cutout=4, brightness=20, contrast=(0.8, 1.2))
SGD = partial(torch.optim.SGD, lr=0.05, momentum=0.9, weight_decay=0.01)


@dataclass
class Kind:
    """A kind of run.

    Attributes:
        callbacks: Makes what looks on beside the built-in callbacks.
        trainer: Settings of the trainer.
        schedule: Makes the learning-rate schedule.
        val_size: Size of the validation split.
        optimizer: Makes the optimizer.
        model: Settings of the model.
        first_sizes: Sides of the images of the first epochs.
    """

    callbacks: Callable[[], list[Callback]] = list
    trainer: dict[str, Any] = field(default_factory=dict)
    schedule: Callable[[Any], Any] = WarmupCosine
    val_size: int = 40
    optimizer: Callable[[Any], Any] = SGD
    model: dict[str, Any] = field(default_factory=dict)
    first_sizes: tuple[int, ...] = ()


KINDS: dict[str, Kind] = {
    "plain": Kind(),
    "weight averaging": Kind(lambda: [EMAWeightAveraging(decay=0.9, update_every_n_steps=2)]),
    "early stopping": Kind(lambda: [EarlyStopping(patience=1, monitor="val/loss", mode="min", min_delta=10.0)]),
    "plateau": Kind(schedule=partial(ReduceLROnPlateau, monitor="val/loss", patience=0, threshold=10.0)),
    "steps": Kind(trainer={"max_epochs": None, "max_steps": 16}),
    "validation within epochs": Kind(trainer={"val_check_interval": 0.5}),
    "accumulation": Kind(trainer={"accumulate_grad_batches": 2, "max_epochs": 6}),
    "no validation": Kind(val_size=0),
    "smaller images first": Kind(first_sizes=(8, 12), model={"head": "max"}),
    "hard samples": Kind(lambda: [HardSamples(0.85, from_epoch=1)]),
    "layers fixed one after the other": Kind(lambda: [Freeze(fixed_from={r"stages\.0": 1, "stages": 2})]),
    "two rules, and a layer fixed on the way": Kind(
        lambda: [Freeze(["whitening"], from_epoch=1)],
        optimizer=partial(Muon, normalize=True, weight_decay=0.01),
        model={"whiten": True, "whiten_bias": True},
    ),
    "bfloat16 autocast": Kind(trainer={"precision": "bf16-mixed"}),
}


def _train(folder: Path, kind: Kind, plug: Callback | None = None, ckpt_path: Path | None = None) -> None:
    folder.mkdir(exist_ok=True)
    model = tiny_vgg(
        head_widths=[16],
        optimizer=kind.optimizer,
        lr_scheduler=kind.schedule,
        **kind.model,
    )
    settings: dict[str, Any] = {"max_epochs": 3, "seed": 3, "run_folder": RunFolder(folder), "logger": False}
    callbacks = [*kind.callbacks(), *([plug] if plug else []), RunCheckpoint(every_n_train_steps=2)]
    trainer = tiny_trainer(folder, callbacks=callbacks, **settings | kind.trainer)
    torch.rand(7 if ckpt_path else 3)  # where torch's own stream stands must not matter
    augmentation = replace(EVERYTHING, first_sizes=kind.first_sizes)
    trainer.fit(model, TinyDataModule(val_size=kind.val_size, augmentation=augmentation), ckpt_path=ckpt_path)


def _content(folder: Path) -> dict[str, Any]:
    """What a run leaves behind, but for times of day."""
    content = {"metrics.csv": figures_of(folder / "metrics.csv")}
    for name in ("last.ckpt", "best.ckpt"):
        content[name] = load_checkpoint(folder / "checkpoints" / name)
        del content[name]["loops"]  # counts what was begun, too
    return content


MOMENTS = {
    "mid-epoch": 9,
    "last batch": 12,  # of an epoch, before its validation
    "validation": 12,
    "epoch end": 7,  # right after it
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Trains without an interruption, once for each kind of run.

    Returns a folder that holds the run, and what a kill would leave of it at each moment.
    """
    made: dict[str, Path] = {}

    def get(kind: str) -> Path:
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp("whole")
            places = {moment: made[kind] / moment for moment in MOMENTS}
            validation = {MOMENTS["validation"]: places.pop("validation")}
            copies = FolderCopies({MOMENTS[moment]: place for moment, place in places.items()}, validation)
            _train(made[kind] / "run", KINDS[kind], copies)
        return made[kind]

    return get


@pytest.fixture(scope="module")
def whole(folders: Callable[[str], Path]) -> Callable[[str], dict[str, Any]]:
    """Returns what a run without an interruption leaves."""
    return cache(lambda kind: _content(folders(kind) / "run"))


# Every kind in the middle of an epoch; at its end those that act there.
INTERRUPTED = [
    *((kind, "mid-epoch") for kind in KINDS),
    *((kind, "validation") for kind in KINDS if kind not in ("no validation", "accumulation", "steps", "hard samples")),
    *((kind, "last batch") for kind in ("plain", "accumulation", "weight averaging", "validation within epochs")),
    *((kind, "epoch end") for kind in ("plain", "steps", "no validation", "early stopping")),
]


@pytest.mark.parametrize(("kind", "moment"), INTERRUPTED)
def test_a_resumed_run_ends_with_the_same_bits(
    kind: str, moment: str, folders: Callable[[str], Path], whole: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(folders(kind) / moment, run)
    last = run / "checkpoints" / "last.ckpt"
    assert 0 < load_checkpoint(last)["global_step"] <= MOMENTS[moment]
    _train(run, KINDS[kind], ckpt_path=last)
    assert_same_bits(_content(run), whole(kind))


class Unfreezing(Callback):
    """Fixes the parts of a network that an epoch does not train, as a user may write it."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for place, part in enumerate(pl_module.children()):
            part.requires_grad_(place >= 1 - trainer.current_epoch)


class UnfreezingAgain(Unfreezing):
    """Does the same where a run goes on."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.on_train_epoch_start(trainer, pl_module)


@pytest.mark.parametrize(("kind", "moment"), [(Unfreezing, 9), (Unfreezing, 8), (UnfreezingAgain, 9)])
def test_a_users_hook_that_a_resume_skips_is_named(
    kind: type[Callback], moment: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, kept = tmp_path / "run", Kind(lambda: [kind()])
    with pytest.raises(PulledPlug):
        _train(run, kept, PullPlug(moment))
    assert "not called" not in capsys.readouterr().out
    _train(run, kept, ckpt_path=run / "checkpoints" / "last.ckpt")
    told = "note     Unfreezing.on_train_epoch_start is not called for an epoch that goes on" in capsys.readouterr().out
    assert told == (kind is Unfreezing and moment == 9)


OTHER_KINDS = {  # what Lightning itself does not resume exactly
    "double precision": Kind(trainer={"precision": "64-true"}),
    "reloaded loaders": Kind(trainer={"reload_dataloaders_every_n_epochs": 1}),
    "a user's callback that fixes layers": Kind(lambda: [UnfreezingAgain()]),
    "accumulation by epoch": Kind(
        lambda: [GradientAccumulationScheduler({0: 1, 1: 2, 2: 3})], schedule=partial(StepLR, step_size=3)
    ),
}


@pytest.mark.parametrize("kind", OTHER_KINDS)
def test_what_lightning_does_not_resume_exactly_is_exact(kind: str, tmp_path: Path) -> None:
    run, undisturbed, kept = tmp_path / "run", tmp_path / "whole", OTHER_KINDS[kind]
    _train(undisturbed, kept)
    for plug, ckpt_path in ((PullPlug(3), None), (PullPlug(9), run / "checkpoints/last.ckpt")):
        with pytest.raises(PulledPlug):
            _train(run, kept, plug, ckpt_path)
    _train(run, kept, ckpt_path=run / "checkpoints" / "last.ckpt")
    assert_same_bits(_content(run), _content(undisturbed))


def test_double_weights_are_measured_as_double(tmp_path: Path) -> None:
    """They were read into float32 first."""
    _train(
        tmp_path / "run", replace(OTHER_KINDS["double precision"], trainer={"precision": "64-true", "max_epochs": 1})
    )
    best = tmp_path / "run" / "checkpoints" / "best.ckpt"
    model = tiny_vgg(head_widths=[16])
    tiny_trainer(tmp_path, precision="64-true").validate(model, datamodule=TinyDataModule(), ckpt_path=best)
    for name, value in load_checkpoint(best)["state_dict"].items():
        if name in dict(model.named_parameters()):
            assert torch.equal(model.state_dict()[name].double(), value), name
            assert value.dtype == torch.float64


def test_a_run_killed_in_a_validation_within_an_epoch_does_it_again(
    whole: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    kind, run = replace(KINDS["validation within epochs"], callbacks=list), tmp_path / "run"
    with pytest.raises(PulledPlug):
        _train(run, kind, PullPlugInValidation(9))
    _train(run, kind, ckpt_path=run / "checkpoints" / "last.ckpt")
    assert_same_bits(_content(run), whole("validation within epochs"))


def test_a_run_of_steps_can_be_made_longer(whole: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    run = tmp_path / "run"
    short = replace(KINDS["steps"], trainer={"max_epochs": None, "max_steps": 8})
    _train(run, short)
    _train(run, replace(short, trainer={"max_epochs": None, "max_steps": 14}), ckpt_path=run / "checkpoints/last.ckpt")
    rows = list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))
    assert [(row["epoch"], row["step"]) for row in rows] == [("0", "6"), ("1", "12"), ("2", "14")]
    assert all(row["val/acc"] for row in rows)


def test_a_finished_run_has_nothing_left_to_do(tmp_path: Path) -> None:
    run = tmp_path / "run"
    _train(run, KINDS["steps"])
    before = _content(run)
    _train(run, KINDS["steps"], ckpt_path=run / "checkpoints" / "last.ckpt")
    assert_same_bits(_content(run), before)


def test_without_validation_the_last_epoch_is_the_best(whole: Callable[..., dict[str, Any]]) -> None:
    assert whole("no validation")["best.ckpt"]["epoch"] == 2


def test_two_interruptions_change_nothing(whole: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    run = tmp_path / "run"
    last = run / "checkpoints" / "last.ckpt"
    for ckpt_path, step in ((None, 3), (last, 15)):
        with pytest.raises(PulledPlug):
            _train(run, KINDS["plain"], PullPlug(step), ckpt_path)
    _train(run, KINDS["plain"], ckpt_path=last)
    assert_same_bits(_content(run), whole("plain"))


def test_early_stopping_did_stop(whole: Callable[..., dict[str, Any]]) -> None:
    assert whole("early stopping")["last.ckpt"]["global_step"] == 12


def test_the_best_checkpoint_holds_averaged_weights(whole: Callable[..., dict[str, Any]]) -> None:
    best = whole("weight averaging")["best.ckpt"]
    assert not torch.equal(
        best["state_dict"]["classifier.3.weight"], best["current_model_state"]["classifier.3.weight"]
    )


def test_the_seed_decides_the_run(whole: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=1, seed=4, run_folder=RunFolder(tmp_path), logger=False)
    trainer.fit(tiny_vgg(), TinyDataModule())
    again = tiny_trainer(tmp_path, max_epochs=1, seed=5, run_folder=RunFolder(tmp_path), logger=False)
    again.fit(tiny_vgg(), TinyDataModule())
    assert trainer.callback_metrics["train/loss"] != again.callback_metrics["train/loss"]


@pytest.mark.parametrize("moment", ["on_train_epoch_start", "on_train_batch_end", "on_train_epoch_end"])
def test_a_run_killed_before_its_first_checkpoint_begins_again(
    moment: str,
    config: Path,
    finished_run: Callable[..., Path],
    command: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """There was no checkpoint to continue from, and the folder was not empty for a new run."""

    def pull(*_: object) -> None:
        raise RunFailed("as if killed")  # any other error before the first step removes the folder

    run, whole = tmp_path / "run", finished_run("whole")
    with monkeypatch.context() as patch:
        patch.setattr(RunCheckpoint, moment, pull, raising=False)
        assert command("fit", "--config", config, "--run_dir", run)[0] == 1
    assert not (run / "checkpoints").exists()
    code, output, errors = command("fit", "--ckpt_path", run)
    assert code == 0, errors
    assert "this run has no checkpoint yet: it begins again" in output
    assert figures_of(run / "metrics.csv") == figures_of(whole / "metrics.csv")
    for name in ("last.ckpt", "best.ckpt"):
        ours, theirs = (load_checkpoint(folder / "checkpoints" / name) for folder in (run, whole))
        assert_same_bits(ours["state_dict"], theirs["state_dict"])


def test_a_run_that_kept_no_checkpoint_is_not_begun_again(
    finished_run: Callable[..., Path], command: Callable[..., tuple[int, str, str]]
) -> None:
    run = finished_run("run", "--trainer.enable_checkpointing", "false")
    code, _, errors = command("fit", "--ckpt_path", run)
    assert code == 2
    assert "this run is over and kept no checkpoint" in errors


# What makes it this run


def _pull_within_epoch(run: Path, data: TinyDataModule, *callbacks: Callback, **settings: Any) -> Path:
    callbacks = [*callbacks, PullPlug(9), RunCheckpoint(every_n_train_steps=2)]
    trainer = tiny_trainer(run, logger=False, callbacks=callbacks, **settings)
    with pytest.raises(PulledPlug):
        trainer.fit(tiny_vgg(), data)
    return trainer.run_folder.path / "checkpoints" / "last.ckpt"


class Reordered(TinyDataModule):
    """The same pictures, of which a part is in another order."""

    def __init__(self, part: str, **settings: Any) -> None:
        super().__init__(**settings)
        self.part = part

    def load(self) -> dict[str, Any]:
        splits = super().load()
        return dict(splits) | {self.part: splits[self.part].take(torch.arange(len(splits[self.part])).flip(0))}


Reordered.__qualname__ = TinyDataModule.__qualname__  # by which a checkpoint finds a data module's state


@pytest.mark.parametrize(
    ("data", "settings", "refusal"),
    [
        (lambda: Reordered("train"), {}, "as many then as now, but others, or in another order"),
        (lambda: Reordered("val"), {}, "as many then as now, but others, or in another order"),
        (lambda: Reordered("test"), {}, None),
        (lambda: TinyDataModule(batch_size=20), {}, "data.batch_size is 20 now, and this run has 40"),
        (TinyDataModule, {"seed": 5}, "the seed is 5: this run has 0"),
        (lambda: TinyDataModule(eval_batch_size=8), {}, None),
    ],
    ids=["other training data", "other validation data", "other test data", "batch size", "seed", "evaluation"],
)
def test_a_run_does_not_go_on_as_another(
    data: Callable[[], TinyDataModule], settings: dict[str, int], refusal: str | None, tmp_path: Path
) -> None:
    """Data of the same sizes was taken for the run's own."""
    last = _pull_within_epoch(tmp_path, TinyDataModule())
    trainer = tiny_trainer(tmp_path, logger=False, **settings)
    if refusal is None:
        trainer.fit(tiny_vgg(), data(), ckpt_path=last)
        return
    with pytest.raises(InputError, match=refusal):
        trainer.fit(tiny_vgg(), data(), ckpt_path=last)


MOST, ALL, LATER = HardSamples(0.85, 1), HardSamples(1.0, 1), HardSamples(0.85, 2)


@pytest.mark.parametrize(
    ("before", "now", "refusal"),
    [
        ([MOST], [MOST], None),
        ([], [ALL], "HardSamples: this run has been without it; leave it out, or start a new run with --weights"),
        ([MOST], [ALL], "HardSamples: images an epoch: 240 now, and this run has 204; go on with its settings"),
        ([ALL], [MOST], "HardSamples: images an epoch: 204 now, and this run has 240; go on with its settings"),
        ([MOST], [LATER], "HardSamples: from_epoch: 2 now, and this run has 1; go on with its settings"),
    ],
    ids=["the same", "added", "a larger share", "a smaller share", "from another epoch"],
)
def test_a_run_does_not_go_on_with_other_samples(
    before: list[Callback], now: list[Callback], refusal: str | None, tmp_path: Path
) -> None:
    """It diverged at an empty batch, or went on with the order of the old share."""
    last = _pull_within_epoch(tmp_path, TinyDataModule(), *before)
    trainer = tiny_trainer(tmp_path, logger=False, callbacks=now)
    with nullcontext() if refusal is None else pytest.raises(InputError, match=f"^{refusal}"):
        trainer.fit(tiny_vgg(), TinyDataModule(), ckpt_path=last)


def test_hard_samples_may_begin_between_epochs(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, logger=False, max_epochs=1)
    trainer.fit(tiny_vgg(), TinyDataModule())
    last = trainer.run_folder.path / "checkpoints" / "last.ckpt"
    again = tiny_trainer(tmp_path, logger=False, callbacks=[MOST])
    again.fit(tiny_vgg(), TinyDataModule(), ckpt_path=last)
    assert (again.current_epoch, again.num_training_batches) == (2, 5)


@pytest.mark.parametrize(
    ("before", "after", "refusal"),
    [
        ("batch_size: 40", "batch_size: 20", "data.batch_size 20: this run has 40"),
        ("seed_everything: 42", "seed_everything: 7", "seed_everything 7: this run has 42"),
        ("dropout: 0.2", "dropout: 0.5", "model.dropout 0.5: this run has 0.2"),
        ("max_epochs: 1", "max_epochs: 2", None),
    ],
)
def test_an_edited_config_changes_no_run(
    before: str,
    after: str,
    refusal: str | None,
    finished_run: Callable[..., Path],
    command: Callable[..., tuple[int, str, str]],
) -> None:
    """The file beside the checkpoint was believed, whatever it had become."""
    run = finished_run("run", "--trainer.max_epochs", 1)
    text = (run / "config.yaml").read_text()
    assert before in text
    (run / "config.yaml").write_text(text.replace(before, after))
    code, _, errors = command("fit", "--ckpt_path", run)
    assert code == (2 if refusal else 0), errors
    assert (refusal or "") in errors


# What may change


@pytest.fixture
def finished(finished_run: Callable[..., Path], config: Path) -> Path:
    """A run of one epoch, made by the command; its config is beside it."""
    return finished_run("run", "--trainer.max_epochs", 1)


def _recorded(run: Path) -> dict[str, Any]:
    return yaml.safe_load((run / "config.yaml").read_text())


def test_a_flag_wins_over_the_checkpoint_and_is_recorded(
    finished: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    """The checkpoint's hyperparameters once overwrote the flags."""
    changes = ("--trainer.max_epochs", 2, "--model.optimizer.lr", 0.01, "--trainer.logger", "false")
    code, _, errors = command("fit", "--ckpt_path", finished, *changes)
    assert code == 0, errors
    last = load_checkpoint(finished / "checkpoints" / "last.ckpt")
    assert last["optimizer_states"][0]["param_groups"][0]["initial_lr"] == 0.01
    assert set(last["lr_schedulers"][0]["base_lrs"]) == {0.01}
    optimizer = _recorded(finished)["model"]["init_args"]["optimizer"]["init_args"]
    assert (optimizer["lr"], optimizer["momentum"]) == (0.01, 0.9)
    assert _recorded(finished)["trainer"]["max_epochs"] == 2
    assert len((finished / "metrics.csv").read_text().splitlines()) == 3


def test_a_flag_for_patience_wins_over_the_checkpoint(
    config: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    """Patience was once restored from the checkpoint."""
    run = tmp_path / "run"
    hopeless = ("--early_stopping.min_delta", 5)
    first = ("fit", "--config", config, "--run_dir", run, "--trainer.max_epochs", 2, *hopeless)
    assert command(*first, "--early_stopping.patience", 50)[0] == 0
    code, _, errors = command(
        "fit", "--ckpt_path", run, "--trainer.max_epochs", 9, *hopeless, "--early_stopping.patience", 2
    )
    assert code == 0, errors
    assert load_checkpoint(run / "checkpoints" / "last.ckpt")["epoch"] == 2


CHANGES = [
    (("--model.optimizer.weight_decay=0.1",), None),
    (("--model.optimizer.init_args.lr", "0.01"), None),
    (("--model.optimizer.momentum", "0.5"), None),
    (("--trainer.max_epochs", "2"), None),
    (("--early_stopping.patience", "3"), None),
    (("--checkpoint.every_n_train_steps", "4"), None),
    (("--data.data_dir", "elsewhere"), None),
    (("--data.batch_size", "40"), None),  # as it was
    (("--model.norm_epsilon", "1e-5"), None),  # as it was, in another spelling
    (("--model.optimizer", "SGD"), None),  # likewise
    (("--config", "tiny.yaml", "--trainer.max_epochs", "2"), None),  # likewise
    (("--data.batch_size", "20"), "data.batch_size 20: this run has 40"),
    (("--data.init_args.batch_size=20",), "this run has 40"),
    (("--model.widths", "[4, 4]"), "--model.widths"),
    (("--model.dropout", "0.5"), "this run has 0.2"),
    (("--model.optimizer", "torch.optim.Adam"), "--model.optimizer"),
    (("--seed_everything", "7"), "seed_everything 7: this run has 42"),
    (("--data.augmentation.flip", "none"), "--data.augmentation.flip"),
    (("--trainer.precision", "bf16-mixed"), "this run has 32-true"),
    (("--freeze.layers", "[stages]"), "--freeze.layers"),
    (("--model.lr_scheduler", "null"), "--model.lr_scheduler None: this run has lightning_modules"),
    (("--model.lr_scheduler", "lightning_modules.schedules.OneCycle"), "--model.lr_scheduler.class_path"),
    (("--run_dir", "other"), "--run_dir is for new runs"),
    (("--weights", "other.pth"), "--weights is for new runs"),
]


@pytest.mark.parametrize(("change", "refusal"), CHANGES, ids=[" ".join(change) for change, _ in CHANGES])
def test_a_continued_run_may_change_some_things_alone(
    change: tuple[str, ...], refusal: str | None, finished: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    before = (finished / "config.yaml").read_bytes()
    code, _, errors = command("fit", "--ckpt_path", finished, *change)
    assert code == (2 if refusal else 0), errors
    if refusal:
        assert refusal in errors
        assert len(errors.splitlines()) == 1
        assert (finished / "config.yaml").read_bytes() == before


@pytest.mark.parametrize(
    "stages", [None, {}, {"stages.1": 4}, {"stages.0": 5}, {"stages.0": 4, "stages.1": 4}], ids=str
)
def test_entries_of_a_mapping_may_not_change(stages: dict[str, int] | None, tmp_path: Path) -> None:
    def config(stages: dict[str, int] | None) -> dict[str, Any]:
        kinds = {"model": "lightning_modules.VGG", "data": "datamodules.CIFAR10DataModule"}
        return {part: {"class_path": kind} for part, kind in kinds.items()} | {"freeze": {"stages": stages}}

    before = {"stages.0": 4}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config(before)))
    assert changes(tmp_path, config(before)) == {}
    assert changes(tmp_path, config(stages)) == {"freeze.stages": (before, stages)}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config(stages)))
    assert changes(tmp_path, config(before)) == {"freeze.stages": (stages, before)}


@pytest.mark.parametrize("before", [{}, {"init_args": {}}, {"init_args": {"lr": 0.1}}])
@pytest.mark.parametrize("now", [{}, {"init_args": {}}, {"init_args": {"lr": 0.1}}])
def test_arguments_that_a_class_states_at_one_time_alone_are_not_compared(
    before: dict, now: dict, tmp_path: Path
) -> None:
    """The command knows those of any class, and Python those that a module saves."""

    def config(arguments: dict) -> dict[str, Any]:
        names = {"model": "PlainModule", "data": "PlainData"}
        return {part: {"class_path": f"tests.plain.{name}"} | arguments for part, name in names.items()}

    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config(before)))
    assert changes(tmp_path, config(now)) == {}


@pytest.mark.parametrize(
    ("now", "same"),
    [
        ("lightning_modules.task.default_optimizer", True),
        ("lightning_modules.tasks.task.default_optimizer", True),
        ("torch.optim.SGD", False),
        ("lightning_modules.nowhere.default_optimizer", False),
    ],
)
def test_a_function_that_moved_is_still_the_runs_own(now: str, same: bool, tmp_path: Path) -> None:
    def config(optimizer: str) -> dict[str, Any]:
        model = {"class_path": "lightning_modules.MLP", "init_args": {"optimizer": optimizer}}
        return {"model": model, "data": {"class_path": "datamodules.CIFAR10DataModule"}}

    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config("lightning_modules.task.default_optimizer")))
    assert (not changes(tmp_path, config(now))) == same


def test_a_runs_config_repeats_it(finished: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]]) -> None:
    code, _, errors = command("fit", "--config", finished / "config.yaml", "--run_dir", tmp_path / "again")
    assert code == 0, errors
    assert (tmp_path / "again" / "config.yaml").read_bytes() == (finished / "config.yaml").read_bytes()
    first, again = (load_checkpoint(run / "checkpoints" / "last.ckpt") for run in (finished, tmp_path / "again"))
    assert_same_bits(again["state_dict"], first["state_dict"])


def test_a_finished_run_says_that_nothing_is_left_to_do(
    finished: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    code, output, _ = command("fit", "--ckpt_path", finished)
    assert code == 0
    assert "nothing is left to do" in output


def test_a_refused_continuation_leaves_the_record_as_it_was(
    finished: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    before = (finished / "config.yaml").read_bytes()
    code, _, errors = command("fit", "--ckpt_path", finished, "--checkpoint.monitor", "val/bogus")
    assert code == 2
    assert "no validation metric" in errors
    assert (finished / "config.yaml").read_bytes() == before


@pytest.mark.parametrize(
    "option",
    [
        *("data.normalization unit", "views.flip true", "trainer.limit_test_batches 1"),
        *("trainer.precision bf16-mixed", "seed_everything 7", "freeze.layers [stages]"),
    ],
)
@pytest.mark.parametrize("subcommand", ["test", "validate"])
def test_what_other_settings_give_is_not_recorded_and_it_is_said(
    option: str, subcommand: str, finished: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    option = option.replace("test", "val") if subcommand == "validate" else option
    name, value = option.split()
    code, output, errors = command(subcommand, "--ckpt_path", finished, f"--{name}", value)
    assert code == 0, errors
    summary = json.loads((finished / "summary.json").read_text())
    assert summary["tests"] == summary["validations"] == []
    assert f"note     not recorded in run, which has another {name}\n" in output


@pytest.mark.parametrize("subcommand", ["test", "validate"])
def test_a_run_that_cannot_be_written_is_measured_all_the_same(
    subcommand: str,
    finished: Path,
    command: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours, run = os.access, finished.resolve()
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != run and ours(path, mode))  # root may write all
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*")}
    code, output, errors = command(subcommand, "--ckpt_path", finished)
    assert code == 0, errors
    assert "note     not recorded in run, which cannot be written (no permission)\n" in output
    assert f"{subcommand.replace('validate', 'val')}/acc" in output
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*")} == before


def test_a_changed_network_is_refused_by_the_command(
    finished: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, errors = command("fit", "--ckpt_path", finished, "--model.widths", "[4, 4]")
    assert code == 2
    assert "cannot change it" in errors
    assert errors.endswith(" --model.widths '[4, 4]'\n")
    assert len(errors.splitlines()) == 1


def test_an_optimizer_of_other_groups_is_told_from_damage(
    finished: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    path = finished / "checkpoints" / "last.ckpt"
    content = torch.load(path, weights_only=True)
    path.unlink()
    content["optimizer_states"][0]["param_groups"].pop()
    torch.save(content, path)
    code, _, errors = command("fit", "--ckpt_path", finished, "--trainer.max_epochs", 9)
    assert code == 2, errors
    assert "grouped the parameters of the optimizer otherwise (as with depth_lr_factor)" in errors
    assert f"fit --config NAME --weights {path}" in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize(("before", "now"), [(0.01, 0.0), (0.0, 0.01)])
def test_weight_decay_that_spares_norms_can_be_switched_off_and_on(
    before: float, now: float, finished_run: Callable[..., Path], command: Callable[..., tuple[int, str, str]]
) -> None:
    spared = ("--model.decay_norms_and_biases", "false", "--model.optimizer.weight_decay", before)
    run = finished_run("spared", "--trainer.max_epochs", 1, *spared)
    code, _, errors = command(
        "fit", "--ckpt_path", run, "--trainer.max_epochs", 2, "--model.optimizer.weight_decay", now
    )
    assert code == 0, errors
    groups = load_checkpoint(run / "checkpoints" / "last.ckpt")["optimizer_states"][0]["param_groups"]
    assert {group["name"]: group["weight_decay"] for group in groups} == {
        "weights": now, "head": now, "norms": 0.0, "biases": 0.0,
    }  # fmt: skip


def test_a_run_of_an_earlier_release_keeps_its_one_group_of_parameters(
    config: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    spared = ("--model.decay_norms_and_biases", "false", "--model.optimizer.weight_decay", 0)
    with monkeypatch.context() as earlier:
        earlier.setattr(Task, "goes_on_merged", True)
        assert command("fit", "--config", config, "--run_dir", run, "--trainer.max_epochs", 1, *spared)[0] == 0
    code, _, errors = command("fit", "--ckpt_path", run, "--trainer.max_epochs", 2)
    assert code == 0, errors
    (group,) = load_checkpoint(run / "checkpoints" / "last.ckpt")["optimizer_states"][0]["param_groups"]
    assert group["name"] == "all"


def test_players_of_an_earlier_release_keep_one_group_of_parameters_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gan() -> GAN:
        return GAN(image_size=16, in_channels=3, decay_norms_and_biases=False, conditional=False)

    data = partial(TinyDataModule, normalization="symmetric")
    with monkeypatch.context() as earlier:
        earlier.setattr(Task, "goes_on_merged", True)
        first = tiny_trainer(tmp_path, max_epochs=1)
        first.fit(gan(), data())
    more = tiny_trainer(tmp_path, max_epochs=2)
    more.fit(gan(), data(), ckpt_path=first.run_folder.path)
    assert [group["name"] for group in more.optimizers[0].param_groups] == ["discriminator", "generator"]
    assert more.current_epoch == 2


def test_a_plateau_schedule_of_an_earlier_release_goes_on_in_its_direction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def model() -> LightningModule:
        return tiny_vgg(lr_scheduler=partial(ReduceLROnPlateau, monitor="val/acc", mode="min"))

    with monkeypatch.context() as earlier:
        earlier.setattr("lightning_modules.tasks.plateau.measure_of", lambda *_: None)
        first = tiny_trainer(tmp_path, max_epochs=1)
        first.fit(model(), TinyDataModule())
    more = tiny_trainer(tmp_path, max_epochs=2)
    more.fit(model(), TinyDataModule(), ckpt_path=first.run_folder.path)
    assert more.current_epoch == 2


def test_another_architecture_is_refused_without_its_weights_being_recommended(
    finished: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    words = ("--model", "lightning_modules.MLP", "--trainer.gradient_clip_val", 3)
    code, _, errors = command("fit", "--ckpt_path", finished, *words)
    assert code == 2
    assert errors == (
        "error: --model.class_path lightning_modules.MLP: this run is of another architecture, lightning_modules.VGG; "
        "to train the new one in a run of its own, leave --ckpt_path out, or give another --run_dir\n"
    )


@pytest.mark.parametrize(("key", "now", "same"), [("limit_train_batches", 1, False), ("gradient_clip_val", 1, True)])
def test_one_batch_is_not_all_batches(key: str, now: int, same: bool, tmp_path: Path) -> None:
    """A run on all batches, recorded as 1.0, went on with one batch an epoch."""

    def config(value: float) -> dict[str, Any]:
        parts = {"model": "lightning_modules.MLP", "data": "datamodules.CIFAR10DataModule"}
        return {part: {"class_path": name} for part, name in parts.items()} | {"trainer": {key: value}}

    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config(1.0)))
    assert (not changes(tmp_path, config(now))) == same


@pytest.mark.parametrize(
    "change",
    [
        {"TinyDataModule": {"a": 1}},
        {"loops": {"fit_loop": {"state_dict": None}}},
        {"optimizer_states": [{"state": 3, "param_groups": 4}]},
    ],
    ids=str,
)
def test_damage_deep_within_a_checkpoint_is_one_line_with_its_path(
    change: dict, finished: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    path = finished / "checkpoints" / "last.ckpt"
    content = torch.load(path, weights_only=True)
    path.unlink()  # it may be another name of best.ckpt
    torch.save(content | change, path)
    code, _, errors = command("fit", "--ckpt_path", finished, "--trainer.max_epochs", 9)
    assert code == 2, errors
    assert f"{path}: damaged, or of another release (" in errors
    assert len(errors.splitlines()) == 1
