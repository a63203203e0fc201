"""Chooses GPUs that have memory to spare, before torch sees any: for machines that several people share.

NVIDIA's management library tells what is free without using a GPU. A GPU that is chosen is locked by a file of its own
until the process ends, so that two commands that begin together do not take the same one.
"""

import os
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from core.code.installed import installs
from core.errors import InputError
from core.processes.ranks import tasks
from core.run_layout import CONFIG
from engine.runs.launchers import by_torchrun
from engine.settings.arguments import Arguments
from engine.settings.config_files import flatten, read_config

LOCKS = Path("/tmp")  # one folder for all users, whatever their TMPDIR is
EMPTY = 0.9  # part of a GPU's memory that is free where nobody uses it
# what is said last where there are as many GPUs, but in use
NO_FREE_GPU = "wait, or say with --gpu_memory how much is enough"
UNITS = {"": 2**30, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
DEVICES = "trainer.devices"
ON_ONE = ("predict", "inspect")  # subcommands that use one device unless a flag says otherwise
HELD: list[int] = []  # open files, whose locks end with the process


class GPU(NamedTuple):
    """A GPU as the management library sees it.

    Attributes:
        number: Its number, in the order of the PCI bus.
        uuid: What names it everywhere, such as `GPU-1f2e...`.
        name: What it is.
        free: Bytes that are free.
        total: Bytes in all.
    """

    number: int
    uuid: str
    name: str
    free: int
    total: int


def take_asked_gpus(arguments: Arguments) -> str | None:
    """Takes the GPUs that a command asks for by `--gpus free`, as many as `--trainer.devices` or the run says, or one.

    Args:
        arguments: The command line. `CUDA_VISIBLE_DEVICES` limits the choice, and is set.

    Returns:
        A line that says which; None without `--gpus`, and in processes that the command has started itself, which
        have got its GPUs.

    Raises:
        InputError: There are not as many, their memory cannot be read, or an option cannot be used.
    """
    if arguments.gpus is None:
        if arguments.gpu_memory is not None:
            raise InputError(f"--gpu_memory {arguments.gpu_memory}: goes with --gpus free")
        return None
    if arguments.gpus != "free":
        raise InputError(f"--gpus {arguments.gpus}: only `free` is possible; CUDA_VISIBLE_DEVICES chooses by number")
    if by_torchrun() or tasks() > 1:
        raise InputError("--gpus free: each process of torchrun or srun would choose; these give GPUs themselves")
    if "LOCAL_RANK" in os.environ:
        return None
    if sys.platform != "linux":
        raise InputError("--gpus free: works on Linux alone; CUDA_VISIBLE_DEVICES chooses GPUs elsewhere")
    devices = _asked_devices(arguments)
    if devices != "auto" and not re.fullmatch("[1-9][0-9]*", devices):
        raise InputError(f"trainer.devices is {devices}: with --gpus free, how many GPUs, and not which; give a number")
    return describe_gpus(take_free_gpus(int(devices) if devices != "auto" else 1, arguments.gpu_memory, os.environ))


def _asked_devices(arguments: Arguments) -> str:
    """Returns the setting of the number of devices: of this call, or else of the run that it takes up."""
    if arguments.subcommand in ON_ONE and DEVICES not in arguments.flagged:
        return "auto"
    recorded = flatten(read_config(arguments.run / CONFIG)) if arguments.run is not None else {}
    return str((recorded | arguments.given).get(DEVICES, "auto"))


def take_free_gpus(count: int, memory: str | None, environment: MutableMapping[str, str]) -> list[GPU]:
    """Takes GPUs for this process and those that it starts: torch will see no others.

    Args:
        count: How many.
        memory: What has to be free on each, such as `8GiB`; nine tenths of its memory if not given.
        environment: Variables of the process; `CUDA_VISIBLE_DEVICES` limits the choice, and is set.

    Raises:
        InputError: There are not as many, or their memory cannot be read.
    """
    asked = _bytes_of(memory) if memory is not None else None
    offered = visible(read_gpus(), environment)
    needed = {gpu.uuid: EMPTY * gpu.total if asked is None else asked for gpu in offered}
    fitting = [gpu for gpu in offered if gpu.free >= needed[gpu.uuid]]
    taken: list[GPU] = []
    for gpu in sorted(fitting, key=lambda gpu: -gpu.free):
        if len(taken) < count and _lock(gpu.uuid):
            taken.append(gpu)
    if len(taken) < count:
        wanted = f"{count} needed with {memory or 'nine tenths of their memory'} free"
        reserved = len(fitting) - len(taken)
        found = f"{len(fitting)} found" + (f", {reserved} of them reserved by another command" if reserved else "")
        states = "; ".join(f"GPU {gpu.number} has {_gib(gpu.free)} of {_gib(gpu.total)} GiB free" for gpu in offered)
        are_there = sum(gpu.total >= needed[gpu.uuid] for gpu in offered) >= count
        way_out = NO_FREE_GPU if are_there else "this machine does not have them; ask for fewer, or for less memory"
        raise InputError(f"--gpus free: {wanted}, {found} ({states or 'no GPU'}); {way_out}")
    environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpu.uuid for gpu in taken)
    return taken


