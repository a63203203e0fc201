"""Images preprocessed a second on the GPU, beside torchvision's data sets with eight worker processes."""

from benchmarks.gpu_parts.settings import Findings, Settings
from benchmarks.input_pipeline import AUGMENTATIONS, compare, contenders

IMAGES, BATCH = 50_000, 500
PROCESSES = (8,)


def measure(settings: Settings, found: Findings) -> None:
    """Measures both cases in turns."""
    images, batch = (40, 20) if settings.quick else (IMAGES, BATCH)
    processes = (1,) if settings.quick else PROCESSES
    seconds = 0.0 if settings.quick else 0.5
    for case in AUGMENTATIONS:
        print(case)
        epochs = contenders(settings.data_dir, case, batch, images, settings.device, processes)
        found.note(**{case: compare(epochs, case, settings.pairs, seconds, settings.device)})
