"""The base of data sets for classification, of samples of any kind."""

from typing import ClassVar

from torch import Tensor

from core.predictions import Display, Table, classified
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

    def prediction_table(self, names: list[str], outputs: Tensor) -> Table:
        """Returns a table of the two most probable classes of each sample, from probabilities [N, K]."""
        return classified(self.input_kind, names, outputs, self.class_names, self.table_display)
