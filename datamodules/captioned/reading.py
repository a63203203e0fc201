"""One reading of a folder of captioned pictures: which there are, their captions, and which files are broken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from core.errors import InputError
from datamodules.base.cache import cached, fingerprint
from datamodules.base.class_folders import count_and_name
from datamodules.base.digest import digest_of
from datamodules.captioned.files import read_captions
from datamodules.captioned.finding import find_caption_files, match_pictures
from datamodules.captioned.parts import divide
from datamodules.captioned.synthetic import synthetic_captions
from datamodules.images.picture_folders import PictureReader, describe, mean_and_std
from datamodules.images.streaming import PictureFiles


@dataclass
class CaptionedPictures:
    """What a part of a data set consists of.

    Attributes:
        names: Names of the pictures, as the file of captions has them.
        captions: The captions of each, as they were read.
        images: uint8 [N, H, W, C], in memory or on disk.
        files: The file of each, by its name; empty for drawn ones.
    """

    names: list[str]
    captions: list[list[str]]
    images: Tensor | PictureFiles
    files: Mapping[str, Path]


def drawn_pictures(sizes: Mapping[str, int], image_size: int) -> dict[str, CaptionedPictures]:
    """Draws parts of so many pictures each, with five captions a picture."""
    parts = {}
    for seed, (part, n) in enumerate(sizes.items(), 1):
        images, captions = synthetic_captions(n, seed, image_size)
        parts[part] = CaptionedPictures([f"{part}[{place}]" for place in range(n)], captions, images, {})
    return parts


@dataclass
class Reading:
    """What was read of a folder.

    Attributes:
        parts: The parts `train`, `val` and `test`.
        mean: Mean of each channel over the training pictures, in [0, 1].
        std: Standard deviation of each channel.
        bits: Bits of pictures of 16 that hold values.
        digest: Digest of the picture files of training and validation.
        notes: Lines for the user.
    """

    parts: dict[str, CaptionedPictures]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bits: int
    digest: str | None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FolderReader:
    """Reads a folder of pictures and captions.

    Attributes:
        folder: The folder.
        pictures: Folder of the pictures.
        captions: Files of captions; those with a usual name if not given.
        lists: Whether parts that files state are kept.
        sizes: Number of pictures to set aside for `val` and `test`; see `divide`.
        split_seed: Seed of that choice.
        reader: Reads the pictures.
        num_workers: Processes that decode pictures that are not kept in memory.
    """

    folder: Path
    pictures: Path
    captions: Sequence[str] | None
    lists: bool
    sizes: Mapping[str, int | None]
    split_seed: int
    reader: PictureReader
    num_workers: int

    def read(self) -> Reading:
        """Reads captions and pictures.

        Raises:
            InputError: A file is missing or broken, or no training picture is left.
        """
        listed = read_captions(find_caption_files(self.folder, self.captions))
        found, notes = match_pictures(listed.captions, self.pictures)
        names, lines = divide(list(found), listed.parts if self.lists else {}, self.sizes, self.split_seed)
        if not names["train"]:
            raise InputError(
                f"{self.folder}: no training picture has a caption; files state the parts of all, --data.lists false "
                "divides them anew"
            )
        paths = {part: [found[name] for name in several] for part, several in names.items()}
        tensors = self._read_pictures(paths)
        parts, broken = {}, []
        for part, files in paths.items():
            good = tensors[f"{part}_good"].tolist()
            kept = [name for name, is_good in zip(names[part], good, strict=True) if is_good]
            broken += [path for path, is_good in zip(files, good, strict=True) if not is_good]
            chosen = {name: found[name] for name in kept}
            images = tensors[f"{part}_images"]
            if not self.reader.keep:
                size, bits = self.reader.size, int(tensors["bits"])
                images = PictureFiles([*chosen.values()], size, self.reader.channels, self.num_workers, bits)
            parts[part] = CaptionedPictures(kept, [listed.captions[name] for name in kept], images, chosen)
        if broken:
            lines.append(f"skipped  {count_and_name('files that cannot be read as pictures', broken, self.pictures)}")
        lines = [*listed.notes, *notes, *lines, *describe(tensors, list(parts))]
        digest = digest_of(tensors["train_contents"], tensors["val_contents"])
        return Reading(parts, *mean_and_std(*tensors["train_sums"].tolist()), int(tensors["bits"]), digest, lines)

    def _read_pictures(self, paths: Mapping[str, Sequence[Path]]) -> dict[str, Tensor]:
        """Returns what `PictureReader` does, from a cache unless a file has changed."""
        kind = "decoded" if self.reader.keep else "streamed"
        everything = [path for several in paths.values() for path in several]
        key = [fingerprint(everything, self.pictures), *map(len, paths.values()), self.reader.skip_corrupt]
        file = self.folder / f"captioned_{self.reader.size}x{self.reader.channels}_{kind}.cache.safetensors"
        return cached(file, " ".join(map(str, key)), lambda: self.reader.read(paths))
