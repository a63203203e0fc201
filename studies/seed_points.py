"""Which run has which seed, in a folder that runs of other seeds may be added to."""

from collections.abc import Sequence
from pathlib import Path

from core.errors import InputError
from engine.runs.trial_file import Halving, Trial
from studies.points import SEED, Points
from studies.study_file import StudyFile


class SeedPoints(Points):
    """The runs of one command with several seeds; runs of other seeds may lie behind them.

    Args:
        file: What stands for a study's file.
        seeds: The seeds.
        folder: Where the runs are.
    """

    def __init__(self, file: StudyFile, seeds: Sequence[int], folder: Path) -> None:
        super().__init__(file, seeds)
        self.folder = folder

    def includes(self, trial: Trial) -> bool:
        """Returns whether a run has one of the seeds."""
        return trial.settings[SEED] in self.seeds

    def next(self, trials: Sequence[Trial], halving: Halving | None = None) -> Trial | None:
        """Returns the run that comes next; arguments as in `Points`.

        Raises:
            InputError: Another command has begun runs of other seeds here meanwhile.
        """
        check_seeds(trials, self.seeds, self.folder)
        return super().next(trials, halving)


def check_seeds(trials: Sequence[Trial], seeds: Sequence[int], folder: Path) -> None:
    """Checks that the runs that are there have these seeds, each at its place; where a folder was removed, any may be.

    Args:
        trials: The runs.
        seeds: The seeds.
        folder: Where the runs are.

    Raises:
        InputError: They have others, or one would be trained twice.
    """
    known = {trial.number: trial.settings[SEED] for trial in trials}
    if any(seeds[at] != seed if at < len(seeds) else seed in seeds for at, seed in known.items()):
        there = ",".join(str(known.get(at, "?")) for at in range(max(known) + 1))
        any_ = " (any other in place of ?)" if "?" in there else ""
        raise InputError(f"--seeds: {folder} has runs of the seeds {there}; begin with these{any_}, or name another")
