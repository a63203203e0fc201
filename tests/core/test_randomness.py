"""Draws follow from seed, stream and position alone."""

import pytest
import torch

from core.randomness import derived_seed, generator, seed_device


def test_a_seed_is_the_same_on_every_machine_and_in_every_process() -> None:
    assert derived_seed(0, "order", 1) == 2961819992523135983


def test_every_position_of_every_stream_has_a_seed_of_its_own() -> None:
    seeds = {
        derived_seed(s, name, e, b) for s in range(3) for name in ("order", "step") for e in range(9) for b in range(9)
    }
    assert len(seeds) == 3 * 2 * 9 * 9
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize("other", [(1, 23), (12, 3, 0), ("1/2", 3)])
def test_neighbouring_positions_are_not_confused(other: tuple) -> None:
    assert derived_seed(0, 12, 3) != derived_seed(0, *other)


def test_generators_do_not_touch_the_global_stream() -> None:
    torch.manual_seed(0)
    first = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(
        torch.rand(4, generator=generator(5, "order", 2)), torch.rand(4, generator=generator(5, "order", 2))
    )
    assert torch.equal(torch.rand(3), first)


def test_a_step_draws_by_its_seed_and_other_kinds_of_device_are_seeded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    seed_device(5, torch.device("cpu"))
    first = torch.rand(3)
    seed_device(5, torch.device("cpu"))
    assert torch.equal(torch.rand(3), first)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), first)
    everywhere: list[int] = []
    monkeypatch.setattr(torch, "manual_seed", everywhere.append)
    seed_device(6, torch.device("cpu"))
    assert everywhere == [], "it keeps a stack trace for every device that is not in use"
    seed_device(7, torch.device("xpu"))
    assert everywhere == [7]


def test_on_mps_only_its_own_generator_is_seeded_beside_the_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []
    monkeypatch.setattr(torch.mps, "manual_seed", seeds.append)
    monkeypatch.setattr(torch, "manual_seed", lambda _: pytest.fail("it asks every kind of device"))
    seed_device(5, torch.device("mps"))
    assert seeds == [5]
    assert torch.initial_seed() == 5
