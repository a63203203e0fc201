"""Per-step queries on the trainer: built-in callbacks, optimizer steps, memory format. Each lookup is cached."""

from typing import Any, TypeVar

import pytorch_lightning as pl
from pytorch_lightning import Callback, LightningModule

from callbacks import MadeSteps, Record, RunCheckpoint
from core.protocols.general import TakesNamedBatches

Builtin = TypeVar("Builtin", bound=Callback)


class TrainerQueries(pl.Trainer):
    """Answers what callbacks, data and models ask in every step."""

    goes_on = False  # whether a fit continues from a checkpoint
    takes_up_run = False  # whether it does, or begins a run again that has no checkpoint yet
    optimization: tuple[dict[str, Any], list[str]] | None = None  # optimizer and schedule of this fit, as made
    _may_be_channels_last = True
    _searched: Any = None  # the list of callbacks that was searched; Lightning makes another when it adds a model's
    _builtins: dict[type, Callback]
    _asked: LightningModule | None = None  # the model that was asked whether it takes named batches
    _takes_named = False

    def builtin(self, kind: type[Builtin]) -> Builtin:
        """Returns the built-in callback of a kind, of which there is always one."""
        if self._searched is not self.callbacks:
            self._searched, self._builtins = self.callbacks, {}
        found = self._builtins.get(kind)
        if found is None:
            found = self._builtins[kind] = next(one for one in self.callbacks if isinstance(one, kind))
        return found

    @property
    def checkpoint_callback(self) -> RunCheckpoint:
        """The callback that keeps the checkpoints; others of ours share its base class for their place in the order."""
        return self.builtin(RunCheckpoint)

    @property
    def optimizer_steps(self) -> int:
        """Batches after which weights were updated; `global_step` counts every optimizer's step of a batch."""
        return self.checkpoint_callback.optimizer_steps(self)

    @property
    def batch_stepped(self) -> bool:
        """Whether this batch updated weights, instead of only accumulating gradients."""
        return self.checkpoint_callback.batch_stepped(self)

    @property
    def has_begun(self) -> bool:
        """Whether a fit has come as far as training."""
        return self.builtin(Record).has_begun

    @property
    def has_trained(self) -> bool:
        """Whether a fit has made a step."""
        return self.builtin(Record).has_trained and self.builtin(MadeSteps).has_made

    @property
    def channels_last(self) -> bool:
        """Whether images and weights are laid out channels last, which models of other packages may not expect."""
        model = self.lightning_module
        if self._asked is not model:
            self._asked, self._takes_named = model, isinstance(model, TakesNamedBatches)
        return self._may_be_channels_last and self._takes_named

    @channels_last.setter
    def channels_last(self, allowed: bool) -> None:
        self._may_be_channels_last = allowed
