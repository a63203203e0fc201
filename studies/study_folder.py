"""A study's folder: what the study is, a folder for each trial, and who works on which.

Its state is what lies in the trials' folders. Any number of processes may work on it, on any hosts that share it.
"""

import contextlib
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import Timeout

from core.errors import InputError
from core.files.atomic_files import write_atomically
from core.files.file_locks import NoLocks, acquire, file_lock
from core.files.files_in_use import rename
from core.files.outputs import check_output_folder, contents
from core.files.plain_json import load_json
from core.summary import finite_figures, summary_of
from engine.runs.trial_file import Halving, Trial, ending_of_pruned, read_trial
from studies.claims import CLAIMS, Claim, claim_trial
from studies.differing import what_changed
from studies.naming import folder_name
from studies.points import Points

DESCRIPTION = "study.json"
WITHOUT_FIGURES = ("failed", "diverged", "killed")
REVIVED = ("pruned", *WITHOUT_FIGURES)
NUMBER = re.compile(r"(\d{4,})-")
SECONDS = 120  # to wait for another process that reads or adds trials


class StudyFolder:
    """The trials of a study.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = file_lock(path / ".lock")

    def check(self, revives: bool = False) -> None:
        """Checks, before anything slow, that the folder can be a study's; makes nothing.

        Args:
            revives: Whether it must have a study already.

        Raises:
            InputError: It holds something else, or no study where one is needed, or cannot be written.
        """
        check_output_folder(str(self.path), "--run_dir")
        if revives and self.description() is None:
            raise InputError(f"--revive: there is no study in {self.path} yet; leave it out to begin one")
        self._refuse_others()

    def _refuse_others(self) -> None:
        has = contents(self.path) if self.path.is_dir() and self.description() is None else ()
        if any(one.name not in (".lock", CLAIMS) for one in has):
            raise InputError(f"--run_dir {self.path}: is not empty, and holds no study; name another folder")

    def describe(self, description: Mapping[str, Any], given: Container[str] | None = None) -> None:
        """Makes the folder, and writes what the study is, unless it is there.

        Args:
            description: The file, the seeds, and the merged settings of the command.
            given: Dotted keys of those that the command gives; all if None.

        Raises:
            InputError: The folder is of another study, which is said, or of something else, or cannot be made.
        """
        self._refuse_others()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with self._alone():
                self._refuse_others()  # who may have come meanwhile
                known = self.description()
                (self.path / CLAIMS).mkdir(exist_ok=True)
                if known is None:
                    write_atomically(self.path / DESCRIPTION, json.dumps(description, indent=2) + "\n")
        except OSError as error:
            raise InputError(f"{self.path}: the study's folder cannot be made ({error.strerror})") from error
        if known is not None and (changed := what_changed(known, description, given)):
            raise InputError(
                f"{self.path}: this study has other settings: {changed}; go on with those, or name another folder with "
                "--run_dir"
            )

    def description(self) -> dict[str, Any] | None:
        """Returns what the study is; None if it has not begun.

        Raises:
            InputError: The file is damaged.
        """
        path = self.path / DESCRIPTION
        try:
            content = load_json(path.read_text(encoding="utf-8"))
            kinds = {"file": dict, "settings": dict, "seeds": list}
            if not isinstance(content, dict) or not all(isinstance(content.get(key), kinds[key]) for key in kinds):
                raise ValueError("it describes no study")
            return content
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise InputError(f"{path}: damaged ({error})") from error

    def trials(self) -> list[Trial]:
        """Returns all trials, by number.

        Raises:
            InputError: One is damaged.
        """
        found = [_read(path) for path in self.path.glob("*-*") if NUMBER.match(path.name)]
        return sorted((trial for trial in found if trial is not None), key=lambda trial: trial.number)

    def _read_again(self, trial: Trial) -> Trial | None:
        """Reads a trial that this process has claimed since; whoever had it may have ended or removed it before."""
        now = _read(trial.folder)
        if now is not None and now.ended is None and now.pruned is not None:
            now.ended = ending_of_pruned(now)  # its process was killed before it could say so
            now.write()
        return now

    def log(self, trial: Trial) -> Path:
        """Returns the file that takes what a trial prints."""
        return self.path / "logs" / f"{trial.number:04}.log"

    def take(self, points: Points, halving: Halving | None, begins: bool = True) -> Claim | None:
        """Takes the first open trial that nobody works on, or begins the next one; None if there is neither.

        Args:
            points: The settings of trials.
            halving: When trials are pruned.
            begins: Whether one that is not there may be begun.

        Raises:
            InputError: The folder cannot be used.
        """
        with self._alone():
            trials = self.trials()
            for at, trial in enumerate(trials):
                if trial.ended is not None or not points.includes(trial):
                    continue
                if (claim := claim_trial(trial, self.path / CLAIMS)) is None:
                    continue
                now = self._read_again(trial)
                if now is not None and now.ended is None:
                    claim.trial = now
                    return claim
                claim.release()
                trials[at] = now or trial
            if not begins or (trial := points.next(trials, halving)) is None:
                return None
            trial.folder = self.path / folder_name(trial)
            # before the folder is made: its process may still be running, where somebody has removed the folder
            if (claim := claim_trial(trial, self.path / CLAIMS)) is not None:
                self._add(trial)
            return claim

    def revive(self, which: list[str]) -> list[Trial]:
        """Opens trials again that have ended; pruned ones are not pruned any more.

        Args:
            which: Numbers of trials, or statuses.

        Returns:
            Those trials.

        Raises:
            InputError: One of the words is none of a trial, or a trial has ended well.
        """
        with self._alone():
            trials = self.trials()
            meant = {word: [one for one in trials if _is_meant(word, one)] for word in which}
            chosen = [one for one in trials if any(one in those for those in meant.values())]
            # of several statuses one may have no trial, as long as another has
            missing = [word for word, those in meant.items() if not those and (word not in REVIVED or not chosen)]
            if missing:
                counts = Counter(map(status, trials))
                there = ", ".join(f"{count} {one}" for one, count in counts.items())
                reason = f"no trial has such a number or status; there are {there or 'none'}"
                raise InputError(f"--revive {','.join(missing)}: {reason}, with numbers from 0 on")
            for one in chosen:
                if status(one) not in REVIVED:
                    raise InputError(
                        f"--revive {one.number}: this trial is {status(one)}, and not {', '.join(REVIVED)}"
                    )
            for one in chosen:
                if one.pruned is not None:
                    one.halving = None
                one.ended, one.pruned, one.kills, one.reached = None, None, 0, None
                one.write()
        return chosen

    def _add(self, trial: Trial) -> None:
        """Makes a trial's folder, which has its file from the first moment on."""
        for left in self.path.glob(".new-*"):  # by a process that was killed here
            shutil.rmtree(left, ignore_errors=True)
        new = replace(trial, folder=self.path / f".new-{os.getpid()}")
        new.folder.mkdir()
        new.write()
        rename(new.folder, trial.folder)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keeps other processes from reading and adding trials.

        Raises:
            InputError: Another process does not give the folder back, or it cannot be locked.
        """
        try:
            acquire(self._lock, SECONDS)
        except Timeout:
            raise InputError(f"{self.path}: another process holds its .lock and does not give it back") from None
        except NoLocks as error:
            raise InputError(f"{self.path}: {error.strerror}; name a folder on another disk with --run_dir") from None
        try:
            yield
        finally:
            self._lock.release()


def status(trial: Trial) -> str:
    """Returns how far a trial is: how it ended, or `open`."""
    return "open" if trial.ended is None else trial.ended["status"]


def reached(trial: Trial) -> dict[str, float]:
    """Returns what a trial has reached, of the checkpoints that count; nothing where it failed or is still open."""
    if status(trial) in ("open", *WITHOUT_FIGURES):
        return {}
    return finite_figures(summary_of(trial.folder))


def score(trial: Trial, metric: str | None) -> float | None:
    """Returns what a trial has reached of a metric; None where that is not known."""
    return None if metric is None else reached(trial).get(metric)


def _read(folder: Path) -> Trial | None:
    try:
        return read_trial(folder)
    except ValueError as error:
        raise InputError(f"{error}; remove its folder, and it is made again") from error


def _is_meant(word: str, trial: Trial) -> bool:
    """Returns whether a word is a trial's number or status."""
    return word == status(trial) or (word.lstrip("0") or "0") == str(trial.number)
