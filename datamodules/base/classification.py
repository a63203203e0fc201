"""The base of data sets for classification, of samples of any kind."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor

from core.errors import InputError
from core.predictions import Display, PredictionTable, classified
from core.terminal.console import print_line
from core.terminal.printable import first_names
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
    table_display: ClassVar[Display] = "whole"  # how `predict` prints the table, see `PredictionTable`

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

    def where_classes_are(self) -> str:
        """Returns where the classes come from, in words."""
        return self.origin

    def state_dict(self) -> dict[str, Any]:
        """Returns the position, and the class names."""
        return super().state_dict() | {"class_names": list(self.class_names)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the position from a checkpoint.

        Raises:
            InputError: The network was trained with other classes, or the data has changed since the run stopped.
        """
        learned = tuple(state_dict.get("class_names", self.class_names))  # absent in older checkpoints
        if learned != tuple(self.class_names):
            raise InputError(
                f"{self.where_classes_are()}: has the classes {', '.join(self.class_names)}, where the network was "
                f"trained with {', '.join(learned)}"
            )
        super().load_state_dict(state_dict)

    def prediction_table(self, names: list[str], outputs: Tensor) -> PredictionTable:
        """Returns a table of the two most probable classes of each sample, from probabilities [N, K]."""
        return classified(self.input_kind, names, outputs, self.class_names, self.table_display)


def learned_classes(checkpoint: Mapping[Any, Any]) -> tuple[str, ...]:
    """Returns the names of the classes that a network was trained with, by its checkpoint; none if that names none."""
    for part in checkpoint.values():
        names = part.get("class_names") if isinstance(part, Mapping) else None
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return tuple(names)
    return ()


def other_class(learned: Sequence[str], own: Sequence[str]) -> str:
    """Returns in words the first class of equally many that has another name now; nothing where none has."""
    pairs = enumerate(zip(learned, own, strict=True))
    return next((f"class {at} was {theirs}, and is {ours}" for at, (theirs, ours) in pairs if theirs != ours), "")
