"""What a launcher has started decides how many devices and machines there are."""

from collections.abc import Callable
from pathlib import Path

import pytest
from lightning_fabric.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from pytorch_lightning.strategies import DDPStrategy, SingleDeviceStrategy
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from core.errors import InputError
from engine.trainer import Trainer

Launch = Callable[..., None]


@pytest.fixture
def torchrun(monkeypatch: pytest.MonkeyPatch) -> Launch:
    """Gives this process the environment of one that `torchrun` has started."""
    for name in ("SLURM_JOB_ID", "SLURM_NTASKS", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)

    def launch(processes: int, machines: int = 1, rank: int = 0) -> None:
        here = processes // machines
        variables = {"TORCHELASTIC_RUN_ID": "tests", "WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": here}
        variables |= {"GROUP_WORLD_SIZE": machines, "GROUP_RANK": rank // here, "RANK": rank, "LOCAL_RANK": rank % here}
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))

    return launch


@pytest.fixture
def srun(monkeypatch: pytest.MonkeyPatch) -> Launch:
    """Gives this process the environment of one that `srun` has started."""
    monkeypatch.delenv("TORCHELASTIC_RUN_ID", raising=False)

    def launch(processes: int, machines: int = 1, rank: int = 0) -> None:
        here = processes // machines
        variables = {"SLURM_JOB_ID": 123, "SLURM_JOB_NAME": "train", "SLURM_NTASKS": processes}
        variables |= {"SLURM_NTASKS_PER_NODE": here, "SLURM_NNODES": machines, "SLURM_STEP_NUM_TASKS": processes}
        variables |= {"SLURM_STEP_NUM_NODES": machines, "SLURM_PROCID": rank, "SLURM_LOCALID": rank % here}
        variables |= {"SLURM_NODEID": rank // here}
        for name, value in variables.items():
            monkeypatch.setenv(name, str(value))

    return launch


def trainer(**options: object) -> Trainer:
    """Returns a Trainer on the CPU."""
    return Trainer(**{"accelerator": "cpu", "max_epochs": 1} | options)


@pytest.mark.parametrize("by", ["torchrun", "srun"])
@pytest.mark.parametrize(
    "options", [{}, {"devices": "-1"}, {"devices": 2}, {"devices": "2", "num_nodes": 3, "strategy": "ddp"}]
)
def test_numbers_are_the_launchers(by: str, options: dict, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(by)(processes=6, machines=3, rank=3)
    made = trainer(**options)
    assert type(made.strategy) is DDPStrategy
    assert (made.world_size, made.num_devices, made.num_nodes) == (6, 2, 3)
    assert (made.global_rank, made.local_rank, made.node_rank) == (3, 1, 1)


def test_one_process_needs_no_strategy(torchrun: Launch) -> None:
    torchrun(1)
    assert type(trainer().strategy) is SingleDeviceStrategy


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"devices": 4}, "--trainer.devices 4: torchrun has started 2 processes on each machine, one for a device"),
        ({"devices": 1}, "--trainer.devices 1: torchrun has started 2 processes on each machine"),
        ({"devices": "0,1,2"}, "--trainer.devices 0,1,2: torchrun has started 2 processes"),
        ({"num_nodes": 3}, "--trainer.num_nodes 3: torchrun has started processes on 1 machine; leave it out"),
        ({"strategy": "single_device"}, "--trainer.strategy single_device: uses one cpu device, 2 are asked for"),
    ],
)
def test_a_contradiction_is_one_line(options: dict, message: str, torchrun: Launch) -> None:
    torchrun(2)
    with pytest.raises(InputError) as refusal:
        trainer(**options)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)


def test_the_contradiction_of_srun_names_it(srun: Launch) -> None:
    srun(2)
    with pytest.raises(InputError, match=r"--trainer\.devices 1: srun has started 2 processes on each machine"):
        trainer(devices=1)


def test_machines_need_equal_numbers(torchrun: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    torchrun(2)
    monkeypatch.setenv("WORLD_SIZE", "3")
    monkeypatch.setenv("GROUP_WORLD_SIZE", "2")
    with pytest.raises(InputError, match="torchrun has started 3 processes on 2 machines: each needs the same number"):
        trainer()


@pytest.mark.parametrize("rank", [0, 1])
def test_the_command_says_it_once_and_leaves_no_folder(
    rank: int, torchrun: Launch, config: Path, tmp_path: Path, command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    torchrun(2, rank=rank)
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "error.json"))
    code, output, errors = command("fit", "--config", config, "--run_dir", tmp_path / "run", "--trainer.devices", 4)
    assert code == 2
    assert output == ""
    assert errors.count("\n") == (rank == 0)
    assert errors.startswith("error: --trainer.devices 4: torchrun has started 2 processes" if rank == 0 else "")
    assert not (tmp_path / "run").exists()
    failure = ProcessFailure(local_rank=rank, pid=1, exitcode=2, error_file=str(tmp_path / "error.json"))
    assert (
        "traceback : --trainer.devices 4: torchrun has started"
        in ChildFailedError("cli.py", {rank: failure}).format_msg()
    )


@pytest.mark.parametrize("words", [("study", "any.yaml"), ("fit", "--config", "any.yaml", "--seeds", "1,2")])
def test_commands_that_make_many_runs_are_no_part_of_one(words: tuple, srun: Launch, command: Callable) -> None:
    """Their runs would take themselves for processes of one run, and wait for each other."""
    srun(2)
    code, _, errors = command(*words)
    assert code == 2
    assert ": starts processes itself; give it without srun" in errors


def test_an_environment_that_is_given_decides_alone(torchrun: Launch) -> None:
    torchrun(2)
    own = LightningEnvironment()
    made = trainer(plugins=[own], devices=1)
    assert made._accelerator_connector.cluster_environment is own


def test_a_step_of_torchrun_within_a_job_is_torchruns(torchrun: Launch, srun: Launch) -> None:
    srun(4)
    torchrun(2)
    assert type(trainer(devices=2)._accelerator_connector.cluster_environment) is TorchElasticEnvironment
