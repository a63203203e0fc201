"""A loss or gradient that is not finite ends the run, and never reaches a weight that is kept."""

import copy
import json
import math
from functools import partial, reduce
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import EMAWeightAveraging
from torch import Tensor, nn

from callbacks import NaNGuard, RunCheckpoint
from callbacks.nan_guard import Diverged
from core.errors import InputError
from datamodules.batches import ImageBatch
from engine.runs.checkpoint_io import load_checkpoint
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

BAD_STEP = 9  # the fourth step of the second epoch


class PoisonedBatch(Callback):
    """Puts a NaN into one image."""

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: ImageBatch, batch_idx: int
    ) -> None:
        if trainer.global_step == BAD_STEP:
            batch.images[3, 0, 0, 0] = torch.nan


class NaNInGradientAlone(torch.autograd.Function):
    """The identity, whose gradient is not a number."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient * torch.nan


class Faulty(nn.ReLU):
    """An activation that fails at one step of the run, in its output or in its gradient."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault
        self.step = 0

    def forward(self, x: Tensor) -> Tensor:
        x = super().forward(x)
        if not self.training or self.step != BAD_STEP:
            return x
        return NaNInGradientAlone.apply(x) if self.fault == "gradient" else x * math.inf


class TellStep(Callback):
    """Tells the faulty layer the step."""

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: ImageBatch, batch_idx: int
    ) -> None:
        pl_module.stages[1][2].step = trainer.global_step


def _model(fault: str | None = None) -> LightningModule:
    model = tiny_vgg(optimizer=partial(torch.optim.SGD, lr=0.05, momentum=0.9))
    if fault in ("output", "gradient"):
        model.stages[1][2] = Faulty(fault)
    return model


def _callbacks(fault: str | None) -> list[Callback]:
    return {None: [], "batch": [PoisonedBatch()]}.get(fault, [TellStep()])


def _diverge(root: Path, fault: str, *callbacks: Callback, **settings: object) -> tuple[Trainer, str]:
    trainer = tiny_trainer(root, max_epochs=3, logger=False, callbacks=[*_callbacks(fault), *callbacks], **settings)
    with pytest.raises(Diverged) as caught:
        trainer.fit(_model(fault), TinyDataModule())
    return trainer, str(caught.value)


def _state_after(root: Path, steps: int, *callbacks: Callback) -> dict[str, Any]:
    """What a run that is stopped in good health holds after so many steps."""
    kept: dict[str, Any] = {}

    class Stop(Callback):
        def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
            if trainer.global_step == steps:
                kept.update(copy.deepcopy(trainer._checkpoint_connector.dump_checkpoint()))
                trainer.should_stop = True

    tiny_trainer(root, max_epochs=3, logger=False, callbacks=[*callbacks, Stop()]).fit(_model(), TinyDataModule())
    return kept


def _assert_finite(path: Path) -> None:
    content = load_checkpoint(path)
    for part in ("state_dict", "current_model_state"):
        for name, value in content.get(part, {}).items():
            assert torch.isfinite(value).all(), f"{path.name}: {name}"
    for state in content["optimizer_states"][0]["state"].values():
        assert all(torch.isfinite(v).all() for v in state.values() if isinstance(v, Tensor)), path.name


