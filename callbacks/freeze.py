"""Keeps layers fixed, for fine-tuning."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from core.errors import InputError
from core.kept_arguments import KeepsArguments
from core.terminal.console import print_line

NEVER_REACHED = 10**9  # an epoch that no run reaches


class Rule(NamedTuple):
    """Parameters that are fixed in some epochs.

    Attributes:
        option: The option that states it.
        pattern: Matches their names from the start.
        first: First epoch in which they are fixed.
        end: Epoch in which they train again.
    """

    option: str
    pattern: re.Pattern[str]
    first: int
    end: int

    @property
    def is_always(self) -> bool:
        """Whether they are fixed in every epoch."""
        return (self.first, self.end) == (0, NEVER_REACHED)

    def holds(self, epoch: int) -> bool:
        """Returns whether they are fixed in an epoch."""
        return self.first <= epoch < self.end

    def __str__(self) -> str:
        return f"--freeze.{self.option} {self.pattern.pattern}"


ALWAYS = Rule("statistics", re.compile(""), 0, NEVER_REACHED)


class Freeze(KeepsArguments, Callback):
    """Keeps parameters fixed whose names match; frozen batch norms keep their statistics too.

    A layer is fixed as long as one of the options has it fixed.

    Args:
        layers: Patterns (regular expressions, matched from the start of a parameter's name), such as `features` or
            `stages\\.[01]`.
        until_epoch: Epoch, from 0, in which the layers begin to train; never if not given.
        from_epoch: Epoch, from 0, from which on the layers are fixed, having trained before; the first if not given.
        stages: Epochs, from 0, in which layers begin to train, by pattern, so that a network is freed step by step,
            such as `{stem: 4, blocks: 2}`; the first pattern that matches a parameter counts.
        fixed_from: Epochs, from 0, from which on layers are fixed, by pattern, such as `{stem: 4, blocks: 8}`; the
            first pattern that matches a parameter counts. With one process, what comes before all layers that train
            needs no gradients, so fixing the first layers first saves time.
        statistics: Whether all batch norms keep their statistics, those of layers that train as well: in place of a
            batch's, which few pictures give badly.
    """

    def __init__(
        self,
        layers: list[str] | None = None,
        until_epoch: int | None = None,
        from_epoch: int | None = None,
        stages: dict[str, int] | None = None,
        fixed_from: dict[str, int] | None = None,
        statistics: bool = False,
    ) -> None:
        if until_epoch is not None and from_epoch is not None:
            both = "--freeze.until_epoch and --freeze.from_epoch"
            raise InputError(f"{both}: give one of them; null takes back what a config gives")
        named = {"until_epoch": until_epoch, "from_epoch": from_epoch}
        named |= {f"stages {layer}": epoch for layer, epoch in (stages or {}).items()}
        named |= {f"fixed_from {layer}": epoch for layer, epoch in (fixed_from or {}).items()}
        for name, epoch in named.items():
            if epoch is not None and epoch < 0:
                raise InputError(f"--freeze.{name} {epoch}: epochs count from 0")
        end = NEVER_REACHED if until_epoch is None else until_epoch
        self._rules = [
            *(Rule("layers", _compiled("layers", layer), from_epoch or 0, end) for layer in layers or []),
            *(Rule("stages", _compiled("stages", layer), 0, epoch) for layer, epoch in (stages or {}).items()),
            *(
                Rule("fixed_from", _compiled("fixed_from", layer), epoch, NEVER_REACHED)
                for layer, epoch in (fixed_from or {}).items()
            ),
        ]
        self._keeps_statistics = statistics
        self._drop_gradients = False
        self._fixed: list[tuple[nn.Parameter, list[Rule]]] = []
        self._by_other_names: list[str] = []  # tied weights that only another than their first name fixes
        self._modules: list[tuple[nn.Module, list[Rule]]] = []  # that have statistics

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Finds the layers, and freezes them before an optimizer or a process group sees the model.

        Raises:
            InputError: A pattern matches nothing, or only what a pattern before it matches, or nothing would be left to
                train.
        """
        if stage != "fit" or not self._rules:
            return
        names: dict[nn.Parameter, list[str]] = {}  # several of weights that are tied
        for name, parameter in pl_module.named_parameters(remove_duplicate=False):
            if parameter.requires_grad:
                names.setdefault(parameter, []).append(name)
        found = {parameter: self._matching(several) for parameter, several in names.items()}
        self._by_other_names = [
            several[0] for parameter, several in names.items() if found[parameter] != self._matching(several[:1])
        ]
        every = [name for several in names.values() for name in several]
        chosen = {rule for rules in found.values() for rule in rules}
        for rule in self._rules:
            if not any(map(rule.pattern.match, every)):
                firsts = dict.fromkeys(name.rsplit(".", 1)[0] for name in every)
                raise InputError(f"{rule}: matches none of {', '.join(firsts)}")
            if rule not in chosen and rule.option != "layers":  # which all have the same epochs
                raise InputError(f"{rule}: a pattern before it matches the same layers: put it first")
        last = trainer.max_epochs if trainer.max_epochs and trainer.max_epochs > 0 else NEVER_REACHED
        for epoch in sorted({rule.first for rule in chosen if rule.first < last}):
            if all(_is_fixed(rules, epoch) for rules in found.values()):
                raise InputError(f"--freeze: nothing is left to train in epoch {epoch}")
        self._fixed = [(one, found[one]) for one in sorted(names, key=names.__getitem__) if found[one]]
        # Processes agree at the start on which gradients they share; layers that ever train must be among them, and
        # have theirs dropped while they are fixed.
        changes = not all(rule.is_always for rule in chosen)
        self._drop_gradients = trainer.world_size > 1 and changes
        if not self._drop_gradients:
            for parameter, rules in self._fixed:
                parameter.requires_grad_(not _is_fixed(rules, 0))

    def _matching(self, names: list[str]) -> list[Rule]:
        """Returns the first rule of each option that matches a name of a parameter."""
        first: dict[str, Rule] = {}
        for rule in self._rules:
            if any(map(rule.pattern.match, names)):
                first.setdefault(rule.option, rule)
        return [*first.values()]

    def trainable(self, pl_module: LightningModule) -> int:
        """Number of parameters that train from the start, of a run that goes on as well."""
        at_start = {id(parameter): not _is_fixed(rules, 0) for parameter, rules in self._fixed}
        return sum(one.numel() for one in pl_module.parameters() if at_start.get(id(one), one.requires_grad))

    def never_trained(self) -> Iterator[Tensor]:
        """Yields the parameters that are fixed in every epoch, and the statistics that are kept in every epoch."""
        for parameter, rules in self._fixed:
            if _is_always_fixed(rules):
                yield parameter
        for module, rules in self._modules:
            if _is_always_fixed(rules):
                yield from module.buffers(recurse=False)

    def trained_at_times(self) -> Iterator[Tensor]:
        """Yields the parameters that are fixed in some epochs and train in others."""
        for parameter, rules in self._fixed:
            if not _is_always_fixed(rules):
                yield parameter

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Finds the layers that have statistics (SyncBN has replaced some by now), for a resumed epoch too.

        Layers without any stay as they are: cuDNN gives no gradients through recurrent ones in evaluation mode.
        """
        fixed = {id(parameter): rules for parameter, rules in self._fixed}
        self._modules = []
        for module in pl_module.modules():
            own = [rule for one in module.parameters(recurse=False) for rule in fixed.get(id(one), [])]
            if self._keeps_statistics and isinstance(module, _BatchNorm):
                own = [ALWAYS]
            if own and any(True for _ in module.buffers(recurse=False)):
                self._modules.append((module, own))
        self._apply(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fixes the layers, or lets them train, as the epoch has it."""
        self._apply(trainer)

    def _apply(self, trainer: Trainer) -> None:
        epoch = trainer.current_epoch
        for module, rules in self._modules:
            module.train(not _is_fixed(rules, epoch))
        if not self._drop_gradients:
            for parameter, rules in self._fixed:
                parameter.requires_grad_(not _is_fixed(rules, epoch))

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Any) -> None:
        """Drops gradients of fixed layers where they had to be computed."""
        if self._drop_gradients:
            for parameter, rules in self._fixed:
                if _is_fixed(rules, trainer.current_epoch):
                    parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Returns that tied weights are known by each of their names, if any are fixed."""
        return {"knows_every_name": True} if self._rules else {}

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Says which weights an earlier release has trained in this run that are fixed from here on."""
        knows = self.state_key in checkpoint["callbacks"]
        if trainer.state.fn == "fit" and self._by_other_names and not knows:
            named, before = ", ".join(self._by_other_names), "an earlier release has not done in this run"
            print_line(f"note     --freeze: tied weights are fixed by each of their names now, which {before}: {named}")

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Lets the layers train in another run of this model."""
        while self._fixed:
            self._fixed.pop()[0].requires_grad_(True)
        while self._modules:
            self._modules.pop()[0].train()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Lets the layers train in another run of this model."""
        self.teardown(trainer, pl_module, "")


def _is_fixed(rules: list[Rule], epoch: int) -> bool:
    return any(rule.holds(epoch) for rule in rules)


def _is_always_fixed(rules: list[Rule]) -> bool:
    return any(rule.is_always for rule in rules)


def _compiled(option: str, layer: str) -> re.Pattern[str]:
    try:
        return re.compile(str(layer))  # YAML reads some as numbers
    except re.error as error:
        raise InputError(f"--freeze.{option} {layer}: no regular expression ({error})") from error
