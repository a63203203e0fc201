"""What the optimizer is configured to be wins over what a checkpoint restores."""

import contextlib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch.optim import SparseAdam
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LambdaLR, SequentialLR, StepLR

from core.errors import InputError
from engine.runs.checkpoint_io import load_checkpoint
from lightning_modules.schedules import WarmupCosine
from tests.contract.data import Points
from tests.contract.modules import ManuallyAdversarial
from tests.interruptions import PulledPlug
from tests.plain import PlainData, PlainModule
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

WithSchedule = pytest.mark.parametrize("schedule", [None, WarmupCosine], ids=["constant", "schedule"])


class Rates(Callback):
    """Notes the learning rate of every step."""

    def __init__(self) -> None:
        self.of_step: dict[int, float] = {}

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: object) -> None:
        self.of_step[trainer.global_step] = optimizer.param_groups[0]["lr"]


class StopHalfway(Callback):
    """Ends a run of two epochs after the first."""

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.current_epoch == 1:
            raise PulledPlug


def _model(schedule: type | None, **optimizer: float) -> LightningModule:
    settings = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01} | optimizer
    return tiny_vgg(optimizer=partial(torch.optim.SGD, **settings), lr_scheduler=schedule)


def _fit(root: Path, schedule: type | None, ckpt_path: Path | None = None, **optimizer: float) -> tuple:
    rates = Rates()
    callbacks = [rates] if ckpt_path else [rates, StopHalfway()]
    trainer = tiny_trainer(root, max_epochs=2, callbacks=callbacks, logger=False)
    with contextlib.suppress(PulledPlug):
        trainer.fit(_model(schedule, **optimizer), TinyDataModule(), ckpt_path=ckpt_path)
    return trainer, rates.of_step


@pytest.fixture
def halfway(request: pytest.FixtureRequest, tmp_path: Path, schedule: type | None) -> Path:
    """A checkpoint after one of two epochs, for either kind of schedule."""
    return _fit(tmp_path, schedule)[0].run_folder.path / "checkpoints" / "last.ckpt"


@WithSchedule
def test_what_is_unchanged_is_left_alone(schedule: type | None, halfway: Path, tmp_path: Path) -> None:
    saved = load_checkpoint(halfway)["optimizer_states"][0]["param_groups"]
    groups: list[list[dict]] = []

    class Look(Callback):
        def on_train_batch_start(self, trainer: Trainer, *_: object) -> None:
            groups.append([{k: v for k, v in g.items() if k != "params"} for g in trainer.optimizers[0].param_groups])

    trainer = tiny_trainer(tmp_path, max_epochs=2, callbacks=[Look()], logger=False)
    trainer.fit(_model(schedule), TinyDataModule(), ckpt_path=halfway)
    assert groups[0] == [{k: v for k, v in group.items() if k != "params"} for group in saved]


@WithSchedule
def test_a_changed_learning_rate_scales_the_rest_of_the_run(
    schedule: type | None, halfway: Path, tmp_path: Path
) -> None:
    _, before = _fit(tmp_path, schedule, halfway)
    trainer, after = _fit(tmp_path, schedule, halfway, lr=0.02)
    assert sorted(after) == list(range(6, 12))
    assert after == pytest.approx({step: rate / 5 for step, rate in before.items()})
    if schedule is not None:
        assert set(trainer.lr_scheduler_configs[0].scheduler.base_lrs) == {0.02}


@WithSchedule
@pytest.mark.parametrize("change", [{"momentum": 0.5}, {"weight_decay": 0.1}, {"nesterov": True}, {"momentum": 0.0}])
def test_another_changed_value_replaces_the_old(
    change: dict[str, float], schedule: type | None, halfway: Path, tmp_path: Path
) -> None:
    _, before = _fit(tmp_path, schedule, halfway)
    trainer, after = _fit(tmp_path, schedule, halfway, **change)
    assert all(group[key] == value for group in trainer.optimizers[0].param_groups for key, value in change.items())
    assert after == before


@pytest.mark.parametrize("schedule", [WarmupCosine])
def test_a_change_is_applied_once_however_often_the_run_goes_on(schedule: type, halfway: Path, tmp_path: Path) -> None:
    trainer, _ = _fit(tmp_path, schedule, halfway, lr=0.02)
    last = trainer.run_folder.path / "checkpoints" / "last.ckpt"
    longer = tiny_trainer(tmp_path, max_epochs=3, logger=False)
    longer.fit(_model(schedule, lr=0.02), TinyDataModule(), ckpt_path=last)
    assert {group["initial_lr"] for group in longer.optimizers[0].param_groups} == {0.02}
    assert set(longer.lr_scheduler_configs[0].scheduler.base_lrs) == {0.02}


