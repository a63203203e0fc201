"""The step, the metrics, the optimizer's groups and its schedule, as every image classifier has them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback
from pytorch_lightning.cli import ReduceLROnPlateau
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from torch.optim.lr_scheduler import ExponentialLR
from torch.utils.data import DataLoader

from core.errors import InputError
from datamodules.batches import ImageBatch
from engine.trainer import Trainer
from lightning_modules import VGG
from lightning_modules.schedules import WarmupLinear
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


@pytest.fixture
def batch() -> ImageBatch:
    """Six images of noise."""
    rng = torch.Generator().manual_seed(0)
    images = torch.randn(6, 3, 16, 16, generator=rng)
    return ImageBatch(images, torch.tensor([0, 1, 2, 3, 4, 0]), torch.arange(6), {})


@pytest.mark.filterwarnings("ignore:.* None:UserWarning")
@pytest.mark.parametrize("fast_loop", [True, False])
def test_a_training_batch_of_another_packages_loader_may_be_none(
    fast_loop: bool, batch: ImageBatch, tmp_path: Path
) -> None:
    """Lightning's own loop was refused what the fast one leaves out."""
    loader = DataLoader([None, (batch.images, batch.targets)], batch_size=None)
    trainer = tiny_trainer(tmp_path, logger=False, fast_loop=fast_loop)
    trainer.fit(tiny_vgg(), loader)
    assert trainer.optimizer_steps == 2
    with pytest.raises(InputError, match="the loader gives a NoneType"):
        trainer.test(tiny_vgg(), loader)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_a_target_that_says_nothing_is_refused(smoothing: float) -> None:
    with pytest.raises(InputError, match=f"model.label_smoothing is {smoothing:g}: at least 0 and less than 1"):
        tiny_vgg(label_smoothing=smoothing)