def _assert_same_weights(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> None:
    assert ours.keys() == theirs.keys()
    different = [name for name in ours if not torch.equal(ours[name], theirs[name])]
    assert not different


@pytest.mark.parametrize(
    ("fault", "quantity", "module"),
    [
        ("batch", "loss", "stages.0.0 (Conv2d), fed with a batch that is itself not finite"),
        ("output", "loss", "stages.1.2 (Faulty)"),
        ("gradient", "gradient", "none (every module's output is finite)"),
    ],
)
@pytest.mark.parametrize("every_n_steps", [None, 4])
def test_the_step_the_quantity_and_the_module_are_named(
    fault: str, quantity: str, module: str, every_n_steps: int | None, tmp_path: Path
) -> None:
    trainer, message = _diverge(tmp_path, fault, NaNGuard(every_n_steps=every_n_steps))
    assert f"the {quantity} of step {BAD_STEP} is not finite; first such output in forward order: {module};" in message
    run = trainer.run_folder.path
    assert json.loads((run / "summary.json").read_text())["status"] == "diverged"
    for path in (run / "checkpoints").iterdir():
        _assert_finite(path)
    batch = torch.load(run / "diverged_batch.pt", weights_only=True)
    assert batch["images"].shape == (40, 3, 16, 16)
    assert batch["targets"].shape == (40,)
    assert torch.isnan(batch["images"]).any() == (fault == "batch")


@pytest.mark.parametrize("fault", ["batch", "gradient"])
@pytest.mark.parametrize(("every_n_steps", "good_steps"), [(1, 9), (4, 6), (3, 9), (2, 8)])
def test_the_kept_state_is_that_of_the_last_good_look(
    fault: str, every_n_steps: int, good_steps: int, tmp_path: Path
) -> None:
    """Looks are after every so many batches of an epoch, here of six, and at its end."""
    trainer, _ = _diverge(tmp_path, fault, NaNGuard(every_n_steps=every_n_steps))
    kept = load_checkpoint(trainer.run_folder.path / "checkpoints" / "before_divergence.ckpt")
    good = _state_after(tmp_path, good_steps)
    _assert_same_weights(kept["state_dict"], good["state_dict"])
    ours, theirs = (content["optimizer_states"][0]["state"] for content in (kept, good))
    assert all(torch.equal(ours[key]["momentum_buffer"], theirs[key]["momentum_buffer"]) for key in theirs)


def test_the_interval_of_a_gpu_follows_the_batches_of_each_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    intervals = cycle((4, 2))
    monkeypatch.setattr("callbacks.nan_guard.longest_interval", lambda device: 4)
    monkeypatch.setattr("callbacks.nan_guard.interval_for", lambda batch, device, world_size: next(intervals))
    trainer, message = _diverge(tmp_path, "batch", guard := NaNGuard())
    assert f"the loss of step {BAD_STEP} is not finite; first such output in forward order: stages.0.0" in message
    assert len(guard._steps) == 2, "no more batches are kept than a check is about"
    run = trainer.run_folder.path
    assert torch.isnan(torch.load(run / "diverged_batch.pt", weights_only=True)["images"]).any()
    kept = load_checkpoint(run / "checkpoints" / "before_divergence.ckpt")
    _assert_same_weights(kept["state_dict"], _state_after(tmp_path, 8)["state_dict"])


@pytest.mark.parametrize("every_n_steps", [1, 4])
def test_averages_of_the_weights_are_kept_clean_too(every_n_steps: int, tmp_path: Path) -> None:
    averaging = EMAWeightAveraging(decay=0.9)
    trainer, _ = _diverge(tmp_path, "gradient", averaging, NaNGuard(every_n_steps=every_n_steps))
    checkpoints = {path.name: path for path in (trainer.run_folder.path / "checkpoints").iterdir()}
    assert checkpoints.keys() == {"last.ckpt", "best.ckpt", "before_divergence.ckpt"}
    for path in checkpoints.values():
        _assert_finite(path)


@pytest.mark.parametrize("every_n_train_steps", [1, 2, 5])
def test_no_checkpoint_is_ever_written_with_a_nan(every_n_train_steps: int, tmp_path: Path) -> None:
    saved: list[int] = []

    class Look(Callback):
        def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict) -> None:
            saved.append(checkpoint["global_step"])
            assert all(torch.isfinite(value).all() for value in checkpoint["state_dict"].values())

    checkpoints = RunCheckpoint(every_n_train_steps=every_n_train_steps)
    _diverge(tmp_path, "gradient", NaNGuard(every_n_steps=4), Look(), checkpoints)
    assert saved


