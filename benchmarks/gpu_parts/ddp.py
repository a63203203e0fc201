"""Images a second of the command on all GPUs of this machine, compared with one of them."""

import torch

from benchmarks.command_speed import samples_per_second
from benchmarks.gpu_parts.settings import Findings, Settings
from benchmarks.measure import by_turns, data_flags, ratio, show, summarize

CONFIG, BATCH = "resnet18_gpu.yaml", 256  # images a step on each GPU
STEPS, FIRST = 60, 20


def measure(settings: Settings, found: Findings) -> None:
    """Measures both in turns, if there are several GPUs."""
    number = torch.cuda.device_count()
    if number < 2:
        found.note(said=f"{number} GPU: nothing to compare")
        print(f"  {found.content['said']}")
        return

    def run(devices: int) -> float:
        words = ["--trainer.devices", str(devices), "--data.batch_size", str(BATCH * devices)]
        words += ["--trainer.strategy", "ddp"] if devices > 1 else []
        words += data_flags(settings.data_dir)
        return samples_per_second(CONFIG, tuple(words), STEPS, FIRST, {}, accelerator="gpu")

    figures = by_turns({"one": lambda: run(1), "all": lambda: run(number)}, settings.pairs, "images/s", warm_up=0)
    found.note(
        gpus=number,
        images_per_second={name: summarize(values) for name, values in figures.items()},
        all_of_one=ratio(figures["all"], figures["one"]),
    )
    show(f"{number} GPUs of one", found.content["all_of_one"], 2)
