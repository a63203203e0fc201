"""What is imported by name, where a config or a checkpoint can come from anybody."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from jsonargparse._common import parsing_settings
from pytorch_lightning.utilities.model_helpers import _restricted_classmethod

from core.code.known_code import LIBRARIES, OWN


@contextmanager
def limited_imports(others: Iterable[str] | None) -> Iterator[None]:
    """Lets parsers import only certain code by name in the block; other names are refused before any import.

    What a name leads to counts as well: `torch.os.system` is no function of torch. Names of defaults are not limited.

    Args:
        others: Import paths that may be named beside those of this project and its libraries, each with all below it;
            None for any, but for what Python itself has to run commands and to handle files.
    """
    names = ("import_path_verdicts", "import_paths_enforced")  # jsonargparse's own function for these only adds
    before = {name: parsing_settings[name] for name in names}
    verdicts = before[names[0]]
    if others is not None:
        verdicts = {"*": False} | dict.fromkeys((*OWN, *LIBRARIES, *others), True)
    parsing_settings.update(zip(names, (verdicts, True), strict=True))
    try:
        yield
    finally:
        parsing_settings.update(before)


class LoadsWithLimits:
    """Mixin of modules whose `load_from_checkpoint` imports nothing that a stranger's checkpoint may name."""

    @_restricted_classmethod
    def load_from_checkpoint(
        cls,  # noqa: N805 (a class method)
        checkpoint_path: Any,
        map_location: Any = None,
        hparams_file: Any = None,
        strict: bool | None = None,
        weights_only: bool | None = None,
        **kwargs: Any,
    ) -> Self:
        """Makes a module of a checkpoint, as Lightning does.

        It runs no code in the checkpoint unless `weights_only` is False: Lightning's default does for an address.
        Hyperparameters may name classes of this project, its libraries and the module's own package.
        """
        weights_only = weights_only is not False
        with limited_imports([cls.__module__.partition(".")[0]]):
            return super().load_from_checkpoint(
                checkpoint_path, map_location, hparams_file, strict, weights_only, **kwargs
            )
