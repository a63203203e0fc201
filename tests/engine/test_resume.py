"""A run that goes on ends with the same bits as one that was never interrupted, and changes only what may change."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import EMAWeightAveraging

from callbacks import EarlyStopping, RunCheckpoint
from datamodules.augmentation import Augmentation
from datamodules.loader import Batch
from engine.arguments import understand
from engine.checkpoint_io import load_checkpoint
from engine.errors import InputError
from engine.resume import check_same_model, check_unchanged
from engine.run_folder import RunFolder
from lightning_modules.schedules import WarmupCosine
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

EVERYTHING = Augmentation("random", crop_padding=2, cutout=4, brightness=20, contrast=(0.8, 1.2))

CALLBACKS: dict[str, Callable[[], list[Callback]]] = {
    "plain": list,
    "weight averaging": lambda: [EMAWeightAveraging(decay=0.9, update_every_n_steps=2)],
    "early stopping": lambda: [EarlyStopping(patience=1, monitor="val/loss", mode="min", min_delta=10.0)],
}


class PulledPlug(Exception):
    """The end of a process, as far as one process can have it."""


class PullPlug(Callback):
    """Ends a run in the middle of a step, before anything of it is saved."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        if trainer.global_step == self.step:
            raise PulledPlug


class PullPlugInValidation(Callback):
    """Ends a run while it validates its second epoch."""

    def on_validation_batch_end(self, trainer: Trainer, *_: object) -> None:
        if trainer.global_step == 12:
            raise PulledPlug


def _train(folder: Path, callbacks: list[Callback], ckpt_path: Path | None = None, val_size: int = 40) -> None:
    folder.mkdir(exist_ok=True)
    model = tiny_vgg(
        head_widths=[16],
        optimizer=partial(torch.optim.SGD, lr=0.05, momentum=0.9, weight_decay=0.01),
        lr_scheduler=WarmupCosine,
    )
    trainer = tiny_trainer(
        folder,
        max_epochs=3,
        seed=3,
        run_folder=RunFolder(folder),
        logger=False,
        callbacks=[*callbacks, RunCheckpoint(every_n_train_steps=2)],
    )
    torch.rand(7 if ckpt_path else 3)  # where torch's own stream stands must not matter
    trainer.fit(model, TinyDataModule(val_size=val_size, augmentation=EVERYTHING), ckpt_path=ckpt_path)


def _content(folder: Path) -> dict[str, Any]:
    """What a run leaves behind, but for times of day."""
    content = {"metrics.csv": (folder / "metrics.csv").read_bytes()}
    for name in ("last.ckpt", "best.ckpt"):
        content[name] = load_checkpoint(folder / "checkpoints" / name)
        del content[name]["loops"]  # counts what was begun, too
    return content


def _assert_same(ours: Any, theirs: Any, where: str = "") -> None:
    if isinstance(ours, torch.Tensor):
        assert torch.equal(ours, theirs), where
    elif isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), where
        for key in ours:
            _assert_same(ours[key], theirs[key], f"{where}/{key}")
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), where
        for place, pair in enumerate(zip(ours, theirs, strict=True)):
            _assert_same(*pair, f"{where}/{place}")
    else:
        assert ours == theirs, where


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, Any]]:
    """Trains without an interruption, once for each kind of run."""
    made: dict[tuple[str, int], dict[str, Any]] = {}

    def get(kind: str, val_size: int = 40) -> dict[str, Any]:
        if (kind, val_size) not in made:
            folder = tmp_path_factory.mktemp("whole")
            _train(folder, CALLBACKS[kind](), val_size=val_size)
            made[kind, val_size] = _content(folder)
        return made[kind, val_size]

    return get