def test_each_of_several_optimizers_is_compared_with_its_own(tmp_path: Path) -> None:
    class Faster(ManuallyAdversarial):
        """Has a generator that learns twice as fast, and a sequence of schedules for it."""

        rate = 0.02

        def configure_optimizers(self) -> tuple[list, list]:
            optimizers, (first, _) = super().configure_optimizers()
            optimizers[1].param_groups[0]["lr"] = self.rate
            del optimizers[1].param_groups[0]["initial_lr"]
            parts = [ConstantLR(optimizers[1], 0.5, total_iters=3), LambdaLR(optimizers[1], lambda step: 0.9**step)]
            return optimizers, [first, SequentialLR(optimizers[1], parts, milestones=[4])]

    def rates(trainer: Trainer) -> list[float]:
        return [optimizer.param_groups[0]["lr"] for optimizer in trainer.optimizers]

    def fit(model: Faster, max_steps: int, ckpt_path: Path | None = None) -> Trainer:
        trainer = tiny_trainer(tmp_path, max_epochs=None, max_steps=max_steps, logger=False)
        trainer.fit(model, Points(), ckpt_path=ckpt_path)
        return trainer

    halfway = fit(Faster(), 6).run_folder.path / "checkpoints" / "last.ckpt"
    unchanged = rates(fit(Faster(), 9, halfway))
    faster = Faster()
    faster.rate = 0.04
    assert rates(fit(faster, 9, halfway)) == pytest.approx([unchanged[0], 2 * unchanged[1]])


@pytest.mark.parametrize("momentum", [1.0, 1.5])
def test_a_momentum_that_adds_up_without_end_is_wrong_input(momentum: float, tmp_path: Path) -> None:
    """It was met by the NaN guard, some epochs later."""
    model = tiny_vgg(optimizer=partial(torch.optim.SGD, lr=0.05, momentum=momentum))
    with pytest.raises(InputError, match=f"the optimizer's momentum is {momentum:g}: at least 0 and less than 1"):
        tiny_trainer(tmp_path, logger=False).fit(model, TinyDataModule())
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"optimizer": SparseAdam}, "--model.optimizer SparseAdam: it is for embeddings with sparse gradients"),
        ({"lr_scheduler": partial(StepLR, step_size=0)}, "the schedule's step_size is 0: at least 1 is needed"),
        ({"lr_scheduler": partial(CosineAnnealingLR, T_max=0)}, "the schedule's T_max is 0: at least 1 is needed"),
    ],
)
def test_what_would_fail_in_the_first_step_is_refused_before_anything_is_printed(
    settings: dict, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=reason):
        tiny_trainer(tmp_path, logger=False).fit(tiny_vgg(**settings), TinyDataModule())
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("kind", [torch.nn.Embedding, torch.nn.EmbeddingBag])
def test_a_network_of_sparse_embeddings_trains_with_sparse_adam(kind: type[torch.nn.Module], tmp_path: Path) -> None:
    class Rows(PlainModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = kind(3, 1, sparse=True)

        def training_step(self, batch: list[torch.Tensor], batch_idx: int) -> torch.Tensor:
            return self.net(torch.tensor([[0, 1]])).square().sum()

        validation_step = None

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return SparseAdam(self.parameters(), 0.1)

    model = Rows()
    before = model.net.weight.detach().clone()
    tiny_trainer(tmp_path, logger=False, max_steps=2, max_epochs=None).fit(model, PlainData())
    assert (model.net.weight != before).flatten().tolist() == [True, True, False]


def test_another_optimizer_is_refused_before_it_takes_up_a_state_that_is_not_its_own(tmp_path: Path) -> None:
    first = tiny_trainer(tmp_path, max_epochs=1, logger=False)
    first.fit(_model(None), TinyDataModule())
    adam = tiny_vgg(optimizer=partial(torch.optim.Adam, lr=0.1))
    with pytest.raises(InputError, match=r"^the optimizer is Adam: this run has SGD, and cannot change it$"):
        tiny_trainer(tmp_path, max_epochs=2, logger=False).fit(adam, TinyDataModule(), ckpt_path=first.run_folder.path)


class SignSteps(torch.optim.Optimizer):
    """Goes a fixed way against each gradient's sign; its groups have no learning rate."""

    def __init__(self, params: Iterable[torch.nn.Parameter]) -> None:
        super().__init__(params, {"way": 0.01})

    @torch.no_grad()
    def step(self, closure: Callable[[], float]) -> float:
        with torch.enable_grad():
            loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                weight.sub_(weight.grad.sign(), alpha=group["way"])
        return loss


class WithoutRate(PlainModule):
    """Has such an optimizer."""

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return SignSteps(self.parameters())


def test_another_packages_optimizer_without_a_learning_rate_trains_and_goes_on(tmp_path: Path) -> None:
    first = tiny_trainer(tmp_path, max_epochs=1)
    first.fit(WithoutRate(), PlainData())
    second = tiny_trainer(tmp_path, max_epochs=2)
    second.fit(model := WithoutRate(), PlainData(), ckpt_path=first.run_folder.path)
    assert model.optimizers().param_groups[0].keys() == {"params", "way"}
    assert second.current_epoch == 2
    assert "lr" not in (first.run_folder.path / "metrics.csv").read_text().splitlines()[0].split(",")
