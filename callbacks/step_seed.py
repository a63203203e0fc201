"""Makes what a training step draws a function of (seed, epoch, batch, rank)."""

from functools import partial
from typing import Any

from lightning_fabric.utilities.distributed import DistributedSamplerWrapper
from lightning_fabric.utilities.types import _Stateful
from pytorch_lightning import Callback, LightningModule, Trainer

from core.errors import InputError
from core.randomness import derived_seed, seed_device, step_seed
from datamodules.base.loader import Loader
from datamodules.base.seeded_loader import DrawnAlike, SeededLoader
from lightning_modules.tasks.task import Task

PROCESSES = "loader_processes"  # in a checkpoint
AHEAD = 64  # steps whose seeds are made together: one by one takes several times as long


class StepSeed(Callback):
    """Reseeds torch before every training step, so that dropout and noise are the same after a resume.

    The loaders of another package are wrapped, so that their batches are the same too.
    """

    def __init__(self) -> None:
        self._processes_before: int | None = None  # of the run that goes on, if it was with such loaders

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Lets several processes draw alike which samples each validates, where another package's sampler draws it."""
        if trainer.world_size > 1:
            trainer.strategy.process_dataloader = partial(_processed, trainer)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keeps the number of processes, whose batches are counted, where loaders are of another package."""
        if _has_wrapped(trainer):
            checkpoint[PROCESSES] = trainer.world_size

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Takes up the number of processes."""
        self._processes_before = checkpoint.get(PROCESSES)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Wraps loaders; those of a resumed run start at its place in the epoch."""
        self._rank, self._device = trainer.global_rank, pl_module.device  # once: a module takes long to say it
        self._seeds: dict[tuple[int, int], int] = {}  # of coming steps, by epoch and batch
        loop = trainer.fit_loop
        # a schedule that asks for the run's length has made Lightning set up loaders before it knew their states
        owes_states = bool(loop._combined_loader_states_to_load)
        loop._load_combined_loader_states()
        if self._wrap_loaders(trainer) or owes_states:
            iter(loop._data_fetcher)  # Lightning has made the first iterators already

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Wraps loaders that have been made anew, as `reload_dataloaders_every_n_epochs` asks."""
        self._wrap_loaders(trainer)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Seeds the generators of the CPU and of this process's device."""
        position = trainer.current_epoch, batch_idx
        if position not in self._seeds:
            ahead = range(batch_idx, min(batch_idx + AHEAD, max(batch_idx + 1, trainer.num_training_batches)))
            self._seeds = {(position[0], one): step_seed(trainer.seed, position[0], one, self._rank) for one in ahead}
        seed_device(self._seeds[position], self._device)

    def resume_note(self, trainer: Trainer) -> str | None:
        """Returns what a resume within an epoch does with loaders and modules of other packages, or None with ours."""
        notes = []
        if _has_wrapped(trainer):
            notes.append(
                "reads its earlier batches again; they are the same if the data set draws from torch, NumPy or random "
                "only"
            )
        if not isinstance(trainer.lightning_module, Task):  # whose figures a checkpoint keeps
            notes.append("has training figures of the batches after it only")
        return "a resume within an epoch " + "; it ".join(notes) if notes else None

    def _wrap_loaders(self, trainer: Trainer) -> bool:
        """Wraps the training loaders that are not ours; returns whether there are any."""
        combined = trainer.fit_loop._combined_loader
        wrapped = [self._wrap(loader, number, trainer) for number, loader in enumerate(combined.flattened)]
        changed = wrapped != combined.flattened
        if changed:
            combined.flattened = wrapped
        return changed

    def _wrap(self, loader: Any, number: int, trainer: Trainer) -> Any:
        if isinstance(loader, Loader | SeededLoader | _Stateful):  # the last keep their place themselves
            return loader
        shared, own = (derived_seed(trainer.seed, "loader", number, rank) for rank in (0, trainer.global_rank))
        order_seed = shared if trainer.world_size > 1 else None
        return SeededLoader(loader, own, lambda: trainer.current_epoch, lambda: self._place(trainer), order_seed)

    def _place(self, trainer: Trainer) -> int:
        """Returns the batch of the epoch at which a run goes on, counted as each of its processes counts.

        Raises:
            InputError: There were more or fewer processes, whose batches were others.
        """
        place, before = trainer.fit_loop.epoch_loop.batch_progress.current.ready, self._processes_before
        if place and before not in (None, trainer.world_size):
            raise InputError(
                f"--trainer.devices: this run stopped within an epoch on {before} processes, not on "
                f"{trainer.world_size}; with loaders of other packages it can only be resumed there on the same number"
            )
        return place


def _processed(trainer: Trainer, loader: Any) -> Any:
    """Returns a loader as a strategy processes it; what steps draw before a validation is of each process alone."""
    loader = type(trainer.strategy).process_dataloader(trainer.strategy, loader)
    sampler = getattr(loader, "sampler", None)
    if trainer.evaluating and isinstance(sampler, DistributedSamplerWrapper):
        order = sampler.dataset  # of which each process takes its places
        order._sampler = DrawnAlike(order._sampler, derived_seed(trainer.seed, "order of evaluation"))
    return loader


def _has_wrapped(trainer: Trainer) -> bool:
    """Returns whether a training loader is of another package."""
    combined = trainer.fit_loop._combined_loader
    return combined is not None and any(isinstance(loader, SeededLoader) for loader in combined.flattened)
