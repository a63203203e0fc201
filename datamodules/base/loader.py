"""Loaders, which return the batches of one part of a data set, from any batch on."""


class Loader:
    """Returns the batches of one part; a subclass sets `batch_size`, the samples a batch over all processes together.

    A subclass iterates by a generator, which reads epoch and position at the first `next`: Lightning asks for iterators
    before it knows the epoch, and for more of them than it uses.

    Args:
        seed: Seed of an order that differs from epoch to epoch; None if there is none.

    Attributes:
        epoch: Epoch, from 0, that the next iteration belongs to.
        position: Batch at which the next iteration starts; not 0 only right after a resume.
    """

    batch_size: int

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self.epoch = 0
        self.position = 0
        if seed is not None:
            self.sampler = self  # Lightning sets the epoch through `loader.sampler.set_epoch`

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch that the next iteration belongs to."""
        self.epoch = epoch

    def state_dict(self) -> dict:
        """Returns nothing: the data module keeps the position. Lightning asks this of a loader that can resume."""
        return {}

    def load_state_dict(self, state_dict: dict) -> None:
        """Ignores the state, for the same reason."""

    def close(self) -> None:
        """Ends the processes that work for the loader."""


class SampleLoader(Loader):
    """Returns batches of samples: in training only whole batches, equal on all processes; otherwise every sample once.

    Args:
        samples: Number of samples.
        batch_size: Samples a batch, over all processes together.
        seed: Shuffle by this seed; None evaluates.
        rank: This process.
        world_size: Number of processes.
    """

    def __init__(
        self, samples: int, batch_size: int, seed: int | None = None, rank: int = 0, world_size: int = 1
    ) -> None:
        super().__init__(seed)
        self.samples = samples
        self.batch_size = batch_size
        self.rank = rank
        self.world_size = world_size

    def __len__(self) -> int:
        """Number of batches of a whole epoch on this process."""
        if self.seed is not None:
            return self.samples // self.batch_size
        mine = len(range(self.rank, self.samples, self.world_size))
        return -(-mine // self.share)

    @property
    def share(self) -> int:
        """Samples a batch on this process."""
        return max(1, self.batch_size // self.world_size)
