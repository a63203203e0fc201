"""The base of data sets for language models: a vocabulary, and beginnings of texts that are continued."""

from torch import Tensor

from core.abstract_methods import left_to_subclasses
from core.errors import InputError
from core.predictions import excerpt
from datamodules.text.rows import PrimeLoader
from datamodules.text.text_data_module import TextDataModule
from datamodules.text.vocabulary import Vocabulary


class LanguageDataModule(TextDataModule):
    """Texts whose next symbol a language model predicts, and which it continues, also from an empty beginning.

    `load` sets `_vocabulary`, unless one is given.
    """

    empty_texts = True
    mark_sizes: tuple[int, ...] = ()  # how many values each mark of a symbol has; none if symbols have no marks
    mark_words: str = ""  # what these marks say
    _vocabulary: Vocabulary | None = None

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary; reads the texts if needed."""
        if self._vocabulary is None:
            self.load_once()
        return self._vocabulary

    @property
    def vocab_size(self) -> int:
        """Number of symbols."""
        return len(self.vocabulary)

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols, ordered by number."""
        return self.vocabulary.symbols

    @left_to_subclasses
    def first_prime(self) -> str:
        """Returns the beginning of the validation text, or of the training text if there is none."""

    @left_to_subclasses
    def encode(self, text: str) -> list[int]:
        """Returns the symbols of a prime, at least one.

        Raises:
            InputError: It cannot be continued.
        """

    @left_to_subclasses
    def decode(self, symbols: Tensor) -> str:
        """Returns the text of symbols [N]."""

    def prediction_names(self) -> list[str]:
        """Returns the texts to continue: `inputs`, each a text or a file of lines, or else the first prime."""
        return self.given_texts() if self.inputs else [self.first_prime()]

    def predict_dataloader(self) -> PrimeLoader:
        """Returns the loader of the primes; any symbol takes the place of one that is not known, noted in `unread`.

        Raises:
            InputError: There are fewer than devices.
        """
        names, primes = self.prediction_names(), []
        self.check_enough(len(names), "inputs")
        for place in range(self.trainer.global_rank, len(names), self.trainer.world_size):
            try:
                primes.append(self.encode(names[place]))
            except InputError as error:
                self.unread[place] = f"{excerpt(names[place])!r}: {error}"
                primes.append([0])
        return PrimeLoader(primes)


def check_split_shares(val_share: float, test_share: float, what: str) -> None:
    """Checks that shares for validation and test leave something to train on.

    Args:
        val_share: Share for validation.
        test_share: Share for the test.
        what: What is shared out, such as `text`.

    Raises:
        InputError: They do not.
    """
    if val_share < 0 or test_share < 0 or val_share + test_share >= 1:
        raise InputError(
            f"data.val_share {val_share:g} and data.test_share {test_share:g}: shares that leave some {what} to train "
            "on are needed"
        )
