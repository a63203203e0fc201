"""Lightning's loop over the batches of an epoch, without detours where a run is of the common kind.

What Lightning asks around each step, whether to validate, to stop, to log or to accumulate, takes as long as a small
network's whole step. Here it is asked where the answer can be yes, and a step is a straight line (`engine/speed/step`).
Which hooks are called, in which order, with which arguments, and what counters and checkpoints hold is Lightning's; a
test compares the two, call by call.
"""

from collections.abc import Iterator
from typing import Any

from pytorch_lightning.loops.fetchers import _DataFetcher, _DataLoaderIterDataFetcher
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop
from pytorch_lightning.plugins.precision import MixedPrecision, Precision
from pytorch_lightning.strategies import SingleDeviceStrategy

from engine.speed.graph_checks import skip_graph_checks
from engine.speed.idle_hooks import NoProfiler
from engine.speed.step import StepCalls, is_lightnings


class EpochLoop(_TrainingEpochLoop):
    """Makes steps without detours on one device, with one optimizer that every batch steps; else as Lightning does."""

    _straight = False

    def on_run_start(self, data_fetcher: _DataFetcher) -> None:
        """Looks up what this epoch's steps call."""
        super().on_run_start(data_fetcher)
        skip_graph_checks(self.trainer.optimizers)
        self._straight = self._is_common(data_fetcher)
        if not self._straight:
            return
        trainer = self.trainer
        self._step = StepCalls(trainer)
        self._batches = trainer.num_training_batches
        validates_within = self._should_check_val_epoch() and (
            trainer.check_val_every_n_epoch is None
            or trainer._val_check_time_interval is not None
            or trainer.val_check_batch < self._batches
        )
        plateaus = [config for config in trainer.lr_scheduler_configs if config.reduce_on_plateau]
        self._ends_are_plain = not validates_within and all(config.interval == "epoch" for config in plateaus)
        data_fetcher._start_profiler = data_fetcher._stop_profiler = _nothing
        loaders = data_fetcher.combined_loader
        if loaders.iterables is loaders.flattened[0]:
            data_fetcher.iterator = _OnlyLoader(loaders._iterator)

    def _is_common(self, data_fetcher: _DataFetcher) -> bool:
        trainer = self.trainer
        model, precision = trainer.lightning_module, trainer.precision_plugin
        return (
            type(trainer.strategy) is SingleDeviceStrategy
            and trainer.strategy.model is model
            and model.automatic_optimization
            and not self.automatic_optimization._skip_backward
            and trainer.accumulate_grad_batches == 1
            and len(trainer.optimizers) == 1
            and type(precision) in (Precision, MixedPrecision)
            and not (isinstance(precision, MixedPrecision) and precision.scaler is not None)
            and isinstance(trainer.profiler, NoProfiler)
            and is_lightnings(model, "optimizer_step")
            and not isinstance(data_fetcher, _DataLoaderIterDataFetcher)  # a model that asks for batches itself
        )

    def _is_amid(self) -> bool:
        """Returns whether another batch follows for certain, so that nothing is to be asked about the epoch's end."""
        progress = self.batch_progress
        return (
            self._straight
            and not progress.is_last_batch
            and progress.current.ready != self._batches
            and not self.trainer.should_stop
            and self.max_steps == -1  # but for a trial: RunCheckpoint counts steps otherwise
            and not self._restarting
        )

    @property
    def done(self) -> bool:
        """Whether this epoch's batches are over."""
        return not self._is_amid() and super().done

    def advance(self, data_fetcher: _DataFetcher) -> None:
        """Trains on a batch."""
        if not self._straight or self.restarting:
            super().advance(data_fetcher)
            return
        if self.val_loop.restarting:
            self.val_loop.restarting = False
        batch, _, _ = next(data_fetcher)
        batch_idx = self.batch_idx + 1
        progress, step = self.batch_progress, self._step
        progress.is_last_batch = data_fetcher.done
        batch = batch if batch is None else step.to_device(batch)
        progress.increment_ready()
        self._begin_logging(batch)
        skip, outputs = False, None
        if batch is None:  # as loaders of other packages return of samples that cannot be read
            self._warning_cache.warn("a batch of training was None, and is left out")
        elif step.call("on_train_batch_start", batch, batch_idx) == -1:
            skip = True  # the rest of the epoch
            progress.increment_by(0, is_last_batch=True)
        else:
            progress.increment_started()
            outputs = step.optimize(batch, batch_idx, self.automatic_optimization.optim_progress.optimizer)
        progress.increment_processed()
        step.step_schedules(batch_idx, self.scheduler_progress)
        if self._num_ready_batches_reached():
            self.update_lr_schedulers("epoch", update_plateau_schedulers=False)
        if skip:
            raise StopIteration
        step.call("on_train_batch_end", outputs, batch, batch_idx)
        self._end_logging()

    def on_advance_end(self, data_fetcher: _DataFetcher) -> None:
        """Validates if it is time, and counts the batch."""
        if self._is_amid() and self._ends_are_plain and not (self._skip_next_val or self.trainer.received_sigterm):
            self._batches_that_stepped += 1
        else:
            super().on_advance_end(data_fetcher)

    def _begin_logging(self, batch: Any) -> None:
        """Tells what logs that a batch begins, as `_LoggerConnector.on_batch_start` does."""
        connector, results = self.trainer._logger_connector, self._results
        connector._first_loop_iter = connector._first_loop_iter is None
        results.batch, results.batch_size, results.dataloader_idx = batch, None, None

    def _end_logging(self) -> None:
        """Passes on what this step has logged; most models log nothing before the epoch's end."""
        connector, results = self.trainer._logger_connector, self._results
        has_logged = any(not result.has_reset for result in results.values())
        if has_logged:
            connector.on_batch_end()
        results.batch = results.batch_size = None
        self.batch_progress.increment_completed()
        if has_logged:
            connector.update_train_step_metrics()


class _OnlyLoader:
    """Iterates over the batches of a run's only loader, without the form that batches of several would have."""

    def __init__(self, iterator: Iterator[tuple[list[Any], int, int]]) -> None:
        self._iterator = iterator

    def __next__(self) -> tuple[Any, int, int]:
        (batch,), batch_idx, dataloader_idx = next(self._iterator)
        return batch, batch_idx, dataloader_idx


def _nothing() -> None:
    """Does what `NoProfiler` does around a batch that is fetched, without making up a name for it."""
