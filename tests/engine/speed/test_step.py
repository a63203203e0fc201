"""A step in a straight line calls all that a model, a callback or an optimizer has made its own, as Lightning does."""

from collections.abc import Callable, Iterable
from functools import partial, wraps
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from pytorch_lightning import Callback
from pytorch_lightning.core.hooks import CheckpointHooks, ModelHooks
from pytorch_lightning.loggers import Logger
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import StepLR
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.hooks import RemovableHandle

from core.errors import InputError
from datamodules.batches import ImageBatch
from engine.speed.step import step_of
from lightning_modules import VGG
from lightning_modules.tasks.task import default_optimizer
from tests.bits import assert_same_bits
from tests.tiny import TinyDataModule, tiny_trainer

HOOKS_OF_MODELS = sorted(
    {name for kind in (ModelHooks, CheckpointHooks) for name in vars(kind) if name.startswith("on_")}
    | {"setup", "teardown", "on_before_batch_transfer", "transfer_batch_to_device"}
    | {
        "configure_model",
        "configure_callbacks",
        "configure_optimizers",
        "lr_scheduler_step",
        "forward",
        "training_step",
        "backward",
    }
    | {"validation_step", "optimizer_zero_grad", "configure_gradient_clipping", "clip_gradients"}
)
HOOKS_OF_CALLBACKS = sorted(name for name in vars(Callback) if name.startswith("on_") or name in ("setup", "teardown"))


def describe(value: Any) -> Any:
    """What of an argument can be compared between two runs."""
    if isinstance(value, Tensor):
        return value.detach().double().sum().item()
    if isinstance(value, dict):
        return {key: describe(entry) for key, entry in value.items() if key != "callbacks"}
    if isinstance(value, ImageBatch):
        return describe(value.images), describe(value.index)
    return value if isinstance(value, int | float | str | None) else type(value).__name__


def noting(kind: type, names: Iterable[str], calls: list[Any]) -> type:
    """Returns a subclass of which each named method notes its call, and what is counted and believed by then."""

    def method(name: str) -> Any:
        def noted(self: Any, *arguments: Any, **named: Any) -> Any:
            trainer = self._trainer if issubclass(kind, VGG) else arguments[0]
            loop = trainer and trainer.fit_loop.epoch_loop
            calls.append(
                (kind.__name__, name, [describe(one) for one in arguments], describe(named))
                + ((trainer.model and trainer.model._current_fx_name, loop.state_dict()) if trainer else ())
            )
            return getattr(kind, name)(self, *arguments, **named)

        return noted

    return type(kind.__name__, (kind,), {name: method(name) for name in names})


class Logged(Logger):
    """Keeps what it is told."""

    name, version = "logged", ""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Any] = []

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.lines.append((step, metrics))

    def log_hyperparams(self, *_: Any, **__: Any) -> None:
        """Keeps none."""


class LogsInSteps(VGG):
    """A model that logs within steps, as models of other packages do."""

    def training_step(self, batch: ImageBatch, batch_idx: int) -> Tensor:
        loss = super().training_step(batch, batch_idx)
        self.log("own", loss, on_step=True, on_epoch=True, batch_size=40)
        return loss


class OwnZero(torch.optim.SGD):
    """An optimizer that keeps zeros where others keep nothing."""

    def zero_grad(self, set_to_none: bool = False) -> None:
        super().zero_grad(set_to_none=False)


class ClipsLater(Callback):
    """Begins to clip gradients within a run."""

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        trainer.gradient_clip_val = 0.01 if trainer.global_step > 3 else None


