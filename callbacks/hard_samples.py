"""Trains each epoch on a share of the samples, in later epochs on the hardest."""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from core.errors import InputError
from core.kept_arguments import KeepsArguments
from core.protocols.general import HasClasses, KeepsLogits, PredictsClasses
from core.ranges import check_range
from datamodules.base.sample_data_module import SampleDataModule
from datamodules.base.selection import Selection

STATE = "hard_samples"  # its name in checkpoints
KEPT = {"order": torch.int32, "seen": torch.int32, "losses": torch.float32}  # what it holds, of one dimension each


class HardSamples(KeepsArguments, Callback):
    """Gives every epoch a share of the training samples: from an epoch on those that the network finds hardest.

    Those have the highest cross-entropy, as they were augmented when they were last trained on, without another forward
    pass. Epochs before take the samples that were least often seen, so that all are seen equally often. Samples not yet
    seen come first in any epoch: with share 0.5 and from_epoch 1, epoch 1 has the other half, and the hardest begin in
    epoch 2. It saves time where a network has learnt most samples well (data filtering: after airbench96_faster, Keller
    Jordan, 2024, in which a smaller network measures them). Training metrics are those of the chosen samples.

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
            InputError: The model or the data has no loss of each sample, the trainer's settings do not fit, or a batch
                is larger than the share.
        """
        if stage != "fit":
            return
        data = trainer.datamodule
        if sum(isinstance(one, HardSamples) for one in trainer.callbacks) > 1:
            raise InputError("HardSamples: given twice; leave one out")
        if not (isinstance(pl_module, KeepsLogits) and isinstance(pl_module, PredictsClasses)):
            raise InputError(f"HardSamples: {type(pl_module).__name__} has no loss of each sample; leave it out")
        if data is None:
            raise InputError("HardSamples: loaders do not choose samples; give a data module, or leave it out")
        if not (isinstance(data, SampleDataModule) and isinstance(data, HasClasses)):
            raise InputError(f"HardSamples: {type(data).__name__} does not choose samples of classes; leave it out")
        if trainer.overfit_batches:
            raise InputError(
                "HardSamples: --trainer.overfit_batches has the same batches in every epoch; leave one out"
            )
        samples = len(data.splits["train"])
        size = round(self.share * samples)  # 0.7 * 45,000 is a little less than 31,500
        if size < data.batch_size:
            raise InputError(
                f"HardSamples: share {self.share:g} of {samples:,} training {data.unit} is less than a batch of "
                f"{data.batch_size}; give a larger share or a smaller --data.batch_size"
            )
        data.selection = Selection(samples, size, self.from_epoch, trainer.strategy.root_device)

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Continues with the samples of the epoch that a resumed run is in, and with the losses.

        Raises:
            InputError: The run was without this or had other settings, or its state is damaged.
        """
        if trainer.state.fn != "fit":
            return
        if STATE in checkpoint:
            _check_state(checkpoint[STATE], trainer)
            trainer.datamodule.selection.load_state_dict(checkpoint[STATE])
            return
        epochs = checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]
        if epochs["started"] > epochs["processed"]:  # nobody knows which samples the rest of the epoch has
            raise InputError(
                "HardSamples: this run has been without it; leave it out, or start a new run with --weights"
            )

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Chooses the samples of an epoch; not called when a run resumes within one."""
        _gathered(trainer).choose(trainer.seed, trainer.current_epoch)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Notes the losses of a batch, by the logits of its training step."""
        if batch is None:  # which the loop leaves out
            return
        losses = F.cross_entropy(pl_module.trained_logits, batch.targets, reduction="none")
        trainer.datamodule.selection.note(batch.index, losses)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keeps the samples of the epoch, and the losses, over all processes."""
        selection = _selection(trainer)
        if selection is not None and selection.order is not None:
            checkpoint[STATE] = _gathered(trainer).state_dict()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Gives the data module all its samples back."""
        if _selection(trainer) is not None:
            trainer.datamodule.selection = None

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Gives the data module all its samples back."""
        self.teardown(trainer, pl_module, "")


def _selection(trainer: Trainer) -> Selection | None:
    """Returns what chooses the samples; None outside of training."""
    return trainer.datamodule.selection if isinstance(trainer.datamodule, SampleDataModule) else None


def _gathered(trainer: Trainer) -> Selection:
    """Returns the selection, once it knows what all processes have noted."""
    trainer.datamodule.selection.gather(partial(trainer.strategy.reduce, reduce_op="sum"))
    return trainer.datamodule.selection


def _check_state(state: Any, trainer: Trainer) -> None:
    """Checks that a run goes on with its own settings.

    Raises:
        InputError: They are others, or the state is damaged.
    """
    selection, unit = trainer.datamodule.selection, trainer.datamodule.unit
    whole = isinstance(state, dict) and all(
        isinstance(state.get(name), Tensor) and (state[name].dtype, state[name].ndim) == (kind, 1)
        for name, kind in KEPT.items()
    )
    whole = whole and len(state["seen"]) == len(state["losses"]) and isinstance(state.get("from_epoch", 0), int)
    if not whole:
        raise InputError(f"{trainer.ckpt_path}: a damaged checkpoint: {STATE} holds something else than its samples")
    before = (len(state["seen"]), len(state["order"]), state.get("from_epoch", selection.from_epoch))  # older: none
    now = (len(selection.seen), selection.size, selection.from_epoch)
    for what, theirs, ours in zip((f"training {unit}", f"{unit} an epoch", "from_epoch"), before, now, strict=True):
        if theirs != ours:
            raise InputError(
                f"HardSamples: {what}: {ours:,} now, and this run has {theirs:,}; go on with its settings, or start a "
                "new run with --weights"
            )
