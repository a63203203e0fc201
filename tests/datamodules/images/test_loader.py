"""The order of samples is a function of (seed, epoch), whatever the ranks and however often a run is resumed."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path

import pytest
import torch
from lightning_fabric.utilities.distributed import DistributedSamplerWrapper
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    RandomSampler,
    Sampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from core.errors import RunFailed
from core.randomness import derived_seed
from datamodules.base.seeded_loader import SeededLoader
from datamodules.batches import ImageBatch
from datamodules.images.augmentation import Augmentation
from datamodules.images.loader import ImageLoader
from datamodules.images.splits import ClassifiedImages
from datamodules.images.streaming import PictureFiles
from tests.bits import assert_same_bits
from tests.pictures import picture
from tests.processes import descendants

# said by Python 3.12 and later of what torch's DataLoader does
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")

N = 23


def make_loader(
    batch_size: int = 5,
    seed: int | None = 0,
    augmentation: Augmentation | None = None,
    rank: int = 0,
    world_size: int = 1,
    n: int = N,
) -> ImageLoader:
    """Returns a loader of n images of one pixel, each of which holds its own place."""
    place = torch.arange(n)
    return ImageLoader(
        ClassifiedImages(place.byte().view(n, 1, 1, 1), place), batch_size, seed, augmentation, rank, world_size
    )


def orders(batches: list[ImageBatch]) -> list[list[int]]:
    """Returns the places of the images in each batch."""
    return [batch.index.tolist() for batch in batches]


def flat(batches: list[list[int]]) -> list[int]:
    """Returns the places of all batches in one list."""
    return list(chain.from_iterable(batches))


def epoch(loader: ImageLoader, number: int = 0) -> list[list[int]]:
    """Returns the places of the images in each batch of one epoch."""
    loader.set_epoch(number)
    return orders(list(loader))


def test_an_epoch_shuffles_every_sample_in_once_but_for_the_dropped_tail() -> None:
    batches = epoch(make_loader())
    seen = flat(batches)
    assert [len(batch) for batch in batches] == [5, 5, 5, 5]
    assert len(set(seen)) == 20
    assert seen != sorted(seen)


def test_images_and_targets_belong_to_the_index() -> None:
    for batch in make_loader():
        assert torch.equal(batch.targets, batch.index)
        assert torch.equal(batch.images.flatten().long(), batch.index)
        assert batch.draws == {}


def test_the_order_is_a_function_of_seed_and_epoch() -> None:
    loader = make_loader()
    first, second = epoch(loader, 0), epoch(loader, 1)
    assert first != second
    assert epoch(loader, 0) == first
    torch.manual_seed(99)
    assert epoch(make_loader(), 1) == second
    assert epoch(make_loader(seed=1), 0) != first


def test_the_dropped_tail_differs_by_epoch() -> None:
    loader = make_loader()
    assert set().union(*(flat(epoch(loader, number)) for number in range(10))) == set(range(N))


@pytest.mark.parametrize("position", [0, 1, 3, 4])
def test_a_resumed_epoch_has_the_batches_that_remained(position: int) -> None:
    resumed = make_loader()
    resumed.position = position
    assert epoch(resumed, 2) == epoch(make_loader(), 2)[position:]
    assert epoch(resumed, 3) == epoch(make_loader(), 3), "the position holds for one iteration only"


def test_epoch_and_position_are_read_at_the_first_next() -> None:
    loader = make_loader()
    iterator = iter(loader)
    iter(loader)  # one that is never used takes nothing away
    loader.set_epoch(3)
    loader.position = 2
    assert orders(list(iterator)) == epoch(make_loader(), 3)[2:]


@pytest.mark.parametrize("world_size", [2, 3])
def test_slices_of_ranks_make_up_the_batches_of_one_process(world_size: int) -> None:
    augmentation = Augmentation(flip="random", cutout=2)
    whole = list(make_loader(6, augmentation=augmentation))
    ranks = [list(make_loader(6, augmentation=augmentation, rank=r, world_size=world_size)) for r in range(world_size)]
    for batch, *slices in zip(whole, *ranks, strict=True):
        assert {len(part.index) for part in slices} == {6 // world_size}
        assert torch.equal(torch.cat([part.index for part in slices]), batch.index)
        for name, values in batch.draws.items():
            assert torch.equal(torch.cat([part.draws[name] for part in slices]), values)


@pytest.mark.parametrize("world_size", [1, 2, 3])
@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_evaluation_covers_each_sample_once_over_all_ranks(world_size: int, batch_size: int) -> None:
    seen: list[int] = []
    for rank in range(world_size):
        mine = flat(epoch(make_loader(batch_size, None, rank=rank, world_size=world_size)))
        assert all(after - before == world_size for before, after in pairwise(mine))
        seen += mine
    assert sorted(seen) == list(range(N))


def test_evaluation_keeps_the_order_and_draws_nothing() -> None:
    batches = list(make_loader(seed=None, augmentation=Augmentation(flip="random")))
    assert flat(orders(batches)) == list(range(N))
    assert all(batch.draws == {} for batch in batches)


@pytest.mark.parametrize("seed", [0, None])
@pytest.mark.parametrize("world_size", [1, 2, 3])
@pytest.mark.parametrize(("n", "batch_size"), [(23, 6), (24, 6), (6, 6), (7, 12), (24, 24)])
def test_the_length_is_the_number_of_batches(n: int, batch_size: int, world_size: int, seed: int | None) -> None:
    for rank in range(world_size):
        loader = make_loader(batch_size, seed, rank=rank, world_size=world_size, n=n)
        assert len(loader) == len(list(loader))
        if seed is not None:
            assert len(loader) == n // batch_size


def test_only_training_tells_lightning_of_a_sampler() -> None:
    loader = make_loader()
    assert loader.sampler is loader
    assert not hasattr(make_loader(seed=None), "sampler")


# Pictures on disk

WORKERS = [0, 2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    """Fails a test that leaves processes behind."""
    before = children()
    yield
    assert children() <= before


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Pictures of several sizes."""
    folder = tmp_path_factory.mktemp("pictures")
    return [picture(folder / f"{n}.png", size=(9 + n, 20), seed=n) for n in range(N)]


