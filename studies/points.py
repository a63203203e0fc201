"""Which settings a trial has: the points of a grid, drawn ones, or those that Optuna suggests."""

import itertools
import json
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from engine.runs.trial_file import Halving, Trial
from studies.distributions import Choice
from studies.study_file import StudyFile

SEED = "seed_everything"
ATTEMPTS = 1000  # draws until a point is new

Settings = dict[str, Any]
Suggest = Callable[[int, Sequence[Trial]], Settings]


class Points:
    """The settings of each trial, as a function of its number and, where a method needs them, of earlier results.

    Several seeds of a point have numbers that follow each other. No point is returned twice; where none is left, as
    `total` cannot always know, the study ends with fewer trials.

    Args:
        file: The study's file.
        seeds: Seeds with which each point is trained; none if the file says all.
        suggest: Suggests a point, given its number among the points, and the earlier trials; for the method `bayes`.
    """

    def __init__(self, file: StudyFile, seeds: Sequence[int] = (), suggest: Suggest | None = None) -> None:
        self.file = file
        self.seeds = list(seeds)
        self.suggest = suggest
        values = [parameter.all() for parameter in file.parameters.values()]
        self._values = None if any(one is None for one in values) else values
        self._count = None if self._values is None else math.prod(len(one) for one in self._values)

    @property
    def total(self) -> int | None:
        """How many trials there are at most; None if there is no end of them."""
        everything = None if self._count is None else self._count * max(1, len(self.seeds))
        known = [number for number in (everything, self.file.most) if number is not None]
        return min(known, default=None)

    def includes(self, trial: Trial) -> bool:
        """Returns whether a trial that is there is one of this study's, and not left over from another call."""
        return True

    def next(self, trials: Sequence[Trial], halving: Halving | None = None) -> Trial | None:
        """Returns the trial that comes next, which is the first that is not there; None if none is left.

        Args:
            trials: All trials that are there.
            halving: When it is pruned.
        """
        known = {trial.number for trial in trials}
        number = next(one for one in range(len(trials) + 1) if one not in known)  # a folder may be missing
        return None if self.total is not None and number >= self.total else self.trial(number, trials, halving)

    def trial(self, number: int, earlier: Sequence[Trial], halving: Halving | None = None) -> Trial | None:
        """Returns a trial, with its settings; None if no point is left.

        Args:
            number: Its number, less than `total`.
            earlier: All trials that are there; a lost one is made again after others with larger numbers.
            halving: When it is pruned.
        """
        fixed = [name for name, parameter in self.file.parameters.items() if len(parameter.all() or ()) == 1]
        fixed = [] if len(fixed) == len(self.file.parameters) else fixed  # something has to name the one trial
        settings = self.settings(number, earlier)
        return None if settings is None else Trial(number=number, settings=settings, fixed=fixed, halving=halving)

    def settings(self, number: int, earlier: Sequence[Trial]) -> Settings | None:
        """Returns the settings of a trial, None if no point is left; arguments as in `trial`."""
        place, seed = divmod(number, max(1, len(self.seeds)))
        of_seed = {SEED: self.seeds[seed]} if self.seeds else {}
        for trial in earlier:
            if trial.number // max(1, len(self.seeds)) == place:  # another seed of the same point
                return self._without_seed(trial) | of_seed
        point = self._point(place, earlier)
        return None if point is None else point | of_seed

    def _point(self, place: int, earlier: Sequence[Trial]) -> Settings | None:
        names = [*self.file.parameters]
        if self.file.method == "grid":
            return dict(zip(names, self._in_grid(place), strict=True))
        taken = {self._text(self._without_seed(trial)) for trial in earlier}
        if self.suggest is not None:
            point = self.suggest(place, earlier)
            if self._text(point) not in taken:
                return point
        for attempt in range(ATTEMPTS):
            point = {name: self._draw(name, place, attempt) for name in names}
            if self._text(point) not in taken:
                return point
        # a few are left of many; one value more than there are points is enough of each parameter to find one
        some = [parameter.first(len(taken) + 1) for parameter in self.file.parameters.values()]
        every = (dict(zip(names, values, strict=True)) for values in itertools.product(*some))
        return next((point for point in every if self._text(point) not in taken), None)

    def _in_grid(self, place: int) -> list[Any]:
        return list(next(itertools.islice(itertools.product(*self._values), place, None)))

    def _draw(self, name: str, place: int, attempt: int) -> Any:
        """Draws a value, which is a function of the parameter's name and of the point's number."""
        return self.file.parameters[name].draw(random.Random(f"trial/{place}/{attempt}/{name}"))

    def _without_seed(self, trial: Trial) -> Settings:
        return {name: value for name, value in trial.settings.items() if name != SEED or not self.seeds}

    def _text(self, settings: Settings) -> str:
        """Returns settings as a key: numbers that are drawn are compared by value, so that 16.0 is 16."""

        def plain(name: str, value: Any) -> Any:
            is_listed = isinstance(self.file.parameters.get(name), Choice | None)  # where 1 and 1.0 can be two settings
            return value if is_listed or not isinstance(value, float) or not value.is_integer() else int(value)

        return json.dumps({n: plain(n, value) for n, value in settings.items()}, sort_keys=True, default=str)
