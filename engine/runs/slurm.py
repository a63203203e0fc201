"""SLURM: which run a requeued job continues, and how a job is requeued; without torch.

Lightning's own way, checkpoints in the current folder that any later run would take up, is switched off.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from core.files.atomic_files import write_atomically
from core.files.home import from_home
from core.files.plain_json import load_json
from core.run_layout import has_config
from engine.settings.arguments import OF_BEGINNING, Arguments, parse_command_line

JOB_FILE = "slurm_job.json"
SECONDS = 60  # after which scontrol is not waited for


def job_id() -> str | None:
    """Returns the number of this process's job, as `scontrol` takes it; None outside a job."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    return f"{array}_{os.environ.get('SLURM_ARRAY_TASK_ID')}" if array else os.environ.get("SLURM_JOB_ID")


def restarts() -> int:
    """Returns how often this job has been requeued."""
    count = os.environ.get("SLURM_RESTART_COUNT", "0")
    return int(count) if count.isdigit() else 0


def note_job(run: Path, command: str) -> None:
    """Writes into the folder of a new run which job and command train it; does nothing outside a job.

    Args:
        run: The run's folder.
        command: The command, as it was typed.
    """
    if job_id() is not None:
        content = {"job": job_id(), "restarts": restarts(), "command": command}
        write_atomically(run / JOB_FILE, json.dumps(content, indent=2) + "\n")


def parse_requeued(argv: list[str]) -> Arguments | None:
    """Parses the command of a job that has been requeued, so that it continues the run that it began before.

    Args:
        argv: What follows `cli.py`.

    Returns:
        The command line with the run as its `--ckpt_path`; None for any other command.

    Raises:
        InputError: The command line cannot be used.
    """
    named = {word.split("=")[0] for word in argv} & {"--ckpt_path", "--resume"}  # which find the run themselves
    if job_id() is None or not restarts() or argv[0] != "fit" or named:
        return None
    new = parse_command_line(argv)
    run_dir, root = new.given.get("run_dir"), str(new.given.get("trainer.default_root_dir") or ".")
    runs = (from_home(root) / "runs" / new.name).glob("*")
    run = _begun_before([from_home(str(run_dir))] if run_dir else runs, new.typed)
    if run is None:
        return None
    # the run is this user's own: the same command of the same job has made it
    arguments = parse_command_line(["fit", "--ckpt_path", str(run), *argv[1:], "--trust"])
    for option in OF_BEGINNING:
        arguments.given.pop(option, None)
    return arguments


def _begun_before(folders: Iterable[Path], command: str) -> Path | None:
    """Returns the run that a command began before its job was requeued, the newest if there are several."""
    found = [folder for folder in folders if has_config(folder) and _is_of_this_job(folder, command)]
    return max(found, key=lambda folder: folder.name, default=None)


def _is_of_this_job(run: Path, command: str) -> bool:
    try:
        content = load_json((run / JOB_FILE).read_text(encoding="utf-8"))
        return content["job"] == job_id() and content["command"] == command and content["restarts"] < restarts()
    except (OSError, ValueError, KeyError, TypeError):  # not there, or not whole: of another run
        return False


def requeue() -> str:
    """Asks SLURM to begin this job again; returns in words what came of it."""
    import subprocess  # not at every start of the command

    try:
        done = subprocess.run(
            ["scontrol", "requeue", str(job_id())],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"job {job_id()} could not be requeued: {error}"
    if done.returncode:
        return f"job {job_id()} could not be requeued: {' '.join(done.stderr.split()) or 'scontrol failed'}"
    return f"job {job_id()} is requeued, and its command continues this run"
