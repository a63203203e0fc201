"""The rooms of the product and the files in them."""

from pathlib import Path

from tests.processes import ROOT

# From top to bottom: a room imports what stands below it, and nothing beside or above it.
ROOMS = (
    ("primer",),
    ("cli",),
    ("results", "benchmarks"),
    ("studies", "inspection"),
    ("engine",),
    ("callbacks",),
    ("lightning_modules",),
    ("datamodules",),
    ("core",),
)
LEVELS = {room: level for level, rooms in enumerate(reversed(ROOMS)) for room in rooms}


def sources() -> list[Path]:
    """Lists the files of the product."""
    return sorted(path for room in LEVELS for path in [*ROOT.glob(f"{room}.py"), *(ROOT / room).rglob("*.py")])
