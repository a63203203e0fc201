"""Lightning's side of clusters: how many devices and machines a run has, and who starts its processes."""

import os
from collections.abc import Mapping
from typing import Any

from lightning_fabric.plugins.environments import LightningEnvironment, SLURMEnvironment
from pytorch_lightning.plugins.environments import ClusterEnvironment

from core.errors import InputError
from core.processes.hardware import device_type
from core.processes.ranks import tasks
from core.processes.threads import too_many
from engine.runs.launchers import Launched, by_torchrun, launched

ALL = ("auto", "-1", -1)  # values of `devices` that leave the number open


def with_cluster(options: Mapping[str, Any]) -> dict[str, Any]:
    """Fits a trainer's options to the processes that there are: their numbers, and who starts them.

    What `torchrun` or `srun` has started decides about devices and nodes; options may repeat it. Lightning takes any
    process of a job of SLURM for one of `srun`'s, also in a shell of `salloc` and in a batch script.

    Args:
        options: The trainer's options. A cluster environment among its plugins decides alone.

    Returns:
        All options.

    Raises:
        InputError: Options contradict what has been started.
    """
    plugins = options["plugins"]
    if any(isinstance(plugin, ClusterEnvironment) for plugin in plugins):
        return dict(options)
    started = launched()
    if started is None:
        check_devices(options)
    fitted = dict(options) if started is None else _as_launched(options, started)
    if "SLURM_NTASKS" in os.environ and not by_torchrun():
        own = SLURMEnvironment(auto_requeue=False) if tasks() > 1 else LightningEnvironment()
        fitted["plugins"] = [*plugins, own]
    return fitted


def check_devices(options: Mapping[str, Any]) -> None:
    """Checks that a CPU has cores for the processes that a trainer would start; Lightning checks numbers of GPUs.

    Raises:
        InputError: It has not.
    """
    devices, accelerator = options.get("devices", "auto"), options.get("accelerator", "auto")
    count = None if devices in ALL else _count(devices)
    on_cpu = isinstance(accelerator, str) and device_type(accelerator) == "cpu"
    if count is not None and on_cpu and (reason := too_many(count)):
        raise InputError(f"--trainer.devices {devices}: {reason}")


def _as_launched(options: Mapping[str, Any], started: Launched) -> dict[str, Any]:
    """Returns options with the numbers of what has been started.

    Raises:
        InputError: They say otherwise.
    """
    devices, nodes = options.get("devices", "auto"), options.get("num_nodes") or 1
    count = started.devices if devices in ALL else _count(devices)
    if count is not None and count != started.devices:
        raise InputError(
            f"--trainer.devices {devices}: {started.by} has started {_several(started.devices, 'process', 'es')} "
            "on each machine, one for a device; leave it out, or say auto"
        )
    if nodes not in (1, started.nodes):  # 1 is also what is not said
        machines = _several(started.nodes, "machine")
        raise InputError(f"--trainer.num_nodes {nodes}: {started.by} has started processes on {machines}; leave it out")
    numbers = {"devices": started.devices if devices in ALL else devices, "num_nodes": started.nodes}
    is_open = options.get("strategy", "auto") == "auto" and started.devices * started.nodes > 1
    return {**options, **numbers, **({"strategy": "ddp"} if is_open else {})}


def _count(devices: Any) -> int | None:
    """Returns how many devices a value of `--trainer.devices` names; None for nonsense, which Lightning answers."""
    if isinstance(devices, str) and "," in devices:
        return len([number for number in devices.split(",") if number.strip()])
    if isinstance(devices, list | tuple):
        return len(devices)
    try:
        return int(devices)
    except (TypeError, ValueError):
        return None


def _several(number: int, noun: str, ending: str = "s") -> str:
    return f"{number} {noun}{ending if number != 1 else ''}"
