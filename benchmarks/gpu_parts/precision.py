"""Images a second of `fit` in several number formats, and the share of a matrix product's speed that it reaches.

A float32 run is measured three times: without TF32, as torch has it (convolutions in TF32), and with TF32 for matrix
products, too. The peak is a product of square matrices in the same format, before each turn.
"""

import tempfile
import time
from dataclasses import dataclass, field
from typing import Any

import torch

from benchmarks.gpu_parts.configured import Configured
from benchmarks.gpu_parts.settings import Findings, Settings
from benchmarks.measure import on_a_terminal, ratio, show, summarize
from benchmarks.timer import Timer, wait_for
from benchmarks.training import operations

CIFAR10_IMAGES = 50_000
NETWORKS = {
    "vgg_bn": ("vgg_bn.yaml", 500),
    "resnet18": ("resnet18_gpu.yaml", 128),
    "vgg16_bn": ("vgg16_bn_gpu.yaml", 128),
}
STEPS, SIZE = 60, 8192  # of a turn; of the matrices


@dataclass(frozen=True)
class Form:
    """A number format and what goes with it.

    Attributes:
        precision: Lightning's name.
        tf32: Whether convolutions and matrix products may use TF32.
        channels_last: Whether pictures and weights are laid out so.
        options: Options of the trainer.
    """

    precision: str
    tf32: tuple[bool, bool] = (True, False)
    channels_last: bool = True
    options: dict[str, Any] = field(default_factory=dict)


FORMS = {
    "float32": Form("32-true", (False, False)),
    "float32_as_torch_has_it": Form("32-true"),
    "tf32": Form("32-true", (True, True)),
    "bf16": Form("bf16-mixed"),
    "bf16_channels_first": Form("bf16-mixed", channels_last=False),
    "bf16_cudnn_benchmark": Form("bf16-mixed", options={"benchmark": True}),
}


def peak(precision: str, device: torch.device, size: int) -> float:
    """Returns the speed of a matrix product in 10^12 operations a second."""
    dtype = torch.bfloat16 if precision == "bf16-mixed" else torch.float32
    a, b = torch.randn(size, size, device=device, dtype=dtype), torch.randn(size, size, device=device, dtype=dtype)
    best = 0.0
    for _ in range(5):
        wait_for(device)
        began = time.perf_counter()
        for _ in range(3):
            a @ b
        wait_for(device)
        best = max(best, 3 * 2 * size**3 / (time.perf_counter() - began) / 1e12)
    return best


def images_per_second(configured: Configured, data: Any, form: Form, device: torch.device, steps: int) -> float:
    """Trains so many steps in `fit`.

    Args:
        configured: The config.
        data: Its data, with enough pictures.
        form: The number format.
        device: What computes.
        steps: How many steps, of which the first ones are not timed.
    """
    timer = Timer(device, steps)
    options = form.options | {"precision": form.precision, "limit_train_batches": steps, "limit_val_batches": 0}
    options |= {"max_epochs": 1, "enable_checkpointing": False}
    built = configured.build(0, timer, **options)
    built.trainer.channels_last = form.channels_last
    built.datamodule.splits = dict(data.splits)
    with on_a_terminal():
        built.trainer.fit(built.model, datamodule=built.datamodule)
    return timer.speed() * data.batch_size


def measure(settings: Settings, found: Findings) -> None:
    """Measures all networks in all formats, in turns."""
    device, quick = settings.device, settings.quick
    steps, size = (4, 64) if quick else (STEPS, SIZE)
    torch.backends.cudnn.benchmark = False
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (config, batch_size) in NETWORKS.items():
            batch_size = 4 if quick else batch_size
            data = settings.cifar10(steps * batch_size, batch_size=batch_size, val_size=0)
            words = [*settings.flags, "--trainer.default_root_dir", folder, "--data.source", "synthetic"]
            words += ["--data.batch_size", str(batch_size), "--data.val_size", "0"]
            configured = Configured(config, words)
            cost = operations(configured.model) / 1e3  # 10^12 an image
            speeds: dict[str, list[float]] = {form: [] for form in FORMS}
            peaks: dict[str, list[float]] = {form: [] for form in FORMS}
            for turn in range(1 if quick else max(1, settings.pairs - 1)):
                for form_name, form in FORMS.items():
                    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = form.tf32
                    peaks[form_name].append(peak(form.precision, device, size))
                    speeds[form_name].append(images_per_second(configured, data, form, device, steps))
                    print(
                        f"  {turn + 1}  {name:<10} {form_name:<24} {speeds[form_name][-1]:>12,.0f} images/s", flush=True
                    )
                torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = True, False
                torch.backends.cudnn.benchmark = False
                results[name] = {
                    form: {
                        "images_per_second": summarize(values),
                        "seconds_of_an_epoch": summarize([CIFAR10_IMAGES / value for value in values]),
                        "peak_teraflops": summarize(peaks[form]),
                        "share_of_peak": ratio([value * cost for value in values], peaks[form]),
                        "of_float32": ratio(values, speeds["float32"]),
                    }
                    for form, values in speeds.items()
                }
                found.note(**results)
            show(f"{name}: bf16, of float32", results[name]["bf16"]["of_float32"], 2)
            show(f"{name}: bf16, share of the peak", results[name]["bf16"]["share_of_peak"], 2)
