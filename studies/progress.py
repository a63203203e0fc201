"""What a study prints: a line for each trial, the best so far, and the time that is left."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from core.durations import duration_in_words
from core.measures import Measure, format_figure, merit
from engine.runs.trial_file import Trial
from engine.settings.run_commands import VERBS, command_of_run
from studies.naming import describe
from studies.run_on_disk import RunOnDisk
from studies.study_folder import score, status


class Lines:
    """The lines of a study.

    Args:
        metric: Logged name of the value that counts, None if there is none.
        mode: Whether less (`min`) or more (`max`) of it is better.
        total: How many trials there are, None if there is no end of them.
        workers: How many are made at a time.
        measures: The model's measures by name.
    """

    bad: tuple[str, ...] = ("failed", "killed")  # how a trial ends for which the command fails; divergence is a finding

    def __init__(
        self,
        metric: str | None,
        mode: str | None,
        total: int | None,
        workers: int,
        measures: Mapping[str, Measure],
    ) -> None:
        self.metric, self.mode, self.total, self.workers, self.measures = metric, mode, total, workers, measures

    def of_trial(self, trial: Trial, trials: Sequence[Trial]) -> str:
        """Returns the line of a trial that has ended.

        Args:
            trial: The trial.
            trials: All trials.
        """
        value = score(trial, self.metric)
        parts = [f"{trial.number:04}  {describe(trial)}"]
        parts += [] if value is None else [f"{self.metric} {self.shown(value)}"]
        how = trial.ended["status"] if trial.ended else "open"
        reason = trial.ended["reason"] if trial.ended else ""
        parts += [f"{how}{f': {reason}' if reason else ''}", f"{trial.ended['seconds']:.0f} s" if trial.ended else ""]
        if (best := self.best(trials)) is not None:
            parts.append(f"best {best.number:04} {self.shown(score(best, self.metric))}")
        if left := self.time_left(trials):
            parts.append(left)
        return "  ".join(parts)

    def shown(self, value: float) -> str:
        """Returns a value of what counts as text."""
        return format_figure(self.metric, value, self.measures)

    def best(self, trials: Sequence[Trial]) -> Trial | None:
        """Returns the best trial that was not pruned."""
        scored = [(score(one, self.metric), one) for one in trials if one.pruned is None]
        known = [(value, one) for value, one in scored if value is not None]
        if not known:
            return None
        return max(known, key=lambda pair: merit(pair[0], self.mode))[1]

    def time_left(self, trials: Sequence[Trial]) -> str:
        """Returns in words how long the rest takes, by the mean of those that have ended."""
        ended = [one.ended["seconds"] for one in trials if one.ended is not None]
        if self.total is None or not ended or len(ended) >= self.total:
            return ""
        seconds = sum(ended) / len(ended) * (self.total - len(ended)) / self.workers
        return f"{len(ended)} of {self.total}, about {duration_in_words(seconds)} left"

    def at_end(self, trials: Sequence[Trial], folder: Path) -> list[str]:
        """Returns the last lines: what has become of the trials, and the command that tests or uses the best."""
        counts = {one: [status(trial) for trial in trials].count(one) for one in map(status, trials)}
        lines = [f"{len(trials)} trials: {', '.join(f'{count} {name}' for name, count in sorted(counts.items()))}"]
        if (best := self.best(trials)) is not None:
            value = f"{self.metric} {self.shown(score(best, self.metric))}"
            line = f"best     {value} of {best.number:04}  {describe(best)}"
            run = folder / best.folder.name
            if words := RunOnDisk.read(run).next_command:
                lines += [f"{line}; {VERBS[words[0]]} it with", f"  {command_of_run(run, words)}"]
            else:
                lines.append(line)
        return lines
