"""Tracking of runs with Weights & Biases."""

import contextlib
import netrc
import os
import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from signal import SIGINT
from typing import Any, Literal
from urllib.parse import urlparse

from pytorch_lightning.loggers import WandbLogger
from pytorch_lightning.loggers.logger import rank_zero_experiment

from core.errors import InputError, OneLine, RunInterrupted
from core.files.atomic_files import write_atomically
from core.files.home import from_home
from engine.runs.run_folder import WANDB_ID
from engine.runs.wandb_files import next_step

NO_ID = re.compile(r"[:;,#?/']")  # what W&B has in no id
PYDANTIC = re.compile(r"Value error, (.+?) \[type=", re.DOTALL)  # the reason in a message of pydantic
PROJECT = "primer"  # one for all runs, so that they can be compared


def check_account() -> None:
    """Checks that an account is configured: a key in the environment, or one that `wandb login` has stored.

    Raises:
        InputError: There is none.
    """
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    for name in (os.environ.get("NETRC"), "~/.netrc", "~/_netrc"):
        with contextlib.suppress(OSError, netrc.NetrcParseError):
            if name and netrc.netrc(from_home(name)).authenticators(host):
                return
    raise InputError(
        "--wandb online: no account is configured; run `wandb login` first, or keep it local with --wandb offline"
    )


def check_tracking(mode: Literal["off", "offline", "online"], flagged: Collection[str]) -> None:
    """Checks, before a run begins, that it can be tracked as it is asked for.

    Args:
        mode: Whether it is, and whether it is sent.
        flagged: Dotted keys that flags set.

    Raises:
        InputError: There is no account to send it to, or it is named for W&B without being tracked there.
    """
    if mode == "online":
        check_account()
    named = [f"wandb_{field.name}" for field in fields(Names) if f"wandb_{field.name}" in flagged]
    if mode == "off" and named and "wandb" not in flagged:
        raise InputError(f"--{named[0]}: nothing is tracked without --wandb; add --wandb offline, or --wandb online")


@dataclass(frozen=True)
class Names:
    """What a run is called at Weights & Biases; what is not given follows from the environment variables of W&B.

    Attributes:
        project: The project; PROJECT if not given.
        group: A group of runs.
        tags: Words to find it by.
        entity: The user or team; the account's default if not given.
        name: The run; its config and its folder if not given.
    """

    project: str | None = None
    group: str | None = None
    tags: list[str] | None = None
    entity: str | None = None
    name: str | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Names":
        """Returns the names that the options `wandb_project` and the like give."""
        return cls(**{field.name: settings[f"wandb_{field.name}"] for field in fields(cls)})


class RunLogger(WandbLogger):
    """Logs a run whose count goes on.

    Args:
        first_step: The first of W&B's own steps, unless its server knows of more.
        **settings: Those of Lightning's logger.
    """

    def __init__(self, first_step: int, **settings: Any) -> None:
        super().__init__(**settings)
        self._wandb_init.pop("anonymous", None)  # which W&B has given up, and warns of
        self._first_step = first_step

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """W&B's run, begun when it is first asked for.

        Raises:
            InputError: W&B does not take what it is called, or cannot be reached.
        """
        is_new = self._experiment is None
        try:
            run = super().experiment
        except Exception as error:
            if isinstance(error, OneLine | OSError):
                raise
            raise _refused(error, is_offline=self._offline) from error
        if is_new and run.sweep_id:
            _keep_place(Path(self.save_dir) / WANDB_ID, run)
        if is_new and run.step < self._first_step:
            run.log({}, step=self._first_step, commit=False)  # writes nothing, but what follows counts from here
        return run


def _keep_place(id_file: Path, run: Any) -> None:
    """Keeps where a run of a sweep is at Weights & Biases, which takes id, project and account of the sweep's agent."""
    name = id_file.read_text(encoding="utf-8").splitlines()[2]
    write_atomically(id_file, f"{run.id}\n{run.project}\n{name}\n{run.entity or ''}\n")


def _refused(error: Exception, is_offline: bool) -> InputError:
    """Returns why W&B begins no run, in one line that begins with the option which it is about."""
    found = PYDANTIC.search(str(error))
    reason = " ".join((found[1] if found else str(error)).split()).rstrip(".")
    about = [field.name for field in fields(Names) if field.name.rstrip("s") in reason.lower()]
    if about:
        return InputError(f"--wandb_{about[0]}: {reason}")
    return InputError(f"--wandb: {reason}{'' if is_offline else '; keep it local with --wandb offline'}")


def wandb_logger(
    folder: Path,
    config_name: str,
    mode: Literal["offline", "online"],
    config: dict[str, Any],
    names: Names,
    kept: int | None = None,
    is_own: bool = True,
) -> RunLogger:
    """Makes the logger of a run; a continued or tested run keeps its id, project, name and account.

    Args:
        folder: The run's folder, which keeps these and the files.
        config_name: Name of the run's config.
        mode: Whether to send it.
        config: The merged config, sent once.
        names: What it is called.
        kept: Optimizer steps of the checkpoint that a fit goes on from, -1 if it begins again; None removes nothing.
        is_own: Whether the run is the user's own; if not, the account that its folder names gets nothing.

    Returns:
        The logger.

    Raises:
        RunFailed: W&B's files cannot be continued.
    """
    project = names.project or os.environ.get("WANDB_PROJECT") or PROJECT
    name = f"{config_name}/{folder.name}"
    id_file, entity = folder / WANDB_ID, names.entity
    if id_file.exists():
        # files of earlier releases have no name, or even no project, which was the config's name
        known = id_file.read_text(encoding="utf-8").splitlines()
        run_id, earlier_project, name, *account = [*known, *(config_name, name)[len(known) - 1 :]]
        project = names.project or earlier_project
        entity = entity or (is_own and "".join(account)) or None
    else:
        run_id = f"{NO_ID.sub('-', folder.name)}-{os.urandom(3).hex()}"
    name = names.name or os.environ.get("WANDB_NAME") or name
    write_atomically(id_file, f"{run_id}\n{project}\n{name}\n" + (f"{entity}\n" if entity else ""))
    first_step = next_step(folder, run_id, kept)
    resumed = {"settings": {"resumed": True}} if mode == "offline" and first_step else {}  # online its server says so
    return RunLogger(
        first_step,
        name=name,
        save_dir=folder,
        project=project,
        id=run_id,
        offline=mode == "offline",
        resume="allow",
        config=config,
        **resumed,
        **({} if entity is None else {"entity": entity}),
        **{key: value for key in ("group", "tags") if (value := getattr(names, key)) is not None},
    )


def finish_tracking(error: BaseException | None = None) -> None:
    """Ends the run at Weights & Biases, if there is one, so that all of it is written, and says whether it failed.

    Args:
        error: What ends it; None if it has ended well.
    """
    wandb = sys.modules.get("wandb")
    if wandb is None or wandb.run is None:
        return
    code = 0 if error is None else 1
    if isinstance(error, RunInterrupted | KeyboardInterrupt):
        code = 128 + getattr(error, "signum", SIGINT)
    wandb.finish(exit_code=code)
