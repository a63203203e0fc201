"""What is known of a run when it begins to train: data, model, machine, versions, code and command."""

import inspect
import platform
from dataclasses import asdict
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule, Trainer

from callbacks.description import data_facts, weight_averaging
from callbacks.freeze import Freeze
from callbacks.nan_guard import Diverged
from callbacks.next_command import next_command
from core.code.code_state import code_version, git_state
from core.code.installed import ROOT
from core.errors import RunInterrupted
from core.measures import Measure, measures_of
from core.processes.hardware import hardware
from core.processes.peers import lost_peer
from core.protocols.general import SignsMeasures
from core.summary import last_block

LIBRARIES = ("torch", "torchvision", "pytorch-lightning", "torchmetrics", "jsonargparse")

# What `status` says of runs that have ended, by what stopped them.
ENDINGS_BY_STOP = {
    "max_steps": "finished",
    "early_stopping": "stopped_early",
    "max_time": "out_of_time",
    "callback": "stopped",
}
ENDINGS = tuple(ENDINGS_BY_STOP.values())


def summary_of_begun(
    before: dict[str, Any], trainer: Trainer, pl_module: LightningModule, origin: Any, ended: list[dict[str, str]]
) -> dict[str, Any]:
    """Returns the summary of a run that begins, or goes on.

    Args:
        before: Its summary so far; empty for a new run.
        trainer: The trainer.
        pl_module: The model.
        origin: Where the run comes from.
        ended: The rows of the epochs that have ended.
    """
    this = session(trainer, pl_module, origin.command)
    cut_short = before.get("status") not in (None, *ENDINGS)
    known = {"best": None, "tests": [], "validations": []} | before
    return (
        {"started": this["started"]}
        | before
        | {"status": "running", "interrupted": before.get("interrupted", False) or cut_short}
        | {"seed": seed_of_run(before, origin.command, origin.seed)}
        | {"sessions": [*before.get("sessions", []), this]}
        | facts(trainer, pl_module)
        | ({"unrecorded": list(origin.unknown)} if origin.unknown else {})
        | {"last": last_block(ended, before.get("last"))}
        | {name: known[name] for name in ("best", "tests", "validations")}
    )


def facts(trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
    """Returns what a run is, as `summary.json` has it: data, model, signatures of measures, hardware and the like."""
    device, averaging = pl_module.device.type, weight_averaging(trainer)
    signatures = _signatures(pl_module)
    return {
        "data": data_facts(trainer),
        "model": {
            "class": type(pl_module).__name__,
            "parameters": sum(p.numel() for p in pl_module.parameters()),
            "trainable": trainer.builtin(Freeze).trainable(pl_module),
        }
        | ({"averaged_by": averaging} if averaging else {}),
        **measuring(trainer, pl_module),
        **({"signatures": signatures} if signatures else {}),
        "next_command": next_command(pl_module, trainer.datamodule),
        "precision": trainer.precision,
        "hardware": f"{trainer.world_size} x {hardware(device)}" if trainer.world_size > 1 else hardware(device),
        "versions": _versions(),
    }


@cache
def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def measuring(trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
    """Returns what a run measures, and which of it decides about the best weights; empty where it states neither."""
    checkpoint = trainer.checkpoint_callback
    measures = measures_of(pl_module, *trainer.callbacks)
    monitor = {"name": checkpoint.monitor, "better": checkpoint.mode} if checkpoint.monitor else None
    return ({"monitor": monitor} if monitor else {}) | (
        {"measures": {name: _stated(measure) for name, measure in measures.items()}} if measures else {}
    )


def other_signatures(pl_module: LightningModule, summary: dict[str, Any]) -> dict[str, Any]:
    """Returns the signatures of a measurement, where they are not those that the run began with."""
    signatures = _signatures(pl_module)
    return {"signatures": signatures} if signatures and signatures != summary.get("signatures") else {}


def ending_by(error: BaseException) -> str:
    """Returns the status of a run that an error ends; one that can simply go on is interrupted."""
    if isinstance(error, RunInterrupted | KeyboardInterrupt) or lost_peer(error) is not None:
        return "interrupted"
    return "diverged" if isinstance(error, Diverged) else "failed"


def _signatures(pl_module: LightningModule) -> dict[str, str]:
    return pl_module.signatures() if isinstance(pl_module, SignsMeasures) else {}


def _stated(measure: Measure) -> dict[str, Any]:
    return {key: value for key, value in asdict(measure).items() if key != "name" and value != ""}


def session(trainer: Trainer, pl_module: LightningModule, command: str | None) -> dict[str, Any]:
    """Returns how a process trains a run: since when, from which step, by which command (None from Python), and code.

    `code` has the version of this project and its commit; where the model's class or the data's is in a repository of
    its own, `own_code` has that one's.
    """
    code = {"version": code_version()} | git_state()
    described = {"started": now(), "step": trainer.optimizer_steps, "command": command, "code": code}
    for owner in (pl_module, trainer.datamodule):
        file = _file(type(owner))
        if file is not None and ROOT not in file.parents and (state := git_state(file))["commit"]:
            return described | {"own_code": state}
    return described


def seed_of_run(before: dict[str, Any], command: str | None, seed: int | None) -> int | None:
    """Returns the seed that makes a run again, or None.

    Args:
        before: The summary of the run that goes on; empty for a new one.
        command: The command that trains it now; None from Python, where weights of a run that goes on tell no seed.
        seed: The seed of this session.
    """
    if "seed" not in before:
        return seed
    if command is None:  # an earlier release wrote the trainer's seed, whatever the weights
        return before["seed"] if "sessions" in before else None
    return seed if seed == before["seed"] else None


def _file(owner: type) -> Path | None:
    """Returns the file that a class is written in; None in a notebook, and for classes of the interpreter."""
    try:
        return Path(inspect.getfile(owner)).resolve()
    except (TypeError, OSError):
        return None


def now() -> str:
    """Returns the time, with its zone."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
