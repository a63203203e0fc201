"""GPUs that have memory to spare, as NVIDIA's management library would tell of them."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import cli
from core.errors import InputError
from engine.runs import free_gpus
from engine.runs.free_gpus import NO_FREE_GPU, take_asked_gpus, take_free_gpus
from engine.settings.arguments import parse_command_line
from tests.processes import ROOT

GIB = 2**30
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="GPUs are chosen on Linux alone")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Puts GPUs of 80 GiB into the machine, by what is free on each; locks are the test's own."""
    monkeypatch.setattr(free_gpus, "LOCKS", tmp_path)
    monkeypatch.setattr(free_gpus, "HELD", [])

    def install(*free: float, names: tuple[str, ...] = (), divided: tuple[int, ...] = (), fault: str = "") -> None:
        class NVMLError(Exception):
            pass

        def init() -> None:
            if fault:
                raise NVMLError(fault)

        def mode(number: int) -> list[int]:
            if number in divided:
                return [1, 1]
            raise NVMLError("not supported")

        library = SimpleNamespace(
            NVMLError=NVMLError,
            nvmlInit=init,
            nvmlShutdown=lambda: None,
            nvmlDeviceGetCount=lambda: len(free),
            nvmlDeviceGetHandleByIndex=lambda number: number,
            nvmlDeviceGetMigMode=mode,
            nvmlDeviceGetMemoryInfo=lambda number: SimpleNamespace(free=int(free[number] * GIB), total=80 * GIB),
            nvmlDeviceGetUUID=lambda number: f"GPU-{number}abc",
            nvmlDeviceGetName=lambda number: names[number] if names else "H100",
        )
        monkeypatch.setitem(sys.modules, "pynvml", library)

    yield install
    for file in free_gpus.HELD:
        free_gpus.os.close(file)


def taken(count: int = 1, memory: str | None = None, **variables: str) -> list[int]:
    """Takes GPUs; returns their numbers."""
    gpus = take_free_gpus(count, memory, variables)
    assert variables["CUDA_VISIBLE_DEVICES"] == ",".join(gpu.uuid for gpu in gpus)
    return [gpu.number for gpu in gpus]


def test_the_gpus_with_most_memory_are_taken_and_no_others_seen(machine: Callable) -> None:
    machine(75, 20, 79, 78)
    assert taken(2) == [2, 3]


def test_a_gpu_is_taken_once(machine: Callable) -> None:
    machine(79, 78, 10)
    assert taken() == [0]
    assert taken() == [1]
    with pytest.raises(InputError, match=r"1 needed with .* 2 found, 2 of them reserved by another command"):
        taken()


