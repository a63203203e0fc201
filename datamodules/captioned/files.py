"""Files of captions, in the forms of Flickr8k, Flickr30k, COCO, Karpathy's splits, and tables."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from core.errors import InputError
from core.files.plain_json import load_json
from datamodules.base.named_paths import NamedPaths
from datamodules.text.table_rows import csv_rows, shown_names
from datamodules.text.text_files import left_out_lines, read_text

PICTURES = ("file", "filename", "file_name", "image", "image_name", "image_path", "picture", "path", "name")
CAPTIONS = ("caption", "captions", "comment", "text", "description", "sentence", "raw")
SPLITS = ("split", "part", "set", "subset")
PART_OF_WORD = {  # by what files call them
    **dict.fromkeys(("train", "training", "restval"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    "test": "test",
}
WORDS = re.compile("[A-Z]?[a-z]+|[A-Z]+")  # of a name, such as `captions_val2014` or `trainCaptions`
NAMED = 2  # pictures that a message names
LISTS = {  # names of the lists of a part's pictures, beside a file of captions
    "train": ("*.trainImages.txt", "train.txt"),
    "val": ("*.devImages.txt", "val.txt", "dev.txt"),
    "test": ("*.testImages.txt", "test.txt"),
}


@dataclass
class CaptionList:
    """Captions by the name of their picture, in the order of the file.

    Attributes:
        captions: The captions of each picture, without spaces around them.
        parts: Part of a picture, `train`, `val` or `test`, where the file or a list of names says so.
        notes: Lines for the user about what was left out.
    """

    captions: dict[str, list[str]] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, picture: str, caption: str, part: str | None = None) -> bool:
        """Adds a caption, unless it is empty; returns whether it is not."""
        if not caption.strip():
            return False
        self.captions.setdefault(picture, []).append(caption.strip())
        if part is not None:
            self.parts[picture] = part
        return True


def read_captions(paths: Sequence[Path]) -> CaptionList:
    """Reads one or more caption files. With several, each holds one split, given by its file name.

    Raises:
        InputError: A file cannot be read, has no captions, its form or part is unknown, or a picture is in two
            parts.
    """
    if len(paths) == 1:
        return _with_lists(paths[0], read_file(paths[0]))
    together = CaptionList()
    for path in paths:
        said = {PART_OF_WORD[word] for word in map(str.lower, WORDS.findall(path.stem)) if word in PART_OF_WORD}
        if len(said) != 1:
            which = f"says {' and '.join(sorted(said))}" if said else "says none of them"
            raise InputError(
                f"{path}: one of several files of captions, whose name is to say train, val or test, as in "
                f"captions_val.csv; it {which}"
            )
        (part,) = said
        found = read_file(path)
        for name, captions in found.captions.items():
            if together.parts.setdefault(name, part) != part:
                raise InputError(
                    f"{path}: names {name}, which is in the captions of {together.parts[name]}, too; two pictures of "
                    f"one name need their folders in front, such as {part}/{PurePosixPath(name).name}"
                )
            together.captions.setdefault(name, []).extend(captions)
        together.notes += found.notes
    return together


def read_file(path: Path) -> CaptionList:
    """Reads one file of captions.

    It is a file of lines `picture.jpg#0`, tab, caption (Flickr8k, Flickr30k); a JSON file of COCO's form, or of
    Karpathy's, which has parts; or a table with a header, whose columns are separated by commas, tabs, semicolons or
    bars, with a column of files, one of captions, and perhaps one of parts.

    Raises:
        InputError: It cannot be read, has no captions, or has another form.
    """
    text = read_text(path)
    if path.suffix.lower() == ".json":
        captions = _of_json(path, text)
    elif "#" in text.partition("\t")[0] and "\n" not in text.partition("\t")[0]:
        captions = _of_tokens(path, text)
    else:
        captions = _of_table(path, text)
    if not captions.captions:
        raise InputError(f"{path}: no captions in it")
    return captions


def _of_tokens(path: Path, text: str) -> CaptionList:
    captions, empty = CaptionList(), []
    for number, line in enumerate(text.rstrip("\n").split("\n"), 1):
        key, tab, caption = line.partition("\t")
        if line.strip() and not tab:
            raise InputError(f"{path}, line {number:,}: no tab in it, which separates a picture's name and its caption")
        if not captions.add(key.rpartition("#")[0] or key, caption):
            empty.append(number)
    captions.notes += left_out_lines("empty captions", path, empty)
    return captions


def _of_json(path: Path, text: str) -> CaptionList:
    try:
        content = load_json(text)
        images = content["images"]
        captions = _of_coco(content) if "annotations" in content else _of_karpathy(images)
        if not all(isinstance(name, str) for name in captions.captions):
            raise TypeError("a name that is no text")
    except ValueError as error:
        raise InputError(f"{path}: no JSON ({error})") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: neither COCO's form (images, annotations) nor Karpathy's (images with sentences): {error!r}"
        ) from error
    return captions


def _of_coco(content: dict[str, Any]) -> CaptionList:
    captions, names = CaptionList(), {image["id"]: image["file_name"] for image in content["images"]}
    left_out = {"empty captions": 0, "captions of pictures that the file does not list": 0}
    for annotation in content["annotations"]:
        name = names.get(annotation["image_id"])
        if name is None:
            left_out["captions of pictures that the file does not list"] += 1
        elif not captions.add(name, annotation["caption"]):
            left_out["empty captions"] += 1
    captions.notes += [f"skipped  {kind}: {count:,}" for kind, count in left_out.items() if count]
    return captions


def _of_karpathy(images: Iterable[dict[str, Any]]) -> CaptionList:
    captions, empty = CaptionList(), 0
    for image in images:
        name = str(PurePosixPath(image.get("filepath", ""), image["filename"]))
        for sentence in image["sentences"]:
            empty += not captions.add(name, sentence["raw"], PART_OF_WORD[image["split"]])
    if empty:
        captions.notes.append(f"skipped  empty captions: {empty:,}")
    return captions


def _of_table(path: Path, text: str) -> CaptionList:
    first = text.partition("\n")[0]
    sign = max(",\t;|", key=first.count)
    quoting = csv.QUOTE_NONE if sign in "\t|" else csv.QUOTE_MINIMAL
    rows = csv_rows(path, text, stray=True, delimiter=sign, quoting=quoting, skipinitialspace=True)
    header = [cell.strip().lower() for cell in next(rows)[1]]
    picture, caption, split = (
        next((header.index(name) for name in names if name in header), None) for names in (PICTURES, CAPTIONS, SPLITS)
    )
    if picture is None or caption is None:
        missing = f"pictures (such as {PICTURES[0]})" if picture is None else f"captions (such as {CAPTIONS[0]})"
        raise InputError(f"{path}: no column of {missing} in its first line; it has {shown_names(header)}")
    captions, empty, odd = CaptionList(), [], []
    for line, row in rows:
        if len(row) != len(header):
            odd.append(line)
            continue
        part = None if split is None else PART_OF_WORD.get(row[split].strip().lower())
        if split is not None and part is None:
            raise InputError(f"{path}, line {line:,}: {row[split]!r} is no part; train, val and test are")
        if not captions.add(row[picture].strip(), row[caption], part):
            empty.append(line)
    captions.notes += left_out_lines("lines with other columns than the first one's", path, odd)
    captions.notes += left_out_lines("empty captions", path, empty)
    return captions


def _with_lists(path: Path, captions: CaptionList) -> CaptionList:
    """Adds the parts that lists beside a file name, with any endings and folders where it is clear what they name.

    Raises:
        InputError: A list names none of the pictures, one that another list names, or what could be several.
    """
    if captions.parts:
        return captions
    names = NamedPaths(captions.captions, anywhere=True)
    for part, patterns in LISTS.items():
        files = [file for pattern in patterns for file in sorted(path.parent.glob(pattern)) if file != path]
        if not files:
            continue
        named = []
        for listed in filter(None, map(str.strip, read_text(files[0]).split("\n"))):
            found = names.find(listed)[1]
            if len(found) > 1:
                raise InputError(
                    f"{files[0]}: {listed} could be {' or '.join(found[:NAMED])} of {path.name}; name it as there"
                )
            named += found
        if not named:
            raise InputError(f"{files[0]}: names none of the pictures of {path.name}")
        for name in named:
            if captions.parts.setdefault(name, part) != part:
                raise InputError(f"{files[0]}: names {name}, which is in the list of {captions.parts[name]}, too")
    return captions
