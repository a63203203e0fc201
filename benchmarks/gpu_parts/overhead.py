"""The overhead of a step on the GPU: `fit` with everything on, bare Lightning and a plain PyTorch loop."""

from typing import Any

from benchmarks.gpu_parts.settings import Findings, Settings
from benchmarks.measure import summarize
from benchmarks.overhead import compare, make_cases

STEPS, SLOW_STEPS = 300, 80
MNIST_BATCH = 128


def measure(settings: Settings, found: Findings) -> None:
    """Measures all cases in turns."""
    steps, slow = (4, 2) if settings.quick else (STEPS, SLOW_STEPS)
    batch = 8 if settings.quick else MNIST_BATCH

    def cifar10(batch_size: int, **more: Any) -> Any:
        size = 8 if settings.quick else batch_size
        return settings.cifar10(slow * size, batch_size=size, **more)

    cases = make_cases(lambda: settings.mnist(steps * batch, batch_size=batch), cifar10, steps, slow, settings.device)
    for name, make in cases.items():
        print(name)
        results = compare(name, make(), settings.pairs)
        speeds = results["steps_per_second"].items()
        results["microseconds_a_step"] = {
            contender: summarize([1e6 / value for value in figures.values()]) for contender, figures in speeds
        }
        found.note(**{name: results})
