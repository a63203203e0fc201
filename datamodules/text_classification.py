"""Documents with classes: the Large Movie Review Dataset (Maas et al., 2011), and any files of the usual forms."""

from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from core.console import print_line
from core.errors import InputError
from core.predictions import Table, classified
from datamodules.base.cache import cached, fingerprint
from datamodules.base.splitting import stratified_choice
from datamodules.text.documents import DocumentLoader, Documents
from datamodules.text.encoder import Encoder, Encoding
from datamodules.text.movie_reviews import CLASSES as IMDB_CLASSES
from datamodules.text.movie_reviews import movie_reviews
from datamodules.text.synthetic import synthetic_documents
from datamodules.text.text_data_module import TextDataModule
from datamodules.text.text_files import Labelled, read_columns, read_folders, read_lines, read_table, read_text
from datamodules.text.vocabulary import from_bytes, read_saved, to_bytes

PARTS = ("train", "val", "test")
EXAMPLES = 40  # test documents that are shown with their predictions
EXAMPLE_LENGTH = 500  # letters of each that are kept
SYNTHETIC = {"train": 6000, "test": 1000}  # documents
SYNTHETIC_CLASSES = 4


class TextClassificationDataModule(TextDataModule):
    """Documents, their symbols numbered once and kept in memory, in batches of about one length.

    Three forms are read. Without `train_file`, folders of `.txt` files: `data_dir/train/<class>`,
    `data_dir/test/<class>` and, if there, `data_dir/val/<class>`. With `train_file`, files of two columns, text and
    label in either order, divided by a tab or, in `.csv`, by a comma (names of numbered classes are read from
    `class.txt`, one a line, where it is there); with `text_column`, files `.csv` with a header.

    The vocabulary is learned from the training part alone. An empty document counts as one unknown symbol, and a longer
    one than `encoding.max_length` is cut; how many were is said.

    Args:
        data_dir: Folder of the data set; a download goes there.
        source: `auto` for real texts; `synthetic` for 7,000 documents of 4 classes (2 in place of `imdb`), made without
            download.
        dataset: `imdb` for the Large Movie Review Dataset, downloaded where it is absent; `files` for your own.
        train_file: File of the training documents, under `data_dir`.
        val_file: File of the validation documents.
        test_file: File of the test documents.
        text_column: Column of the texts, in files with a header.
        label_column: Column of the labels: its name, in files with a header, else 0 or 1, or found out if not given.
        encoding: How texts become numbers.
        batch_size: Documents an optimizer step, over all devices together.
        eval_batch_size: Documents a batch in validation, test and prediction; changes speed only.
        bucket: Batches of which the documents are sorted by length, so that there is little padding; 1 for none.
        val_size: Training documents set aside for validation, the classes in proportion; 0 trains on all.
        split_seed: Seed of that choice, apart from the run's seed so that all runs share one split.
        vocabulary: A run's `vocabulary.json`, or the run, whose symbols count instead of the texts' own.
        keep_classes: Whether its classes count, too, instead of the labels of the training part.
    """

    unit = "documents"
    stand_in = "documents"
    learned = "symbols or classes"
    splits: dict[str, Documents]

    def __init__(
        self,
        data_dir: str = "data",
        source: Literal["auto", "synthetic"] = "auto",
        dataset: Literal["imdb", "files"] = "files",
        train_file: str | None = None,
        val_file: str | None = None,
        test_file: str | None = None,
        text_column: str | None = None,
        label_column: str | None = None,
        encoding: Encoding = Encoding(),  # noqa: B008 (frozen)
        batch_size: int = 64,
        eval_batch_size: int = 256,
        bucket: int = 50,
        val_size: int = 0,
        split_seed: int = 0,
        vocabulary: str | None = None,
        keep_classes: bool = False,
    ) -> None:
        super().__init__(data_dir, source, batch_size, eval_batch_size)
        for name, value, least in (("bucket", bucket, 1), ("val_size", val_size, 0)):
            if value < least:
                raise InputError(f"data.{name} is {value}: at least {least} is needed")
        if text_column is None and label_column not in (None, "0", "1"):
            raise InputError(f"data.label_column is {label_column}: without data.text_column it is 0 or 1")
        if text_column is not None and (label_column is None or train_file is None):
            raise InputError("data.text_column: files with a header need data.train_file and data.label_column, too")
        self.files = {"train": train_file, "val": val_file, "test": test_file}
        if train_file is None and (val_file or test_file):
            raise InputError("data.train_file: name it, too, where other parts are files")
        self.dataset = dataset
        self.name = "the Large Movie Review Dataset" if dataset == "imdb" else self.data_dir.resolve().name
        self.text_column = text_column
        self.label_column = label_column
        self.bucket = bucket
        self.val_size = val_size
        self.split_seed = split_seed
        self.encoding = encoding
        self.examples: dict[int, str] = {}  # beginnings of some test documents, by their places
        self._encoder: Encoder | None = None
        self._class_names: tuple[str, ...] | None = None
        self._digest = ""  # of the files, once they are read
        self._saved: dict[str, Any] | None = None
        if vocabulary is not None:
            self._saved = read_saved(Path(vocabulary))
            self._encoder = Encoder.from_content(self._saved, f"--data.vocabulary {vocabulary}")
            if keep_classes:
                self._class_names = tuple(self._saved.get("class_names", ()))

    @property
    def encoder(self) -> Encoder:
        """Numbers the symbols; reads the texts if need be."""
        if self._encoder is None:
            self.load_once()
        return self._encoder

    @property
    def vocab_size(self) -> int:
        """Number of symbols, padding and unknown included."""
        return self.encoder.vocab_size

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes; reads the texts if need be."""
        if self._class_names is None:
            self.load_once()
        return self._class_names

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def load(self) -> dict[str, Documents]:
        """Reads and numbers the documents, or takes them from the cache.

        Raises:
            InputError: They cannot be had, or something is wrong in a file.
        """
        if self.source == "synthetic":
            tensors = self._numbered(self.synthesize())
        else:
            paths = self._paths()
            # of what training depends on; the same for a copy elsewhere
            self._digest = fingerprint(paths, self.data_dir, times=False)[:16]
            own = "" if self._saved is None else f"{self._class_names} {sha256(str(self._saved).encode()).hexdigest()}"
            key = f"{fingerprint(paths, self.data_dir)} {self._settings()} {own}"
            tensors = cached(self.data_dir / "documents.cache.safetensors", key, lambda: self._numbered(self._read()))
        facts = from_bytes(tensors["facts"])
        self._class_names = tuple(facts["class_names"])
        self._encoder = Encoder.from_content(facts["encoder"])
        self.examples = {int(place): text for place, text in facts["examples"].items()}
        for line in facts["lines"]:
            print_line(line)
        return {
            part: Documents(*(tensors[f"{part}_{name}"] for name in ("tokens", "starts", "targets"))) for part in PARTS
        }

    def _settings(self) -> str:
        files = [*self.files.values(), self.text_column, self.label_column, self.dataset]
        return f"{self.encoding} {files} {self.val_size} {self.split_seed}"

    def _paths(self) -> list[Path]:
        """Returns the files that the documents are read from, downloaded if need be."""
        if self.files["train"] is not None:
            names = [name for name in (*self.files.values(), "class.txt") if name is not None]
            paths = [self.data_dir / name for name in names]
            for path, name in zip(paths, names, strict=True):
                if not path.is_file() and name != "class.txt":
                    raise InputError(
                        f"{path}: no such file; data.data_dir and data.train_file, val_file, test_file say where"
                    )
            return [path for path in paths if path.is_file()]
        folder = self._folder()
        if not (folder / "train").is_dir():
            raise InputError(
                f"--data.data_dir {self.data_dir}: no folder train in it; texts belong into train/<class>/*.txt, or "
                "into files that data.train_file and data.test_file name"
            )
        return sorted(path for part in PARTS for path in (folder / part).glob("*/*.txt"))

    def _folder(self) -> Path:
        if self.dataset != "imdb":
            return self.data_dir
        folder = movie_reviews(self.data_dir, self.name, self.stand_in)
        self.origin = str(folder)
        return folder

    def synthesize(self) -> dict[str, Labelled]:
        """Makes documents in place of the data set."""
        parts = {}
        for seed, (part, n) in enumerate(SYNTHETIC.items(), 1):
            texts, labels = synthetic_documents(n, 2 if self.dataset == "imdb" else SYNTHETIC_CLASSES, seed)
            parts[part] = Labelled(texts, [str(label) for label in labels], [f"document {i}" for i in range(n)])
        return parts

    def _read(self) -> dict[str, Labelled]:
        if self.files["train"] is None:
            folder = self._folder()
            classes = IMDB_CLASSES if self.dataset == "imdb" else None
            return {part: read_folders(folder / part, classes) for part in PARTS if (folder / part).is_dir()}
        paths = {part: self.data_dir / name for part, name in self.files.items() if name is not None}
        if self.text_column is not None:
            return {part: read_table(path, self.text_column, self.label_column) for part, path in paths.items()}
        listed = self.data_dir / "class.txt"
        names = None
        if listed.is_file():
            names = [line.strip() for line in read_text(listed).strip().split("\n")]  # a name may hold spaces
        column = None if self.label_column is None else int(self.label_column)
        parts = {}
        for part, path in paths.items():  # training comes first; a small test file alone may not tell the column
            parts[part] = read_columns(path, column, names)
            column = parts[part].label_column
        return parts

    def split_texts(self) -> tuple[dict[str, list[str]], dict[str, Tensor]]:
        """Reads the texts of each part and their classes, as they are before they are numbered."""
        return self._split(self.synthesize() if self.source == "synthetic" else self._read())

    def _split(self, parts: dict[str, Labelled]) -> tuple[dict[str, list[str]], dict[str, Tensor]]:
        """Numbers the classes, and sets validation documents aside where there are none of their own."""
        class_names = self._class_names or _classes(parts["train"], self.origin)
        numbers = {name: number for number, name in enumerate(class_names)}
        targets = {}
        for part, texts in parts.items():
            for label, place in zip(texts.labels, texts.places, strict=True):
                if label not in numbers:
                    raise InputError(
                        f"{place}: label {label!r} is not among those of training: {', '.join(class_names)}"
                    )
            targets[part] = torch.tensor([numbers[label] for label in texts.labels])
        texts = {part: list(labelled.texts) for part, labelled in parts.items()}
        if "val" not in parts:
            self._set_aside(texts, targets, len(class_names))
        elif self.val_size:
            raise InputError(f"data.val_size is {self.val_size}: there are validation documents of their own already")
        self._class_names = class_names
        texts.setdefault("test", [])
        targets.setdefault("test", torch.empty(0, dtype=torch.int64))
        return texts, targets

    def _numbered(self, parts: dict[str, Labelled]) -> dict[str, Tensor]:
        """Splits documents, learns the vocabulary, and numbers all symbols."""
        texts, targets = self._split(parts)
        encoder = self._encoder or Encoder(self.encoding)
        if self._encoder is None:
            encoder.fit(texts["train"])
        tensors, lines = {}, []
        for part in PARTS:
            encoder.met.clear()
            documents = Documents.of([encoder.encode(text) for text in texts[part]], targets[part].tolist())
            tensors |= {f"{part}_{name}": getattr(documents, name) for name in ("tokens", "starts", "targets")}
            for what, treatment in (("empty", "each counts as one unknown symbol"), ("cut", _cut(encoder))):
                if encoder.met[what]:
                    of_all = f"{encoder.met[what]:,} of {len(documents):,} {part} documents"
                    lines.append(f"note     {of_all} {'are empty' if what == 'empty' else 'are longer'}: {treatment}")
        n = len(texts["test"])
        places = sorted({int(place) for place in torch.linspace(0, n - 1, min(n, EXAMPLES))})
        facts = {
            "class_names": self._class_names,
            "encoder": encoder.content(),
            "examples": {place: texts["test"][place][:EXAMPLE_LENGTH] for place in places},
            "lines": lines,
        }
        return tensors | {"facts": to_bytes(facts)}

    def _set_aside(self, texts: dict[str, list[str]], targets: dict[str, Tensor], num_classes: int) -> None:
        total = len(texts["train"])
        # The synthetic stand-in is small; its validation split is at most a tenth.
        val_size = min(self.val_size, total // 10) if self.source == "synthetic" else self.val_size
        if val_size > total - num_classes:
            raise InputError(f"data.val_size is {self.val_size}: too large for {total:,} training documents")
        chosen = stratified_choice(targets["train"], val_size, num_classes, self.split_seed)
        for part, mask in (("val", chosen), ("train", ~chosen)):
            texts[part] = [text for text, take in zip(texts["train"], mask.tolist(), strict=True) if take]
            targets[part] = targets["train"][mask]

    def setup(self, stage: str) -> None:
        """Loads the documents; the second and later calls change nothing.

        Raises:
            InputError: They cannot be had, a batch is larger than the training part, or a test has no documents.
        """
        super().setup(stage)
        if stage in ("test", "predict") and not self.inputs and not len(self.splits["test"]):
            raise InputError(f"{self.origin}: no test documents; data.test_file names them")

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols in the order of their numbers."""
        return self.encoder.vocabulary.symbols

    def document_counts(self) -> Tensor:
        """Returns how many training documents of each class hold each symbol, float32 [V, K]."""
        return self.splits["train"].counts(self.vocab_size, self.num_classes)

    def train_dataloader(self) -> DocumentLoader:
        """Loader of the training part, at the batch where a resumed run goes on."""
        self.check_shares()
        return self.resumed(self._loader("train", self.batch_size, self.trainer.seed, self.bucket))

    def val_dataloader(self) -> DocumentLoader | list:
        """Loader of the validation part; an empty list, which Lightning skips, where there is none."""
        return self._loader("val", self.eval_batch_size, bucket=self.bucket) if len(self.splits["val"]) else []

    def test_dataloader(self) -> DocumentLoader:
        """Loader of the test part."""
        return self._loader("test", self.eval_batch_size, bucket=self.bucket)

    def predict_dataloader(self) -> DocumentLoader:
        """Loader of `inputs`, texts or files with one a line, else of the test part, in order."""
        if not self.inputs:
            return self._loader("test", self.eval_batch_size)
        texts = self.prediction_names()
        self.encoder.met.clear()
        documents = Documents.of([self.encoder.encode(text) for text in texts], [-1] * len(texts))
        if self.encoder.met["cut"]:
            print_line(f"note     {self.encoder.met['cut']:,} of {len(texts):,} texts are longer: {_cut(self.encoder)}")
        self.splits["predict"] = documents
        return self._loader("predict", self.eval_batch_size)

    def _loader(self, part: str, batch_size: int, seed: int | None = None, bucket: int = 1) -> DocumentLoader:
        documents, trainer = self.splits[part], self.trainer
        self.check_enough(len(documents), f"documents of the {part} part")
        if self.may_live_on_device(documents.tokens.nbytes):
            documents = documents.to(trainer.strategy.root_device)
        rank, world_size = trainer.global_rank, trainer.world_size
        return self.keep(part, DocumentLoader(documents, batch_size, seed, bucket, rank, world_size))

    def prediction_names(self) -> list[str]:
        """The texts to be classified, or places in the test part."""
        if self.inputs:
            return read_lines(self.inputs)
        return [f"test[{place}]" for place in range(len(self.splits["test"]))]

    def prediction_table(self, names: list[str], outputs: Tensor) -> Table:
        """Returns the classes that probabilities [N, K] speak for."""
        return classified("text", names, outputs, self.class_names, "texts")

    @classmethod
    def take_over(cls, run: Path) -> dict[str, Any]:
        """Returns the run's vocabulary and its classes, which the network has learned."""
        taken = super().take_over(run)
        return taken | {"keep_classes": True} if taken else {}

    def vocabulary_content(self) -> dict[str, Any]:
        """Returns how texts become numbers, and the names of the classes."""
        return self.encoder.content() | {"class_names": self.class_names}

    def state_dict(self) -> dict[str, Any]:
        """Returns the position, the vocabulary with the names of the classes, and a digest of the files."""
        return super().state_dict() | {"files": self._digest}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the position of a checkpoint.

        Raises:
            InputError: The network has learned other symbols or classes, or training would continue on other files.
        """
        super().load_state_dict(state_dict)
        if self.trainer.state.fn == "fit" and state_dict["files"] != self._digest:
            raise self.changed("as many then as now, but other files")


def _classes(train: Labelled, origin: str) -> tuple[str, ...]:
    """Returns the labels of training, numbers in their order and names in the alphabet's.

    Raises:
        InputError: There are less than two.
    """
    names = sorted(
        set(train.labels), key=lambda name: (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)
    )
    if len(names) < 2:
        raise InputError(f"{origin}: all training documents have the label {', '.join(names)}; at least two are needed")
    return tuple(names)


def _cut(encoder: Encoder) -> str:
    return f"the {encoder.encoding.keep} of {encoder.encoding.max_length} tokens is kept"
