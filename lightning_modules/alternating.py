"""One optimizer for several players, of which each is updated in a turn of its own."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor
from torch.optim import Optimizer

from core.errors import InputError

ANY_GRADIENTS = "ddp_find_unused_parameters_true"


class Alternating(Optimizer):
    """One optimizer for several players, such as the discriminator and the generator of an adversarial network.

    Under automatic optimization a step calls the closure once for each player, in their order: it sets
    `module.player` to the player's name, so that `training_step` returns that player's loss, and updates the
    parameters of only that player, with the player's own optimizer. During this, the other players'
    parameters get no gradients, so gradient clipping is per player. Outside of a step `module.player` is None.

    A batch is one step (`global_step` counts batches), one schedule scales the learning rates of all players, and a
    checkpoint holds one state. If `training_step` returns None, that player is not updated. With several
    processes, the strategy must allow parameters without a gradient: `ddp_find_unused_parameters_true`.

    Args:
        players: An optimizer for each player. A parameter group is named after its player; where a player has several,
            `<player>/<name or number of the group>`.
        module: The module that the players train.
        moves: Says of a player whether it has a turn in this step, alike on all processes; all have if not given.
        at_once: Compute the gradients of all players before any is updated.

    Raises:
        InputError: There is no player, two players share a parameter, or the trainer accumulates gradients, scales the
            loss for float16, leaves optimization to the module, or needs a gradient of every parameter.
    """

    def __init__(
        self,
        players: Mapping[str, Optimizer],
        module: LightningModule,
        moves: Callable[[str], bool] = lambda player: True,
        at_once: bool = False,
    ) -> None:
        if not players:
            raise InputError("Alternating: there is no player")
        self.players = dict(players)
        self._module = module
        self._moves = moves
        self._at_once = at_once
        self._check_trainer()
        self._group_counts = {player: len(optimizer.param_groups) for player, optimizer in self.players.items()}
        owners: dict[int, str] = {}
        groups = []
        for player, optimizer in self.players.items():
            several = self._group_counts[player] > 1
            for number, group in enumerate(optimizer.param_groups):
                group["name"] = f"{player}/{group.get('name', number)}" if several else player
                groups.append(group)
                for parameter in group["params"]:
                    if owners.setdefault(id(parameter), player) != player:
                        raise InputError(f"Alternating: {owners[id(parameter)]} and {player} share a parameter")
        super().__init__(groups, {})
        module.player = None
        self._share_state()

    def _check_trainer(self) -> None:
        trainer = self._module._trainer
        reason = None
        if not self._module.automatic_optimization:
            reason = "it makes the steps of automatic optimization, and this module optimizes manually"
        elif trainer is not None and trainer.accumulate_grad_batches != 1:
            reason = "players cannot accumulate gradients over batches; set --trainer.accumulate_grad_batches 1"
        elif trainer is not None and getattr(trainer.precision_plugin, "scaler", None) is not None:
            reason = "players cannot share a loss scaler of float16; set --trainer.precision bf16-mixed or 32-true"
        elif trainer is not None and _needs_all_gradients(trainer.strategy):
            reason = f"a turn gives the other players no gradients; set --trainer.strategy {ANY_GRADIENTS}"
        if reason is not None:
            raise InputError(f"Alternating: {reason}")

    def _share_state(self) -> None:
        """Makes the players' optimizers use this optimizer's groups and state."""
        rest = list(self.param_groups)
        for player, count in self._group_counts.items():
            self.players[player].param_groups, self.players[player].state = rest[:count], self.state
            del rest[:count]

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Makes a step of each player in order; returns the loss of the last.

        Raises:
            InputError: There is no closure, or the trainer has begun to accumulate gradients.
        """
        self._check_trainer()
        if closure is None:
            raise InputError("Alternating: a step needs the closure that Lightning passes under automatic optimization")
        loss, kept = None, {}
        for player in filter(self._moves, self.players):
            with self._turn(player):
                with torch.enable_grad():
                    loss = closure()
                if self._at_once:
                    kept[player] = [parameter.grad for parameter in self._parameters(player)]
                else:
                    self.players[player].step()
        for player, gradients in kept.items():
            for parameter, gradient in zip(self._parameters(player), gradients, strict=True):
                parameter.grad = gradient
            self.players[player].step()
        return loss

    def _parameters(self, player: str) -> list[Tensor]:
        return [parameter for group in self.players[player].param_groups for parameter in group["params"]]

    @contextmanager
    def _turn(self, player: str) -> Iterator[None]:
        """Sets `module.player`, and computes no gradients of the other players' parameters."""
        own = {id(parameter) for parameter in self._parameters(player)}
        others = [
            parameter
            for group in self.param_groups
            for parameter in group["params"]
            if parameter.requires_grad and id(parameter) not in own
        ]
        self._module.player = player
        try:
            for parameter in others:
                parameter.requires_grad_(False)
            yield
        finally:
            for parameter in others:
                parameter.requires_grad_(True)
            self._module.player = None

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Loads the state of a checkpoint, for all players."""
        super().load_state_dict(state_dict)
        self._share_state()


def with_players(optimizers: Iterable[Optimizer]) -> Iterator[Optimizer]:
    """Yields optimizers, and after one of several players those of its players."""
    for optimizer in optimizers:
        yield optimizer
        if isinstance(optimizer, Alternating):
            yield from optimizer.players.values()


def _needs_all_gradients(strategy: Any) -> bool:
    """Returns whether processes wait for a gradient of every parameter."""
    return isinstance(strategy, DDPStrategy) and not strategy._ddp_kwargs.get("find_unused_parameters", False)