def test_a_gpu_that_another_process_has_is_left_to_it_until_it_ends(machine: Callable, tmp_path: Path) -> None:
    machine(79)
    code = (
        "import sys; from pathlib import Path; from engine.runs import free_gpus\n"
        f"free_gpus.LOCKS = Path({str(tmp_path)!r}); print(free_gpus._lock('GPU-0abc'), flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout.readline() == "True\n"
    with pytest.raises(InputError, match="reserved by another command"):
        taken()
    other.kill()
    other.communicate()
    assert taken() == [0]


def test_a_gpu_in_use_is_taken_where_enough_of_it_is_free(machine: Callable) -> None:
    machine(20, 9)
    with pytest.raises(InputError, match=r"GPU 0 has 20\.0 of 80\.0 GiB free; GPU 1 has 9\.0"):
        taken()
    assert taken(memory="10GiB") == [0]
    assert taken(memory="9000 MiB") == [1]


@pytest.mark.parametrize(
    ("count", "memory", "way_out"),
    [
        (2, None, NO_FREE_GPU),
        (2, "70GiB", NO_FREE_GPU),
        (3, "70GiB", "this machine does not have them; ask for fewer, or for less memory"),
        (1, "90GiB", "this machine does not have them; ask for fewer, or for less memory"),
    ],
)
def test_gpus_are_waited_for_only_where_they_are(
    count: int, memory: str | None, way_out: str, machine: Callable
) -> None:
    machine(79, 20)
    with pytest.raises(InputError, match=rf"\); {way_out}$"):
        taken(count, memory)


def test_a_choice_of_the_users_is_not_left(machine: Callable) -> None:
    machine(79, 78, 77)
    assert taken(CUDA_VISIBLE_DEVICES="1,2") == [1]
    assert taken(CUDA_VISIBLE_DEVICES="GPU-2") == [2]
    with pytest.raises(InputError, match=r"0 found \(no GPU\)"):
        taken(CUDA_VISIBLE_DEVICES="")
    with pytest.raises(InputError, match="7 is no GPU"):
        taken(CUDA_VISIBLE_DEVICES="7")


def test_numbers_of_different_gpus_have_to_be_the_librarys(machine: Callable) -> None:
    machine(79, 78, names=("T4", "H100"))
    with pytest.raises(InputError, match="CUDA_DEVICE_ORDER"):
        taken(CUDA_VISIBLE_DEVICES="0")
    assert taken(CUDA_VISIBLE_DEVICES="0", CUDA_DEVICE_ORDER="PCI_BUS_ID") == [0]


def test_a_divided_gpu_is_not_taken(machine: Callable) -> None:
    machine(79, 78, divided=(0,))
    assert taken() == [1]


def test_a_link_in_place_of_a_lock_is_not_followed(machine: Callable, tmp_path: Path) -> None:
    machine(79)
    (tmp_path / "elsewhere").touch()
    (tmp_path / "primer-GPU-0abc.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"primer-GPU-0abc\.lock: cannot be used as a lock"):
        taken()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--gpus", "0"), "only `free` is possible"),
        (("--gpu_memory", "8GiB"), "goes with --gpus free"),
        (("--gpus", "free", "--gpu_memory", "much"), "no size, such as 8GiB"),
        (("--gpus", "free", "--trainer.devices", "[0,1]"), "how many GPUs, and not which"),
        (("--gpus=free", "--trainer.devices=3"), "3 needed with nine tenths of their memory free, 2 found"),
    ],
)
def test_what_cannot_be_chosen_is_said(machine: Callable, config: Path, options: tuple[str, ...], message: str) -> None:
    machine(79, 78)
    arguments = parse_command_line(["fit", "--config", str(config), *options])
    with pytest.raises(InputError, match=message):
        take_asked_gpus(arguments)


@pytest.mark.parametrize(
    ("words", "count"),
    [
        ("fit --ckpt_path run", 2),
        ("test --ckpt_path run", 2),
        ("fit --ckpt_path run --trainer.devices 1", 1),
        ("fit --config tiny.yaml", 1),
        ("predict --ckpt_path run", 1),
        ("inspect --ckpt_path run", 1),
        ("predict --ckpt_path run --trainer.devices 2", 2),
    ],
)
def test_a_run_gets_as_many_gpus_as_its_config_says(
    words: str, count: int, machine: Callable, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    Path("run/checkpoints").mkdir(parents=True)
    Path("run/checkpoints/last.ckpt").touch()
    Path("run/config.yaml").write_text(config.read_text().replace("devices: 1\n", "devices: 2\n"))
    machine(79, 78, 77)
    take_asked_gpus(parse_command_line([*words.split(), "--gpus", "free"]))
    assert len(free_gpus.HELD) == count


def test_a_machine_without_a_driver_says_so(machine: Callable) -> None:
    machine(fault="Driver Not Loaded")
    with pytest.raises(InputError, match="no GPU of NVIDIA's answers"):
        taken()


@pytest.mark.parametrize("started", [{"TORCHELASTIC_RUN_ID": "x"}, {"SLURM_STEP_NUM_TASKS": "2"}])
def test_processes_of_a_run_get_what_the_command_has_taken(
    machine: Callable, config: Path, started: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(79, 78)
    arguments = parse_command_line(["fit", "--config", str(config), "--gpus", "free"])
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert take_asked_gpus(arguments) is None
    for name, value in started.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="these give GPUs themselves"):
        take_asked_gpus(arguments)


def test_the_command_says_what_it_has_taken(
    machine: Callable, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    machine(79, 78)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    options = ["--gpus", "free", "--trainer.accelerator", "cpu", "--run_dir", str(tmp_path / "run")]
    assert cli.main(["fit", "--config", str(config), *options]) == 0
    assert "gpus     GPU 1 (H100, 78.0 of 80.0 GiB free)\n" in capsys.readouterr().out
    assert free_gpus.os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-1abc"
