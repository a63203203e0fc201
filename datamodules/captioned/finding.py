"""Which files of a folder are the captions, and which pictures they belong to."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from core.errors import InputError
from core.terminal.printable import first_of, printable
from datamodules.base.class_folders import LeftOut
from datamodules.base.named_paths import NamedPaths
from datamodules.images.image_files import OTHERS, pictures_below

# Names of files of captions, the most telling first; of one pattern, all files are taken together.
USUAL = (
    "Flickr8k.token.txt", "*.token.txt", "*.token", "dataset*.json", "captions_*.json", "captions.csv", "captions.tsv",
    "captions.txt", "captions.json", "results.csv", "*.csv", "*.tsv",
)  # fmt: skip
NAMED = 5  # pictures that a message names


def find_caption_files(folder: Path, names: Sequence[str] | None) -> list[Path]:
    """Returns the files of captions: those named, else those in a folder or in its folders that are called like such.

    Args:
        folder: The folder of the data set.
        names: Files, under the folder.

    Raises:
        InputError: One is not there, or there is none.
    """
    if names:
        paths = [folder / name for name in names]
        for path in paths:
            if not path.is_file():
                raise InputError(f"--data.captions {path}: no such file")
        return paths
    if not folder.is_dir():
        raise InputError(f"--data.data_dir {folder}: no such folder; it is to hold pictures and a file of captions")
    for pattern in USUAL:
        for place in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
            if found := sorted(path for path in place.glob(pattern) if path.is_file()):
                return found
    raise InputError(
        f"--data.data_dir {folder}: no file of captions in it, such as captions.csv with columns file and caption; "
        "--data.captions names one"
    )


def match_pictures(names: Iterable[str], folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Finds the picture of each name, anywhere below a folder.

    A name fits a path below the folder, else the end of one, else the name of a file without its ending, so that
    `1.jpg` finds `Images/1.webp`; see `NamedPaths`. Of names that fit one picture, the surest has it, or the first.

    Args:
        names: Names of pictures, as a file of captions has them.
        folder: Holds the pictures.

    Returns:
        Paths by name, and lines for the user about what is left out.

    Raises:
        InputError: There is no picture, or none that has a caption.
    """
    left_out = LeftOut(folder)
    files = pictures_below(folder, left_out) if folder.is_dir() else []
    if not files:
        raise InputError(f"--data.pictures {folder}: no pictures in this folder")
    by_path = {path.relative_to(folder).as_posix(): path for path in files}
    paths = NamedPaths(by_path, anywhere=True)
    fitting = {name: paths.find(name) for name in names}
    taken: dict[str, str] = {}  # names by the path of their picture
    several: list[str] = []
    for name in sorted(fitting, key=lambda name: fitting[name][0]):  # the surest first; ties stay in order
        of_name = fitting[name][1]
        # one picture with the captions of two would be in two parts, of which one has captions of another picture
        if of_name and taken.setdefault(of_name[0], name) == name and len(of_name) > 1:
            several.append(name)
    place = {name: path for path, name in taken.items()}
    found = {name: by_path[place[name]] for name in fitting if name in place}
    absent = [name for name in fitting if name not in place]
    if not found:
        raise InputError(f"{folder}: none of its {len(files):,} pictures has a caption; the captions name {absent[0]}")
    used = set(found.values())
    unused = [path.relative_to(folder).as_posix() for path in files if path not in used]
    # captions, lists and caches are among the other files of such a folder
    lines = [line for line in left_out.lines() if not line.startswith(f"skipped  {OTHERS}")]
    for kind, left in (
        ("skipped  pictures of which there are captions, but no file", absent),
        ("skipped  pictures without captions", unused),
        ("note     names that several pictures have, of which the first is taken", several),
    ):
        if left:
            lines.append(f"{kind}: {count_names(left)}")
    return found, lines


def count_names(names: Sequence[str]) -> str:
    """Returns a number of names with the first of them, such as `2 (a, b)`."""
    return f"{len(names):,} ({printable(first_of(names, NAMED))})"