def children() -> set[int]:
    """Returns the processes that this one has started, where that is known."""
    return set(descendants(os.getpid())) if sys.platform == "linux" else set()


def both(paths: list[Path], workers: int, *settings: object, **more: object) -> tuple[ImageLoader, ImageLoader]:
    """Returns a loader of pictures in memory, and one of the same pictures on disk."""
    files, targets = PictureFiles(paths, 8, 3, workers), torch.arange(N) % 3
    memory, disk = ClassifiedImages(files[:], targets), ClassifiedImages(files, targets)
    return ImageLoader(memory, *settings, **more), ImageLoader(disk, *settings, **more)


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize(("rank", "world_size"), [(0, 1), (0, 2), (1, 2)])
def test_streamed_batches_are_those_from_memory(
    paths: list[Path], workers: int, rank: int, world_size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    everything = Augmentation("random", crop_padding=2, cutout=4, brightness=20, contrast=(0.8, 1.2))
    memory, disk = both(paths, workers, 6, 1, everything, rank, world_size)
    for number, position in ((0, 0), (1, 0), (4, 2)):  # the last is resumed in its middle
        for loader in (memory, disk):
            loader.set_epoch(number)
            loader.position = position
        assert_same_bits(list(disk), list(memory))
    disk.close()
    memory, disk = both(paths, workers, 6, rank=rank, world_size=world_size)
    assert_same_bits(list(disk), list(memory))
    disk.close()


@linux
def test_processes_live_from_the_first_batch_to_the_close(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    before = children()
    _, disk = both(paths, 9, 6, 0)
    batches = iter(disk)
    assert children() == before
    next(batches)
    working = children() - before
    assert len(working) == 2, "one a core"
    list(disk)
    assert children() - before == working, "an epoch that was left is followed by another, by the same processes"
    disk.close()
    batches.close()
    assert children() == before
    assert len(list(disk)) == 3, "it can begin again"
    disk.close()


@linux
def test_a_signal_to_the_whole_group_leaves_the_batches_to_come(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    before = children()
    memory, disk = both(paths, 2, 4, 0)
    batches = iter(disk)
    begin = os.fork

    def begin_and_be_hit() -> int:  # before the new process has run a line of its own
        pid = begin()
        if pid:
            os.kill(pid, signal.SIGINT)
            os.kill(pid, signal.SIGTERM)
        return pid

    monkeypatch.setattr(os, "fork", begin_and_be_hit)
    received = [next(batches)]
    for pid in children() - before:
        os.kill(pid, signal.SIGINT)
        os.kill(pid, signal.SIGTERM)
    time.sleep(0.2)
    received += list(batches)
    assert_same_bits(received, list(memory))
    disk.close()


@pytest.mark.parametrize("workers", WORKERS)
def test_streaming_draws_nothing_from_torchs_own_stream(paths: list[Path], workers: int) -> None:
    _, disk = both(paths, workers, 6, 0)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    list(disk)
    assert torch.equal(torch.rand(3), expected)
    disk.close()


@pytest.mark.parametrize("workers", WORKERS)
def test_a_picture_that_is_lost_on_the_way_ends_the_run_in_one_line(tmp_path: Path, workers: int) -> None:
    paths = [picture(tmp_path / f"{n}.png", seed=n) for n in range(N)]
    _, disk = both(paths, workers, 6)
    paths[7].unlink()
    with pytest.raises(RunFailed) as caught:
        list(disk)
    assert str(caught.value).startswith(f"{paths[7]}: broken picture: [Errno 2]")
    assert len(str(caught.value).splitlines()) == 1
    disk.close()


class Hanging(PictureFiles):
    """Pictures on a drive that no longer answers after the first five."""

    def __getitem__(self, index: list[int]) -> Tensor:
        if max(index) >= 5:
            time.sleep(1000)
        return super().__getitem__(index)


@linux
def test_a_process_that_hangs_is_ended_too(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 0.2)  # how long it is asked kindly
    disk = ImageLoader(ClassifiedImages(Hanging(paths[:6], 8, 3, 2), torch.arange(6)), 5)
    before = children()
    batches = iter(disk)
    next(batches)
    assert len(children() - before) == 2
    disk.close()
    assert children() == before


class DrawnNumbers(Dataset):
    """Numbers, each with one that is drawn as it is read."""

    def __getitem__(self, place: int) -> tuple[int, float]:
        return place, torch.rand(1).item()

    def __len__(self) -> int:
        return N


def seeded_ranks(shares: bool, workers: int = 0, alone: bool = False, **sampling: object) -> list[list[Tensor]]:
    """Returns places and draws of both processes' second epoch, [N] each; the loader's generator is the sampler's."""
    seen = []
    for rank in range(2):
        sampler = SubsetRandomSampler(range(N), **sampling)
        if shares:
            sampler = DistributedSamplerWrapper(sampler, num_replicas=2, rank=rank, shuffle=False)
        generator = sampling.get("generator")
        loader = DataLoader(DrawnNumbers(), 4, sampler=sampler, generator=generator, num_workers=workers)
        seeds = [derived_seed(0, "loader", 0, of) for of in (0, rank)]
        seeded = SeededLoader(loader, seeds[1], lambda: 1, lambda: 0, None if alone else seeds[0])
        seen.append([torch.cat(column) for column in zip(*seeded, strict=True)])
        assert loader.sampler is sampler
        assert loader.generator is generator
    return seen


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("own_generator", [False, True])
def test_processes_share_the_order_of_another_packages_sampler(workers: int, own_generator: bool) -> None:
    sampling = {"generator": torch.Generator()} if own_generator else {}
    (first, firsts), (second, seconds) = seeded_ranks(True, workers, **sampling)
    assert sorted({*first.tolist(), *second.tolist()}) == list(range(N)), "none is left out"
    assert len(first) == len(second) == -(-N // 2)
    assert not {*firsts.tolist()} & {*seconds.tolist()}


def test_an_order_that_is_shared_leaves_other_draws_as_they_would_be() -> None:
    for shared, alone in zip(seeded_ranks(True), seeded_ranks(True, alone=True), strict=True):
        assert torch.equal(shared[1][4:8], alone[1][4:8]), "from the second batch on"


@pytest.mark.parametrize("is_within", [False, True], ids=["sampler", "batch sampler"])
@pytest.mark.parametrize("kind", [RandomSampler, SubsetRandomSampler, WeightedRandomSampler])
def test_each_process_draws_an_order_of_its_own_from_a_sampler_that_knows_of_no_other(
    kind: type[Sampler], is_within: bool
) -> None:
    orders = []
    for rank in range(2):
        sampler = kind([1.0] * N, N) if kind is WeightedRandomSampler else kind(range(N))
        how = {"batch_sampler": BatchSampler(sampler, 4, False)} if is_within else {"sampler": sampler, "batch_size": 4}
        seeded = SeededLoader(DataLoader(DrawnNumbers(), **how), rank, lambda: 1, lambda: 0, order_seed=2)
        orders.append(torch.cat([places for places, _ in seeded]))
    assert not torch.equal(*orders)


@pytest.mark.parametrize(("pins", "workers", "pinned"), [(True, 2, True), (True, 0, False), (False, 2, False)])
def test_pictures_that_workers_decode_are_pinned_where_a_gpu_copies_them(
    pins: bool, workers: int, pinned: bool
) -> None:
    files = PictureFiles([], 8, 3, workers)
    loader = ImageLoader(ClassifiedImages(files, torch.zeros(0)), 5, pins=pins)
    assert loader._make_decoder(files).pin_memory is pinned