@pytest.mark.parametrize("kind", CALLBACKS)
@pytest.mark.parametrize(
    ("plug", "resumes_at"),
    [
        (PullPlug(9), 8),  # mid-epoch
        (PullPlug(12), 10),  # after the last batch of an epoch, before its validation
        (PullPlugInValidation(), 10),
        (PullPlug(7), 6),  # right after an epoch's end
    ],
    ids=["mid-epoch", "last batch", "validation", "epoch end"],
)
def test_a_resumed_run_ends_with_the_same_bits(
    kind: str, plug: Callback, resumes_at: int, whole: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with pytest.raises(PulledPlug):
        _train(run, [*CALLBACKS[kind](), plug])
    last = run / "checkpoints" / "last.ckpt"
    assert load_checkpoint(last)["global_step"] == resumes_at
    _train(run, CALLBACKS[kind](), ckpt_path=last)
    _assert_same(_content(run), whole(kind))


def test_without_validation_a_resumed_run_ends_with_the_same_bits(
    whole: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with pytest.raises(PulledPlug):
        _train(run, [PullPlug(9)], val_size=0)
    _train(run, [], run / "checkpoints" / "last.ckpt", val_size=0)
    _assert_same(_content(run), whole("plain", 0))
    assert load_checkpoint(run / "checkpoints" / "best.ckpt")["epoch"] == 2


def test_two_interruptions_change_nothing(whole: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    run = tmp_path / "run"
    last = run / "checkpoints" / "last.ckpt"
    for ckpt_path, step in ((None, 3), (last, 15)):
        with pytest.raises(PulledPlug):
            _train(run, [PullPlug(step)], ckpt_path)
    _train(run, [], last)
    _assert_same(_content(run), whole("plain"))


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


# What may change


@pytest.fixture
def finished(config: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]]) -> Path:
    """A run of one epoch, made by the command."""
    run = tmp_path / "run"
    code, _, errors = command("fit", "--config", config, "--run_dir", run, "--trainer.max_epochs", 1)
    assert code == 0, errors
    return run


def _recorded(run: Path) -> dict[str, Any]:
    return yaml.safe_load((run / "config.yaml").read_text())


def test_a_flag_wins_over_the_checkpoint_and_is_recorded(
    finished: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    """PITFALLS 1: the checkpoint's hyperparameters once overwrote the flags."""
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
    """PITFALLS 2: patience was once restored from the checkpoint."""
    run = tmp_path / "run"
    hopeless = ("--early_stopping.min_delta", 5)
    first = ("fit", "--config", config, "--run_dir", run, "--trainer.max_epochs", 2, *hopeless)
    assert command(*first, "--early_stopping.patience", 50)[0] == 0
    code, _, errors = command(
        "fit", "--ckpt_path", run, "--trainer.max_epochs", 9, *hopeless, "--early_stopping.patience", 2
    )
    assert code == 0, errors
    assert load_checkpoint(run / "checkpoints" / "last.ckpt")["epoch"] == 2


@pytest.mark.parametrize(
    "change",
    [
        ("--model.optimizer.lr", "0.01"),
        ("--model.optimizer.init_args.lr", "0.01"),
        ("--model.optimizer.weight_decay=0.1",),
        ("--model.optimizer.momentum", "0.5"),
        ("--trainer.max_epochs", "5"),
        ("--early_stopping.patience", "3"),
        ("--checkpoint.every_n_train_steps", "4"),
        ("--data.batch_size", "40"),  # as it was
        ("--data.data_dir", "elsewhere"),
    ],
)
def test_what_a_continued_run_may_change(change: tuple[str, ...], tiny_run: Path) -> None:
    check_unchanged(understand(["fit", "--ckpt_path", str(tiny_run), *change]))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("--data.batch_size", "20"), "--data.batch_size 20: this run has 40"),
        (("--data.init_args.batch_size=20",), "this run has 40"),
        (("--model.widths", "[4, 4]"), "--model.widths"),
        (("--model.dropout", "0.5"), "this run has 0.2"),
        (("--model.optimizer", "torch.optim.Adam"), "--model.optimizer"),
        (("--model.optimizer.class_path", "torch.optim.Adam"), "--model.optimizer"),
        (("--seed_everything", "7"), "--seed_everything 7: this run has 42"),
        (("--data.augmentation.flip", "none"), "--data.augmentation.flip"),
        (("--trainer.precision", "bf16-mixed"), "this run has 32-true"),
        (("--run_dir", "other"), "--run_dir is for new runs"),
        (("--weights", "other.pth"), "--weights is for new runs"),
    ],
)
def test_what_would_make_it_another_run_is_refused(change: tuple[str, ...], named: str, tiny_run: Path) -> None:
    with pytest.raises(InputError, match="new run") as caught:
        check_unchanged(understand(["fit", "--ckpt_path", str(tiny_run), *change]))
    assert named in str(caught.value)


@pytest.fixture
def tiny_run(config: Path, tmp_path: Path) -> Path:
    """A run folder as far as its config goes."""
    settings = yaml.safe_load(config.read_text()) | {"seed_everything": 42}
    settings["data"]["init_args"]["batch_size"] = 40
    run = tmp_path / "runs" / "tiny" / "20260101-000000"
    (run / "checkpoints").mkdir(parents=True)
    (run / "checkpoints" / "last.ckpt").touch()
    (run / "config.yaml").write_text(yaml.safe_dump(settings))
    return run


def test_a_checkpoint_of_another_network_is_refused_by_its_first_difference() -> None:
    checkpoint = {"state_dict": tiny_vgg().state_dict()}
    check_same_model(tiny_vgg(), checkpoint, Path("a.ckpt"))
    with pytest.raises(InputError, match=r"stages\.0\.0\.weight is \[8, 3, 3, 3\] there and \[4, 3, 3, 3\] in VGG"):
        check_same_model(tiny_vgg(widths=[4, 8]), checkpoint, Path("a.ckpt"))
    with pytest.raises(InputError, match=r"stages\.2\.0\.weight is nothing there"):
        check_same_model(tiny_vgg(widths=[8, 8, 8], convolutions=[1, 1, 1]), checkpoint, Path("a.ckpt"))


def test_a_changed_network_is_refused_by_the_command(
    finished: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    code, _, errors = command("fit", "--ckpt_path", finished, "--model.widths", "[4, 4]")
    assert code == 2
    assert "cannot change it" in errors
    assert len(errors.splitlines()) == 1
