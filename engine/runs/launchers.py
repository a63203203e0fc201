"""Programs that start a command in several processes, `torchrun` and `srun`; without torch."""

import os
from typing import NamedTuple

from core.errors import InputError
from core.processes.ranks import tasks


class Launched(NamedTuple):
    """What a launcher has started, of which this process is one.

    Attributes:
        by: The launcher.
        devices: Processes on each machine.
        nodes: Machines.
    """

    by: str
    devices: int
    nodes: int


def by_torchrun() -> bool:
    """Returns whether torchrun has started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def launched() -> Launched | None:
    """Returns what `torchrun` or `srun` has started; None in a process that nobody or Lightning has started.

    Raises:
        InputError: Machines have different numbers of processes.
    """
    if by_torchrun():
        launcher, processes, nodes = "torchrun", int(os.environ["WORLD_SIZE"]), os.environ.get("GROUP_WORLD_SIZE")
    elif tasks() > 1:
        launcher, processes = "srun", tasks()
        nodes = os.environ.get("SLURM_STEP_NUM_NODES") or os.environ.get("SLURM_NNODES")
    else:
        return None
    machines = int(nodes or "1")
    if processes % machines:
        raise InputError(
            f"{launcher} has started {processes} processes on {machines} machines: each needs the same number of them"
        )
    return Launched(launcher, processes // machines, machines)


def refuse_several(command: str) -> None:
    """Refuses to run a command in several processes that starts runs itself, whose processes would take part in this.

    Raises:
        InputError: A launcher has started several.
    """
    started = launched()
    if started is not None and started.devices * started.nodes > 1:
        raise InputError(
            f"{command}: starts processes itself; give it without {started.by}, and again wherever another is to help"
        )