class Rates(Callback):
    """Takes note of the learning rate of every step."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: VGG, optimizer: Optimizer) -> None:
        """Takes note."""
        self.seen.append(optimizer.param_groups[0]["lr"])


def rates(root: Path, schedule: Callable | None, **settings: object) -> list[float]:
    """Trains with 6 batches an epoch, for 2 epochs if not told otherwise; returns the learning rate of every step."""
    seen = Rates()
    trainer = tiny_trainer(root, callbacks=[seen], logger=False, **settings)
    model = tiny_vgg(optimizer=lambda groups: SGD(groups, lr=0.1), lr_scheduler=schedule)
    trainer.fit(model, datamodule=TinyDataModule())
    return seen.seen


def probabilities(model: VGG, data: TinyDataModule, part: str) -> tuple[Tensor, Tensor]:
    """Returns what a model makes of a whole split, and the truth."""
    split = data.splits[part]
    images = ((split.images.float() / 255 - 0.5) / 0.25).permute(0, 3, 1, 2)
    with torch.no_grad():
        return model.eval()(images).softmax(1), split.targets


# The step


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_is_cross_entropy_with_smoothed_labels(batch: ImageBatch, smoothing: float) -> None:
    model = tiny_vgg(label_smoothing=smoothing, dropout=0.0)
    log_probabilities = model(batch.images).log_softmax(1)
    target = torch.nn.functional.one_hot(batch.targets, 5) * (1 - smoothing) + smoothing / 5
    expected = -(target * log_probabilities).sum(1).mean()
    torch.testing.assert_close(model.training_step(batch, 0), expected)
    theirs = nn.CrossEntropyLoss(label_smoothing=smoothing)(model(batch.images), batch.targets)
    torch.testing.assert_close(model.training_step(batch, 0), theirs)


def test_losses_add_up_to_the_steps_and_leave_the_metrics_alone(batch: ImageBatch) -> None:
    model = tiny_vgg(label_smoothing=0.1, dropout=0.0)
    losses = model.losses(batch)
    assert list(losses) == ["classification"]
    assert int(model.train_metrics.count) == 0
    assert torch.equal(sum(losses.values()), model.training_step(batch, 0))
    assert int(model.train_metrics.count) == 6


def test_evaluation_does_not_smooth(batch: ImageBatch) -> None:
    model = tiny_vgg(label_smoothing=0.2).eval()
    model.validation_step(batch, 0)
    expected = nn.functional.cross_entropy(model(batch.images), batch.targets)
    torch.testing.assert_close(model.val_metrics.compute()["loss"], expected)


def test_test_and_prediction_return_probabilities(batch: ImageBatch) -> None:
    model = tiny_vgg().eval()
    expected = model(batch.images).softmax(1)
    torch.testing.assert_close(model.test_step(batch, 0), expected)
    torch.testing.assert_close(model.predict_step(batch, 0), expected)


# Metrics


def test_fitting_logs_training_and_validation(tmp_path: Path) -> None:
    trainer, data = tiny_trainer(tmp_path, logger=False), TinyDataModule()
    model = tiny_vgg(label_smoothing=0.1)
    trainer.fit(model, datamodule=data)
    assert set(trainer.callback_metrics) == {"train/loss", "train/acc", "val/loss", "val/acc"}
    guesses, targets = probabilities(model, data, "val")
    torch.testing.assert_close(trainer.callback_metrics["val/loss"], nn.functional.nll_loss(guesses.log(), targets))
    assert trainer.callback_metrics["val/acc"] == (guesses.argmax(1) == targets).float().mean()
    assert int(model.train_metrics.count) == 240, "the last epoch alone is counted"


@pytest.mark.parametrize(("verb", "part"), [("validate", "val"), ("test", "test")])
def test_evaluation_logs_its_own_part(tmp_path: Path, verb: str, part: str) -> None:
    trainer, data, model = tiny_trainer(tmp_path, logger=False), TinyDataModule(), tiny_vgg()
    for _ in range(2):  # nothing is left over for the second time
        getattr(trainer, verb)(model, datamodule=data, verbose=False)
        assert set(trainer.callback_metrics) == {f"{part}/loss", f"{part}/acc"}
        guesses, targets = probabilities(model, data, part)
        torch.testing.assert_close(
            trainer.callback_metrics[f"{part}/loss"], nn.functional.nll_loss(guesses.log(), targets)
        )
        assert trainer.callback_metrics[f"{part}/acc"] == (guesses.argmax(1) == targets).float().mean()


def test_a_model_that_was_validated_can_be_fitted(tmp_path: Path) -> None:
    model, data = tiny_vgg(), TinyDataModule()
    tiny_trainer(tmp_path).validate(
        model, data, verbose=False
    )  # in inference mode, whose tensors cannot be changed later
    tiny_trainer(tmp_path, max_epochs=1, logger=False).fit(model, data)


def test_prediction_keeps_the_order(tmp_path: Path) -> None:
    trainer, data, model = tiny_trainer(tmp_path, logger=False), TinyDataModule(), tiny_vgg()
    predicted = torch.cat(trainer.predict(model, datamodule=data))
    torch.testing.assert_close(predicted, probabilities(model, data, "test")[0])


# The optimizer


def groups_of(model: VGG) -> dict[str, dict]:
    """Returns the groups of the model's optimizer by name."""
    model.make_optimizer = lambda groups: SGD(groups, lr=0.5, weight_decay=0.1)
    return {group["name"]: group for group in model.configure_optimizers().param_groups}


def test_groups_hold_every_parameter_once_and_by_its_kind() -> None:
    model = tiny_vgg(convolution_bias=True, head_widths=[8])
    groups = {group["name"]: group for group in model.parameter_groups()}
    kinds = {"weights": (nn.Conv2d, nn.Linear), "head": (), "norms": nn.BatchNorm2d, "biases": (nn.Conv2d, nn.Linear)}
    assert list(groups) == list(kinds)
    head = model.classifier[-1].weight
    for name, kind in kinds.items():
        own = {"weights": ["weight"], "norms": ["weight", "bias"], "biases": ["bias"]}.get(name, [])
        expected = {id(getattr(module, part)) for module in model.modules() if isinstance(module, kind) for part in own}
        expected = {id(head)} if name == "head" else expected - {id(head)}
        assert {id(parameter) for parameter in groups[name]["params"]} == expected
    assert sum(len(group["params"]) for group in groups.values()) == len(list(model.parameters()))


