"""Devices, and the precision that is fastest on them without loss of accuracy."""

import platform

import torch

from core.errors import InputError
from core.terminal.printable import counted


def device_type(accelerator: str) -> str:
    """Returns `cpu`, `cuda` or `mps` for Lightning's name of an accelerator.

    Raises:
        InputError: A GPU is requested and there is none.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if accelerator in ("auto", "gpu"):
        if not (cuda or mps) and accelerator == "gpu":
            raise InputError("--trainer.accelerator gpu: this machine has no GPU that torch can use; try cpu or auto")
        return "cuda" if cuda else "mps" if mps else "cpu"
    return accelerator


def natively_bfloat16(device: str) -> bool:
    """Returns whether the hardware has bfloat16 instructions: NVIDIA Ampere or newer, AMX, AVX512-BF16."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device == "cpu":
        # torch has no public check; a release without these private ones means float32, not an error
        checks = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
        return any(getattr(torch.cpu, check, lambda: False)() for check in checks)
    return False


def choose_precision(device: str) -> str:
    """Returns Lightning's name of the precision that `auto` selects on a device."""
    return "bf16-mixed" if natively_bfloat16(device) else "32-true"


def leave_out_planned_attention() -> None:
    """Leaves attention on NVIDIA GPUs to kernels that take any shape.

    cuDNN's prepares a plan for each shape that it has not met, in some tenths of a second, and keeps it in memory;
    nearly every batch of sentences has a new one.
    """
    torch.backends.cuda.enable_cudnn_sdp(False)


def hardware(device: str) -> str:
    """Returns a description of the processor, for the record of a run."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    threads = torch.get_num_threads()
    return f"{_processor()}, {counted(threads, 'thread')}" + (", MPS" if device == "mps" else "")


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
