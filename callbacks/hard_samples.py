"""Trains each epoch on a share of the samples, in later epochs on the hardest."""

from functools import partial
from typing import Any

import torch.nn.functional as F
from pytorch_lightning import Callback, LightningModule, Trainer

from callbacks.description import classifies
from core.errors import InputError
from core.kept_arguments import KeepsArguments
from core.protocols import KeepsLogits
from core.ranges import check_range
from datamodules.base.sample_data_module import SampleDataModule
from datamodules.base.selection import Selection

STATE = "hard_samples"  # its name in checkpoints


class HardSamples(KeepsArguments, Callback):
    """Gives every epoch a share of the training samples: from an epoch on those that the network finds hardest.

    Those have the highest cross-entropy, as they were augmented when they were last trained on, without another forward
    pass. Epochs before take the samples that were least often seen, so that all are seen equally often. It saves time
    where a network has learnt most samples well (data filtering: after airbench96_faster, Keller Jordan, 2024, in which
    a smaller network measures them). Training metrics are those of the chosen samples.

    Args:
        share: Part of the samples that an epoch has, above 0 to 1.
        from_epoch: First epoch, from 0, that takes the hardest.

    Raises:
        InputError: The share or the epoch is out of range.
    """

    def __init__(self, share: float, from_epoch: int) -> None:
        check_range("HardSamples: share", share, most=1, above=True)
        check_range("HardSamples: from_epoch", from_epoch)
        self.share = share
        self.from_epoch = from_epoch

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Tells the data module how many samples an epoch has.

        Raises:
            InputError: The model or the data has no loss of each sample, or a batch is larger than the share.
        """
        if stage != "fit":
            return
        data = trainer.datamodule
        if not (isinstance(pl_module, KeepsLogits) and isinstance(data, SampleDataModule)):
            raise InputError(f"HardSamples: {type(pl_module).__name__} has no loss of each sample; leave it out")
        if not classifies(trainer, pl_module):
            raise InputError(f"HardSamples: {type(data).__name__} has no classes; leave it out")
        if trainer.overfit_batches:
            raise InputError(
                "HardSamples: --trainer.overfit_batches has the same batches in every epoch; leave one out"
            )
        samples = len(data.splits["train"])
        size = int(self.share * samples)
        if size < data.batch_size:
            raise InputError(
                f"HardSamples: share {self.share:g} of {samples:,} training {data.unit} is less than a batch of "
                f"{data.batch_size}; give a larger share or a smaller --data.batch_size"
            )
        data.selection = Selection(samples, size, self.from_epoch, trainer.strategy.root_device)

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Continues with the samples of the epoch that a resumed run is in, and with the losses."""
        if trainer.state.fn == "fit" and STATE in checkpoint:
            trainer.datamodule.selection.load_state_dict(checkpoint[STATE])

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Chooses the samples of an epoch; not called when a run resumes within one."""
        selection = trainer.datamodule.selection
        selection.gather(partial(trainer.strategy.reduce, reduce_op="sum"))
        selection.choose(trainer.seed, trainer.current_epoch)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Notes the losses of a batch, by the logits of its training step."""
        losses = F.cross_entropy(pl_module.trained_logits, batch.targets, reduction="none")
        trainer.datamodule.selection.note(batch.index, losses)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keeps the samples of the epoch, and the losses, over all processes."""
        selection = getattr(trainer.datamodule, "selection", None)
        if selection is not None and selection.order is not None:
            selection.gather(partial(trainer.strategy.reduce, reduce_op="sum"))
            checkpoint[STATE] = selection.state_dict()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Gives the data module all its samples back."""
        if isinstance(trainer.datamodule, SampleDataModule):
            trainer.datamodule.selection = None

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Gives the data module all its samples back."""
        self.teardown(trainer, pl_module, "")
