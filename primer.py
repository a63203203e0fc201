"""The project as one package: `pip install .` installs `primer/` alone, with this file and the folders beside it.

The folders keep their names, by which they import each other and by which configs, checkpoints and notebooks name
classes. Importing this puts the place where they lie first among those that Python searches. `primer.datamodules` is
another name of the same module `datamodules`, and so on.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parent
NAMES = ("callbacks", "cli", "core", "datamodules", "engine", "inspection", "lightning_modules", "studies")

__path__: list[str] = []  # of a package in which nothing is found but by `_OtherNames`


class _OtherNames:
    """Finds `primer.core` and the like, which are modules that are known as `core` and the like."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Returns how such a module is loaded; None for all others."""
        root, _, own_name = name.partition(".")
        return ModuleSpec(name, self) if root == __name__ and own_name.partition(".")[0] in NAMES else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Returns the module, imported by its own name."""
        module = import_module(spec.name.partition(".")[2])
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Gives the module back what says where it is from; it has run already."""
        module.__spec__ = module.__spec__.loader_state


def main(argv: list[str] | None = None) -> int:
    """Runs the command `primer`; the same as `python cli.py`."""
    return import_module("cli").main(argv)


def _refuse_others() -> None:
    """Checks that no other module has been imported by a name of ours.

    Raises:
        ImportError: One has.
    """
    for name in NAMES:
        module = sys.modules.get(name)
        place = getattr(module, "__file__", None)
        if module is not None and (place is None or not Path(place).resolve().is_relative_to(FOLDER)):
            raise ImportError(
                f"primer has a module {name}, and another of this name has been imported ({place}): import primer "
                "first, and keep the other within a package",
                name=name,
            )


_refuse_others()
if str(FOLDER) not in sys.path:
    sys.path.insert(0, str(FOLDER))
sys.meta_path.insert(0, _OtherNames())
