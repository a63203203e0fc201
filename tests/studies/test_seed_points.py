"""Seeds have their places, also where several commands add runs to one folder."""

from pathlib import Path

import pytest

from core.errors import InputError
from engine.runs.trial_file import Trial
from studies.points import SEED
from studies.seed_points import SeedPoints
from studies.study_file import StudyFile
from studies.study_folder import StudyFolder

NOTHING = {"metric": None, "mode": None, "target": None, "halving": None, "most": None}
FILE = StudyFile(name="x", words=["fit"], method="grid", parameters={}, content={}, **NOTHING)


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    """A folder without runs."""
    made = StudyFolder(tmp_path / "seeds")
    made.describe({"file": {}, "seeds": [], "settings": {}})
    return made


def points(folder: StudyFolder, *seeds: int) -> SeedPoints:
    """Returns the runs of some seeds."""
    return SeedPoints(FILE, seeds, folder.path)


def taken(folder: StudyFolder, *seeds: int) -> int | None:
    """Takes a run, which stays open; returns its seed."""
    claim = folder.take(points(folder, *seeds), None)
    if claim is None:
        return None
    claim.release()
    return claim.trial.settings[SEED]


def end(trial: Trial) -> None:
    """Writes that a run has ended."""
    trial.ended = {"status": "finished", "reason": "", "seconds": 1.0}
    trial.write()


def test_a_run_that_was_broken_off_is_left_to_those_who_ask_for_its_seed(folder: StudyFolder) -> None:
    for seed in (1, 2):
        assert taken(folder, 1, 2, 3) == seed
        end(folder.trials()[-1])
    assert taken(folder, 1, 2, 3) == 3
    assert taken(folder, 1, 2) is None
    assert taken(folder, 1, 2, 3) == 3
    assert [points(folder, 1, 2).includes(trial) for trial in folder.trials()] == [True, True, False]


def test_no_run_is_begun_beside_those_that_another_command_has_begun_meanwhile(folder: StudyFolder) -> None:
    first, second = points(folder, 1, 2), points(folder, 3, 4)
    claim = folder.take(first, None)
    with pytest.raises(InputError, match="has runs of the seeds 1; begin with these, or name another"):
        folder.take(second, None)
    claim.release()
    assert [trial.settings[SEED] for trial in folder.trials()] == [1]
