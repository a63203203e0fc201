"""What general code assumes of a task holds for more than classifiers with one optimizer.

Every kind of task goes through the command: an adversarial network optimized manually by two optimizers, one optimized
automatically by `Alternating`, a sequence-to-sequence network, and a writer of tunes, whose memory goes on from batch
to batch. None of their data sets has classes.
"""

import csv
import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

import cli
from engine.runs.checkpoint_io import load_checkpoint
from tests.bits import assert_same_bits, figures_of
from tests.contract.interruptions import KilledAt
from tests.processes import finish, start, start_ranks, wait_until
from tests.tiny import weights_of_ranks

CONFIG = {
    "model": {"class_path": ""},
    "data": {"class_path": ""},
    "trainer": {
        **{"accelerator": "cpu", "devices": 1, "precision": "32-true", "max_epochs": 2, "log_every_n_steps": 1},
        "callbacks": [
            {"class_path": "pytorch_lightning.callbacks.EMAWeightAveraging", "init_args": {"decay": 0.9}},
            {"class_path": "tests.contract.interruptions.KilledAt"},
        ],
    },
    "checkpoint": {"every_n_train_steps": 4},
}


@dataclass
class Kind:
    """A kind of task, and what is expected of its runs.

    Attributes:
        model: Class of the model.
        data: Class of the data set.
        rates: Names of learning rates in the record.
        measure: What validation and test print.
        text: File that is written after every epoch.
        predictions: Number of samples that are predicted.
        module: The module whose output is made infinite.
        batch: Tensors of a batch.
    """

    model: str
    data: str
    rates: set[str]
    measure: str
    text: str
    predictions: int
    module: str
    batch: set[str]


def adversarial(model: str, first: str, second: str) -> Kind:
    """Returns a kind of adversarial network, with the names of its players in the record."""
    names = f"tests.contract.modules.{model}", "tests.contract.data.Points", {f"lr/{first}", f"lr/{second}"}
    return Kind(*names, "distance", "generated.csv", 50, "generator.4 (Stretch)", {"points"})


KINDS = {
    "manual": adversarial("ManuallyAdversarial", "0", "1"),
    "alternating": adversarial("AlternatelyAdversarial", "discriminator", "generator"),
    "sequences": Kind(
        *("tests.contract.modules.SequenceToSequence", "tests.contract.data.Pairs", {"lr"}, "correct", "reversed.txt"),
        *(50, "stretch (Stretch)", {"sources", "targets", "lengths"}),
    ),
    "tunes": Kind(
        *("tests.contract.modules.TuneWriter", "tests.contract.data.MarkedTunes", {"lr"}, "bits", "samples.txt"),
        *(1, "stretch (Stretch)", {"symbols", "lengths", "marks"}),
    ),
}

KILLED = {11: 8, 6: 4}  # steps in which a run is killed, and those from which it goes on

Command = Callable[..., tuple[int, str, str]]


def write_config(folder: Path, kind: str) -> Path:
    """Writes the config of a kind of task; returns the file."""
    config: dict[str, Any] = CONFIG | {part: {"class_path": getattr(KINDS[kind], part)} for part in ("model", "data")}
    path = folder / f"{kind}.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Fits each kind of task once, without an interruption; returns the run's folder, with copies of it beside it."""
    runs: dict[str, Path] = {}

    def get(kind: str) -> Path:
        if kind not in runs:
            folder = tmp_path_factory.mktemp(kind)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(KilledAt, "copied", tuple(KILLED))
                words = ["fit", "--config", str(write_config(folder, kind)), "--run_dir", str(folder / "run")]
                assert cli.main(words) == 0
            runs[kind] = folder / "run"
        return runs[kind]

    return get


def rows_of(run: Path) -> list[dict[str, str]]:
    """Returns the rows of a run's `metrics.csv`."""
    return list(csv.DictReader((run / "metrics.csv").read_text().splitlines()))


def content(run: Path) -> dict[str, Any]:
    """Returns what a run leaves, but for counts of what was begun, times, and settings that may change."""
    texts = [run / name for name in {kind.text for kind in KINDS.values()}]
    kept: dict[str, Any] = {path.name: path.read_bytes() for path in texts if path.exists()}
    assert len(kept) == 1
    kept["metrics.csv"] = figures_of(run / "metrics.csv")
    for name in ("last.ckpt", "best.ckpt"):
        kept[name] = load_checkpoint(run / "checkpoints" / name)
        del kept[name]["loops"], kept[name]["run_config"]
    return kept


@pytest.mark.parametrize("kind", KINDS)
def test_the_record_counts_batches_and_names_rates(kind: str, finished: Callable[[str], Path]) -> None:
    run = finished(kind)
    rows = rows_of(run)
    assert [int(row["step"]) for row in rows] == [6, 12]
    rates = {name for name in rows[0] if name.startswith("lr")}
    assert rates == KINDS[kind].rates
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["status"], summary["steps"], summary["epochs"]) == ("finished", 12, 2)
    assert any(name.startswith("val/") for name in summary["best"]["metrics"])
    last = load_checkpoint(run / "checkpoints" / "last.ckpt")
    assert last["optimizer_steps"] == 12
    assert last["global_step"] == (24 if kind == "manual" else 12)
    assert "averaging_state" in last


@pytest.mark.parametrize("kind", KINDS)
def test_loggers_count_in_optimizer_steps(kind: str, finished: Callable[[str], Path]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(finished(kind) / "tensorboard"))
    events.Reload()
    assert [point.step for point in events.Scalars(max(KINDS[kind].rates))] == list(range(1, 13))


