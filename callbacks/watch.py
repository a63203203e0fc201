"""What TensorBoard and Weights & Biases show of training beside its curves."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.loggers import TensorBoardLogger

from callbacks.media.graph import graph_of
from callbacks.media.layers import draw_layers, histograms_of
from callbacks.media.sink import write_media
from callbacks.media.tensorboard import describe_run
from callbacks.probe import looking_at
from core.kept_arguments import KeepsArguments
from core.measures import measures_of
from core.media import Figure, Graph, Grid, Histogram, Histograms
from core.nested_tensors import first_samples
from core.protocols.general import NamesLosses
from core.protocols.pictures import ShowsInputs

SHOWN = 32  # pictures of a batch
PROBED = 32  # samples that gradients and activations are computed of
DRAWN = 2  # samples that a graph is drawn of


class Watch(KeepsArguments, Checkpoint):
    """Shows what goes into a network, what it computes, and how its values are spread; training stays as it is.

    (Its base class makes Lightning call it before RunCheckpoint saves.)

    Args:
        graph: Draw the network as a graph, grouped by its modules (TensorBoard alone).
        inputs: Show some pictures of the first batch as the network gets them, augmented: `inputs.png`.
        histograms: After every epoch, show how weights, gradients and activations are spread, the last two for the
            first samples of validation; `layers.csv` and, at the end, `layers.png` have it in short.
    """

    def __init__(self, graph: bool = True, inputs: bool = True, histograms: bool = False) -> None:
        self.graph = graph
        self.inputs = inputs
        self.histograms = histograms
        self._has_begun = False  # whether a batch of this process has been seen
        self._draws_graph = False
        self._is_new_epoch = False  # whether this epoch's first batch is still to come
        self._probe: Any = None
        self._is_of_validation = False
        self._latest: dict[str, Histogram] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tells TensorBoard the settings of a run that begins."""
        self._has_begun = self._is_new_epoch = self._is_of_validation = False
        self._probe = None
        if trainer.is_global_zero and trainer.optimizer_steps == 0:
            for logger in trainer.loggers:
                if isinstance(logger, TensorBoardLogger):
                    describe_run(logger.experiment, trainer.describe_origin().hyperparameters, measures_of(pl_module))

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Waits for the epoch's first batch, which is not the one of number 0 where that is None and left out."""
        self._is_new_epoch = True

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Shows the first batch of a run, and keeps one of an epoch where nothing is validated."""
        is_kept = self._is_new_epoch and self.histograms and not self._is_of_validation
        self._is_new_epoch = False
        if self._has_begun and not is_kept:
            return
        if not self._has_begun and trainer.is_global_zero and trainer.optimizer_steps == 0:
            self._draws_graph = self.graph
            data = trainer.datamodule
            wanted = self.inputs and isinstance(data, ShowsInputs)
            shown = data.shown_inputs(first_samples(batch, SHOWN)) if wanted else None
            if shown is not None:
                write_media(trainer, [Grid(name="inputs", step=0, images=shown)])
        self._has_begun = True
        if is_kept:
            self._probe = first_samples(batch, PROBED)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Draws the graph once a first step has shown that the network takes what the data gives."""
        if not self._draws_graph:
            return
        self._draws_graph = False
        has_board = any(isinstance(logger, TensorBoardLogger) for logger in trainer.loggers)
        if has_board and isinstance(pl_module, NamesLosses):
            with looking_at(trainer, pl_module):
                operations = graph_of(pl_module, first_samples(batch, DRAWN))
            write_media(trainer, [Graph(name="graph", step=trainer.optimizer_steps, operations=operations)])

    def on_validation_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        """Keeps the first samples of validation, which are the same in every epoch."""
        is_first = batch is not None and batch_idx == dataloader_idx == 0
        if self.histograms and is_first and trainer.state.fn == "fit":
            self._probe, self._is_of_validation = first_samples(batch, PROBED), True

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Shows how values are spread."""
        if not self.histograms or not trainer.is_global_zero:
            return
        with looking_at(trainer, pl_module):
            found = histograms_of(pl_module, self._probe)
        write_media(trainer, [Histograms(name="layers", step=trainer.optimizer_steps, histograms=found)])
        self._latest = found

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Draws how values are spread at the end."""
        if self._latest:
            figure = draw_layers(self._latest)
            write_media(trainer, [Figure(name="layers", step=trainer.optimizer_steps, figure=figure)])