def test_norms_of_every_kind_are_in_one_group() -> None:
    model = tiny_vgg(batch_norm=False)
    norms = [nn.LayerNorm(4), nn.GroupNorm(2, 4), nn.BatchNorm1d(4)]
    model.extra = nn.ModuleList([*norms, nn.Linear(4, 4, bias=False)])
    groups = {group["name"]: group["params"] for group in model.parameter_groups()}
    assert {id(p) for p in groups["norms"]} == {id(p) for norm in norms for p in norm.parameters()}
    assert any(p is model.extra[3].weight for p in groups["weights"])


def test_weight_decay_spares_norms_and_biases_where_asked() -> None:
    groups = groups_of(tiny_vgg(decay_norms_and_biases=False))
    assert {name: group["weight_decay"] for name, group in groups.items()} == {
        "weights": 0.1, "head": 0.1, "norms": 0.0, "biases": 0.0,
    }  # fmt: skip


def test_kinds_that_nothing_tells_apart_are_one_group() -> None:
    model = tiny_vgg()
    groups = groups_of(model)
    assert list(groups) == ["all"]
    assert {id(p) for p in groups["all"]["params"]} == {id(p) for p in model.parameters()}
    assert groups["all"]["weight_decay"] == 0.1


def test_the_factor_on_norms_leaves_their_decay_a_step_alone() -> None:
    groups = groups_of(tiny_vgg(norm_lr_factor=4.0))
    assert {name: group["lr"] for name, group in groups.items()} == {
        "weights": 0.5, "head": 0.5, "norms": 2.0, "biases": 0.5,
    }  # fmt: skip
    for group in groups.values():
        assert group["lr"] * group["weight_decay"] == pytest.approx(0.05)


def test_rates_fall_from_the_output_to_the_input() -> None:
    model = tiny_vgg(depth_lr_factor=0.5, whiten=True)
    model.make_optimizer = lambda groups: SGD(groups, lr=0.4, weight_decay=0.1)
    optimizer = model.configure_optimizers()["optimizer"] if model.make_schedule else model.configure_optimizers()
    rates = {id(one): group["lr"] for group in optimizer.param_groups for one in group["params"]}
    assert rates.keys() == {id(parameter) for parameter in model.parameters()}
    expected = {"classifier": 0.4, "stages.1": 0.2, "stages.0": 0.1, "whitening": 0.05}
    for name, parameter in model.named_parameters():
        (rate,) = (rate for prefix, rate in expected.items() if name.startswith(prefix))
        assert rates[id(parameter)] == pytest.approx(rate), name
    first = optimizer.param_groups[0]
    assert (first["name"], first["lr"], first["weight_decay"]) == ("head", 0.4, 0.1)  # whose rate is shown


# The schedule


def test_without_a_schedule_the_learning_rate_is_constant(tmp_path: Path) -> None:
    assert rates(tmp_path, None) == [0.1] * 12


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"max_epochs": 2}, 12),
        ({"max_epochs": 3}, 18),
        ({"max_epochs": -1, "max_steps": 5}, 5),
        ({"max_epochs": 2, "max_steps": 100}, 12),
        ({"max_epochs": 2, "accumulate_grad_batches": 2}, 6),
    ],
)
def test_a_schedule_counts_optimizer_steps_to_the_end_of_the_run(
    tmp_path: Path, settings: dict[str, int], steps: int
) -> None:
    seen = rates(tmp_path, lambda optimizer: WarmupLinear(optimizer, warmup=0), **settings)
    assert seen == pytest.approx([0.1 * (1 - step / steps) for step in range(steps)])


def test_schedules_of_torch_step_with_the_optimizer(tmp_path: Path) -> None:
    seen = rates(tmp_path, lambda optimizer: ExponentialLR(optimizer, gamma=0.9))
    assert seen == pytest.approx([0.1 * 0.9**step for step in range(12)])


def test_a_plateau_counts_validations_of_its_metric(tmp_path: Path) -> None:
    def never_content(optimizer: Optimizer) -> ReduceLROnPlateau:
        return ReduceLROnPlateau(
            optimizer, monitor="val/loss", factor=0.5, patience=0, threshold=100, threshold_mode="abs"
        )

    # the first validation sets the mark, which none after it improves upon
    assert rates(tmp_path, never_content, max_epochs=4) == pytest.approx([0.1] * 12 + [0.05] * 6 + [0.025] * 6)


def test_a_schedule_over_a_run_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="WarmupLinear needs the run's length"):
        rates(tmp_path, WarmupLinear, max_epochs=-1)
