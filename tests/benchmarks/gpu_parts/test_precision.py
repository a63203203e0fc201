"""Number formats are switched as their names say, and nothing of them is left behind."""

from pathlib import Path

import pytest
import torch

from benchmarks.gpu_parts import precision
from benchmarks.gpu_parts.settings import Findings, Settings

CPU = torch.device("cpu")


def test_formats_are_set_for_their_own_turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = {}

    def train(configured: object, data: object, form: precision.Form, device: object, steps: int) -> float:
        name = next(name for name, known in precision.FORMS.items() if known is form)
        seen[name] = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
        return 2.0 if form.precision == "bf16-mixed" else 1.0

    monkeypatch.setattr(precision, "NETWORKS", {"vgg_bn": precision.NETWORKS["vgg_bn"]})
    monkeypatch.setattr(precision, "images_per_second", train)
    found = Findings(tmp_path / "found.json")
    precision.measure(Settings(CPU, quick=True), found)
    assert seen["float32"] == (False, False)
    assert seen["float32_as_torch_has_it"] == (True, False)
    assert seen["tf32"] == (True, True)
    assert (torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == (True, False)
    assert found.content["vgg_bn"]["bf16"]["of_float32"]["median"] == 2
    assert found.content["vgg_bn"]["bf16"]["seconds_of_an_epoch"]["median"] == 25_000


def test_a_format_reaches_the_fit() -> None:
    from benchmarks.gpu_parts.configured import Configured

    data = Settings(CPU, quick=True).cifar10(16, batch_size=4, val_size=0)
    flags = ["--trainer.accelerator", "cpu", "--trainer.devices", "1", "--data.source", "synthetic"]
    configured = Configured("vgg_bn.yaml", [*flags, "--data.batch_size", "4", "--model.widths", "[4,4,4]"])
    form = precision.Form("64-true", channels_last=False)
    assert precision.images_per_second(configured, data, form, CPU, steps=3) > 0
    assert configured.trainer.precision == "64-true"
    assert not configured.trainer.channels_last
    assert configured.trainer.global_step == 3
