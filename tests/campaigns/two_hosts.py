"""A run on two hosts, under kills and on a link that is slow, cut or gone; run by hand, as root.

    python -m tests.campaigns.two_hosts --folder DIR

The hosts are network namespaces of this machine, each with a process that torchrun starts. Every run ends with the bits
of one on a single host, or with one line within 90 seconds, after which the same command goes on to those bits.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.campaigns.namespaces import ADDRESSES, Hosts, why_not
from tests.campaigns.torchrun_kills import SLOWLY, command, compare, start, torchrun
from tests.processes import ROOT, descendants
from tests.tiny import TINY_CONFIG

EPOCHS = 12  # of six steps each
LARGER = ("--model.widths", "[32, 64]")  # a network for which a step takes longer than its start
WITHIN = 90  # seconds in which a run that has lost a host ends


class Run:
    """A run of one process on each of two hosts.

    Args:
        hosts: The hosts.
        folder: Folder of the config, the runs and what they print.
        name: Name of the run.
        restarts: How often torchrun begins the processes anew.
        settings: Of the run, beside its config.
    """

    def __init__(
        self, hosts: Hosts, folder: Path, name: str, restarts: int = 0, settings: tuple[str, ...] = SLOWLY
    ) -> None:
        self.run, self.began = folder / name, time.monotonic()
        self.logs = [folder / f"{name}-host{host}.log" for host in range(2)]
        self.places = [log.stat().st_size if log.exists() else 0 for log in self.logs]
        self.agents = []
        for host, log in enumerate(self.logs):
            words = [*torchrun(hosts.forked), "--nnodes", "2", "--nproc-per-node", "1"]
            words += ["--max-restarts", str(restarts), "--rdzv-backend", "c10d", "--rdzv-id", name]
            words += ["--rdzv-endpoint", f"{ADDRESSES[0]}:29400", "--rdzv-conf", f"is_host={not host}".lower()]
            words += ["--local-addr", ADDRESSES[host], *command(name, EPOCHS, *settings)]
            environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
            environment["GLOO_SOCKET_IFNAME"] = hosts.links[host]
            with open(log, "a") as output:
                words = hosts.within(host, words)
                self.agents.append(
                    subprocess.Popen(words, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
                )

    def wait_for_save(self, newer_than: float = 0.0) -> float:
        """Waits until the run has saved; returns when it has."""
        checkpoint = self.run / "checkpoints" / "last.ckpt"
        while not checkpoint.exists() or checkpoint.stat().st_mtime <= newer_than:
            assert all(agent.poll() is None for agent in self.agents), self.printed()
            time.sleep(0.02)
        return checkpoint.stat().st_mtime

    def worker(self, host: int) -> int:
        """Returns the process on a host."""
        return descendants(self.agents[host].pid)[0]

    def wait(self, within: float = 600.0) -> list[int]:
        """Waits for the end of both agents; returns their exit codes."""
        end = time.monotonic() + within
        return [agent.wait(max(0.1, end - time.monotonic())) for agent in self.agents]

    def printed(self) -> list[str]:
        """Returns what this start of the run has printed on each host."""
        return [log.read_text()[place:] for log, place in zip(self.logs, self.places, strict=True)]

    def kill(self) -> None:
        """Ends both agents, whatever they do."""
        for agent in self.agents:
            agent.kill()


def killed(hosts: Hosts, folder: Path) -> str:
    """Either process is killed once; torchrun begins again."""
    run, saved = Run(hosts, folder, "killed", restarts=2), 0.0
    for host in (1, 0):
        saved = run.wait_for_save(saved)
        os.kill(run.worker(host), signal.SIGKILL)
    assert run.wait() == [0, 0], run.printed()
    return "killed once on each host, begun again by torchrun: the same bits"


def cut_and_mended(hosts: Hosts, folder: Path) -> str:
    """The link is away for some seconds, in the middle of training."""
    run = Run(hosts, folder, "mended")
    run.wait_for_save()
    hosts.cut()
    time.sleep(20)
    hosts.cut(False)
    assert run.wait() == [0, 0], run.printed()
    return "link cut for 20 s: waited, and ended with the same bits"


def cut_for_good(hosts: Hosts, folder: Path) -> str:
    """The link is gone; both hosts say so, and the run goes on when it is back."""
    run = Run(hosts, folder, "cut")
    run.wait_for_save()
    workers = [run.worker(host) for host in range(2)]
    hosts.cut()
    seconds = _until(lambda: not any(_runs(worker) for worker in workers), WITHIN + 30)
    printed = run.printed()
    run.kill()
    run.wait()
    hosts.cut(False)
    for text in printed:
        lines = [line for line in text.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, text
        assert re.search(r"another process of this run has ended, or its machine does not answer \(.*goes on", lines[0])
    assert seconds <= WITHIN, seconds
    again = Run(hosts, folder, "cut")
    assert again.wait() == [0, 0], again.printed()
    return f"link gone: both processes ended with one line after {seconds:.0f} s; the same command went on, same bits"


def slow(hosts: Hosts, folder: Path) -> str:
    """The link is slow from the beginning."""
    how, run = hosts.slow_down("2mbit", "20ms"), Run(hosts, folder, "slow")
    assert run.wait() == [0, 0], run.printed()
    return f"slow link ({how}): the same bits"


def undisturbed(hosts: Hosts, folder: Path) -> str:
    """Nothing happens."""
    run = Run(hosts, folder, "two")
    assert run.wait() == [0, 0], run.printed()
    return "undisturbed: the bits of two processes on one host"


SCENES: dict[str, Callable[[Hosts, Path], str]] = {
    "two": undisturbed,
    "killed": killed,
    "mended": cut_and_mended,
    "cut": cut_for_good,
    "slow": slow,
}


def campaign(folder: Path, names: list[str], forked: bool) -> None:
    """Trains on one host, then in every scene on two, and compares."""
    folder.mkdir(parents=True)
    (folder / "tiny.yaml").write_text(TINY_CONFIG)
    one = start(folder, "one", 0, EPOCHS, forked)
    assert one.wait() == 0, (folder / "one.log").read_text()
    print(f"one host: {_seconds(folder / 'one'):.1f} s of training", flush=True)
    for name in names:
        with Hosts(forked) as hosts:
            said = SCENES[name](hosts, folder)
        compare(folder / name, folder / "one")
        print(f"{said}; {_seconds(folder / name):.1f} s of training", flush=True)
    with Hosts(forked) as hosts:
        print(scaling(hosts, folder))


def scaling(hosts: Hosts, folder: Path) -> str:
    """One process alone, and two on two hosts."""
    alone = [sys.executable, *command("alone", EPOCHS, *LARGER)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run(alone, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    run = Run(hosts, folder, "scaling", settings=LARGER)
    assert run.wait() == [0, 0], run.printed()
    one, two = (json.loads((folder / name / "summary.json").read_text()) for name in ("alone", "scaling"))
    rates = [round(summary["samples_per_second"]) for summary in (one, two)]
    cores = len(os.sched_getaffinity(0))
    return (
        f"{rates[0]} images a second by one process, {rates[1]} by two on two hosts; these share {cores} core(s) of "
        "this machine, so that the second adds what it costs, and no speed unless there are two"
    )


def _seconds(run: Path) -> float:
    """Returns how long a run has trained."""
    return json.loads((run / "summary.json").read_text())["seconds"]["fit"]


def _runs(pid: int) -> bool:
    """Returns whether a process runs, and is not only waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _until(condition: Callable[[], bool], within: float) -> float:
    """Waits for a condition; returns the seconds that it took, at most `within`."""
    began = time.monotonic()
    while not condition() and time.monotonic() - began < within:
        time.sleep(0.1)
    return time.monotonic() - began


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--scenes", nargs="+", choices=SCENES, default=list(SCENES))
    parser.add_argument("--forked", action="store_true", help="fork the processes, which saves their imports")
    arguments = parser.parse_args()
    if reason := why_not():
        sys.exit(f"skipped: {reason}")
    campaign(arguments.folder.resolve(), arguments.scenes, arguments.forked)
