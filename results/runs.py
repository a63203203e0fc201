"""The runs of the table, each made by the commands that a user would type."""

import shlex
from pathlib import Path
from typing import Any

from core.errors import RunFailed
from core.run_layout import has_config
from core.summary import ENDED_WELL, SUMMARY, figures, read_summary, summary_of
from results.records import why_test_does_not_count
from results.table import Run, Table
from studies.workers import last_line


class Runs:
    """The run folders `<root>/<id>/<seed>`, and the commands that make them.

    Args:
        root: Folder around them.
        table: The table, for runs that start from another's weights.
        folders: Paths of folders of data by their name in the table; rows of other folders use the config's.
    """

    def __init__(self, root: Path, table: Table, folders: dict[str, str] | None = None) -> None:
        self.root = root
        self.table = table
        self.folders = folders or {}
        self._names: dict[str, str | None] = {}  # by row: reading configs takes a while

    def folder(self, run: Run) -> Path:
        """Returns a run's folder."""
        return self.root / run.row.id / str(run.seed)

    def log(self, run: Run) -> Path:
        """Returns the file that takes what a run prints; beside its folder, which begins empty."""
        return self.root / run.row.id / f"{run.seed}.log"

    def is_fitted(self, run: Run) -> bool:
        """Returns whether a run has finished training."""
        return summary_of(self.folder(run)).get("status") in ENDED_WELL

    def is_tested(self, run: Run) -> bool:
        """Returns whether a run is finished and has the figure that counts, of the test set or of validation."""
        summary = summary_of(self.folder(run))
        return self.is_fitted(run) and run.row.measure.counts in figures(summary) and not _why_not(run, summary)

    def why_not_tested(self, run: Run) -> str:
        """Returns why a run whose folder is there does not count as tested, in words."""
        try:
            summary = read_summary(self.folder(run) / SUMMARY)
        except OSError as error:
            return f"{SUMMARY} cannot be read ({error.strerror})"
        except ValueError as error:
            return f"{SUMMARY} is damaged ({error})"
        if (status := summary.get("status", "not known")) not in ENDED_WELL:
            return f"its status is {status}"
        return _why_not(run, summary) or f"it has no {run.row.measure.counts}, which counts"

    def commands(self, run: Run) -> list[tuple[Run, list[str]]]:
        """Lists the commands that are left for a run, without `cli.py`, each with the run that it belongs to."""
        commands = []
        if not self.is_fitted(run):
            commands += self._fit(run)
        if run.row.measure.counts.startswith("test/") and not self.is_tested(run):
            commands.append((run, ["test", "--ckpt_path", str(self.folder(run)), *self._data(run)]))
        return commands

    def is_begun(self, run: Run) -> bool:
        """Returns whether a run has begun to train, so that it can go on."""
        return has_config(self.folder(run))

    def note(self, run: Run, command: list[str]) -> Path:
        """Writes into the log of a run that a command follows; returns the log."""
        log = self.log(run)
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"$ {typed(command)}\n")
        return log

    def failure(self, run: Run, command: list[str], code: int) -> RunFailed:
        """Returns the error that a command of a run has failed, with the last line of its log."""
        log = self.log(run)
        reason = f"ended by signal {-code}" if code < 0 else last_line(log)
        return RunFailed(f"{run}: {command[0]} failed: {reason} (all of it in {log})")

    def _fit(self, run: Run) -> list[tuple[Run, list[str]]]:
        always = [*self._data(run), "--trainer.enable_progress_bar", "false"]
        folder = self.folder(run)
        if self.is_begun(run):
            return [(run, ["fit", "--ckpt_path", str(folder), *always])]
        start = ["fit", "--config", run.row.config, "--seed_everything", str(run.seed), "--run_dir", str(folder)]
        start += run.row.flags
        before = []
        for option, first in self._needed(run).items():
            before += [] if self.is_fitted(first) else self._fit(first)
            start += [option, str(self.folder(first))]
        return [*before, (run, [*start, *always])]

    def _needed(self, run: Run) -> dict[str, Run]:
        """Returns the runs that must be there before a run begins, by the option that names them."""
        needed = {}
        if run.row.weights_from is not None:
            needed["--weights"] = Run(self.table[run.row.weights_from], run.seed)
        if run.row.judge is not None:
            judge = self.table[run.row.judge]
            needed["--model.judge"] = Run(judge, judge.seeds[0])
        return needed

    def _data(self, run: Run) -> list[str]:
        if run.row.id not in self._names:
            self._names[run.row.id] = self.table.folder(run.row)
        name = self._names[run.row.id]
        return ["--data.data_dir", self.folders[name]] if name in self.folders else []


def _why_not(run: Run, summary: dict[str, Any]) -> str:
    return why_test_does_not_count(summary) if run.row.measure.counts.startswith("test/") else ""


def typed(command: list[str]) -> str:
    """Returns a command as a user would type it."""
    return f"python cli.py {shlex.join(command)}"
