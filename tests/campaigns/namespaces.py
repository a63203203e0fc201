"""Two hosts on one machine: network namespaces that a link joins, which can be cut or slow; for root, on Linux."""

import os
import shutil
import subprocess
import sys
from types import TracebackType

ADDRESSES = ("10.213.7.1", "10.213.7.2")


def why_not() -> str | None:
    """Returns why there can be no such hosts here; None if there can."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    if os.geteuid() != 0:
        return "only root makes network namespaces"
    if shutil.which("ip") is None:
        return "the command `ip` (package iproute2) is not there"
    return None


class Hosts:
    """Two namespaces with a link between them, removed at the end.

    Args:
        forked: Whether the processes on them are forked by torchrun's agent.

    Attributes:
        names: The namespaces' names.
        links: The name of each one's end of the link.
    """

    def __init__(self, forked: bool = False) -> None:
        self.forked = forked
        self.names = [f"hosts{os.getpid()}-{number}" for number in range(2)]
        self.links = [f"h{os.getpid()}x{number}" for number in range(2)]

    def __enter__(self) -> "Hosts":
        try:
            for name in self.names:
                _ip("netns", "add", name)
            (a, b), (end_a, end_b) = self.names, self.links
            _ip("link", "add", end_a, "netns", a, "type", "veth", "peer", "name", end_b, "netns", b)
            for name, end, address in zip(self.names, self.links, ADDRESSES, strict=True):
                _ip("-n", name, "addr", "add", f"{address}/24", "dev", end)
                for link in ("lo", end):
                    _ip("-n", name, "link", "set", link, "up")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)  # takes its end of the link with it

    def within(self, host: int, words: list[str]) -> list[str]:
        """Returns a command that runs on a host."""
        return ["ip", "netns", "exec", self.names[host], *words]

    def cut(self, is_cut: bool = True) -> None:
        """Cuts the link, or mends it."""
        _ip("-n", self.names[1], "link", "set", self.links[1], "down" if is_cut else "up")

    def slow_down(self, rate: str, delay: str) -> str:
        """Limits the link in both directions, and delays what it carries where this kernel can.

        Args:
            rate: As `tc` takes it, such as `20mbit`.
            delay: Likewise, such as `20ms`.

        Returns:
            What has been done.
        """
        tried = {
            f"{rate}, {delay} later": ["netem", "rate", rate, "delay", delay],
            f"{rate}, no delay without netem": ["tbf", "rate", rate, "burst", "16kb", "latency", "400ms"],
        }
        for done, words in tried.items():
            ends = zip(self.names, self.links, strict=True)
            calls = [["tc", "-n", name, "qdisc", "replace", "dev", end, "root", *words] for name, end in ends]
            if all(subprocess.run(call, capture_output=True).returncode == 0 for call in calls):
                return done
        return "not slower: this kernel has neither netem nor tbf"


def _ip(*words: str) -> None:
    """Runs `ip`.

    Raises:
        RuntimeError: It fails.
    """
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")
