"""Loader of image batches from memory or disk, in an order that is a function of (seed, epoch)."""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from core.errors import InputError, RunFailed
from core.processes.threads import cores
from core.randomness import generator
from datamodules.base.loader import SampleLoader
from datamodules.images.splits import Images
from datamodules.images.streaming import PictureFiles


class Draws(Protocol):
    """Draws the augmentation parameters of one epoch."""

    def draw(self, n: int, seed: int, epoch: int, seen: int | Tensor) -> dict[str, Tensor]:
        """Returns tensors of length n by name; `seen` is how often images were trained on, all or each, int32 [n]."""
        ...


class ImageLoader(SampleLoader):
    """Loads batches of one split, with one copy operation per batch.

    In training it shuffles, drops the incomplete last batch, and gives every process an equal slice of each global
    batch. In evaluation it keeps the order and every sample; process r gets samples r, r + world_size, ...

    Pictures on disk are decoded in advance, one batch at a time, by worker processes that run until `close`.

    Args:
        split: The images, in memory or on disk, with their labels if there are any.
        batch_size: Images per batch, on all processes together.
        seed: Seed of order and augmentation; None evaluates in order.
        augmentation: Draws the augmentation parameters of an epoch; None for no augmentation.
        rank: Index of this process.
        world_size: Number of processes.
        pins: Whether pictures that worker processes decode are moved to memory from which a GPU copies them meanwhile.
    """

    def __init__(
        self,
        split: Images,
        batch_size: int,
        seed: int | None = None,
        augmentation: Draws | None = None,
        rank: int = 0,
        world_size: int = 1,
        pins: bool = False,
    ) -> None:
        super().__init__(len(split), batch_size, seed, rank, world_size)
        self.pins = pins
        self.split = split
        self.augmentation = augmentation
        self._decoder: DataLoader | None = None
        self._requests: list[list[int]] = []  # indices of the pictures to decode, batch by batch

    def __iter__(self) -> Iterator[NamedTuple]:
        return self._evaluation_batches() if self.seed is None else self._training_batches()

    def _training_batches(self) -> Iterator[NamedTuple]:
        first, self.position = self.position, 0
        n = len(self.split)
        order = self.training_order(generator(self.seed, "order", self.epoch))
        draws: dict[str, Tensor] = {}
        if self.augmentation is not None:
            seen = self.epoch if self.selection is None else self.selection.seen.cpu()
            draws = self.augmentation.draw(n, self.seed, self.epoch, seen)
        device = self.split.device
        order = order.to(device)
        draws = {name: values.to(device) for name, values in draws.items()}
        starts = (batch * self.batch_size + self.rank * self.share for batch in range(first, len(self)))
        yield from self._batches([order[start : start + self.share] for start in starts], draws)

    def _evaluation_batches(self) -> Iterator[NamedTuple]:
        mine = torch.arange(self.rank, len(self.split), self.world_size, device=self.split.device)
        yield from self._batches(mine.split(self.share), {})

    def _batches(self, indices: Sequence[Tensor], draws: dict[str, Tensor]) -> Iterator[NamedTuple]:
        for images, index in zip(self._images(indices), indices, strict=True):
            drawn = {name: values.index_select(0, index) for name, values in draws.items()}
            yield self.split.batch(images, index, drawn)

    def _images(self, indices: Sequence[Tensor]) -> Iterator[Tensor]:
        images = self.split.images
        if isinstance(images, Tensor):
            # images[index] would copy pixel by pixel, which takes fifteen times as long
            yield from (images.index_select(0, index) for index in indices)
            return
        if self._decoder is None:
            self._decoder = self._make_decoder(images)
        self._requests[:] = [index.tolist() for index in indices]
        with _signals_blocked():
            pictures = iter(self._decoder)
        try:
            yield from pictures
        except InputError as error:  # all were readable at the start; a worker's error message contains its traceback
            raise RunFailed(str(error).strip().rpartition("InputError: ")[2]) from error

    def _make_decoder(self, files: PictureFiles) -> DataLoader:
        workers = min(files.num_workers, cores())
        return DataLoader(
            files,
            batch_size=None,  # each request is a batch already
            sampler=self._requests,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=self.pins and workers > 0,  # without a worker this process would copy, and wait
            worker_init_fn=_ignore_signals,
            generator=torch.Generator(),  # otherwise it would draw from torch's global generator
        )

    def close(self) -> None:
        """Ends the worker processes; a later iteration starts new ones."""
        iterator = None if self._decoder is None else self._decoder._iterator
        if iterator is not None:
            iterator._shutdown_workers()  # at once, even if an exception's traceback still refers to them
            for worker in iterator._workers:  # one may hang, as on a network drive, and workers ignore SIGTERM
                if worker.is_alive():
                    worker.kill()
                    worker.join()
        self._decoder = None


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Blocks Ctrl-C and SIGTERM within the block; processes started in it inherit this (not on Windows)."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ignore_signals(worker: int) -> None:
    """Makes a worker ignore signals to the process group: the parent needs it to complete its batch."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
