"""Running metrics are exact, and those of training survive a checkpoint."""

import inspect
import pickle
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from pytorch_lightning.plugins import DoublePrecision, HalfPrecision, Precision
from torch import Tensor
from torch.nn.functional import cross_entropy

from core.errors import InputError
from lightning_modules import VGG
from lightning_modules.tasks.metrics import MOST_WAITING, ClassificationMetrics
from tests.bits import assert_same_bits
from tests.tiny import TinyDataModule, tiny_trainer

Samples = tuple[Tensor, Tensor]


@pytest.fixture
def samples() -> Samples:
    """Logits and targets of 23 samples of 4 classes."""
    rng = torch.Generator().manual_seed(0)
    return torch.randn(23, 4, generator=rng), torch.randint(4, (23,), generator=rng)


def feed(metrics: ClassificationMetrics, samples: Samples, *sizes: int) -> ClassificationMetrics:
    """Feeds batches of the given sizes."""
    for logits, targets in zip(samples[0].split(sizes), samples[1].split(sizes), strict=True):
        metrics.update(logits, targets, cross_entropy(logits, targets))
    return metrics


@pytest.mark.parametrize("sizes", [(23,), (10, 10, 3), (1, 21, 1)])
def test_uneven_batches_give_the_mean_over_samples(samples: Samples, sizes: tuple[int, ...]) -> None:
    computed = feed(ClassificationMetrics(), samples, *sizes).compute()
    torch.testing.assert_close(computed["loss"], cross_entropy(*samples))
    torch.testing.assert_close(computed["acc"], (samples[0].argmax(1) == samples[1]).float().mean())


def test_so_far_agrees_with_compute(samples: Samples) -> None:
    metrics = feed(ClassificationMetrics(), samples, 20, 3)
    assert metrics.so_far() == pytest.approx({name: float(value) for name, value in metrics.compute().items()})
    assert ClassificationMetrics().so_far() == {"loss": 0, "acc": 0}


def test_reset_forgets(samples: Samples) -> None:
    metrics = feed(ClassificationMetrics(), samples, 23)
    before = metrics.compute()
    metrics.reset()
    assert int(metrics.count) == 0
    assert feed(metrics, samples, 23).compute() == before


@pytest.mark.parametrize("batches", [1, MOST_WAITING - 1, MOST_WAITING, 2 * MOST_WAITING + 3])
@pytest.mark.parametrize(
    "read",
    [
        lambda metrics: metrics.compute(),
        lambda metrics: metrics.so_far(),
        lambda metrics: metrics.state_dict(),
        lambda metrics: metrics.metric_state,
        lambda metrics: metrics.loss.item(),
        lambda metrics: deepcopy(metrics).state_dict(),
        lambda metrics: pickle.loads(pickle.dumps(metrics)).state_dict(),
        lambda metrics: metrics.double().state_dict(),
        lambda metrics: (metrics.load_state_dict({"count": torch.tensor(7)}, strict=False), metrics.state_dict())[1],
        lambda metrics: (metrics.reset(), metrics.state_dict())[1],
    ],
)
def test_batches_that_wait_are_in_every_sum_that_is_read(samples: Samples, batches: int, read: Callable) -> None:
    """The sums have the bits of those of single batches, whatever becomes of what was given."""
    waiting, at_once = ClassificationMetrics(persistent=True), ClassificationMetrics(persistent=True)
    for number in range(batches):
        part = samples[0][number % 7 :].clone(), samples[1][number % 7 :].clone()
        loss = cross_entropy(*part)
        for metrics in (waiting, at_once):
            metrics.update(*part, loss)
        assert int(at_once.count) > 0
        for given in (*part, loss):
            given.zero_()
    assert len(waiting.waiting) == batches % MOST_WAITING
    assert_same_bits(read(waiting), read(at_once))


def test_what_is_wrong_with_a_batch_is_said_at_once(samples: Samples) -> None:
    metrics = ClassificationMetrics()
    with pytest.raises(RuntimeError, match="size of tensor"):
        metrics.update(samples[0], samples[1][:5], torch.tensor(1.0))
    assert int(metrics.count) == 0


def test_the_sums_can_be_asked_for_through_the_class() -> None:
    assert {"loss", "count", "correct"} <= {name for name, _ in inspect.getmembers(ClassificationMetrics)}


def test_what_waits_of_a_validation_can_be_read_after_it(samples: Samples) -> None:
    metrics = ClassificationMetrics()
    with torch.inference_mode():
        metrics.reset()
        feed(metrics, samples, 20, 3)
    assert int(metrics.count) == 23


def test_no_graph_is_kept(samples: Samples) -> None:
    logits = samples[0].requires_grad_()
    metrics = ClassificationMetrics()
    metrics.update(logits, samples[1], cross_entropy(logits, samples[1]))
    assert not metrics.loss.requires_grad


