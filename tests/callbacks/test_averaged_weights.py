"""Averages lie where the weights do, unless another device was asked for, and are torch's of what can be averaged."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from pytorch_lightning.callbacks import EMAWeightAveraging, WeightAveraging
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_avg_fn

from callbacks import AveragedWeights
from callbacks.averaged_weights import Fixed, Update, averaged
from callbacks.freeze import Freeze
from lightning_modules.layers.whitening import Whitening
from tests.tiny import tiny_trainer, tiny_vgg


@pytest.mark.parametrize(("given", "expected"), [(None, "meta"), ("cpu", "cpu")])
def test_averages_follow_the_model_to_its_device(given: str | None, expected: str, tmp_path: Path) -> None:
    averaging = EMAWeightAveraging(device=given)
    trainer, model = tiny_trainer(tmp_path, callbacks=[averaging]), tiny_vgg()
    averaging.setup(trainer, model, "fit")  # when Lightning has not moved the model yet
    model.to("meta")  # stands for a GPU
    (moving,) = (callback for callback in trainer.callbacks if isinstance(callback, AveragedWeights))
    moving.on_fit_start(trainer, model)
    averages = averaging._average_model
    assert {one.device.type for one in (*averages.parameters(), *averages.buffers())} == {expected}


class Tied(nn.Module):
    """Two names for one weight, whole numbers, and a buffer that is replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(5, 7), nn.BatchNorm1d(7), nn.Linear(5, 7)
        self.last.weight = self.first.weight
        self.register_buffer("absent", None)
        self.register_buffer("replaced", torch.randn(3))
        self.register_buffer("coarse", torch.randn(50).bfloat16())
        self.register_buffer("places", torch.arange(8))
        self.register_buffer("mask", torch.arange(8) % 2 == 0)

    def move(self) -> None:
        """Changes all values."""
        with torch.no_grad():
            for weight in self.parameters():
                weight.add_(torch.randn_like(weight))
        self.norm.num_batches_tracked += 3
        self.norm.running_mean.add_(torch.randn_like(self.norm.running_mean))
        self.replaced = torch.randn_like(self.replaced)
        self.coarse = torch.randn_like(self.coarse)


def average_of(model: nn.Module) -> AveragedModel:
    """Returns an average as Lightning makes it."""
    return AveragedModel(model, avg_fn=get_ema_avg_fn(0.9), use_buffers=True)


@pytest.mark.parametrize(
    "types", [(None,) * 2, (torch.float64,) * 2, (torch.bfloat16,) * 2, (torch.float32, torch.bfloat16)], ids=str
)
def test_a_short_update_has_the_bits_of_torchs(types: tuple[torch.dtype | None, torch.dtype | None]) -> None:
    """Of the last case, torch copies a model before Lightning gives it the type of its precision."""
    torch.manual_seed(0)
    model = Tied() if types[0] is None else Tied().to(types[0])
    ours, theirs = average_of(model), average_of(model)
    ours.update_parameters = Update(ours, is_short=True)
    if types[1] is not None:
        model.to(types[1])
    for step in range(6):
        model.move()
        if step == 3:
            model.load_state_dict(deepcopy(model.state_dict()))
            model.norm.bias.data = torch.randn_like(model.norm.bias)
            model.first.bias = nn.Parameter(torch.randn_like(model.first.bias))
        for average in (ours, theirs):
            average.update_parameters(model)
        assert ours.state_dict().keys() == theirs.state_dict().keys()
        for name, value in ours.state_dict().items():
            is_whole = name.startswith("module.") and not value.is_floating_point()  # which torch cuts off
            expected = model.state_dict()[name.removeprefix("module.")] if is_whole else theirs.state_dict()[name]
            assert value.dtype == expected.dtype
            assert torch.equal(value, expected), (step, name)
    assert ours.n_averaged == 6
    assert ours.module.norm.num_batches_tracked > 0


def test_the_modules_are_gone_through_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """They were four times in each update."""
    model = Tied()
    average = average_of(model)
    average.update_parameters = Update(average, is_short=True)
    average.update_parameters(model)
    walks, named = [], nn.Module.named_modules

    def counted(module: nn.Module, *given: object, **settings: object) -> Iterator[tuple[str, nn.Module]]:
        walks.append(module)
        return named(module, *given, **settings)

    monkeypatch.setattr(nn.Module, "named_modules", counted)
    average.update_parameters(model)
    assert not walks
    average_of(model).update_parameters(model)
    assert walks, "what torch does"


def test_what_lies_elsewhere_or_came_later_is_averaged_by_torch() -> None:
    model, late = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    elsewhere, before = average_of(deepcopy(model).to("meta")), average_of(late)
    late.register_buffer("later", torch.zeros(1))
    for average, trained in ((elsewhere, model), (before, late)):
        average.update_parameters = Update(average, is_short=True)
        average.update_parameters(trained)
        assert not average.update_parameters.is_short
        average.update_parameters(trained)
        assert average.n_averaged.is_meta or average.n_averaged == 2


@pytest.mark.parametrize(
    ("averaging", "short"),
    [
        (EMAWeightAveraging(), True),
        (EMAWeightAveraging(use_buffers=False), False),
        (WeightAveraging(avg_fn=get_ema_avg_fn()), False),
        (WeightAveraging(), False),
    ],
)
def test_exponential_averages_of_lightning_alone_are_updated_shortly(
    averaging: WeightAveraging, short: bool, tmp_path: Path
) -> None:
    trainer, model = tiny_trainer(tmp_path, callbacks=[averaging]), tiny_vgg()
    averaging.setup(trainer, model, "fit")
    AveragedWeights().on_fit_start(trainer, model)
    assert averaging._average_model.update_parameters.is_short is short


