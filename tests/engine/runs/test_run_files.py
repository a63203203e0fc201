"""Damaged files of a run are set aside, and a run goes on from a good checkpoint whatever its records hold."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.runs.run_files import take_up
from tests.tiny import tiny_trainer, tiny_vgg

Command = Callable[..., tuple[int, str, str]]

ROWS = "epoch,step,lr,val/acc\n0,6,0.1,0.5\n1,12,0.1,\n2,18,0.1,0.75\n"
SUMMARY = json.dumps({"status": "finished", "seconds": {"total": 3.0, "fit": 2}, "metrics": {"val/acc": 0.5}})

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut in the middle": lambda content: content[: len(content) // 2],
    "cut at the end": lambda content: content[:-3],
    "zeros": lambda content: bytes(len(content)),
    "no text": lambda content: bytes(range(256)),
    "null": lambda content: b"null",
    "a list": lambda content: b"[1]",
    "other keys": lambda content: content.replace(b"step", b"stp").replace(b"seconds", b'seconds": 3, "x'),
    "words for numbers": lambda content: content.replace(b"12", b"twelve").replace(b"0.5", b'"half"'),
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The records of a run."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "summary.json").write_text(SUMMARY)
    (folder / "metrics.csv").write_text(ROWS)
    (folder / "wandb_id.txt").write_text("run-abc123\n")
    return folder


def test_whole_files_stay_as_they_are(run: Path) -> None:
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    assert take_up(run, alone=True) == []
    assert {path.name: path.read_bytes() for path in run.iterdir()} == before


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["summary.json", "metrics.csv"])
def test_a_damaged_record_is_set_aside_and_said(name: str, damage: str, run: Path) -> None:
    damaged = DAMAGES[damage]((run / name).read_bytes())
    (run / name).write_bytes(damaged)
    (line,) = take_up(run, alone=True)
    aside = run / name.replace(".", ".damaged.")
    assert f"{run / name}: damaged (" in line
    assert aside.name in line
    assert aside.read_bytes() == damaged
    assert take_up(run, alone=True) == []  # what is there now can be read


@pytest.mark.parametrize("content", [b"", b"\0\0", b"two words", b"a/b", b"x" * 200])
def test_a_damaged_id_is_set_aside(content: bytes, run: Path) -> None:
    (run / "wandb_id.txt").write_bytes(content)
    assert "wandb_id.damaged.txt, tracking begins anew" in take_up(run, alone=True)[0]
    assert not (run / "wandb_id.txt").exists()


def test_a_project_may_have_blanks(run: Path) -> None:
    (run / "wandb_id.txt").write_text("run-1a2b3c\nmy own project\n")
    assert take_up(run, alone=True) == []
    (run / "wandb_id.txt").write_text("run-1a2b3c\nmy own project\nvgg/a run: the first\n")
    assert take_up(run, alone=True) == []


def test_a_folder_in_place_of_a_record_is_set_aside(run: Path) -> None:
    (run / "summary.json").unlink()
    (run / "summary.json").mkdir()
    assert "Is a directory" in take_up(run, alone=True)[0]


def test_the_rows_that_can_be_read_are_kept(run: Path) -> None:
    (run / "metrics.csv").write_text(ROWS + "2,18,0.1,0.6,7,8\n3,24\nfour,30,0.1,0.6\n5,36,0.1,0.")
    assert "3 of its rows are kept" in take_up(run, alone=True)[0]
    assert (run / "metrics.csv").read_text() == ROWS


def test_a_second_damage_takes_no_name_that_is_taken(run: Path) -> None:
    for content in ("[1]", "[2]"):
        (run / "summary.json").write_text(content)
        take_up(run, alone=True)
    assert (run / "summary.damaged.json").read_text() == "[1]"
    assert (run / "summary.damaged-2.json").read_text() == "[2]"


def test_what_a_killed_process_left_is_removed_by_whoever_holds_the_run(run: Path) -> None:
    (run / "checkpoints").mkdir()
    left = [run / f".summary.json.{2**22 + 1}.tmp", run / "checkpoints" / f".last.ckpt.{2**22 + 1}.tmp"]
    for path in left:
        path.touch()
    take_up(run, alone=False)
    assert all(path.exists() for path in left)
    take_up(run, alone=True)
    assert not any(path.exists() for path in left)


@pytest.mark.parametrize("damage", ["empty", "null", "other keys"])
def test_a_run_goes_on_from_a_good_checkpoint_whatever_its_records_hold(
    damage: str, finished_run: Callable[..., Path], command: Command
) -> None:
    run = finished_run()
    for name in ("summary.json", "metrics.csv", "wandb_id.txt"):
        content = (run / name).read_bytes() if (run / name).exists() else b""
        (run / name).write_bytes(DAMAGES[damage](content))
    code, output, errors = command("fit", "--ckpt_path", run, "--trainer.max_epochs", 4)
    assert code == 0, errors
    assert "set aside as summary.damaged.json" in output
    assert "set aside as metrics.damaged.csv" in output
    with (run / "metrics.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["3"]

    (run / "summary.json").write_bytes(DAMAGES[damage]((run / "summary.json").read_bytes()))
    code, output, errors = command("test", "--ckpt_path", run)
    assert code == 0, errors
    assert "set aside as summary.damaged-2.json" in output
    assert "test/acc" in (run / "summary.json").read_text()


def test_a_notebook_goes_on_with_a_run_whose_records_are_damaged(
    finished_run: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = finished_run("runs/tiny/20260101-000000")
    (run / "summary.json").write_text("[")
    trainer = tiny_trainer(Path.cwd(), max_epochs=4)
    checkpoint, folder = trainer.continued("runs/tiny", tiny_vgg())  # of which it is the newest
    assert (checkpoint, folder.path) == (run / "checkpoints" / "last.ckpt", run)
    folder.release()
    assert "set aside as summary.damaged.json" in capsys.readouterr().out
