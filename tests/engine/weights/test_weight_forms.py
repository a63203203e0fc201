"""Weights are found in the forms in which people save them, and what does not fit is told by name."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn, optim

from core.errors import InputError
from engine.weights.initial_weights import load_weights, read_weights
from engine.weights.weight_forms import SHOWN
from tests.foreign.other_package.models import Net
from tests.tiny import tiny_vgg

Weights = dict[str, Tensor]


class Holds(Net):
    """A network that holds another one as `net`."""

    def __init__(self) -> None:
        super().__init__()
        del self.conv, self.head
        self.net = tiny_vgg()


def weights() -> Weights:
    """Returns weights that are not those of `tiny_vgg`."""
    return {key: value + 1 for key, value in tiny_vgg().state_dict().items() if "_metrics." not in key}


def named(beginning: str) -> Weights:
    """Returns them with another beginning of each name."""
    return {beginning + key: value for key, value in weights().items()}


def optimizer() -> dict:
    """Returns the state of an optimizer that has made a step."""
    layer = nn.Linear(4, 40)
    adam = optim.Adam(layer.parameters())
    layer(torch.ones(1, 4)).sum().backward()
    adam.step()
    return adam.state_dict()


FORMS = {
    "plain": weights,
    "state_dict": lambda: {"state_dict": weights(), "epoch": 3},
    "net beside an accuracy": lambda: {"net": weights(), "acc": 94.1, "epoch": 3},
    "net beside a tensor": lambda: {"net": weights(), "acc": torch.tensor(94.1)},
    "model_state_dict beside an optimizer": lambda: {
        "epoch": 3, "model_state_dict": weights(), "optimizer_state_dict": optimizer(), "loss": torch.ones(()),
    },
    "model beside averages": lambda: {"model": weights(), "model_ema": named("x."), "scaler": {}, "args": {"lr": 0.1}},
    "model beside optimizers of other names": lambda: {"model": weights(), "opt": optimizer(), "G_state": optimizer()},
    "beside an optimizer alone": lambda: {"mine": weights(), "solver": optimizer()},
    "state_dict beside several averages": lambda: {
        "state_dict": weights(), "ema": {"a": named("x."), "b": named("y.")},
    },
    "under a name of its own": lambda: {"my_weights": weights(), "optim": optimizer()},
    "twice": lambda: {"model": {"state_dict": weights()}},
    "module.": lambda: named("module."),
    "_orig_mod.": lambda: named("_orig_mod."),
    "both": lambda: {"model": named("module._orig_mod.")},
    "the other order": lambda: named("_orig_mod.module."),
    "net.": lambda: {"state_dict": named("net.")},
    "model.module.": lambda: named("model.module."),
    "compiled within": lambda: named("net._orig_mod."),
}  # fmt: skip


@pytest.mark.parametrize("model", [tiny_vgg, Holds])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_every_form_is_loaded_whole(form: Callable[[], dict], model: Callable[[], nn.Module], tmp_path: Path) -> None:
    torch.save(form(), tmp_path / "w.pth")
    network = model()
    lines = load_weights(network, read_weights("w.pth"), "w.pth")
    assert lines == [f"weights  {len(weights())} of the model's {len(weights())} tensors loaded from w.pth"]
    held = network.net if isinstance(network, Holds) else network
    assert all(torch.equal(held.state_dict()[key], value) for key, value in weights().items())


def test_several_sets_of_weights_are_refused_by_name(tmp_path: Path) -> None:
    torch.save({"generator": weights(), "discriminator": weights(), "optimizer": optimizer()}, tmp_path / "w.pth")
    with pytest.raises(InputError, match=r"w.pth: holds several sets of weights \(generator, discriminator\)"):
        read_weights("w.pth")


def test_an_optimizer_alone_holds_no_weights(tmp_path: Path) -> None:
    torch.save({"optimizer": optimizer()}, tmp_path / "w.pth")
    with pytest.raises(InputError, match="holds no tensors by name"):
        read_weights("w.pth")


@pytest.mark.parametrize("more", [0, 1, 1500])
def test_what_does_not_fit_is_told_in_at_most_ten_lines_and_a_count(more: int) -> None:
    given = weights() | {f"extra.{n}": torch.ones(1) for n in range(SHOWN - 2 + more)}
    lines = load_weights(tiny_vgg(num_classes=7), given, "w.pth")
    shapes = [
        "classifier.3.weight: [5, 128] there, [7, 128] in the model",
        "classifier.3.bias: [5] there, [7] in the model",
    ]
    assert lines[1:3] == [f"         skipped {line}" for line in shapes]
    assert len(lines) == 1 + SHOWN + bool(more)
    assert not more or lines[-1] == f"         and {more:,} more"


def test_a_refusal_names_shapes_in_one_line() -> None:
    with pytest.raises(
        InputError, match=r"stages.0.0.weight: \[8, 3, 3, 3\] there, \[16, 3, 3, 3\] in the model;.* more"
    ) as end:
        load_weights(tiny_vgg(widths=[16, 16]), weights(), "w.pth")
    assert "\n" not in str(end.value)
