"""Runs that are watched on test images keep their looks, and are not made twice."""

import json
import subprocess
import time
from pathlib import Path

import pytest
import torch

from benchmarks import time_to_accuracy
from benchmarks.time_to_accuracy import BEGAN, WatchTest, looks, seconds_to
from callbacks import Views
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

LOOKS = [{"epoch": epoch, "seconds": 10.0 * epoch, "accuracy": 0.3 * epoch} for epoch in (1, 2, 3)]


def test_an_accuracy_is_passed_at_the_first_look_that_has_it() -> None:
    assert seconds_to(0.6, LOOKS) == 20.0
    assert seconds_to(0.95, LOOKS) is None


def test_looks_are_at_test_images_and_the_last_goes_through_the_views(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BEGAN, str(time.time() - 100))
    data, model = TinyDataModule(), tiny_vgg()
    trainer = tiny_trainer(tmp_path, callbacks=[WatchTest(), Views(flip=True)], logger=False, max_epochs=2)
    trainer.fit(model, data)
    seen = json.loads((trainer.run_folder.path / "looks.json").read_text())
    assert [look["epoch"] for look in seen] == [1, 2]
    assert 100 < seen[0]["seconds"] < seen[1]["seconds"] < 200
    test = data.splits["test"]
    images = data.normalization(test.images.float()).permute(0, 3, 1, 2)
    with torch.no_grad():
        logits = model.eval()(images) + model(images.flip(-1))
    assert seen[1]["accuracy"] == pytest.approx((logits.argmax(1) == test.targets).float().mean().item())


def test_a_run_may_end_once_it_is_good_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BEGAN, str(time.time()))
    trainer = tiny_trainer(tmp_path, callbacks=[WatchTest(stop_at=0.0)], logger=False, max_epochs=3)
    trainer.fit(tiny_vgg(), TinyDataModule())
    assert trainer.current_epoch == 1


def test_a_finished_run_is_kept_and_a_broken_one_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []

    def run(command: list[str], **_: object) -> None:
        calls.append(command)
        folder = Path(command[command.index("--run_dir") + 1])
        folder.mkdir()
        (folder / "looks.json").write_text(json.dumps(LOOKS))

    monkeypatch.setattr(subprocess, "run", run)
    folder = tmp_path / "1"
    folder.mkdir()
    (folder / "rest of a broken run").touch()
    (tmp_path / "1.begun").touch()
    for _ in range(2):
        assert looks("speedrun.yaml", 1, ["--data.source", "synthetic"], folder) == LOOKS
    assert len(calls) == 1
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["1", "done", "looks.json"]


def test_a_run_of_somebody_elses_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "config.yaml").touch()
    with pytest.raises(SystemExit, match="is no run of this benchmark; name another folder with --runs_dir"):
        looks("speedrun.yaml", 1, [], tmp_path / "1")
    assert (tmp_path / "1" / "config.yaml").exists()


def test_main_writes_thresholds_that_were_passed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_to_accuracy, "looks", lambda *_: LOOKS)
    output = tmp_path / "out.json"
    monkeypatch.setattr("sys.argv", ["x", "--configs", "speedrun.yaml", "--seeds", "1", "2", "--output", str(output)])
    time_to_accuracy.main()
    results = json.loads(output.read_text())["results"]["speedrun"]
    assert results["seconds_to"] == {"82.45 %": {"median": 30.0, "min": 30.0, "max": 30.0}}
    assert results["mean_accuracy_at_the_end"] == pytest.approx(90)
