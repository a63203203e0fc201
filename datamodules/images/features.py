"""Features of pictures, which a fixed network computes once: kept by a digest of each picture's pixels."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor
from tqdm import tqdm

from core.durations import format_duration
from core.protocols.encoding import Encoder
from core.randomness import generator
from core.terminal.console import print_line
from datamodules.base.cache import completed
from datamodules.images.augmentation import Augmentation
from datamodules.images.streaming import PictureFiles

DIGEST = 16  # bytes of a picture's digest
BATCH = {"cpu": 8}  # pictures that are encoded together: on a CPU as many as its caches hold
BATCH_ELSEWHERE = 128
PORTION = 2000  # pictures after which features are kept
TABLE = 4096  # draws of each view, of which a picture has the one that its digest points to

Draws = dict[str, Tensor]
Item = TypeVar("Item")


class Preparation(NamedTuple):
    """What happens to pictures before they are encoded.

    Attributes:
        prepare: Augments and normalises uint8 [B, H, W, C] by the draws, to float32 [B, C, H, W].
        how: All that it depends on beside pixels and draws, in words.
        augmentation: How the views of a picture differ.
        views: Number of augmented views of each picture; 0 for the picture as it is.
    """

    prepare: Callable[[Tensor, Draws], Tensor]
    how: str
    augmentation: Augmentation
    views: int = 0


class PickedViews(NamedTuple):
    """Draws which of its views every picture has in an epoch.

    Attributes:
        views: Number of views.
    """

    views: int

    def draw(self, n: int, seed: int, epoch: int, seen: int | Tensor) -> Draws:
        """Returns the number of a view for each of n pictures, as `view`."""
        return {"view": torch.randint(self.views, (n,), generator=generator(seed, "augmentation", epoch))}


def features_of(
    images: Tensor | PictureFiles, encoder: Encoder, preparation: Preparation, folder: Path | None, title: str
) -> Tensor:
    """Returns the features of pictures, in order: kept ones, and those of all others, which are computed and kept.

    The views of a picture depend on nothing but the picture, so that other splits and other runs have them too.

    Args:
        images: The pictures, uint8 [N, H, W, C], in memory or on disk.
        encoder: The network.
        preparation: What happens to pictures before.
        folder: Where features are kept, in a file of this network; None for nowhere.
        title: What they are, for the progress bar and the line after it.

    Returns:
        Features on the CPU, [N, ...]; of several views [N, V, ...].
    """
    pictures = _Pictures(images, encoder, preparation)
    kept_where = "" if folder is None else f", kept in {folder}"

    def complete(kept: dict[str, Tensor]) -> Iterator[dict[str, Tensor]]:
        return pictures.complete(kept, title, kept_where)

    if folder is None:
        *_, kept = complete({})
    else:
        key = hashlib.sha256(f"{encoder.key} {preparation.how}".encode()).hexdigest()
        path = folder / f"features_{key[:16]}.cache.safetensors"
        kept = completed(path, key, lambda held: bool(held) and not pictures.missing(held), complete)
    row = {name: number for number, name in enumerate(_names_of(kept))}
    picked = [kept["features"].index_select(0, torch.tensor([row[name] for name in view])) for view in pictures.names]
    return torch.stack(picked, 1) if preparation.views else picked[0]


class _Pictures:
    """Pictures that are encoded, with the name of the feature of each of their views."""

    def __init__(self, images: Tensor | PictureFiles, encoder: Encoder, preparation: Preparation) -> None:
        self.images, self.encoder, self.preparation = images, encoder, preparation
        self.digests = list(_digests(images))
        views = range(preparation.views)
        self.table = [preparation.augmentation.draw(TABLE, 0, view, view) for view in views] or [{}]
        self.names = [[_name(digest, view, preparation) for digest in self.digests] for view in range(len(self.table))]

    def missing(self, kept: dict[str, Tensor]) -> dict[bytes, tuple[int, int]]:
        """Returns the view and the place of each feature that is not there, by its name."""
        known = set(_names_of(kept))
        every = ((name, (view, place)) for view, row in enumerate(self.names) for place, name in enumerate(row))
        return {name: where for name, where in every if name not in known}

    def encode(self, wanted: Sequence[tuple[int, int]]) -> Tensor:
        """Returns the features of pictures, given the view and the place of each."""
        images, device = self.images, self.encoder.device
        places = torch.tensor([place for _, place in wanted])
        pixels = images.index_select(0, places) if isinstance(images, Tensor) else images[places]
        own = [(view, int.from_bytes(self.digests[place][:4]) % TABLE) for view, place in wanted]
        draws = {name: torch.stack([self.table[view][name][row] for view, row in own]) for name in self.table[0]}
        draws = {name: values.to(device) for name, values in draws.items()}
        return self.encoder(self.preparation.prepare(pixels.to(device), draws)).cpu()

    def complete(self, kept: dict[str, Tensor], title: str, kept_where: str) -> Iterator[dict[str, Tensor]]:
        """Yields the features that are there with more and more of the missing ones, and says how many it computed."""
        wanted, started = self.missing(kept), time.monotonic()
        batch = BATCH.get(self.encoder.device.type, BATCH_ELSEWHERE)
        with tqdm(desc=f"features {title}", total=len(wanted), disable=None, leave=False) as bar:
            for portion in _portions(list(wanted.items()), PORTION):
                parts = [kept["features"]] if kept else []
                for some in _portions(portion, batch):
                    parts.append(self.encode([where for _, where in some]))
                    bar.update(len(some))
                new = b"".join(_names_of(kept) + [name for name, _ in portion])
                kept = {
                    "features": torch.cat(parts).contiguous(),
                    "names": torch.frombuffer(bytearray(new), dtype=torch.uint8),
                }
                yield kept
        print_line(f"features {len(wanted):,} {title}, {format_duration(time.monotonic() - started)}{kept_where}")


def _portions(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    yield from (items[first : first + size] for first in range(0, len(items), size))


def _name(digest: bytes, view: int, preparation: Preparation) -> bytes:
    if not preparation.views:
        return digest
    return hashlib.sha256(digest + f"{view} {preparation.augmentation}".encode()).digest()[:DIGEST]


def _names_of(kept: dict[str, Tensor]) -> list[bytes]:
    return [bytes(row) for row in kept["names"].view(-1, DIGEST).numpy()] if kept else []


def _digests(images: Tensor | PictureFiles) -> Iterator[bytes]:
    """Yields a digest of each picture: of its pixels, or of its file and what it is decoded to."""
    if isinstance(images, Tensor):
        shape = f"{list(images.shape[1:])}".encode()
        contents = (shape + image.cpu().numpy().tobytes() for image in images)
    else:
        how = f"{images.size} {images.channels} {images.bits}".encode()
        contents = (how + path.read_bytes() for path in images.paths)
    yield from (hashlib.sha256(content).digest()[:DIGEST] for content in contents)