@pytest.mark.parametrize("kind", KINDS)
def test_media_are_made_after_every_epoch(kind: str, finished: Callable[[str], Path]) -> None:
    run = finished(kind)
    text = (run / KINDS[kind].text).read_text()
    if KINDS[kind].text.endswith(".txt"):
        assert "epoch 0" in text
        assert "epoch 1" in text
    else:
        assert len(text.splitlines()) == 9
    assert (run / "curves.png").is_file()


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_validated_tested_and_predicts(kind: str, finished: Callable[[str], Path], command: Command) -> None:
    run = finished(kind)
    name = KINDS[kind].measure
    for subcommand, part in (("validate", "val"), ("test", "test")):
        code, output, errors = command(subcommand, "--ckpt_path", run)
        assert code == 0, errors
        assert f"{part}/{name}" in output
    assert f"test/{name}" in json.loads((run / "summary.json").read_text())["tests"][0]["metrics"]
    code, output, errors = command("predict", "--ckpt_path", run, "--output", "predictions.csv")
    assert code == 0, errors
    with open("predictions.csv", newline="") as file:
        assert len(list(csv.DictReader(file))) == KINDS[kind].predictions


@pytest.mark.parametrize("kind", KINDS)
def test_max_steps_counts_batches(kind: str, command: Command, tmp_path: Path) -> None:
    code, _, errors = command(
        "fit", "--config", write_config(tmp_path, kind), "--run_dir", "run", "--trainer.max_steps", 8
    )
    assert code == 0, errors
    rows = rows_of(Path("run"))
    assert [int(row["step"]) for row in rows] == [6, 8]
    assert any(name.startswith("val/") and rows[-1][name] for name in rows[-1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("killed_at", KILLED)
def test_a_resumed_run_has_the_same_bits(
    kind: str, killed_at: int, finished: Callable[[str], Path], command: Command
) -> None:
    """Checkpoints are saved after steps 4 and 8, in the middle of epochs, and at the end of epochs."""
    shutil.copytree(f"{finished(kind)}-{killed_at}", "run")
    resumed_from = KILLED[killed_at]
    assert load_checkpoint(Path("run/checkpoints/last.ckpt"))["optimizer_steps"] == resumed_from
    # the other training loop makes the same steps
    code, output, errors = command("fit", "--ckpt_path", "run", "--trainer.fast_loop", "false")
    assert code == 0, errors
    assert f"resumed  at step {resumed_from}," in output
    assert_same_bits(content(Path("run")), content(finished(kind)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_that_is_not_finite_ends_the_run(kind: str, command: Command, tmp_path: Path) -> None:
    code, _, errors = command(
        "fit", "--config", write_config(tmp_path, kind), "--run_dir", "run", "--model.break_at", 7
    )
    assert code == 1
    assert "of step 7 is not finite" in errors
    assert f"first such output in forward order: {KINDS[kind].module}" in errors
    assert len(errors.splitlines()) == 1
    assert json.loads(Path("run/summary.json").read_text())["status"] == "diverged"
    for path in Path("run/checkpoints").iterdir():
        state = load_checkpoint(path)
        for part in ("state_dict", "current_model_state"):
            assert all(torch.isfinite(value).all() for value in state.get(part, {}).values()), path.name
    batch = torch.load("run/diverged_batch.pt", weights_only=True)
    assert {name for name, value in batch.items() if isinstance(value, torch.Tensor)} == KINDS[kind].batch


def test_players_cannot_accumulate_gradients(command: Command, tmp_path: Path) -> None:
    config = write_config(tmp_path, "alternating")
    code, _, errors = command("fit", "--config", config, "--trainer.accumulate_grad_batches", 2)
    assert code == 2
    assert errors == (
        "error: Alternating: players cannot accumulate gradients over batches; set "
        "--trainer.accumulate_grad_batches 1\n"
    )
    assert not list(Path("runs").rglob("*.yaml"))


def test_manual_optimization_survives_a_sigkill(finished: Callable[[str], Path], tmp_path: Path) -> None:
    run = tmp_path / "run"
    config = write_config(tmp_path, "manual")
    process = start("fit", "--config", config, "--run_dir", run, "--trainer.callbacks+", "tests.tiny.Slow")
    last = run / "checkpoints" / "last.ckpt"
    wait_until(last.exists, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    code, output = finish(start("fit", "--ckpt_path", run))
    assert code == 0, output
    assert_same_bits(content(run), content(finished("manual")))


def test_two_processes_train_both_players(command: Command, tmp_path: Path) -> None:
    run = tmp_path / "run"
    two = ("--trainer.devices", 2, "--trainer.strategy", "ddp_find_unused_parameters_true")
    kept = ("--trainer.callbacks+", "tests.tiny.WeightsOfRanks")
    config = write_config(tmp_path, "manual")
    code, output = finish(start_ranks("fit", "--config", config, "--run_dir", run, *two, *kept))
    assert code == 0, output
    assert [int(row["step"]) for row in rows_of(run)] == [6, 12]
    (before, _), (first, second) = (weights_of_ranks(run, epoch) for epoch in (0, 1))
    for player in ("generator", "discriminator"):
        # norms see the batches of one process each
        own = [name for name in before if name.startswith(f"{player}.") and "running" not in name]
        assert_same_bits(*({name: one[name] for name in own} for one in (first, second)))
        assert any(not torch.equal(first[name], before[name]) for name in own)
    one = ("--trainer.devices", 1, "--trainer.strategy", "auto")
    code, output, errors = command("test", "--ckpt_path", run, *one)
    assert code == 0, errors