def test_persistent_sums_go_on_from_a_state_dict(samples: Samples) -> None:
    first = ClassificationMetrics(persistent=True)
    first.update(samples[0][:10], samples[1][:10], cross_entropy(samples[0][:10], samples[1][:10]))
    second = ClassificationMetrics(persistent=True)
    second.load_state_dict(first.state_dict())
    second.update(samples[0][10:], samples[1][10:], cross_entropy(samples[0][10:], samples[1][10:]))
    torch.testing.assert_close(second.compute()["loss"], cross_entropy(*samples))
    assert int(second.count) == 23


def test_other_sums_stay_out_of_the_state_dict(samples: Samples) -> None:
    assert feed(ClassificationMetrics(), samples, 23).state_dict() == {}
    assert set(ClassificationMetrics(persistent=True).state_dict()) == {"loss", "correct", "count"}


@pytest.mark.parametrize("precision", ["16-true", "bf16-true", "32-true", "64-true"])
def test_a_long_epoch_is_summed_exactly_in_every_number_format(precision: str) -> None:
    """In bfloat16 a sum stops growing, and in float16 it is infinite once it is above 65,504."""
    plugin = {"32-true": Precision, "64-true": DoublePrecision}.get(precision, lambda: HalfPrecision(precision))()
    with plugin.module_init_context():  # which makes the format the default one
        made_within = ClassificationMetrics(persistent=True)
    for metrics in (ClassificationMetrics(persistent=True), made_within):
        model = plugin.convert_module(torch.nn.Sequential(metrics))
        loss = torch.tensor(3.5, dtype=plugin.convert_input(torch.ones(1)).dtype)
        for _ in range(300):
            model[0].update(torch.eye(3).repeat(100, 1), torch.zeros(300, dtype=torch.long), loss)
        assert float(model[0].compute()["loss"]) == 3.5
        assert float(model[0].compute()["acc"]) == pytest.approx(1 / 3)
        model[0].reset()
        assert model[0].loss.dtype in (torch.float32, torch.float64)


def test_what_was_summed_before_a_conversion_is_not_rounded() -> None:
    metrics = ClassificationMetrics(persistent=True)
    metrics.loss.fill_(1234.567)
    for convert in (torch.nn.Module.half, torch.nn.Module.bfloat16, lambda module: module.to(torch.bfloat16)):
        convert(metrics)
        assert metrics.loss.item() == torch.tensor(1234.567).item()


class WithTheirOwn(ClassificationMetrics):
    """Adds a sum and a list without a word on checkpoints."""

    def __init__(self, persistent: bool = False) -> None:
        super().__init__(persistent)
        self.add_state("length", torch.tensor(0.0))
        self.add_state("rows", [], dist_reduce_fx="cat")


@pytest.mark.parametrize("persistent", [False, True])
def test_a_sum_is_saved_where_the_others_are(persistent: bool) -> None:
    saved = set(WithTheirOwn(persistent).state_dict())
    assert saved == ({"loss", "count", "correct", "length"} if persistent else set())


def test_what_is_no_sum_is_not_saved() -> None:
    """A checkpoint has the sums over all processes, of which the first goes on with them."""
    metrics = ClassificationMetrics(persistent=True)
    for default, reduction in ((torch.tensor(0.0), "max"), ([], "cat")):
        with pytest.raises(ValueError, match="ClassificationMetrics: most is no sum"):
            metrics.add_state("most", default, dist_reduce_fx=reduction, persistent=True)
    with pytest.raises(ValueError, match="most is no sum"):
        metrics.add_state("most", torch.tensor(0.0), dist_reduce_fx="max")


class Listing(ClassificationMetrics):
    """Keeps what cannot be summed."""

    def __init__(self, persistent: bool = False) -> None:
        super().__init__(persistent)
        self.add_state("rows", [], dist_reduce_fx="cat")

    def update(self, logits: Tensor, targets: Tensor, loss: Tensor) -> None:
        super().update(logits, targets, loss)
        self.rows.append(targets)


def test_a_resume_says_what_no_checkpoint_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Listed(VGG):
        metrics_type = Listing

    runs: list[Path] = []

    def fit(kind: type[VGG], steps: int, ckpt_path: Path | None = None) -> str:
        trainer = tiny_trainer(tmp_path, logger=False, max_epochs=2, max_steps=steps)
        model = kind(5, image_size=16, widths=[8, 8], convolutions=[1, 1])
        trainer.fit(model, TinyDataModule(), ckpt_path=ckpt_path)
        runs.append(trainer.run_folder.path)
        return capsys.readouterr().out

    note = "note     what no checkpoint holds of Listing (rows) is of the epoch's later batches alone\n"
    for kind, steps, told in ((Listed, 3, True), (Listed, 6, False), (VGG, 3, False)):
        assert note not in fit(kind, steps)
        assert (note in fit(kind, 12, runs[-1])) == told


class Nameless(ClassificationMetrics):
    """Gives a figure without its name."""

    def _figures(self, count: Tensor) -> Tensor:
        return super()._figures(count)["acc"]


def test_figures_without_names_are_refused() -> None:
    metrics = Nameless()
    metrics.update(torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64), torch.tensor(1.0))
    for ask in (metrics.compute, metrics.so_far):
        with pytest.raises(
            InputError, match=r"^Nameless._figures returns a Tensor; a dict of figures by name is needed"
        ):
            ask()
