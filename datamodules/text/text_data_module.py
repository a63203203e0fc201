"""The base of every data set of text: its vocabulary is kept with the run and its checkpoints."""

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import torch

from core.errors import InputError
from datamodules.base.data_module import DataModule
from datamodules.text.vocabulary import read_saved, to_bytes, write_saved

FILE = "vocabulary.json"


class TextDataModule(DataModule):
    """Text as numbers of symbols, which mean the same in every call on a run.

    A run keeps its vocabulary in `vocabulary.json` and in its checkpoints. A later call on the run reads new text with
    it, and a checkpoint is refused where the symbols differ.
    """

    paths = (*DataModule.paths, "vocabulary")
    learned: ClassVar[str] = "symbols"  # what a network has learned of the text, for messages

    @classmethod
    def take_over(cls, run: Path) -> dict[str, Any]:
        """Returns the run's vocabulary, whose symbols the network has learned."""
        return {"vocabulary": str(run / FILE)} if (run / FILE).exists() else {}

    @property
    @abstractmethod
    def symbols(self) -> tuple[str, ...]:
        """All symbols in the order of their numbers."""

    def vocabulary_content(self) -> dict[str, Any]:
        """Returns what `vocabulary.json` and checkpoints hold, as plain data."""
        return {"symbols": self.symbols}

    def save_beside(self, run: Path) -> None:
        """Writes the vocabulary into the run's folder."""
        write_saved(run / FILE, self.vocabulary_content())

    def check_weights(self, run: Path) -> None:
        """Checks that the network of another run has learned the symbols of this text.

        Raises:
            InputError: It has learned other symbols under the same numbers.
        """
        if (run / FILE).is_file() and tuple(read_saved(run / FILE)["symbols"]) != self.symbols:
            raise InputError(
                f"--weights {run}: has learned other symbols than those of {self.origin}; read it with them: "
                f"--data.vocabulary {run}"
            )

    def state_dict(self) -> dict[str, Any]:
        """Returns the position, and the vocabulary."""
        return super().state_dict() | {"vocabulary": to_bytes(self.vocabulary_content())}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the position of a checkpoint.

        Raises:
            InputError: The network has learned another vocabulary, or training would continue on other data.
        """
        if not torch.equal(state_dict["vocabulary"], to_bytes(self.vocabulary_content())):
            raise InputError(
                f"{self.origin}: has other {self.learned} than those that the network has learned; read it with the "
                "run's, --data.vocabulary RUN"
            )
        super().load_state_dict(state_dict)
