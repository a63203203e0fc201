"""Jobs of SLURM, by its environment variables and a `scontrol` that notes how it is called."""

import csv
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lightning_fabric.plugins.environments import LightningEnvironment, SLURMEnvironment
from pytorch_lightning import Callback

from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

Command = Callable[..., tuple[int, str, str]]
BATCH = {"SLURM_JOB_ID": "123", "SLURM_JOB_NAME": "train", "SLURM_NTASKS": "1", "SLURM_NTASKS_PER_NODE": "1"}
SRUN = {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0", "SLURM_STEP_NUM_TASKS": "1"}
ARRAY = {"SLURM_ARRAY_JOB_ID": "100", "SLURM_ARRAY_TASK_ID": "7"}


class TimeIsUp(Callback):
    """Sends SIGUSR1 at the eighth step of twelve, within the second epoch, in a job that was not requeued yet."""

    def on_train_batch_end(self, trainer: Any, *_: object) -> None:
        """Sends it."""
        if trainer.optimizer_steps == 8 and os.environ.get("SLURM_RESTART_COUNT", "0") == "0":
            os.kill(os.getpid(), signal.SIGUSR1)


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes this process part of a job; `scontrol` notes its arguments in a file."""
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)
    (tmp_path / "bin").mkdir()
    scontrol = tmp_path / "bin" / "scontrol"
    note = f'echo "$@" >> {tmp_path}/scontrol.txt'
    scontrol.write_text(f'#!/bin/sh\n{note}\n[ "$FAILS" ] && echo $FAILS >&2 && exit 1\nexit 0\n')
    scontrol.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    def begin(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return begin


@pytest.fixture
def words(config: Path) -> tuple[object, ...]:
    """The command of a job."""
    return (
        "fit",
        "--config",
        config,
        "--trainer.max_epochs",
        2,
        "--trainer.callbacks",
        "tests.engine.runs.test_slurm.TimeIsUp",
    )


@pytest.mark.parametrize("run_dir", [False, True])
@pytest.mark.parametrize(("variables", "number"), [(BATCH | SRUN, "123"), (BATCH | ARRAY, "100_7")])
def test_a_requeued_job_continues_its_run(
    variables: dict[str, str], number: str, run_dir: bool, words: tuple, job: Callable, command: Command, tmp_path: Path
) -> None:
    where = ("--run_dir", tmp_path / "mine") if run_dir else ()
    job(**variables)
    code, output, errors = command(*words, *where)
    assert code == 128 + signal.SIGUSR1, errors
    assert f"job {number} is requeued" in output
    assert (tmp_path / "scontrol.txt").read_text() == f"requeue {number}\n"
    (run,) = [tmp_path / "mine"] if run_dir else (tmp_path / "runs" / "tiny").iterdir()
    assert (run / "checkpoints" / "last.ckpt").exists()
    assert json.loads((run / "summary.json").read_text())["status"] == "interrupted"
    assert not list(tmp_path.glob("hpc_ckpt*"))

    job(SLURM_RESTART_COUNT="1")
    code, output, errors = command(*words, *where)
    assert code == 0, errors
    assert "resumed  at step 8, epoch 1" in output
    with open(run / "metrics.csv", newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["6", "12"]
    if not run_dir:
        assert list((tmp_path / "runs" / "tiny").iterdir()) == [run]
    job(SLURM_RESTART_COUNT="2")  # the script begins again once more, and this part of it is done
    code, output, errors = command(*words, *where)
    assert code == 0, errors
    assert "nothing is left to do" in output


def test_each_task_of_an_array_has_a_folder_and_goes_on_in_it(
    words: tuple, job: Callable, command: Command, tmp_path: Path
) -> None:
    tasks = ("1", "2")
    for task in tasks:
        job(**BATCH | ARRAY | {"SLURM_ARRAY_TASK_ID": task})
        assert command(*words)[0] == 128 + signal.SIGUSR1
    job(SLURM_RESTART_COUNT="1")
    for task in reversed(tasks):
        job(SLURM_ARRAY_TASK_ID=task)
        code, output, errors = command(*words)
        assert code == 0, errors
        assert "resumed  at step 8" in output
    runs = list((tmp_path / "runs" / "tiny").iterdir())
    assert {json.loads((run / "slurm_job.json").read_text())["job"] for run in runs} == {"100_1", "100_2"}
    assert [json.loads((run / "summary.json").read_text())["status"] for run in runs] == ["finished"] * 2


@pytest.mark.parametrize("other", ["job", "command", "no restart"])
def test_another_job_or_command_begins_anew(
    other: str, words: tuple, job: Callable, command: Command, tmp_path: Path
) -> None:
    job(**BATCH)
    assert command(*words)[0] == 128 + signal.SIGUSR1
    job(
        **{"job": {"SLURM_JOB_ID": "124", "SLURM_RESTART_COUNT": "1"}, "command": {"SLURM_RESTART_COUNT": "1"}}.get(
            other, {}
        )
    )
    words = (*words, "--model.dropout", 0.1) if other == "command" else words
    _, output, _ = command(*words)
    assert "resumed" not in output
    assert len(list((tmp_path / "runs" / "tiny").iterdir())) == 2


@pytest.mark.parametrize("reason", ["refused", "no scontrol"])
def test_a_job_that_cannot_be_requeued_says_so(
    reason: str, words: tuple, job: Callable, command: Command, tmp_path: Path
) -> None:
    job(**BATCH, FAILS="Job is not requeueable")
    if reason == "no scontrol":
        (tmp_path / "bin" / "scontrol").unlink()
    code, output, _ = command(*words)
    assert code == 128 + signal.SIGUSR1
    assert "job 123 could not be requeued" in output
    assert ("Job is not requeueable" in output) == (reason == "refused")
    assert "fit --ckpt_path" in output


def test_the_signal_saves_outside_of_a_job_too(words: tuple, job: Callable, command: Command, tmp_path: Path) -> None:
    code, output, _ = command(*words)
    assert code == 128 + signal.SIGUSR1
    assert "requeue" not in output
    assert not (tmp_path / "scontrol.txt").exists()
    assert list(tmp_path.rglob("last.ckpt"))
    assert not list(tmp_path.rglob("slurm_job.json"))


def test_a_stray_checkpoint_of_lightning_is_never_taken(job: Callable, tmp_path: Path) -> None:
    job(**BATCH, **SRUN)
    trainer, stray = tiny_trainer(tmp_path, max_epochs=1), tmp_path / "hpc_ckpt_1.ckpt"
    stray.write_bytes(b"any")
    trainer.fit(tiny_vgg(), TinyDataModule())
    trainer.test(tiny_vgg(), TinyDataModule(), verbose=False)
    assert trainer.optimizer_steps == 6


# A shell of `salloc`, whose job has the name of the shell or of the user's choice; of newer releases, a step of its own
SHELL = {"SLURM_JOB_ID": "123", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2", "SLURM_NNODES": "1"}


@pytest.mark.parametrize(
    ("variables", "kind"),
    [
        ({}, LightningEnvironment),
        (SHELL | {"SLURM_JOB_NAME": "interactive"}, LightningEnvironment),
        (SHELL | {"SLURM_JOB_NAME": "zsh"}, LightningEnvironment),
        (SHELL | {"SLURM_JOB_NAME": "mine"} | SRUN, LightningEnvironment),
        (BATCH, LightningEnvironment),
        (BATCH | SRUN, LightningEnvironment),
        (SHELL | SRUN | {"SLURM_JOB_NAME": "mine", "SLURM_STEP_NUM_TASKS": "2"}, SLURMEnvironment),
    ],
)
def test_lightning_starts_processes_unless_srun_has(
    variables: dict[str, str], kind: type, job: Callable, tmp_path: Path
) -> None:
    job(**variables)
    devices = 2 if kind is SLURMEnvironment else 1
    trainer = tiny_trainer(tmp_path, devices=devices, strategy="ddp" if devices == 2 else "auto")
    environment = trainer._accelerator_connector.cluster_environment
    assert type(environment) is kind
    assert not (kind is SLURMEnvironment and environment.auto_requeue)


def test_an_environment_that_is_given_stays(job: Callable, tmp_path: Path) -> None:
    job(**SHELL, SLURM_JOB_NAME="zsh")
    own = LightningEnvironment()
    trainer = tiny_trainer(tmp_path, plugins=[own])
    assert trainer._accelerator_connector.cluster_environment is own