def test_last_and_best_survive_a_divergence(tmp_path: Path) -> None:
    trainer, _ = _diverge(tmp_path, "batch")
    checkpoints = trainer.run_folder.path / "checkpoints"
    assert load_checkpoint(checkpoints / "last.ckpt")["global_step"] == 6
    assert load_checkpoint(checkpoints / "best.ckpt")["global_step"] == 6


def test_a_guard_that_is_switched_off_lets_it_pass(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=2, logger=False, callbacks=[PoisonedBatch(), NaNGuard(enabled=False)])
    model = _model()
    trainer.fit(model, TinyDataModule())
    assert torch.isnan(model.stages[0][0].weight).any()


@pytest.mark.parametrize("every_n_steps", [1, 4])
def test_watching_changes_nothing(every_n_steps: int, tmp_path: Path) -> None:
    states = []
    for guard in (NaNGuard(every_n_steps=every_n_steps), NaNGuard(enabled=False)):
        model = _model()
        tiny_trainer(tmp_path, logger=False, callbacks=[guard]).fit(model, TinyDataModule())
        states.append(model.state_dict())
    _assert_same_weights(*states)


def test_accumulated_batches_are_watched(tmp_path: Path) -> None:
    class Poison(Callback):
        def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: ImageBatch, i: int) -> None:
            if trainer.current_epoch == 1 and i == 2:  # the first of two, so that no optimizer step follows it
                batch.images[0] = torch.nan

    trainer = tiny_trainer(tmp_path, max_epochs=3, logger=False, callbacks=[Poison()], accumulate_grad_batches=2)
    with pytest.raises(Diverged, match="the loss of step 4 is not finite"):
        trainer.fit(_model(), TinyDataModule())
    _assert_finite(trainer.run_folder.path / "checkpoints" / "before_divergence.ckpt")


def test_the_command_says_it_in_one_line_and_fails(config: Path, command) -> None:
    flags = ("--run_dir", "run", "--model.optimizer.lr", "1e30", "--trainer.max_epochs", 3)
    code, _, errors = command("fit", "--config", config, *flags)
    assert code == 1
    assert errors.startswith("error: diverged: the ")
    assert len(errors.splitlines()) == 1
    _assert_finite(Path("run/checkpoints/before_divergence.ckpt"))


# What the optimizer makes of finite gradients


class SpoilingSGD(torch.optim.SGD):
    """Makes a weight, its state, or nothing not finite at one step; or has a learning rate that is not."""

    def __init__(self, params: Any, spoils: str, lr: float = 0.05) -> None:
        super().__init__(params, lr=lr, momentum=0.9)
        self.spoils = spoils
        self.steps = 0

    def step(self, closure: Any = None) -> Any:
        result = super().step(closure)
        weight = self.param_groups[0]["params"][0]
        self.steps += 1
        if self.steps == BAD_STEP:
            if self.spoils == "weight":
                weight.data[0] = math.inf
            elif self.spoils == "state":
                self.state[weight]["momentum_buffer"][0] = math.nan
            elif self.spoils == "rate":
                self.param_groups[0]["lr"] = math.nan
        return result


@pytest.mark.parametrize("every_n_steps", [1, 4])
@pytest.mark.parametrize(
    ("spoils", "finding"),
    [
        ("weight", "is not finite"),
        ("state", "is not finite"),
        ("rate", f"the learning rate of step {BAD_STEP} is nan, the last good weights are in checkpoints/last.ckpt"),
    ],
)
@pytest.mark.parametrize("every_n_train_steps", [0, 1])
def test_what_an_optimizer_spoils_is_never_kept(
    spoils: str, finding: str, every_n_steps: int, every_n_train_steps: int, tmp_path: Path
) -> None:
    """Weights were never looked at: last.ckpt and what was said to be good held thousands of such numbers."""
    model = tiny_vgg(optimizer=partial(SpoilingSGD, spoils=spoils))
    callbacks = [NaNGuard(every_n_steps=every_n_steps), RunCheckpoint(every_n_train_steps=every_n_train_steps)]
    callbacks.append(EMAWeightAveraging(decay=0.9))
    trainer = tiny_trainer(tmp_path, max_epochs=3, logger=False, callbacks=callbacks)
    with pytest.raises(Diverged, match=finding):
        trainer.fit(model, TinyDataModule())
    kept = sorted((trainer.run_folder.path / "checkpoints").iterdir())
    assert "last.ckpt" in [path.name for path in kept]
    for path in kept:
        _assert_finite(path)


