"""What `auto` stands for, by hardware."""

import pytest
import torch

from core.errors import InputError
from core.processes import hardware as hardware_module
from core.processes.hardware import choose_precision, device_type, hardware


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Makes the machine have the GPUs and instructions that are named."""

    def have(*parts: str) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in parts)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in parts)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: "ampere" in parts)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: "amx" in parts)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: "avx512" in parts)

    return have


@pytest.mark.parametrize(
    ("device", "parts", "expected"),
    [
        ("cpu", (), "32-true"),
        ("cpu", ("amx",), "bf16-mixed"),
        ("cpu", ("avx512",), "bf16-mixed"),
        ("cuda", ("cuda", "amx"), "32-true"),
        ("cuda", ("cuda", "ampere"), "bf16-mixed"),
        ("mps", ("mps", "amx"), "32-true"),
    ],
)
def test_bfloat16_only_where_the_hardware_has_it(device: str, parts: tuple[str, ...], expected: str, machine) -> None:
    machine(*parts)
    assert choose_precision(device) == expected


def test_a_torch_without_the_private_questions_means_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    for question in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.delattr(torch.cpu, question)
    assert choose_precision("cpu") == "32-true"


@pytest.mark.parametrize("question", ["_is_amx_tile_supported", "_is_avx512_bf16_supported"])
def test_torch_still_answers_the_private_questions(question: str) -> None:
    assert isinstance(getattr(torch.cpu, question)(), bool)


@pytest.mark.parametrize(
    ("accelerator", "parts", "expected"),
    [
        ("auto", (), "cpu"),
        ("auto", ("cuda",), "cuda"),
        ("auto", ("mps",), "mps"),
        ("gpu", ("cuda",), "cuda"),
        ("gpu", ("mps",), "mps"),
        ("cpu", ("cuda",), "cpu"),
    ],
)
def test_an_accelerator_names_a_device(accelerator: str, parts: tuple[str, ...], expected: str, machine) -> None:
    machine(*parts)
    assert device_type(accelerator) == expected


def test_asking_for_a_gpu_where_there_is_none_is_an_error(machine) -> None:
    machine()
    with pytest.raises(InputError, match=r"--trainer.accelerator gpu: this machine has no GPU"):
        device_type("gpu")


def test_the_hardware_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert hardware("cpu").endswith("1 thread")
    assert len(hardware("cpu")) > len(", 1 thread")
    monkeypatch.setattr(hardware_module, "open", lambda *_, **__: (_ for _ in ()).throw(OSError()), raising=False)
    assert hardware_module._processor()
