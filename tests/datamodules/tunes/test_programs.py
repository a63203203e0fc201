"""Programs run without a shell, and not for ever."""

from pathlib import Path

from datamodules.tunes.programs import is_installed, run_program


def test_what_a_program_says_of_itself(tmp_path: Path) -> None:
    assert run_program(["touch", "a b; c"], tmp_path)
    assert (tmp_path / "a b; c").is_file()
    assert not run_program(["false"], tmp_path)
    assert not run_program(["no-such-program-anywhere"], tmp_path)
    assert is_installed("touch")
    assert not is_installed("no-such-program-anywhere")


def test_one_that_does_not_end_is_ended(tmp_path: Path) -> None:
    assert not run_program(["sleep", "60"], tmp_path, seconds=0.1)
