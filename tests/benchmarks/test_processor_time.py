"""How the processor's time of a command is taken."""

import sys

import pytest

from benchmarks.processor_time import processor_seconds

BUSY = "import time\nwhile time.process_time() < 0.2: pass\n"
ORPHAN = f"import subprocess, sys; subprocess.Popen([sys.executable, '-S', '-c', {BUSY!r}])"


@pytest.mark.skipif(sys.platform != "linux", reason="Linux says who adopts orphans")
def test_a_descendant_that_outlives_its_command_counts() -> None:
    assert processor_seconds(["-S", "-c", ORPHAN]) >= 0.2


def test_a_command_that_fails_is_no_measurement() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)python -S -c .* failed:.*no such thing"):
        processor_seconds(["-S", "-c", "raise SystemExit('no such thing')"])
