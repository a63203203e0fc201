"""The checkpoint of a run, read and checked for what a run needs of it."""

import re
from pathlib import Path
from typing import Any

from pytorch_lightning import LightningModule
from pytorch_lightning.utilities.model_helpers import is_overridden
from torch import Tensor
from torch.nn.parameter import is_lazy

from core.errors import InputError
from core.files.tensor_files import load_checkpoint
from core.run_layout import BEST, CHECKPOINTS, LAST
from lightning_modules.tasks.task import Task

# What Lightning reads of a checkpoint, with its type.
NEEDED: dict[str, type] = {"state_dict": dict, "pytorch-lightning_version": str}
NEEDED_TO_CONTINUE: dict[str, type] = {
    "optimizer_states": list,
    "lr_schedulers": list,
    "loops": dict,
    "callbacks": dict,
    "epoch": int,
    "global_step": int,
}
EXTRA_STATE = "_extra_state"  # torch's name of what a layer keeps beside its tensors, which may be any plain value
OPTIONAL: dict[str, type] = {
    "optimizer_steps": int,
    "epoch_validation": dict,
    "of_validations": list,
    "logged_values": dict,
    "hyper_parameters": dict,
}


def read_run_checkpoint(path: Path, to_continue: bool) -> dict[str, Any]:
    """Reads a checkpoint of a run.

    Args:
        path: The file.
        to_continue: Whether it must hold what a run needs to go on.

    Returns:
        Its content.

    Raises:
        InputError: It is none, or lacks something.
    """
    try:
        checkpoint = load_checkpoint(path)
        _check_types(path, checkpoint, to_continue)
    except InputError as error:
        others = [path.with_name(name) for name in (LAST, BEST)]
        whole = next(
            (other for other in others if other != path and other.is_file() and _is_whole(other, to_continue)), None
        )
        if whole is None:
            raise
        raise InputError(f"{error}; {whole.name} beside it is whole: --ckpt_path {whole}") from error
    return checkpoint


def _is_whole(path: Path, to_continue: bool) -> bool:
    try:
        _check_types(path, load_checkpoint(path), to_continue)
    except InputError:
        return False
    return True


def _check_types(path: Path, checkpoint: dict[str, Any], to_continue: bool) -> None:
    """Checks that a checkpoint has what a run needs, of the types that Lightning expects.

    Raises:
        InputError: It lacks something, or has something else in its place.
    """
    needed = NEEDED | NEEDED_TO_CONTINUE if to_continue else NEEDED
    for key in needed:
        if key not in checkpoint:
            raise InputError(f"{path}: no checkpoint of a run, it lacks {key}; weights alone go by --weights")
    for key, kind in (needed | {key: kind for key, kind in OPTIONAL.items() if key in checkpoint}).items():
        value = checkpoint[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise InputError(f"{path}: a damaged checkpoint: {key} is of the type {type(value).__name__}")
    for name, value in checkpoint["state_dict"].items():
        if not isinstance(name, str) or not (isinstance(value, Tensor) or name.endswith(EXTRA_STATE)):
            raise InputError(f"{path}: a damaged checkpoint: state_dict holds {name!r:.40}, which is no tensor")
    if not re.match(r"\d+\.\d+", checkpoint["pytorch-lightning_version"]):
        raise InputError(f"{path}: a damaged checkpoint: its version of Lightning is no number")
    if not to_continue:
        return
    for key in ("optimizer_states", "lr_schedulers"):
        if not all(isinstance(state, dict) for state in checkpoint[key]):
            raise InputError(f"{path}: a damaged checkpoint: {key} holds something else than states")
    for key in ("loops", "callbacks"):
        if not all(isinstance(state, dict) for state in checkpoint[key].values()):
            raise InputError(f"{path}: a damaged checkpoint: {key} holds something else than states")
    if "fit_loop" not in checkpoint["loops"]:
        raise InputError(f"{path}: a damaged checkpoint: it lacks the place in the run")


def check_checkpoint_fits(model: LightningModule, checkpoint: dict[str, Any], path: Path) -> None:
    """Checks that a checkpoint holds this very network, as far as the network is known before Lightning sets it up.

    Raises:
        InputError: Names or shapes differ; names the first, and says how many there are.
    """
    if _is_known_later(model):
        return  # Lightning compares the two once the model is complete
    ours, theirs = (
        {name: list(value.shape) if isinstance(value, Tensor) else "a state" for name, value in weights.items()}
        for weights in (model.state_dict(), checkpoint["state_dict"])
    )
    names = dict.fromkeys([*ours, *theirs])
    if differing := [name for name in names if ours.get(name) != theirs.get(name)]:
        first, more = differing[0], f" ({len(differing) - 1:,} more differ)" if len(differing) > 1 else ""
        raise InputError(
            f"{path}: of another model: {first} is {theirs.get(first, 'nothing')} there and "
            f"{ours.get(first, 'nothing')} in {type(model).__name__}{more}; --weights takes what fits"
        )


def last_checkpoint(trainer: Any) -> Path:
    """Returns the checkpoint from which the unfinished run of this trainer resumes.

    Without it weights, optimizer and place in the data would belong to different steps.

    Raises:
        InputError: The run has none.
    """
    checkpoints = trainer.checkpoint_callback
    if not checkpoints.has_saved(trainer):
        is_of_another = trainer.run_folder is None and trainer.saves_checkpoints  # and it made no step of its own
        way_out = "give its ckpt_path again, or" if is_of_another else "there is no checkpoint to go on from, so"
        raise InputError(
            f"the last fit of this trainer ended at step {checkpoints.optimizer_steps(trainer):,}, before its run was "
            f"over; {way_out} a new Trainer begins anew"
        )
    return checkpoints.goes_back_to or trainer.run_folder.path / CHECKPOINTS / LAST


def _is_known_later(model: LightningModule) -> bool:
    """Returns whether a model of another package may get its layers after construction, or need not fit exactly."""
    if isinstance(model, Task):
        return False
    hooks = any(is_overridden(hook, model) for hook in ("setup", "configure_model"))
    return hooks or not model.strict_loading or any(map(is_lazy, [*model.parameters(), *model.buffers()]))
