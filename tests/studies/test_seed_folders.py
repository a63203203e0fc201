"""Runs of several seeds go on in the folder of their settings, and otherwise get one of their own."""

from pathlib import Path

import pytest

from core.errors import InputError
from studies import seed_folders
from studies.seed_folders import known_folder, make_folder

DESCRIPTION = {"file": {}, "seeds": [], "settings": {"model.dropout": 0.1}}


def test_commands_of_one_second_have_different_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed_folders, "new_name", lambda: "seeds-20270102-030405")
    root = tmp_path / "runs" / "tiny"
    made = [make_folder(root) for _ in range(3)]
    assert [one.path.name.removeprefix("seeds-20270102-030405") for one in made] == ["", "-2", "-3"]
    assert known_folder(None, root, [1], DESCRIPTION, ()) is None, "another command is about to describe its own"
    made[1].describe(DESCRIPTION)
    assert known_folder(None, root, [1], DESCRIPTION, ()).path == made[1].path


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").touch()
    with pytest.raises(InputError, match=r"runs/tiny: the folder of the runs cannot be made .*--run_dir"):
        make_folder(tmp_path / "runs" / "tiny")
