"""Players move one after the other, each with its own optimizer, in what counts as one step."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.strategies import DDPStrategy
from torch import nn
from torch.optim import SGD, Adam

from core.errors import InputError
from lightning_modules.alternating import Alternating
from lightning_modules.optimizers import learning_rates
from lightning_modules.schedules import WarmupLinear
from tests.bits import assert_same_bits


class Players(LightningModule):
    """Two layers, each the other's opponent."""

    player: str | None = None

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.up = nn.Linear(3, 4)
        self.down = nn.Linear(4, 1)

    def loss(self, player: str) -> torch.Tensor:
        """Returns a loss that depends on both layers."""
        value = self.down(self.up(torch.ones(2, 3)).tanh()).mean()
        return value if player == "up" else -value


def _alternating(module: Players, **how: Any) -> Alternating:
    players = {"up": Adam(module.up.parameters(), 0.1), "down": SGD(module.down.parameters(), 0.2)}
    return Alternating(players, module, **how)


def _step(module: Players, optimizer: Alternating) -> list[tuple]:
    """Makes a step as Lightning does; returns player, gradients and requirements of each turn."""
    turns = []

    def closure() -> torch.Tensor:
        loss = module.loss(module.player)
        optimizer.zero_grad()
        loss.backward()
        has_gradient = {name for name, parameter in module.named_parameters() if parameter.grad is not None}
        turns.append((module.player, has_gradient))
        return loss

    optimizer.step(closure)
    return turns


def test_each_player_updates_its_own_parameters_in_its_turn() -> None:
    ours, theirs = Players(), Players()
    optimizer = _alternating(ours)
    separate = {"up": Adam(theirs.up.parameters(), 0.1), "down": SGD(theirs.down.parameters(), 0.2)}
    for _ in range(3):
        turns = _step(ours, optimizer)
        assert turns == [("up", {"up.weight", "up.bias"}), ("down", {"down.weight", "down.bias"})]
        assert ours.player is None
        for player, one in separate.items():
            theirs.zero_grad()
            theirs.loss(player).backward()
            one.step()
    assert_same_bits(ours.state_dict(), theirs.state_dict())
    assert all(parameter.requires_grad for parameter in ours.parameters())


def test_a_step_that_fails_leaves_parameters_as_they_were() -> None:
    module = Players()
    module.down.bias.requires_grad_(False)
    optimizer = _alternating(module)
    with pytest.raises(ZeroDivisionError):
        optimizer.step(lambda: 1 / 0)
    assert module.player is None
    assert [p.requires_grad for p in (*module.up.parameters(), *module.down.parameters())] == [True, True, True, False]


def test_a_player_without_a_loss_is_left_out() -> None:
    module = Players()
    optimizer = _alternating(module)
    before = {name: value.clone() for name, value in module.state_dict().items()}

    def closure() -> torch.Tensor | None:
        optimizer.zero_grad()
        if module.player == "down":
            return None
        loss = module.loss("up")
        loss.backward()
        return loss

    optimizer.step(closure)
    unchanged = {name for name, value in module.state_dict().items() if torch.equal(value, before[name])}
    assert unchanged == {"down.weight", "down.bias"}


def test_a_player_that_does_not_move_has_no_turn() -> None:
    module = Players()
    optimizer = _alternating(module, moves=lambda player: player == "up")
    before = {name: value.clone() for name, value in module.state_dict().items()}
    assert [player for player, _ in _step(module, optimizer)] == ["up"]
    unchanged = {name for name, value in module.state_dict().items() if torch.equal(value, before[name])}
    assert unchanged == {"down.weight", "down.bias"}


def test_players_that_move_at_once_see_each_other_as_they_were() -> None:
    ours, theirs = Players(), Players()
    optimizer = _alternating(ours, at_once=True)
    separate = {"up": Adam(theirs.up.parameters(), 0.1), "down": SGD(theirs.down.parameters(), 0.2)}
    for _ in range(3):
        _step(ours, optimizer)
        gradients = {}
        for player in separate:
            parameters = list(getattr(theirs, player).parameters())
            gradients[player] = torch.autograd.grad(theirs.loss(player), parameters)
        for player, one in separate.items():
            for parameter, gradient in zip(getattr(theirs, player).parameters(), gradients[player], strict=True):
                parameter.grad = gradient
            one.step()
    assert_same_bits(ours.state_dict(), theirs.state_dict())


