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

    Nobody waits for others to come: alone, a sample is computed at once. Where a batch fails, its halves are computed
    instead, down to the samples that fail alone.

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
        while self._waiting:
            taken: list[tuple[Sample, asyncio.Future]] = []
            while self._waiting and len(taken) < self.largest:
                sample, future = self._waiting.popleft()
                if not future.cancelled():  # by a client that has gone
                    taken.append((sample, future))
            if not taken:
                continue
            self.batches += 1
            results = await self._compute([sample for sample, _ in taken])
            for (_, future), result in zip(taken, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)

    async def _compute(self, samples: Sequence[Sample]) -> list[Result | Exception]:
        """Returns the result of each sample, or why it has none; one that fails costs the others nothing but time."""
        try:
            return list(await asyncio.get_running_loop().run_in_executor(self._thread, self.compute, samples))
        except Exception as error:
            if len(samples) == 1:
                return [error]
        half = len(samples) // 2
        return await self._compute(samples[:half]) + await self._compute(samples[half:])

    def close(self) -> None:
        """Ends the thread."""
        self._thread.shutdown(wait=False, cancel_futures=True)
