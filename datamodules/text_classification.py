"""Text classification: the Large Movie Review Dataset (Maas et al., 2011), or your own files in common formats."""

from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from core.errors import InputError
from core.terminal.console import print_line
from datamodules.base.cache import cached, fingerprint
from datamodules.base.classification import ClassificationDataModule
from datamodules.base.data_module import Source
from datamodules.base.sizes import check_least, check_val_size
from datamodules.base.split import PARTS
from datamodules.text import numbering
from datamodules.text.document_files import DocumentFiles
from datamodules.text.documents import ClassifiedTexts, DocumentLoader, Documents
from datamodules.text.encoder import Encoder
from datamodules.text.encoding import Encoding
from datamodules.text.synthetic import synthetic_parts
from datamodules.text.text_data_module import TextDataModule
from datamodules.text.text_files import FileTexts, LabelledTexts
from datamodules.text.vocabulary import from_bytes, read_saved, to_bytes

SYNTHETIC = {"train": 6000, "test": 1000}  # documents
SYNTHETIC_CLASSES = 4
TOKENS = 2**20  # most of a batch to predict, whose documents can be of any lengths side by side


class TextClassificationDataModule(TextDataModule, ClassificationDataModule):
    """Documents as numbers of symbols in memory, in batches of documents of similar length.

    Three formats are supported. Without `train_file`, folders of `.txt` files: `data_dir/train/<class>`,
    `data_dir/test/<class>` and optionally `data_dir/val/<class>`. With `train_file`, files of two columns, text and
    label in either order, separated by a tab or, in `.csv`, by a comma (`class.txt`, if present, names numbered
    classes, one per line). With `text_column`, files with a header. Any file can be gzipped; what is left out is said.

    The vocabulary is built from the training split only. An empty document becomes one unknown symbol, and a document
    longer than `encoding.max_length` is truncated; a message states how many were.

    Args:
        data_dir: Folder of the data set; downloads are saved there.
        source: `auto` for real texts; `synthetic` for 7,000 generated documents of 4 classes (2 for `imdb`), without a
            download.
        dataset: `imdb` for the Large Movie Review Dataset, downloaded if absent; `imdb_course` for its training half as
            a course has it, 20,000 reviews, 2,500 for validation, 2,500 for the test; `files` for your own files.
        train_file: File of the training documents, under `data_dir` unless the path is a whole one.
        val_file: File of the validation documents.
        test_file: File of the test documents.
        text_column: Column of the texts, in files with a header.
        label_column: Column of the labels: its name in files with a header, else 0 or 1; detected if not given.
        encoding: How texts are tokenized and numbered.
        batch_size: Documents per optimizer step, on all devices together.
        eval_batch_size: Documents per batch in validation, test and prediction; affects only speed.
        bucket: Number of batches within which documents are sorted by length, to reduce padding; 1 does not sort.
        shuffle: Whether each epoch has an order of its own; else every epoch has that of the files, without `bucket`.
        val_size: Training documents used for validation, every class in proportion; 0 trains on all.
        val_split: Which ones: `stratified` chooses them one by one; `blocks` chooses neighbours in the order of the
            files, ten blocks of each class, so that training has fewer documents about the same as one of validation,
            such as reviews of one film.
        split_seed: Seed of that choice, separate from the run's seed so that all runs use the same split.
        vocabulary: A run's `vocabulary.json`, or the run's folder, whose symbols and encoding are used instead.
        keep_classes: Whether the classes of that run are used, too, instead of the labels of the training split.
    """

    unit = stand_in = "documents"
    own_file = "--data.dataset files --data.data_dir {folder} --data.train_file {name}"
    learned, stated = "symbols or classes", {"encoding": vars(Encoding())}
    digest_is_whole = True  # that of the files is of test files as well
    input_kind = "text"
    table_display = "excerpts"
    splits: dict[str, ClassifiedTexts]

    def __init__(
        self,
        data_dir: str = "data",
        source: Source = "auto",
        dataset: Literal["imdb", "imdb_course", "files"] = "files",
        train_file: str | None = None,
        val_file: str | None = None,
        test_file: str | None = None,
        text_column: str | None = None,
        label_column: str | None = None,
        encoding: Encoding = Encoding(),  # noqa: B008 (frozen)
        batch_size: int = 64,
        eval_batch_size: int = 256,
        bucket: int = 50,
        shuffle: bool = True,
        val_size: int = 0,
        val_split: numbering.ValSplit = "stratified",
        split_seed: int = 0,
        vocabulary: str | None = None,
        keep_classes: bool = False,
    ) -> None:
        super().__init__(data_dir, source, batch_size, eval_batch_size)
        check_least(1, bucket=bucket)
        check_least(0, val_size=val_size)
        files = {"train": train_file, "val": val_file, "test": test_file}
        self.files = DocumentFiles(self.data_dir, dataset, files, text_column, label_column)
        self.name = self.files.name
        self.bucket, self.shuffle = bucket, shuffle
        self.val_size, self.val_split, self.split_seed = val_size, val_split, split_seed
        self.encoding = encoding
        self.examples: dict[int, str] = {}  # beginnings of some test documents, by index
        self._encoder: Encoder | None = None
        self._class_names: tuple[str, ...] | None = None
        self.files_digest = ""  # set when the files are read
        self._saved: dict[str, Any] | None = None
        if vocabulary is not None:
            self._saved = read_saved(Path(vocabulary))
            self._encoder = Encoder.from_content(self._saved, f"--data.vocabulary {vocabulary}", encoding)
            if keep_classes:
                self._class_names = tuple(self._saved.get("class_names", ()))

    @property
    def encoder(self) -> Encoder:
        """The encoder of texts; reads the texts if needed."""
        if self._encoder is None:
            self.load_once()
        return self._encoder

    @property
    def vocab_size(self) -> int:
        """Number of symbols, padding and unknown included."""
        return self.encoder.vocab_size

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes; reads the texts if needed."""
        if self._class_names is None:
            self.load_once()
        return self._class_names

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols, ordered by number."""
        return self.encoder.vocabulary.symbols

    def load(self) -> dict[str, ClassifiedTexts]:
        """Reads and encodes the documents, or reads them from the cache.

        Raises:
            InputError: A file is missing or malformed, or the download failed.
        """
        if self.source == "synthetic":
            tensors = self._number(self.synthesize())
        else:
            paths = self.files.paths()
            if self.files.is_imdb:
                self.origin = str(self.files.folder())
            # a copy of the folder elsewhere has the same
            self.files_digest = fingerprint(paths, self.data_dir, times=False)[:16]
            own = "" if self._saved is None else f"{self._class_names} {sha256(str(self._saved).encode()).hexdigest()}"
            # in caches of earlier releases, words do not go on over marks
            settings = f"marks {self.encoding} {self.files.settings} {self.val_size} {self.split_seed} {self.val_split}"
            key = f"{fingerprint(paths, self.data_dir)} {settings} {own}"
            cache = self.data_dir / "documents.cache.safetensors"
            tensors = cached(cache, key, lambda: self._number(self.files.read()))
        facts = from_bytes(tensors["facts"])
        self._class_names = tuple(facts["class_names"])
        self._encoder = Encoder.from_content(facts["encoder"])
        self.examples = {int(place): text for place, text in facts["examples"].items()}
        for line in (*self.files.left_out, *facts["lines"]):
            print_line(line)
        return {
            part: ClassifiedTexts(
                Documents(tensors[f"{part}_tokens"], tensors[f"{part}_starts"]), tensors[f"{part}_targets"]
            )
            for part in PARTS
        }

    def synthesize(self) -> dict[str, LabelledTexts]:
        """Generates documents instead of the data set."""
        val = {"val": SYNTHETIC["test"]} if self.files.dataset == "imdb_course" else {}
        return synthetic_parts(SYNTHETIC | val, 2 if self.files.is_imdb else SYNTHETIC_CLASSES)

    def split_texts(self) -> tuple[dict[str, list[str]], dict[str, Tensor]]:
        """Reads the texts of each split and their classes, not encoded."""
        return self._split(self.synthesize() if self.source == "synthetic" else self.files.read())

    def _split(self, parts: dict[str, LabelledTexts]) -> tuple[dict[str, list[str]], dict[str, Tensor]]:
        """Numbers the classes, and splits off validation documents if the data set has none."""
        self._class_names = self._class_names or numbering.class_names_of(parts["train"], self.origin)
        targets = {part: numbering.number_classes(labelled, self._class_names) for part, labelled in parts.items()}
        texts = {part: list(labelled.texts) for part, labelled in parts.items()}
        if "val" in parts and self.val_size:
            raise InputError(f"data.val_size is {self.val_size}: the data set has validation documents already")
        if "val" not in parts:
            total, num_classes = len(texts["train"]), len(self._class_names)
            # The synthetic data set is small; its validation split is at most a tenth.
            val_size = min(self.val_size, total // 10) if self.source == "synthetic" else self.val_size
            check_val_size(val_size, total, num_classes, self.batch_size, self.unit)
            numbering.split_off_validation(texts, targets, val_size, num_classes, self.split_seed, self.val_split)
        texts.setdefault("test", [])
        targets.setdefault("test", torch.empty(0, dtype=torch.int64))
        return texts, targets

    def _number(self, parts: dict[str, LabelledTexts]) -> dict[str, Tensor]:
        """Splits documents, builds the vocabulary, and encodes all texts; returns the content of the cache."""
        texts, targets = self._split(parts)
        encoder = self._encoder or Encoder(self.encoding)
        if self._encoder is None:
            encoder.fit([text for part in PARTS for text in texts[part]] if self.encoding.whole else texts["train"])
        tensors, lines = numbering.number_symbols(texts, encoder)
        tensors |= {f"{part}_targets": targets[part] for part in PARTS}
        facts = {
            "class_names": self._class_names,
            "encoder": encoder.content(),
            "examples": numbering.examples_of(texts["test"]),
            "lines": [line for part in parts.values() for line in part.notes] + lines,
        }
        return tensors | {"facts": to_bytes(facts)}

    def where_tests_belong(self) -> str:
        """Returns where test documents are expected."""
        place = ", which belong in test/<class>" if self.files.files["train"] is None else "; data.test_file names them"
        return f"{self.origin}: no test documents{place}"

    def document_counts(self) -> Tensor:
        """Returns how many training documents of each class contain each symbol, float32 [V, K]."""
        return self.splits["train"].counts(self.vocab_size, self.num_classes)

    def make_loader(self, split: ClassifiedTexts, batch_size: int, seed: int | None, in_order: bool) -> DocumentLoader:
        """Makes the loader of a split, with documents of similar length in a batch unless `in_order`."""
        rank, world_size = self.trainer.global_rank, self.trainer.world_size
        bucket, most = (1, TOKENS) if in_order else (self.bucket, None)
        return DocumentLoader(split, batch_size, seed, bucket, rank, world_size, most, self.shuffle)

    def texts_of_file(self, path: Path) -> FileTexts:
        """Returns the texts of a file that `predict` is given, as `DocumentFiles.texts_of` reads them."""
        return self.files.texts_of(path, self._class_names or (), self.source == "auto")

    def encode(self, text: str) -> list[int]:
        """Returns the numbers of a text's symbols, at least one."""
        return self.encoder.encode(text)

    def read_inputs(self) -> ClassifiedTexts:
        """Encodes the texts of `inputs`, with -1 as their unknown class."""
        documents, lines = numbering.number_inputs(self.input_names(), self.encoder)
        self.input_notes += lines
        return ClassifiedTexts(documents, torch.full((len(documents),), -1))

    @classmethod
    def take_over(cls, run: Path) -> dict[str, Any]:
        """Returns the run's vocabulary and its classes, with which the network was trained."""
        taken = super().take_over(run)
        return taken | {"keep_classes": True} if taken else {}

    def vocabulary_content(self) -> dict[str, Any]:
        """Returns the encoder's content, and the names of the classes."""
        return self.encoder.content() | {"class_names": self.class_names}
