"""Time of the processor that a command takes with all its descendants. It imports nothing that takes time."""

import ctypes
import json
import os
import resource
import subprocess
import sys

from benchmarks.measure import ROOT, environment

_ADOPTS_ORPHANS = 36  # PR_SET_CHILD_SUBREAPER of Linux


def processor_seconds(words: list[str], **variables: str) -> float:
    """Returns the seconds of the processor of a Python process in the project's folder, with all its descendants.

    Args:
        words: What follows `python`.
        variables: Environment variables beside those of this process.

    Raises:
        RuntimeError: It failed.
    """
    # a process of its own waits for it, and for descendants that outlive it: they belong to nobody else
    command = [sys.executable, "-m", "benchmarks.processor_time", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment() | variables)
    if done.returncode:
        raise RuntimeError(f"python {' '.join(words)} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main(words: list[str]) -> int:
    """Runs Python, waits for all its descendants, prints their seconds; returns Python's exit code."""
    ctypes.CDLL(None).prctl(_ADOPTS_ORPHANS, 1)
    code = subprocess.run([sys.executable, *words]).returncode
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps(usage.ru_utime + usage.ru_stime))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