def fit_both(
    root: Path, model: type = VGG, data: Any = TinyDataModule, hooks: Iterable[str] = HOOKS_OF_MODELS, **settings: Any
) -> list[dict[str, Any]]:
    """Trains by the straight loop and by Lightning's; returns what each has called, logged and learned."""
    results = []
    extra = settings.pop("callbacks", [])
    made_by = {"optimizer": default_optimizer, "lr_scheduler": None} | settings.pop("made_by", {})
    for fast_loop in (True, False):
        calls: list[Any] = []
        logged = Logged()
        spy = noting(Callback, HOOKS_OF_CALLBACKS, calls)()
        trainer = tiny_trainer(
            root, fast_loop=fast_loop, callbacks=[spy, *[one() for one in extra]], logger=[logged], **settings
        )
        torch.manual_seed(0)
        sizes = {"widths": [8, 8], "convolutions": [1, 1], "dropout": 0.2}
        network = noting(model, hooks, calls)(5, 3, 16, **sizes, **made_by)
        trainer.fit(network, data())
        assert getattr(trainer.fit_loop.epoch_loop, "_straight", False) == fast_loop
        results.append(
            {
                "calls": calls,
                "logged": logged.lines,
                "metrics": {name: float(value) for name, value in trainer.callback_metrics.items()},
                "weights": network.state_dict(),
                "optimizer": trainer.optimizers[0].state_dict(),
                "places": (trainer.global_step, trainer.current_epoch, trainer.optimizer_steps),
            }
        )
    return results


