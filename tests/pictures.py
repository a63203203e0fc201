"""Pictures on disk, for tests that read some."""

from pathlib import Path

import numpy as np
from PIL import Image


def picture(path: Path, size: tuple[int, int] = (8, 8), mode: str = "RGB", seed: int = 0) -> Path:
    """Writes a picture of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (size[1], size[0], *((3,) if mode == "RGB" else ()))
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)).save(path)
    return path
