"""Parts run in processes of their own, and what is broken off keeps what it has found."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import gpu
from benchmarks.gpu_parts.settings import Findings

STARTS_ANOTHER = """
import subprocess, sys, time
from pathlib import Path
into = Path(sys.argv[sys.argv.index("--into") + 1])
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
into.write_text('{"child": %d}' % child.pid)
time.sleep(60)
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands in the place of the script that parts are started with."""
    path = tmp_path / "part.py"
    start = subprocess.Popen

    def replaced(command: list[str], **how: object) -> subprocess.Popen:
        return start([sys.executable, str(path), *command[3:]] if "benchmarks.gpu" in command else command, **how)

    monkeypatch.setattr(subprocess, "Popen", replaced)
    return path


def test_a_part_that_takes_too_long_is_ended_with_what_it_has_started(script: Path) -> None:
    script.write_text(STARTS_ANOTHER)
    found = gpu.run_part("input", [], 3.0)
    assert found["ended"] == "broken off after 3 seconds"
    state = Path(f"/proc/{found['child']}/stat")
    for _ in range(100):  # until whoever adopted it has taken note
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("what the part had started runs on")


def test_a_part_that_fails_keeps_what_it_has_found(script: Path) -> None:
    text = "import sys; open(sys.argv[sys.argv.index('--into') + 1], 'w').write('{\"a\": 1}'); sys.exit(3)"
    script.write_text(text)
    found = gpu.run_part("input", [], 20.0)
    assert found["a"] == 1
    assert found["ended"] == "failed with exit code 3"


def test_the_record_is_written_after_each_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "gpu.json"
    seen: list[list[str]] = []

    def part(name: str, words: list[str], limit: float) -> dict[str, object]:
        seen.append([*json.loads(output.read_text())["results"]] if output.exists() else [])
        return {"ended": "finished", "took_seconds": limit}

    monkeypatch.setattr(gpu, "run_part", part)
    gpu.main(["--device", "cpu", "--parts", "input", "ddp", "--patience", "2", "--output", str(output)])
    assert seen == [[], ["input"]]
    content = json.loads(output.read_text())
    assert content["results"]["ddp"]["took_seconds"] == 2 * gpu.PARTS["ddp"]
    assert content["options"]["device"] == "cpu"


def test_a_later_call_adds_to_what_the_same_hardware_has_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "gpu.json"
    monkeypatch.setattr(gpu, "run_part", lambda name, words, limit: {"ended": "finished", "took_seconds": limit})
    for part in ("input", "ddp"):
        gpu.main(["--device", "cpu", "--parts", part, "--output", str(output)])
    content = json.loads(output.read_text())
    assert content["results"].keys() == {"input", "ddp"}
    assert [part["made"]["options"]["parts"] for part in content["results"].values()] == [["input"], ["ddp"]]
    assert {name: content[name] for name in gpu.MADE} == content["results"]["ddp"]["made"]
    output.write_text(json.dumps(content | {"hardware": "another"}))
    gpu.main(["--device", "cpu", "--parts", "ddp", "--output", str(output)])
    assert json.loads(output.read_text())["results"].keys() == {"ddp"}


def test_parts_of_an_earlier_call_keep_the_facts_of_that_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "gpu.json"
    monkeypatch.setattr(gpu, "run_part", lambda name, words, limit: {"ended": "finished", "took_seconds": limit})
    gpu.main(["--device", "cpu", "--parts", "input", "--output", str(output)])
    content = json.loads(output.read_text()) | {"date": "2026-01-02", "data": "real"}
    del content["results"]["input"]["made"]  # as in the records of earlier releases
    output.write_text(json.dumps(content))
    gpu.main(["--device", "cpu", "--parts", "ddp", "--quick", "--output", str(output)])
    made = {name: part["made"] for name, part in json.loads(output.read_text())["results"].items()}
    assert made["input"] == {name: content[name] for name in gpu.MADE}
    assert made["ddp"]["data"] == "synthetic pictures"
    assert (made["input"]["options"]["quick"], made["ddp"]["options"]["quick"]) == (False, True)


def test_every_part_is_there() -> None:
    folder = Path(gpu.__file__).parent / "gpu_parts"
    assert all((folder / f"{part}.py").is_file() for part in gpu.PARTS)


def test_one_part_is_measured_in_this_process(tmp_path: Path) -> None:
    into = tmp_path / "found.json"
    gpu.main(["--device", "cpu", "--quick", "--parts", "ddp", "--into", str(into)])
    assert "nothing to compare" in json.loads(into.read_text())["said"]


def test_findings_are_in_the_file_at_once(tmp_path: Path) -> None:
    found = Findings(tmp_path / "a.json")
    found.note(a=1, b=2)
    found.note(b=3)
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1, "b": 3}