def describe_gpus(gpus: Iterable[GPU]) -> str:
    """Returns in words which GPUs they are."""
    return ", ".join(f"GPU {gpu.number} ({gpu.name}, {_gib(gpu.free)} of {_gib(gpu.total)} GiB free)" for gpu in gpus)


def read_gpus() -> list[GPU]:
    """Returns all GPUs of this machine, but those that are divided (MIG).

    Raises:
        InputError: The package that asks for them is not installed, or there is no driver.
    """
    try:
        import pynvml
    except ImportError:
        raise InputError(f"--gpus free: needs the package nvidia-ml-py; {installs('gpus')}") from None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        raise InputError(f"--gpus free: no GPU of NVIDIA's answers ({error}); without it the CPU is used") from None
    try:
        found = []
        for number in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(number)
            if _is_divided(pynvml, handle):
                continue
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            uuid, name = pynvml.nvmlDeviceGetUUID(handle), pynvml.nvmlDeviceGetName(handle)
            found.append(GPU(number, uuid, name, memory.free, memory.total))
        return found
    except pynvml.NVMLError as error:
        raise InputError(f"--gpus free: the driver does not tell what is free ({error})") from None
    finally:
        pynvml.nvmlShutdown()


def _is_divided(nvml: ModuleType, handle: Any) -> bool:
    """Returns whether a GPU is divided into instances, of which CUDA takes other names."""
    try:
        return nvml.nvmlDeviceGetMigMode(handle)[0] == 1
    except nvml.NVMLError:
        return False  # a GPU that cannot be divided


def visible(gpus: list[GPU], environment: Mapping[str, str]) -> list[GPU]:
    """Returns the GPUs that this process may use, by `CUDA_VISIBLE_DEVICES`.

    Raises:
        InputError: It names something else than whole GPUs, or numbers that may stand for different ones.
    """
    names = environment.get("CUDA_VISIBLE_DEVICES")
    if names is None:
        return gpus
    found: list[GPU] = []
    for name in filter(None, names.split(",")):
        by_uuid = [gpu for gpu in gpus if name.startswith("GPU-") and gpu.uuid.startswith(name)]
        by_number = [gpu for gpu in gpus if name == str(gpu.number)]
        if not by_uuid and not by_number:
            raise InputError(f"CUDA_VISIBLE_DEVICES={names}: {name} is no GPU that --gpus free can choose")
        # CUDA counts the fastest first, unless it is told otherwise
        if by_number and len({gpu.name for gpu in gpus}) > 1 and environment.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID":
            raise InputError(
                f"CUDA_VISIBLE_DEVICES={names}: this machine has GPUs of several kinds, whose numbers are not the same "
                "everywhere; set CUDA_DEVICE_ORDER=PCI_BUS_ID, or name GPUs by UUID"
            )
        found += by_uuid or by_number
    return found


def _lock(uuid: str) -> bool:
    """Locks a GPU until this process ends; returns False if another process has it."""
    import fcntl  # of Unix

    path = LOCKS / f"primer-{re.sub('[^A-Za-z0-9-]', '_', uuid)}.lock"
    # another user's file can only be read, which suffices; O_CREAT on it would be refused
    while True:
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        with suppress(FileNotFoundError):  # removed in between
            file = _open(path)
            break
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return False
    HELD.append(file)
    return True


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be used as a lock of a GPU ({error.strerror}); remove it") from None


def _bytes_of(memory: str) -> float:
    """Reads a size such as `8GiB`, `8GB` or `500M`.

    Raises:
        InputError: It is none.
    """
    found = re.fullmatch(r"([0-9]*\.?[0-9]+) ?([kmgt]?)(i?b)?", memory.strip().lower())
    if found is None:
        raise InputError(f"--gpu_memory {memory}: no size, such as 8GiB")
    return float(found[1]) * UNITS[found[2]]


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f}"