def assert_equal(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Checks that both have done the same, call by call and bit by bit."""
    for name in ("calls", "logged", "metrics", "places"):
        assert ours[name] == theirs[name], name
    assert_same_bits(ours["weights"], theirs["weights"])
    assert_same_bits(ours["optimizer"], theirs["optimizer"])


def each_second(optimizer: Any) -> StepLR:
    """A schedule that divides the rate after every second step that it is told of."""
    return StepLR(optimizer, 2, 0.5)


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (VGG, {"log_every_n_steps": 2}),
        (LogsInSteps, {"log_every_n_steps": 2}),
        (VGG, {"max_steps": 8, "made_by": {"lr_scheduler": each_second}}),
        (VGG, {"val_check_interval": 4, "check_val_every_n_epoch": None}),
        (VGG, {"check_val_every_n_epoch": 2, "limit_train_batches": 3}),
    ],
    ids=["plain", "logs in steps", "schedule", "validates by steps", "validates rarely"],
)
@pytest.mark.filterwarnings("ignore:You have overridden")
def test_every_hook_is_called_as_by_lightning(model: type, settings: dict[str, Any], tmp_path: Path) -> None:
    ours, theirs = fit_both(tmp_path, model, **settings)
    assert_equal(ours, theirs)
    called = {name for _, name, *_ in ours["calls"]}
    assert {"training_step", "on_before_zero_grad", "on_train_batch_end", "transfer_batch_to_device"} <= called


class Pairs(TinyDataModule):
    """The tiny pictures from a loader of torch, whose batches are lists."""

    def train_dataloader(self) -> DataLoader:
        split = self.splits["train"]
        return DataLoader(TensorDataset(split.images.float().permute(0, 3, 1, 2), split.targets), 40)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        return batch if batch.images.is_floating_point() else super().on_after_batch_transfer(batch, dataloader_idx)


@pytest.mark.parametrize(
    "settings",
    [
        {"callbacks": [ClipsLater]},
        {"made_by": {"optimizer": partial(OwnZero, lr=0.05)}},
        {"data": Pairs},
    ],
    ids=["clips later", "own zero_grad", "another loader"],
)
def test_what_is_left_out_does_nothing(settings: dict[str, Any], tmp_path: Path) -> None:
    ours, theirs = fit_both(tmp_path, hooks=(), **settings)
    assert_equal(ours, theirs)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (lambda loss: loss.item(), "returns float; a tensor, a dict with one as loss, or None is needed"),
        (lambda loss: loss.expand(3), r"returns a loss of shape \[3\]; its mean or sum is needed"),
        (lambda loss: {"loss": loss.expand(3)}, r"returns a loss of shape \[3\]; its mean or sum is needed"),
    ],
)
def test_what_is_no_loss_is_refused(returned: Callable[[Tensor], Any], said: str, tmp_path: Path) -> None:
    class Returns(VGG):
        def training_step(self, batch: ImageBatch, batch_idx: int) -> Any:
            return returned(super().training_step(batch, batch_idx))

    trainer = tiny_trainer(tmp_path, logger=False, max_epochs=1)
    with pytest.raises(InputError, match=rf"^Returns\.training_step {said}$"):
        trainer.fit(Returns(5, image_size=16, widths=[8, 8], convolutions=[1, 1]), TinyDataModule())
    assert not list(tmp_path.rglob("*.csv"))


def test_batches_without_a_step_are_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Few(VGG):
        def training_step(self, batch: ImageBatch, batch_idx: int) -> Tensor | None:
            loss = super().training_step(batch, batch_idx)
            return None if batch_idx else loss

    model = Few(5, image_size=16, widths=[8, 8], convolutions=[1, 1])
    tiny_trainer(tmp_path, logger=False, max_epochs=2).fit(model, TinyDataModule())
    assert capsys.readouterr().out.count("note     training_step returned None: such a batch makes no step\n") == 1


class Doubles(SGD):
    """Makes each step twice, under torch's label."""

    def step(self, closure: Callable | None = None) -> Any:
        super().step()
        return super().step(closure)


class Notes(SGD):
    """Has a step around that of its base class, which looks like torch's label."""

    noted: ClassVar[list[str]] = []

    @wraps(SGD.step)
    def step(self, closure: Callable | None = None) -> Any:
        self.noted.append("step")
        return super().step(closure)


def stepped(make: Callable[[list[nn.Parameter]], Optimizer], around: Callable[[Optimizer], Any], ours: bool) -> Any:
    """Returns a weight after two steps, their losses, and what was noted of them."""
    weight, noted = nn.Parameter(torch.ones(2)), Notes.noted
    noted.clear()
    optimizer = make([weight])
    removes = around(optimizer)

    def closure() -> Tensor:
        optimizer.zero_grad()
        with torch.enable_grad():
            loss = weight.square().sum()
        loss.backward()
        return loss

    step = step_of(optimizer) if ours else optimizer.step
    losses = [step(closure).item() for _ in range(2)]
    if isinstance(removes, RemovableHandle):
        removes.remove()
    return weight.tolist(), losses, [*noted]


def _wrapped(optimizer: Optimizer) -> None:
    before = optimizer.step
    optimizer.step = wraps(before)(lambda closure: (Notes.noted.append("wrapped"), before(closure))[1])


@pytest.mark.parametrize("make", [SGD, partial(SGD, lr=0.1, momentum=0.9), torch.optim.Adam, Doubles, Notes])
@pytest.mark.parametrize(
    "around",
    [
        lambda optimizer: None,
        lambda optimizer: StepLR(optimizer, 1),
        lambda optimizer: optimizer.register_step_pre_hook(lambda *_: Notes.noted.append("before")),
        lambda optimizer: optimizer.register_step_post_hook(lambda *_: Notes.noted.append("after")),
        lambda optimizer: register_optimizer_step_pre_hook(lambda *_: Notes.noted.append("before any")),
        lambda optimizer: (StepLR(optimizer, 1), _wrapped(optimizer)),
        _wrapped,
    ],
    ids=["nothing", "schedule", "hook before", "hook after", "hook of all", "schedule and wrapper", "wrapper"],
)
def test_what_is_around_a_step_is_called(make: Callable, around: Callable) -> None:
    ours, theirs = stepped(make, around, True), stepped(make, around, False)
    assert ours == theirs
    assert ours[0] != [1, 1]


def test_hooks_that_come_later_are_called() -> None:
    optimizer, noted = SGD([nn.Parameter(torch.ones(1))]), []
    step = step_of(optimizer)
    optimizer.register_step_pre_hook(lambda *_: noted.append("hook"))
    step(lambda: None)
    _wrapped(optimizer)
    Notes.noted.clear()
    step(lambda: None)
    assert (noted, Notes.noted) == (["hook", "hook"], ["wrapped"])


@pytest.mark.filterwarnings("error:Detected call of `lr_scheduler.step")
def test_a_schedule_knows_that_its_optimizer_was_called() -> None:
    optimizer = SGD([nn.Parameter(torch.ones(1))])
    schedule = StepLR(optimizer, 1)
    step_of(optimizer)(lambda: None)
    schedule.step()


def test_torchs_profiler_sees_the_step() -> None:
    optimizer = SGD([nn.Parameter(torch.ones(1))])
    with torch.profiler.profile() as profile:
        step_of(optimizer)(lambda: None)
    assert "Optimizer.step#SGD.step" in {event.key for event in profile.key_averages()}
