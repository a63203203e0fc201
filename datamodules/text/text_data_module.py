"""The base of every text data set: its vocabulary is saved in the run's folder and in checkpoints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from core.abstract_methods import left_to_subclasses
from core.errors import InputError
from datamodules.base.data_module import DataModule
from datamodules.text.text_files import FileTexts, read_lines, texts_of_lines
from datamodules.text.vocabulary import from_bytes, read_saved, to_bytes, write_saved

FILE = "vocabulary.json"
HASHED_BY = ("buckets", "tokenizer", "lowercase", "punctuation", "ngrams")  # settings that decide what is in a bucket


class TextDataModule(DataModule):
    """Text as numbers of symbols, which are the same in every command on a run.

    A run saves its vocabulary in `vocabulary.json` and in its checkpoints. A later command on the run encodes new text
    with it; a checkpoint with other symbols is an error.
    """

    paths = (*DataModule.paths, "vocabulary")
    learned: ClassVar[str] = "symbols"  # name of the content of the vocabulary, for messages
    counted: ClassVar[tuple[str, ...]] = ()  # what in that content is of the text, and of no use to a network
    input_name = "TEXT"
    empty_texts: ClassVar[bool] = False  # whether `predict` takes an empty text
    _given: tuple[list[str], list[str]] | None = None  # `inputs` and their texts, once these are read

    @classmethod
    def take_over(cls, run: Path) -> dict[str, Any]:
        """Returns the run's vocabulary, with which the network was trained, and nothing of what it states."""
        return {"vocabulary": str(run / FILE)} | cls.stated if (run / FILE).exists() else {}

    def given_texts(self) -> list[str]:
        """Returns the texts of `inputs`, each a text or a file of texts; reads them once.

        Raises:
            InputError: One is empty and must not be, or names a missing file.
        """
        if self._given is None or self._given[0] != self.inputs:
            given = read_lines(self.inputs, self.empty_texts, self.texts_of_file)
            self._given = list(self.inputs), given.texts
            self.unread, self.input_notes = given.unread, given.notes
        return self._given[1]

    def input_names(self) -> list[str]:
        """Returns the texts of `inputs`."""
        return self.given_texts()

    def texts_of_file(self, path: Path) -> FileTexts:
        """Returns the texts of a file that `predict` is given: its lines.

        Raises:
            InputError: It cannot be read.
        """
        return texts_of_lines(path)

    @property
    @left_to_subclasses
    def symbols(self) -> tuple[str, ...]:
        """All symbols, ordered by number."""

    def vocabulary_content(self) -> dict[str, Any]:
        """Returns the content of `vocabulary.json` as plain data."""
        return {"symbols": self.symbols}

    def save_beside(self, run: Path) -> None:
        """Writes the vocabulary into the run's folder."""
        write_saved(run / FILE, self.vocabulary_content())

    def check_weights(self, run: Path) -> None:
        """Checks that the network of another run was trained with the symbols of this text.

        Raises:
            InputError: It was trained with other symbols.
        """
        if (run / FILE).is_file():
            self.check_symbols(read_saved(run / FILE), str(run), str(run))

    def check_symbols(self, learned: Mapping[str, Any], name: str, run: str = "RUN") -> None:
        """Checks that a network was trained with the symbols of this text.

        Args:
            learned: Content of the vocabulary that it was trained with.
            name: Where its weights are, for the message.
            run: The run that has this vocabulary, for the message.

        Raises:
            InputError: It was trained with other symbols.
        """
        if tuple(learned["symbols"]) != self.symbols or _hashing(learned) != _hashing(self.vocabulary_content()):
            raise InputError(
                f"--weights {name}: was trained with other symbols than those of {self.origin}; use its own: "
                f"--data.vocabulary {run}"
            )

    def state_dict(self) -> dict[str, Any]:
        """Returns the position, and the vocabulary."""
        return super().state_dict() | {"vocabulary": to_bytes(self.vocabulary_content())}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the position from a checkpoint.

        Raises:
            InputError: The checkpoint has another vocabulary, or the data has changed since the run stopped.
        """
        kept, own = (from_bytes(state) for state in (state_dict["vocabulary"], to_bytes(self.vocabulary_content())))
        if any(kept.get(name) != own.get(name) for name in {*kept, *own} - {*self.counted}):
            raise InputError(
                f"{self.origin}: has other {self.learned} than those that the network was trained with; use the run's, "
                "--data.vocabulary RUN"
            )
        super().load_state_dict(state_dict)


def _hashing(content: Mapping[str, Any]) -> list[Any]:
    """Returns the settings by which symbols share the buckets of a vocabulary's content; none without buckets."""
    encoding = content.get("encoding")
    if not isinstance(encoding, Mapping) or not encoding.get("buckets"):
        return []
    return [encoding.get(name) for name in HASHED_BY]
