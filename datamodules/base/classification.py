"""The base of data sets for classification, of samples of any kind."""

from typing import ClassVar

from torch import Tensor

from core.console import print_line
from core.predictions import Display, Table, classified
from core.printable import first_names
from datamodules.base.sample_data_module import SampleDataModule


class ClassificationDataModule(SampleDataModule):
    """Samples with one class each; the splits have a field `targets`, int64 [N].

    Attributes:
        class_names: Names of the classes, in the order of their numbers.
        num_classes: Number of classes.
    """

    class_names: tuple[str, ...]
    num_classes: int
    input_kind: ClassVar[str] = "file"  # heading of the first column of `predict`'s table
    table_display: ClassVar[Display] = "whole"  # how `predict` prints the table, see `Table`

    def setup(self, stage: str) -> None:
        """Loads the samples, and tells before training which classes have too few to be learned."""
        super().setup(stage)
        if stage == "fit" and (note := self._note_on_rare_classes()):
            print_line(note)

    def _note_on_rare_classes(self) -> str:
        counts = self.splits["train"].targets.bincount(minlength=self.num_classes).tolist()
        parts = []
        for number, words in ((1, f"a single training {self.unit.removesuffix('s')}"), (0, f"no training {self.unit}")):
            rare = [name for name, count in zip(self.class_names, counts, strict=True) if count == number]
            if rare:
                have = "has" if len(rare) == 1 else "have"
                parts.append(f"{len(rare):,} of {len(counts):,} classes {have} {words} ({first_names(rare)})")
        return f"note     {', '.join(parts)}: add some, or leave these classes out" if parts else ""

    def prediction_table(self, names: list[str], outputs: Tensor) -> Table:
        """Returns a table of the two most probable classes of each sample, from probabilities [N, K]."""
        return classified(self.input_kind, names, outputs, self.class_names, self.table_display)
