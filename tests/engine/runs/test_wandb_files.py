"""Weights & Biases, offline: the files of a run's processes count on, and hold each step once."""

import shutil
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import wandb
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from wandb.proto.wandb_internal_pb2 import HistoryItem, HistoryRecord, HistoryStep, Record, RunRecord

from core.errors import RunFailed
from engine.runs.wandb_files import BLOCK, HEADER, STEP, next_step, read_records

STEPS_OF_AN_EPOCH = 6


def _histories(path: Path) -> list[dict[str, str]]:
    return [
        {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}
        for _, record in read_records(path)
        if record.HasField("history")
    ]


def _files() -> list[Path]:
    return sorted(Path("run/wandb").glob("offline-run-*/*.wandb"))


@pytest.fixture
def fit(
    config: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Trains up to a number of epochs, tracked offline in the folder `run`."""
    for name in ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")

    def run(epochs: int, *flags: object) -> None:
        begin = flags or ("--ckpt_path", "run")
        code, _, errors = command("fit", *begin, "--trainer.max_epochs", epochs, "--trainer.log_every_n_steps", 2)
        assert code == 0, errors
        wandb.teardown()  # as a process does at its end
        folder = Path("run/wandb/latest-run").resolve()  # its name has seconds, of which two runs may share one
        folder.rename(folder.with_name(f"offline-run-{len(_files())}-{folder.name.split('-', 3)[3]}"))

    run(1, "--config", config, "--wandb", "offline", "--run_dir", "run")
    return run


def test_a_resumed_run_counts_on_and_holds_each_step_once(fit: Callable[..., None]) -> None:
    shutil.copytree("run/checkpoints", "kept")
    fit(2)
    shutil.rmtree("run/checkpoints")  # as if it had been killed before it saved the second epoch
    shutil.copytree("kept", "run/checkpoints")
    fit(2)
    files = _files()
    found = [entry for path in files for entry in _histories(path)]
    assert [int(entry["_step"]) for entry in found] == list(range(len(found)))
    points = Counter((key, entry[STEP]) for entry in found for key in entry if key.startswith(("train/", "val/")))
    assert set(points.values()) == {1}
    steps = [str(step) for step in range(2, 2 * STEPS_OF_AN_EPOCH + 1, 2)]
    assert [entry[STEP] for entry in found if "train/loss_step" in entry] == steps
    runs = [record.run for path in files for _, record in read_records(path) if record.HasField("run")]
    assert [run.resumed for run in runs] == [False, True, True]
    assert len({run.run_id for run in runs}) == 1


def test_a_run_without_a_checkpoint_begins_its_count_again(fit: Callable[..., None]) -> None:
    shutil.rmtree("run/checkpoints")
    summary = Path("run/summary.json")
    summary.write_text(summary.read_text().replace('"finished"', '"running"'))
    fit(1)
    before, found = map(_histories, _files())
    assert not before
    assert [int(entry["_step"]) for entry in found] == list(range(len(found)))
    events = [
        Event.FromString(record)
        for path in Path("run/tensorboard").iterdir()
        for record in RawEventFileLoader(str(path)).Load()
    ]
    points = Counter((value.tag, event.step) for event in events for value in event.summary.value)
    assert points[("train/loss_step", 2)] == 1
    # Lightning gives the epoch with its training and with its validation
    assert [tag for (tag, _), times in points.items() if times > 1] == ["epoch"]


def _write(path: Path, records: list[Record]) -> None:
    """Writes a file as W&B does, in pieces that fit its blocks; without sums, which nothing here reads."""
    content = HEADER
    for record in records:
        rest, is_first = record.SerializeToString(), True
        while rest or is_first:
            if (left := BLOCK - len(content) % BLOCK) < 7:
                content += bytes(left)
                left = BLOCK
            piece, rest = rest[: left - 7], rest[left - 7 :]
            kind = (1 if is_first else 4) if not rest else (2 if is_first else 3)
            content += struct.pack("<IHB", 0, len(piece), kind) + piece
            is_first = False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _entry(number: int, step: int | None, text: str = "") -> Record:
    items = [HistoryItem(key="text", value_json=f'"{text}"')]
    if step is not None:
        items.append(HistoryItem(nested_key=[STEP], value_json=str(step)))
    return Record(history=HistoryRecord(item=items, step=HistoryStep(num=number)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of a run with an odd name: entries at the steps 2, 4, 6 and 8, which take several blocks."""
    path = tmp_path / "wandb" / "offline-run-20250101_000000-a[1]" / "run-a[1].wandb"
    entries = [_entry(place, 2 * place + 2, str(place) * (BLOCK + place - 20)) for place in range(4)]
    _write(path, [Record(run=RunRecord(run_id="a[1]")), *entries])
    return path


@pytest.mark.parametrize(("kept", "left"), [(None, 4), (8, 4), (7, 3), (4, 2), (1, 0), (-1, 0)])
def test_what_the_run_goes_through_again_is_removed(path: Path, tmp_path: Path, kept: int | None, left: int) -> None:
    before = _histories(path)
    assert next_step(tmp_path, "a[1]", kept) == left
    assert _histories(path) == before[:left]
    assert next(read_records(path))[1].run.run_id == "a[1]"


def test_an_entry_of_no_step_is_kept(path: Path, tmp_path: Path) -> None:
    _write(path, [_entry(0, None), _entry(1, 3)])
    assert next_step(tmp_path, "a[1]", 2) == 1


@pytest.mark.parametrize("online", [True, False])
def test_what_has_been_sent_stays(path: Path, tmp_path: Path, online: bool) -> None:
    if online:
        path = path.parent.rename(path.parent.with_name("run-20250101_000000-a[1]")) / path.name
    else:
        path.with_name(f"{path.name}.synced").touch()
    before = path.read_bytes()
    assert next_step(tmp_path, "a[1]", 2) == 4
    assert path.read_bytes() == before


def test_a_file_is_read_up_to_what_a_kill_has_cut(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    for ending in (content[:-3], content[: -BLOCK // 2], content[:-100] + bytes(100), content + bytes(50)):
        path.write_bytes(ending)
        assert next_step(tmp_path, "a[1]", None) == (4 if len(ending) > len(content) else 3)
    path.write_bytes(content[:-3])
    assert next_step(tmp_path, "a[1]", 2) == 1


@pytest.mark.parametrize("content", [b"", b"text", HEADER, b":W&B\xe1\xbe\x07" + bytes(100)])
def test_a_file_of_another_format_is_left_alone(content: bytes, path: Path, tmp_path: Path) -> None:
    path.write_bytes(content)
    assert next_step(tmp_path, "a[1]", -1) == 0
    assert path.read_bytes() == content


def test_another_run_is_left_alone(path: Path, tmp_path: Path) -> None:
    before = path.read_bytes()
    assert next_step(tmp_path, "a", -1) == next_step(tmp_path, "1", -1) == next_step(tmp_path / "none", "a", 0) == 0
    assert path.read_bytes() == before


def test_a_file_that_cannot_be_shortened_is_named(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("os.truncate", fail)
    with pytest.raises(RunFailed, match=r"run-a\[1\]\.wandb: could not be continued \(Read-only file system\)"):
        next_step(tmp_path, "a[1]", 2)
