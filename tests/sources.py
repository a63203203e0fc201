"""The rooms of the product, the files in them, and what names in a file lead to."""

import ast
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


def imported_names(tree: ast.AST) -> dict[str, str]:
    """Returns the full names of what a file imports by the names that it has there, such as `numpy` of `np`."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def full_name(node: ast.AST, names: dict[str, str]) -> str:
    """Returns what an expression such as `np.load` leads to, `numpy.load`, given what its file imports; else ""."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    owner = full_name(node.value, names) if isinstance(node, ast.Attribute) else ""
    return f"{owner}.{node.attr}" if owner else ""
