"""What a user is to know of the weights that a model starts from."""

from collections.abc import Collection, Sequence

from pytorch_lightning import LightningDataModule, LightningModule

from callbacks.features import fixed_part
from core.errors import InputError
from core.terminal.printable import first_names
from datamodules.base.classification import ClassificationDataModule, other_class
from datamodules.images.image_data_module import ImageDataModule
from datamodules.images.normalization import FIXED
from lightning_modules.pretrained import expected_normalization


def notes_without_weights(model: LightningModule, until: str | None) -> list[str]:
    """Returns a line where a part of a network stays at the random weights that it begins with.

    Args:
        model: The model, which starts from no weights.
        until: Value of `--features.until`.
    """
    fixed, _ = fixed_part(model, until)
    return [f"note     {fixed}: without --weights its network is fixed at random weights"] if fixed else []


def note_on_random(
    model: LightningModule, until: str | None, untrained: Sequence[str], set_by_data: Collection[str]
) -> list[str]:
    """Returns a line where a fixed part of a network has random weights, since those that it starts from lack them.

    Args:
        model: The model, which is trained now.
        until: Value of `--features.until`.
        untrained: Names of parameters that the weights lack.
        set_by_data: Those of them that the data sets.
    """
    fixed, modules = fixed_part(model, until)
    inside = {id(parameter) for module in modules for parameter in module.parameters()}
    random = [key for key in untrained if key not in set_by_data and id(model.get_parameter(key)) in inside]
    return [f"note     {fixed}: its network is fixed, with random weights in {first_names(random)}"] if random else []


def note_on_untrained(names: Sequence[str]) -> list[str]:
    """Returns a line where parameters of a model that is not trained now have never been."""
    if not names:
        return []
    return [f"note     nothing has trained {first_names(names)}: fit the model from these weights first"]


def note_on_classes(name: str, learned: Sequence[str], datamodule: LightningDataModule, trains: bool) -> list[str]:
    """Returns a line where a head is taken that was trained with as many other classes; those of fewer fit nowhere.

    Raises:
        InputError: It was, and is not trained now.
    """
    if not isinstance(datamodule, ClassificationDataModule) or len(learned) != len(datamodule.class_names):
        return []
    other = other_class(learned, datamodule.class_names)
    if not other:
        return []
    told = f"its head was trained with other classes than those of {datamodule.name}: {other}"
    if not trains:
        raise InputError(f"--weights {name}: {told}; fit the model from these weights first")
    return [f"note     {name}: {told}"]


def note_on_images(name: str, datamodule: LightningDataModule) -> list[str]:
    """Returns a line where images are normalised in another way than those that published weights were trained on."""
    expected = expected_normalization(name)
    if expected is None or not isinstance(datamodule, ImageDataModule):
        return []
    given = datamodule.normalization
    if given.kind == expected or (given.mean, given.std) == FIXED[expected]:
        return []
    return [
        f"note     {name} was trained on other pixels than data.normalization {given.kind} gives: set "
        f"--data.normalization {expected}"
    ]
