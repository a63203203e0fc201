"""Files of text classification data sets in common formats, and the texts in them."""

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import InputError
from datamodules.base.class_folders import LeftOut, check_data_dir, part_folders
from datamodules.base.split import PARTS
from datamodules.text.folders import read_folders, text_files
from datamodules.text.input_tables import texts_of_column, texts_of_table
from datamodules.text.movie_reviews import CLASSES as IMDB_CLASSES
from datamodules.text.movie_reviews import NAME as IMDB_NAME
from datamodules.text.movie_reviews import course_parts, movie_reviews
from datamodules.text.table_rows import is_table
from datamodules.text.tables import read_columns, read_table
from datamodules.text.text_files import FileTexts, LabelledTexts, read_text, texts_of_lines, whole_text

NAMES = "class.txt"  # file with the names of numbered classes, one per line


@dataclass(frozen=True)
class DocumentFiles:
    """Location and format of a data set of documents.

    Without a training file, the folder holds `train/<class>/*.txt`, and in the same form `test` and optionally `val`
    (or `valid`, `validation`). With a training file, files have two columns, text and label; with a text column, a
    header.

    Attributes:
        data_dir: Folder of the data set.
        dataset: `imdb`, downloaded if absent; `imdb_course`, its training half in a course's parts; or `files`.
        files: Name of each split's file in `data_dir`; None for folders.
        text_column: Column of the texts, in files with a header.
        label_column: Column of the labels: its name, or 0 or 1; detected if not given.
        left_out: Lines for the user about files that are not read, of the latest listing.

    Raises:
        InputError: The settings contradict each other.
    """

    data_dir: Path
    dataset: str
    files: dict[str, str | None]
    text_column: str | None = None
    label_column: str | None = None
    left_out: list[str] = field(default_factory=list, compare=False)

    def __post_init__(self) -> None:
        if self.text_column is None and self.label_column not in (None, "0", "1"):
            raise InputError(f"data.label_column is {self.label_column}: without data.text_column it is 0 or 1")
        if self.text_column is not None and (self.label_column is None or self.files["train"] is None):
            raise InputError("data.text_column: files with a header need data.train_file and data.label_column, too")
        if self.files["train"] is None and (self.files["val"] or self.files["test"]):
            raise InputError("data.train_file: name it, too, where other parts are files")
        if self.is_imdb and self.files["train"] is not None:
            raise InputError(f"data.train_file: {self.dataset} has files of its own; add --data.dataset files")

    @property
    def is_imdb(self) -> bool:
        """Whether the documents are those of the Large Movie Review Dataset."""
        return self.dataset != "files"

    @property
    def settings(self) -> list[str | None]:
        """All settings except the folder, for a cache's key."""
        return [*self.files.values(), self.text_column, self.label_column, self.dataset]

    @property
    def name(self) -> str:
        """Name of the data set."""
        return IMDB_NAME if self.is_imdb else self.data_dir.resolve().name

    def folder(self) -> Path:
        """Returns the folder of the documents, which are downloaded if needed."""
        return movie_reviews(self.data_dir) if self.is_imdb else self.data_dir

    def paths(self) -> list[Path]:
        """Lists the files of the documents, which are downloaded if needed; notes in `left_out` what is not read.

        Raises:
            InputError: A file, the folder or its `train` is missing.
        """
        if self.files["train"] is not None:
            named = {part: self.data_dir / name for part, name in self.files.items() if name is not None}
            for part, path in named.items():
                if not path.is_file():
                    name = self.files[part]
                    here = f" ({name} is here: add --data.data_dir .)" if Path(name).is_file() else ""
                    without = "" if part == "train" else f"; --data.{part}_file null does without"
                    raise InputError(
                        f"{path}: no such file; data.train_file, val_file and test_file are below data.data_dir"
                        f"{here}{without}"
                    )
            return [path for path in (*named.values(), self.data_dir / NAMES) if path.is_file()]
        self.left_out.clear()
        folder, left_out = self.folder(), LeftOut(self.data_dir)
        check_data_dir(folder)
        folders = part_folders(folder, left_out)
        if "train" not in folders:
            raise InputError(
                f"--data.data_dir {self.data_dir}: no folder train in it; texts belong in train/<class>/*.txt, or "
                "into files that data.train_file and data.test_file name"
            )
        # with hidden files and without capital letters, as earlier releases noted them for a run
        paths = {path for part in PARTS for path in (folder / part).glob("*/*.txt") if path.exists()}
        for part in folders.values():
            paths.update(path for files in text_files(part, self._classes, left_out).values() for path in files)
        if not self.is_imdb:  # which has much beside its reviews
            self.left_out.extend(left_out.lines())
        return sorted(paths)

    @property
    def _classes(self) -> tuple[str, ...] | None:
        return IMDB_CLASSES if self.is_imdb else None

    @property
    def _label(self) -> int | None:
        """The labels' column in files without a header; None if it is not given."""
        return None if self.label_column is None or self.text_column is not None else int(self.label_column)

    def texts_of(self, path: Path, class_names: Collection[str], like_folders: bool) -> FileTexts:
        """Returns the texts of a file without known classes.

        They are those of a table's column of texts; of any other file the whole, where class folders hold the documents
        of training, else its lines.

        Args:
            path: The file.
            class_names: Names of the classes, which tell labels from texts.
            like_folders: Whether the documents of training are these files, not generated ones.

        Raises:
            InputError: It cannot be read, or is a table whose column of texts is not clear.
        """
        if not is_table(path):
            return whole_text(path) if like_folders and self.files["train"] is None else texts_of_lines(path)
        if self.text_column is not None:
            return texts_of_column(path, self.text_column)
        return texts_of_table(path, self._label, class_names)

    def read(self) -> dict[str, LabelledTexts]:
        """Reads the texts and labels of each existing split.

        Raises:
            InputError: A file is malformed; the message names file and line.
        """
        if self.files["train"] is None:
            folders = part_folders(self.folder(), LeftOut(self.data_dir))
            if self.dataset == "imdb_course":
                return course_parts(read_folders(folders["train"], self._classes))
            return {part: read_folders(path, self._classes) for part, path in folders.items()}
        paths = {part: self.data_dir / name for part, name in self.files.items() if name is not None}
        if self.text_column is not None:
            return {part: read_table(path, self.text_column, self.label_column) for part, path in paths.items()}
        listed = self.data_dir / NAMES
        names = None
        if listed.is_file():
            names = [line.strip() for line in read_text(listed).strip().split("\n")]  # a name may contain spaces
        column, parts = self._label, {}
        # training comes first, because the label column cannot always be detected in a small test file
        for part, path in paths.items():
            parts[part] = read_columns(path, column, names)
            column = parts[part].label_column
        return parts
