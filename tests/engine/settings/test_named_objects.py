"""What settings name is a class of a few kinds, or a default."""

from functools import partial
from pathlib import Path

import pytest
import torch
from jsonargparse import Namespace

from core.errors import InputError
from engine.settings.named_objects import refuse_other_objects
from engine.settings.trust import Limit

FINETUNING = "pytorch_lightning.callbacks.finetuning"
LIMIT = Limit(Path("run/config.yaml"), frozenset(), frozenset({"torch.relu", "tests.tiny.TINY_CONFIG"}))


def named(value: object) -> Namespace:
    return Namespace(model=Namespace(class_path="lightning_modules.VGG", init_args=Namespace(optimizer=value)))


@pytest.mark.parametrize(
    "value",
    [
        *("a text", None, 1, [1, 2], {"a": "torch.hub.load"}, torch.nn.ReLU, torch.relu),
        Namespace(class_path="torch.optim.SGD", init_args=Namespace(lr=0.1)),
        Namespace(class_path="datamodules.CIFAR10DataModule"),
        {"class_path": "pytorch_lightning.callbacks.EMAWeightAveraging", "init_args": {"decay": 0.9}},
        {"class_path": "tests.tiny.TINY_CONFIG"},
    ],
)
def test_classes_and_values_are_let_through(value: object) -> None:
    refuse_other_objects(named(value), LIMIT)


@pytest.mark.parametrize(
    "value",
    [
        *(torch.load, [torch.load], {"a": [torch.hub.load]}, partial(torch.load), open, dict, len),
        Namespace(class_path="torch.hub.load"),
        Namespace(class_path="torch.package.PackageImporter"),
        Namespace(class_path="torch.optim.SGD", init_args=Namespace(lr=torch.load)),
        Namespace(class_path="torch.optim.SGD", dict_kwargs={"lr": {"class_path": "torch.utils.data.DataLoader"}}),
        {"class_path": "no.such"},
        {"class_path": "subprocess.Popen"},
    ],
)
def test_all_else_is_refused_where_it_may_be_anybodys(value: object) -> None:
    with pytest.raises(InputError, match=r"run/config.yaml: model\.optimizer.* is none of the classes .* add --trust"):
        refuse_other_objects(named(value), LIMIT)
    refuse_other_objects(named(value), None)


def test_functions_are_let_through_as_defaults_alone() -> None:
    from pytorch_lightning.callbacks.finetuning import multiplicative

    name = f"{FINETUNING}.BackboneFinetuning"
    refuse_other_objects(named(Namespace(class_path=name, init_args=Namespace(lambda_func=multiplicative))), LIMIT)
    with pytest.raises(InputError, match="none of the classes"):
        refuse_other_objects(named(Namespace(class_path=name, init_args=Namespace(lambda_func=torch.sum))), LIMIT)
