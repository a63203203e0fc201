"""How many batches an epoch of pairs has, which a run that goes on keeps."""

from typing import Any

from datamodules.base.sample_data_module import SampleDataModule
from datamodules.text.text_data_module import TextDataModule


class CountsBatches(TextDataModule, SampleDataModule):
    """A data set of pairs whose checkpoints know how many batches of `batch_size` an epoch has.

    Attributes:
        batch_tokens: Symbols of a batch, in place of `batch_size`, if that does not count.
    """

    batch_tokens: int | None

    def facts(self) -> dict[str, Any]:
        """Returns what tells the pairs from others, and how many batches of `batch_size` an epoch has."""
        batches = {} if self.batch_tokens is not None else {"batches": self.sizes.get("train", 0) // self.batch_size}
        return super().facts() | batches

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the position from a checkpoint.

        Raises:
            InputError: The checkpoint has another vocabulary, the data has changed since the run stopped, or the run,
                begun by an earlier release, has more batches an epoch.
        """
        earlier = {}
        if self.trainer.state.fn == "fit" and self.batch_tokens is None:
            # earlier releases trained on an incomplete batch, too, and counted large ones divided as in evaluation
            earlier = {"batches": len(self.make_loader(self.splits["train"], self.batch_size, None, in_order=False))}
        super().load_state_dict(earlier | state_dict)