def test_a_fit_after_one_that_diverged_is_checked_too(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, max_epochs=3, logger=False, callbacks=[RunCheckpoint(every_n_train_steps=1)])
    for _ in range(2):
        with pytest.raises(Diverged, match=f"is not finite after step .*: {SpoilingSGD.__name__} made it so"):
            trainer.fit(tiny_vgg(optimizer=partial(SpoilingSGD, spoils="weight")), TinyDataModule())
        for path in (trainer.run_folder.path / "checkpoints").iterdir():
            _assert_finite(path)


@pytest.mark.parametrize("precision", ["16-true", "32-true"])
def test_a_division_by_zero_in_adam_is_told_as_such(precision: str, tmp_path: Path) -> None:
    """The smallest number of float16 is larger than Adam's usual epsilon."""
    adam = partial(torch.optim.Adam, lr=0.001, eps=1e-8 if precision == "16-true" else 0.0, fused=False)
    model = tiny_vgg(optimizer=adam)
    model.classifier[-1].weight.register_hook(torch.zeros_like)  # a weight without a gradient, as after a dead unit
    trainer = tiny_trainer(tmp_path, logger=False, precision=precision)
    with pytest.raises(Diverged, match=r"is not finite after step \d: Adam made it so of finite gradients; the batch"):
        trainer.fit(model, TinyDataModule())
    assert not list(trainer.run_folder.path.glob("checkpoints/*"))


def test_large_finite_weights_and_infinite_masks_are_no_fault(tmp_path: Path) -> None:
    model = _model()
    model.register_buffer("mask", torch.tensor([0.0, -math.inf]))
    model.register_parameter("large", nn.Parameter(torch.full((4,), 1e30), requires_grad=False))  # whose norm overflows
    trainer = tiny_trainer(tmp_path, max_epochs=1, logger=False, callbacks=[NaNGuard(every_n_steps=4)])
    trainer.fit(model, TinyDataModule())
    assert (trainer.run_folder.path / "checkpoints" / "last.ckpt").exists()


@pytest.mark.parametrize("every_n_steps", [0, -5])
def test_an_interval_below_one_is_wrong_input(every_n_steps: int) -> None:
    with pytest.raises(InputError, match=f"--nan_guard.every_n_steps {every_n_steps}: at least 1"):
        NaNGuard(every_n_steps=every_n_steps)


@pytest.mark.parametrize(("name", "value"), [("lr", math.nan), ("lr", math.inf), ("weight_decay", math.nan)])
def test_an_optimizer_that_is_configured_so_is_wrong_input(name: str, value: float, tmp_path: Path) -> None:
    optimizer = partial(torch.optim.SGD, **{"lr": 0.05} | {name: value})
    with pytest.raises(InputError, match=f"the optimizer's {name} is {value}: a finite number is needed"):
        tiny_trainer(tmp_path, logger=False).fit(tiny_vgg(optimizer=optimizer), TinyDataModule())
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("setting", ["model.init_args.optimizer.init_args.lr", "model.init_args.dropout"])
def test_nothing_in_a_config_may_be_not_a_number(setting: str, config: Path, command) -> None:
    content = yaml.safe_load(config.read_text())
    *path, name = setting.split(".")
    reduce(dict.__getitem__, path, content)[name] = math.nan
    config.write_text(yaml.safe_dump(content))
    code, _, errors = command("fit", "--config", config)
    assert code == 2
    assert errors.startswith("error: tiny.yaml, line ")
    assert errors.endswith(f": {setting.replace('init_args.', '')} .nan: a number is needed\n")
    assert not Path("runs").exists()
