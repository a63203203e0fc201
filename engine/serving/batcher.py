"""Samples of concurrent requests, computed together."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Sample = TypeVar("Sample")
Result = TypeVar("Result")


class Busy(Exception):
    """Too many samples wait already."""


class Batcher(Generic[Sample, Result]):
    """Computes samples in batches, in one thread; what comes while it computes makes the next batch.

    Nobody waits for others to come: alone, a sample is computed at once.

    Args:
        compute: Returns the results of samples, in order.
        largest: Samples of a batch, at most.
        most: Samples that may wait.
    """

    def __init__(self, compute: Callable[[Sequence[Sample]], Sequence[Result]], largest: int, most: int) -> None:
        self.compute = compute
        self.largest = largest
        self.most = most
        self.batches = 0  # that have been computed
        self._waiting: deque[tuple[Sample, asyncio.Future]] = deque()
        self._thread = ThreadPoolExecutor(1, "network")
        self._worker: asyncio.Task | None = None

    async def __call__(self, samples: Sequence[Sample]) -> list[Result]:
        """Returns the results of samples, in order.

        Raises:
            Busy: Too many wait already.
        """
        if len(self._waiting) + len(samples) > self.most:
            raise Busy
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in samples]
        self._waiting.extend(zip(samples, futures, strict=True))
        if self._worker is None or self._worker.done():
            self._worker = loop.create_task(self._work())
        return list(await asyncio.gather(*futures))

    async def _work(self) -> None:
        """Computes batches until nothing waits."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            taken: list[tuple[Sample, asyncio.Future]] = []
            while self._waiting and len(taken) < self.largest:
                sample, future = self._waiting.popleft()
                if not future.cancelled():  # by a client that has gone
                    taken.append((sample, future))
            if not taken:
                continue
            self.batches += 1
            try:
                results = await loop.run_in_executor(self._thread, self.compute, [sample for sample, _ in taken])
            except Exception as error:
                for _, future in taken:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), result in zip(taken, results, strict=True):
                    if not future.done():
                        future.set_result(result)

    def close(self) -> None:
        """Ends the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)
