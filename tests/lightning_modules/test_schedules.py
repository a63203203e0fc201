"""Schedules over a run: their values, what of them is saved, and what they refuse."""

import math

import pytest
import torch
from torch import nn

from core.errors import InputError
from lightning_modules.schedules import ExponentialDecay, OneCycle, RunSchedule, WarmupCosine, WarmupLinear

LR = 0.5
STEPS = 20
SCHEDULES = (WarmupCosine, WarmupLinear, OneCycle, ExponentialDecay)


def make_schedule(kind: type[RunSchedule], steps: int | None = STEPS, **settings: float) -> RunSchedule:
    """Returns a schedule with an optimizer of two groups, the second at a tenth of the learning rate."""
    groups = [{"params": [nn.Parameter(torch.zeros(1))]}, {"params": [nn.Parameter(torch.zeros(1))], "lr": LR / 10}]
    schedule = kind(torch.optim.SGD(groups, lr=LR), **settings)
    if steps is not None:
        schedule.set_total_steps(steps)
    return schedule


def lr(schedule: RunSchedule) -> float:
    """Returns the optimizer's learning rate."""
    return schedule.optimizer.param_groups[0]["lr"]


def walk(schedule: RunSchedule, steps: int) -> list[float]:
    """Returns the learning rate of each of the next steps, as factors."""
    factors = []
    for _ in range(steps):
        factors.append(lr(schedule) / LR)
        schedule.optimizer.step()
        schedule.step()
    return factors


@pytest.mark.parametrize(
    ("kind", "settings", "points"),
    [
        (WarmupCosine, {"warmup": 0.2, "final": 0.1}, {0: 0, 2: 0.5, 4: 1, 12: 0.55, 20: 0.1}),
        (WarmupCosine, {"warmup": 0}, {0: 1, 10: 0.5, 20: 0}),
        (WarmupLinear, {"warmup": 0.2, "start": 0.2, "final": 0.1}, {0: 0.2, 2: 0.6, 4: 1, 12: 0.55, 20: 0.1}),
        (WarmupLinear, {"warmup": 0}, {0: 1, 10: 0.5, 20: 0}),
        (OneCycle, {"rise": 0.4, "start": 0.2, "final": 0.1}, {0: 0.2, 4: 0.6, 8: 1, 14: 0.55, 20: 0.1}),
        (OneCycle, {"rise": 0}, {0: 1, 20: 4e-6}),
        (ExponentialDecay, {"final": 0.01}, {0: 1, 10: 0.1, 20: 0.01}),
    ],
)
def test_a_schedule_passes_through_its_start_peak_and_end(
    kind: type[RunSchedule], settings: dict[str, float], points: dict[int, float]
) -> None:
    schedule = make_schedule(kind, **settings)
    factors = [*walk(schedule, STEPS), lr(schedule) / LR]
    for step, factor in points.items():
        assert factors[step] == pytest.approx(factor, abs=1e-9)
    assert max(factors) == pytest.approx(1)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_a_schedule_rises_to_one_peak_and_falls(kind: type[RunSchedule]) -> None:
    factors = walk(make_schedule(kind), STEPS)
    peak = factors.index(max(factors))
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)


def test_one_cycle_matches_that_of_torch() -> None:
    # torch counts its phases to the last step, and this to the step after it
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LR, total_steps=101, pct_start=0.31, cycle_momentum=False, div_factor=25, final_div_factor=1e4
    )
    ours = make_schedule(OneCycle, 100, rise=0.3)
    for _ in range(101):
        assert lr(ours) == pytest.approx(theirs.get_last_lr()[0], abs=0.01)
        for schedule in (ours, theirs):
            schedule.optimizer.step()
        ours.step()
        if theirs.last_epoch < 100:
            theirs.step()


@pytest.mark.parametrize("kind", SCHEDULES)
def test_every_group_keeps_its_own_learning_rate(kind: type[RunSchedule]) -> None:
    schedule = make_schedule(kind)
    walk(schedule, 7)
    first, second = schedule.get_last_lr()
    assert second == pytest.approx(first / 10)
    assert [group["lr"] for group in schedule.optimizer.param_groups] == [first, second]


@pytest.mark.parametrize("kind", SCHEDULES)
def test_the_end_is_kept_beyond_the_run(kind: type[RunSchedule]) -> None:
    schedule = make_schedule(kind)
    walk(schedule, STEPS)
    end = lr(schedule)
    assert walk(schedule, 5) == [pytest.approx(end / LR)] * 5


@pytest.mark.parametrize("kind", SCHEDULES)
def test_the_length_in_the_config_wins_over_the_run(kind: type[RunSchedule]) -> None:
    schedule = make_schedule(kind, 100, total_steps=STEPS)
    assert schedule.total_steps == STEPS
    assert walk(schedule, STEPS) == walk(make_schedule(kind), STEPS)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_a_schedule_goes_on_exactly_from_its_state(kind: type[RunSchedule]) -> None:
    whole, first, second = (make_schedule(kind) for _ in range(3))
    expected = walk(whole, STEPS)
    begun = walk(first, 8)
    second.load_state_dict(first.state_dict())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    assert begun + walk(second, STEPS - 8) == expected


@pytest.mark.parametrize("kind", SCHEDULES)
def test_the_configured_length_wins_over_that_of_a_state(kind: type[RunSchedule]) -> None:
    short, long, whole = make_schedule(kind, 10), make_schedule(kind, STEPS), make_schedule(kind, STEPS)
    walk(short, 5)
    long.load_state_dict(short.state_dict())
    walk(long, 1)  # its learning rate is still that of the optimizer's state
    assert walk(long, 10) == walk(whole, 16)[6:]


def test_the_configured_shape_wins_over_that_of_a_state() -> None:
    before, after = make_schedule(WarmupLinear, final=0.5), make_schedule(WarmupLinear, final=0.0)
    walk(before, 3)
    after.load_state_dict(before.state_dict())
    walk(after, STEPS - 3)
    assert lr(after) == pytest.approx(0)


@pytest.mark.parametrize("kind", SCHEDULES)
def test_the_state_holds_plain_values_and_no_shape(kind: type[RunSchedule]) -> None:
    state = make_schedule(kind).state_dict()
    assert set(state) == {"last_epoch", "base_lrs", "_step_count", "_last_lr"}
    assert all(isinstance(value, int | float | list) for value in state.values())


@pytest.mark.parametrize("total_steps", [math.inf, 0, -1])
def test_a_run_without_end_is_refused(total_steps: float) -> None:
    with pytest.raises(InputError, match=r"WarmupCosine needs the run's length: set --trainer.max_epochs"):
        make_schedule(WarmupCosine, total_steps)


@pytest.mark.parametrize(
    ("kind", "settings", "reason"),
    [
        (WarmupCosine, {"warmup": 1.0}, "warmup is 1.0"),
        (WarmupLinear, {"warmup": -0.1}, "warmup is -0.1"),
        (OneCycle, {"rise": 1.5}, "rise is 1.5"),
        (ExponentialDecay, {"final": 0.0}, "final is 0.0; it must be above 0"),
    ],
)
def test_a_part_of_the_run_lies_within_it(kind: type[RunSchedule], settings: dict[str, float], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        make_schedule(kind, **settings)