@pytest.mark.parametrize("averaging", [{"avg_fn": get_ema_avg_fn(0.9)}, {}], ids=["exponential", "equal"])
@pytest.mark.parametrize("use_buffers", [True, False])
@pytest.mark.parametrize("is_short", [True, False])
def test_indices_and_what_is_never_trained_are_copied(averaging: dict, use_buffers: bool, is_short: bool) -> None:
    """0.9 * 3 + 0.1 * 3 is 2.9999998, which a whole number cuts off to 2, and a fraction keeps."""
    torch.manual_seed(0)
    model = Tied()
    if not averaging:
        model.mask = None  # torch's own mean cannot subtract truth values
    average = AveragedModel(model, use_buffers=use_buffers, **averaging)
    fixed = ("last.bias", "norm.running_var")
    is_short &= use_buffers and bool(averaging)
    update = Update(average, is_short, lambda *_: {id(model.last.bias), id(model.norm.running_var)})
    for step in range(5):
        with torch.no_grad():
            model.first.bias += 1
            model.norm.running_mean += 1
            model.norm.num_batches_tracked += 1
        update(model)
        if step == 2:  # a run that goes on
            update = Update(average, is_short, lambda *_: {id(model.last.bias), id(model.norm.running_var)})
    held, own = average.module.state_dict(), model.state_dict()
    for name in {"places", "mask", "norm.num_batches_tracked", *fixed} & own.keys():
        assert torch.equal(held[name], own[name]), name
    assert not torch.equal(held["first.bias"], own["first.bias"])
    assert torch.equal(held["norm.running_mean"], own["norm.running_mean"]) != use_buffers


def test_what_no_step_changes_is_found(tmp_path: Path) -> None:
    """Weights without gradients are constant unless they train later, or another part averages them."""
    model = tiny_vgg()
    model.stem, model.shadow, model.scale = Whitening(3), nn.Linear(2, 2), nn.Linear(2, 2)
    model.shadow.requires_grad_(False)
    model.scale.requires_grad_(False)
    model.scale.register_buffer("mean", torch.ones(2), persistent=False)
    model.scale.register_buffer("moving", torch.ones(2))
    average = deepcopy(model)
    freeze = Freeze(layers=["classifier"], until_epoch=1)
    trainer = tiny_trainer(tmp_path, callbacks=[freeze])
    freeze.setup(trainer, model, "fit")
    model.shadow.weight.data += 1
    found = Fixed(trainer.callbacks)(average, model)
    expected = (model.stem.weight, model.shadow.bias, model.scale.weight, model.scale.bias, model.scale.mean)
    assert found == {id(tensor) for tensor in expected}


class Halved(AveragedModel):
    """An average of a user's own."""

    def update_parameters(self, model: nn.Module) -> None:
        """Sets the averages to halves."""
        for average, weight in zip(self.module.parameters(), model.parameters(), strict=True):
            average.data.copy_(weight / 2)


def test_a_users_average_is_updated_as_it_says(tmp_path: Path) -> None:
    averaging = EMAWeightAveraging()
    trainer, model = tiny_trainer(tmp_path, callbacks=[averaging]), tiny_vgg()
    averaging._average_model = Halved(model)
    AveragedWeights().on_fit_start(trainer, model)
    for _ in range(2):
        averaging._average_model.update_parameters(model)
    assert torch.equal(averaging._average_model.module.classifier[-1].bias, model.classifier[-1].bias / 2)


def test_an_average_of_another_kind_is_left_alone(tmp_path: Path) -> None:
    averaging = WeightAveraging()
    trainer, model = tiny_trainer(tmp_path, callbacks=[averaging]), tiny_vgg()
    averaging._average_model = nn.Linear(2, 2)
    AveragedWeights().on_fit_start(trainer, model)
    assert "update_parameters" not in vars(averaging._average_model)


def test_a_copy_of_averages_holds_nothing_of_the_run(tmp_path: Path) -> None:
    averaging = WeightAveraging()
    trainer, model = tiny_trainer(tmp_path, callbacks=[averaging]), tiny_vgg()
    averaging.setup(trainer, model, "fit")
    AveragedWeights().on_fit_start(trainer, model)
    average = averaging._average_model
    average.update_parameters(model)
    copy = deepcopy(average)
    update = vars(copy)["update_parameters"]
    assert update._average is copy
    assert (update._copied, update._fixed._callbacks) == (None, [])
    copy.update_parameters(model)
    assert (copy.n_averaged, average.n_averaged) == (2, 1)


def test_a_model_has_its_averages_for_a_block_alone(tmp_path: Path) -> None:
    averaging = EMAWeightAveraging()
    trainer, model = tiny_trainer(tmp_path, callbacks=[averaging]), tiny_vgg()
    averaging.setup(trainer, model, "fit")
    bias = model.classifier[-1].bias
    own, kept = bias.detach().clone() + 1, bias.detach().clone()
    bias.data += 1
    with averaged(trainer, model):
        assert torch.equal(bias, kept)
    assert torch.equal(bias, own)
