"""A real browser without a network, which looks at pages: Chromium of Debian's packages, without a window."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-sync"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-extensions",
        "--disable-dev-shm-usage",
    ),
)
BLOCKED = ("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--proxy-server=127.0.0.1:9")


@dataclass(frozen=True)
class Opened:
    """A page as the browser has it once its scripts have run.

    Attributes:
        dom: The document.
        messages: What the browser reports of it: errors of scripts, and what its policy has refused.
        requests: Addresses that the page asked for.
    """

    dom: str
    messages: list[str]
    requests: list[str]


def open_page(page: Path | str, folder: Path, seconds: int = 10) -> Opened:
    """Opens a page without a network; skips the test where there is no browser.

    Args:
        page: The page: its file, or its address on this machine.
        folder: An empty folder for the browser's own files.
        seconds: Of the page's own clock, until it is looked at.
    """
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    log = folder / "network.json"
    words = [
        program,
        *QUIET,
        *BLOCKED,
        f"--user-data-dir={folder / 'profile'}",
        f"--log-net-log={log}",
        "--enable-logging=stderr",
    ]
    address = page if isinstance(page, str) else page.absolute().as_uri()
    words += [f"--virtual-time-budget={1000 * seconds}", "--dump-dom", address]
    environment = os.environ | {"HOME": str(folder), "DBUS_SESSION_BUS_ADDRESS": "disabled:"}
    ended = subprocess.run(words, capture_output=True, text=True, timeout=120, env=environment)
    assert ended.returncode == 0, ended.stderr[-2000:]
    messages = [line for line in ended.stderr.splitlines() if ":CONSOLE" in line]
    return Opened(ended.stdout, messages, _requests(log))


def _requests(log: Path) -> list[str]:
    """Returns the addresses in Chromium's log of the network that a page asked for, which is no file nor data.

    The browser's own requests, such as for updates, have no origin.
    """
    asked = [event.get("params") or {} for event in json.loads(log.read_text(encoding="utf-8"))["events"]]
    addresses = {one.get("url", "") for one in asked if one.get("initiator", "not an origin") != "not an origin"}
    return sorted(one for one in addresses if not one.startswith(("file:", "data:", "blob:")))
