"""Whole batches from memory or disk, in an order that is a function of (seed, epoch)."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from core.errors import InputError, RunFailed
from core.randomness import generator
from datamodules.base.loader import SampleLoader
from datamodules.images.splits import Images
from datamodules.images.streaming import PictureFiles


class Draws(Protocol):
    """Draws what happens to every sample of one epoch."""

    def draw(self, n: int, seed: int, epoch: int) -> dict[str, Tensor]:
        """Returns tensors of length n by name."""
        ...


class ImageLoader(SampleLoader):
    """Returns batches of one split, with one copy operation a batch.

    In training it shuffles, drops the incomplete last batch, and gives every rank an equal slice of each global
    batch. In evaluation it keeps the order and every sample; rank r takes samples r, r + world, ...

    Pictures on disk are decoded ahead, a batch at a time, by processes that live from the first batch to `close`.

    Args:
        split: The images, in memory or on disk, and what belongs to each.
        batch_size: Images a batch, over all ranks together.
        seed: Seed of order and augmentation; None evaluates in order.
        augmentation: Draws the augmentation of an epoch, sample by sample.
        rank: This process.
        world_size: Number of processes.
    """

    def __init__(
        self,
        split: Images,
        batch_size: int,
        seed: int | None = None,
        augmentation: Draws | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        super().__init__(len(split), batch_size, seed, rank, world_size)
        self.split = split
        self.augmentation = augmentation
        self._decoder: DataLoader | None = None
        self._requests: list[list[int]] = []  # what the decoder is to decode, batch by batch

    def __iter__(self) -> Iterator[NamedTuple]:
        return self._evaluation_batches() if self.seed is None else self._training_batches()

    def _training_batches(self) -> Iterator[NamedTuple]:
        first, self.position = self.position, 0
        n = len(self.split)
        order = torch.randperm(n, generator=generator(self.seed, "order", self.epoch))
        draws: dict[str, Tensor] = {}
        if self.augmentation is not None:
            draws = self.augmentation.draw(n, self.seed, self.epoch)
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
            # not images[index], which copies pixel by pixel and takes fifteen times as long
            yield from (images.index_select(0, index) for index in indices)
            return
        if self._decoder is None:
            self._decoder = self._make_decoder(images)
        self._requests[:] = [index.tolist() for index in indices]
        with _signals_held():
            pictures = iter(self._decoder)
        try:
            yield from pictures
        except InputError as error:  # all were readable when the run began; a worker's error comes with its traceback
            raise RunFailed(str(error).strip().rpartition("InputError: ")[2]) from error

    def _make_decoder(self, files: PictureFiles) -> DataLoader:
        cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
        workers = min(files.num_workers, cores)
        return DataLoader(
            files,
            batch_size=None,  # a request is a whole batch
            sampler=self._requests,
            num_workers=workers,
            persistent_workers=workers > 0,
            worker_init_fn=_leave_signals_to_the_parent,
            generator=torch.Generator(),  # else it would draw from torch's own stream
        )

    def close(self) -> None:
        """Ends the processes that decode; a later iteration starts new ones."""
        iterator = None if self._decoder is None else self._decoder._iterator
        if iterator is not None:
            iterator._shutdown_workers()  # now, even if an exception's traceback still holds them
            for worker in iterator._workers:  # one that hangs, as on a network drive: it leaves SIGTERM to the parent
                if worker.is_alive():
                    worker.kill()
                    worker.join()
        self._decoder = None


@contextmanager
def _signals_held() -> Iterator[None]:
    """Holds Ctrl-C and SIGTERM back until the end; processes that begin meanwhile never get them (not on Windows)."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_signals_to_the_parent(worker: int) -> None:
    """Lets a worker outlive a signal to the whole group: the parent still needs it to end its batch."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