def test_players_share_one_state_that_can_be_restored() -> None:
    whole, first, second = Players(), Players(), Players()
    optimizer, before = _alternating(whole), _alternating(first)
    for _ in range(2):
        _step(whole, optimizer)
        _step(first, before)
    second.load_state_dict(first.state_dict())
    after = _alternating(second)
    schedule = WarmupLinear(after, warmup=0, total_steps=4)
    after.load_state_dict(before.state_dict())
    _step(whole, optimizer)
    _step(second, after)
    assert_same_bits(whole.state_dict(), second.state_dict())
    assert_same_bits(optimizer.state_dict()["state"], after.state_dict()["state"])
    schedule.step()
    assert learning_rates([after]) == pytest.approx({"lr/up": 0.075, "lr/down": 0.15})
    assert after.players["down"].param_groups[0]["lr"] == pytest.approx(0.15)


def test_groups_are_named_after_their_player() -> None:
    module = Players()
    groups = [{"params": [module.up.weight], "name": "weights"}, {"params": [module.up.bias], "lr": 0.3}]
    optimizer = Alternating({"up": SGD(groups, 0.1), "down": SGD(module.down.parameters(), 0.2)}, module)
    assert learning_rates([optimizer]) == {"lr/up/weights": 0.1, "lr/up/1": 0.3, "lr/down": 0.2}


def test_every_group_of_a_name_has_its_rate() -> None:
    module = Players()
    deep = [
        {"params": [one], "name": "weights", "lr": lr}
        for one, lr in zip(module.up.parameters(), (0.1, 0.08), strict=True)
    ]
    optimizer = Alternating({"up": SGD(deep, 0.1), "down": SGD(module.down.parameters(), 0.2)}, module)
    assert learning_rates([optimizer]) == {"lr/up/weights": 0.1, "lr/up/weights/1": 0.08, "lr/down": 0.2}
    of_two = [SGD([{"params": [one], "name": "all"} for one in part.parameters()], 0.1) for part in module.children()]
    assert [*learning_rates(of_two)] == ["lr/all", "lr/all/1", "lr/1", "lr/1/1"]


def test_a_group_without_a_rate_has_none() -> None:
    optimizer = SGD(Players().parameters(), 0.1)
    del optimizer.param_groups[0]["lr"]
    assert learning_rates([optimizer]) == learning_rates([optimizer, optimizer]) == {}


def test_rates_of_several_optimizers_have_names() -> None:
    module = Players()
    named = SGD([{"params": module.up.parameters(), "name": "up"}], 0.1)
    assert learning_rates([named]) == {"lr": 0.1}
    assert learning_rates([named, SGD(module.down.parameters(), 0.2)]) == {"lr/up": 0.1, "lr/1": 0.2}
    assert learning_rates([]) == {}


@pytest.mark.parametrize(
    ("trainer", "message"),
    [
        ({"accumulate_grad_batches": 2}, "cannot accumulate gradients"),
        ({"precision_plugin": SimpleNamespace(scaler=object())}, "loss scaler of float16; set --trainer.precision"),
        ({"strategy": DDPStrategy()}, "set --trainer.strategy ddp_find_unused_parameters_true"),
    ],
)
def test_what_players_cannot_do_is_refused(trainer: dict, message: str) -> None:
    module = Players()
    usual = {"accumulate_grad_batches": 1, "precision_plugin": None, "strategy": None}
    module._trainer = SimpleNamespace(**usual | trainer)
    with pytest.raises(InputError, match=message):
        _alternating(module)


def test_wrong_uses_are_refused() -> None:
    module = Players()
    with pytest.raises(InputError, match="there is no player"):
        Alternating({}, module)
    with pytest.raises(InputError, match="a and b share a parameter"):
        Alternating({"a": SGD(module.up.parameters(), 1), "b": SGD(module.parameters(), 1)}, module)
    with pytest.raises(InputError, match="needs the closure"):
        _alternating(module).step()
    module.automatic_optimization = False
    with pytest.raises(InputError, match="this module optimizes manually"):
        _alternating(module)
