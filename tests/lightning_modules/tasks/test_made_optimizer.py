"""An optimizer with a rule for each use of weights gets embeddings and what gives the outputs apart from the hidden."""

import copy
from collections.abc import Callable, Iterable

import pytest
import torch
from torch import nn

from core.errors import InputError
from lightning_modules import (
    DCGAN,
    GAN,
    MLP,
    BagOfNgrams,
    Captioner,
    CharRNN,
    LeNet5,
    LogisticRegression,
    Seq2Seq,
    StyleTransfer,
    TextCNN,
    TextRNN,
    TransformerLM,
)
from lightning_modules.optimizers import Muon
from lightning_modules.tasks.task import Task

WORDS = {"num_classes": 2, "vocab_size": 9, "optimizer": Muon}
NOT_HIDDEN = {
    "one-hot characters": (lambda: CharRNN(9, hidden=6, optimizer=Muon), {"head.weight"}),
    "characters": (
        lambda: CharRNN(9, hidden=6, embedding=4, mark_sizes=[3], optimizer=Muon),
        {"head.weight", "embedding.weight", "mark_embedding.weight"},
    ),
    "tied characters": (
        lambda: CharRNN(9, hidden=6, embedding=6, tie_weights=True, optimizer=Muon),
        {"embedding.weight"},
    ),
    "transformer": (
        lambda: TransformerLM(9, layers=1, width=8, heads=2, context=8, optimizer=Muon),
        {"embedding.weight"},
    ),
    "filters of words": (lambda: TextCNN(**WORDS), {"embedding.table.weight", "head.1.weight"}),
    "one unit": (lambda: TextRNN(logistic=True, **WORDS), {"embedding.table.weight", "head.1.weight"}),
    "weights of symbols": (
        lambda: BagOfNgrams(logistic=True, embedding=4, naive_bayes=True, **WORDS),
        {"weights", "embedding.weight", "head.weight"},
    ),
    "distances to fixed codes": (lambda: LeNet5(10, optimizer=Muon), set()),
    "logistic regression": (lambda: LogisticRegression(image_size=4, optimizer=Muon), {"linear.weight"}),
    "translator": (
        lambda: Seq2Seq(9, 8, hidden=8, embedding=8, optimizer=Muon),
        {"embedding.weight", "source_embedding.weight", "head.weight"},
    ),
    "tied translator": (
        lambda: Seq2Seq(9, 9, hidden=8, embedding=8, tie="all", optimizer=Muon),
        {"source_embedding.weight"},
    ),
    "tied captions": (
        lambda: Captioner(9, image_size=32, hidden=8, embedding=8, tie=True, optimizer=Muon),
        {"embedding.weight"},
    ),
    "depths": (
        lambda: TextCNN(depth_lr_factor=0.5, **WORDS),
        {"embedding.table.weight", "head.1.weight"},
    ),
}


def hidden_and_others(task: Task, *parts: nn.Module) -> tuple[set[str], set[str]]:
    """Returns the names of the matrices that are hidden and those of the others; each parameter is in one group."""
    names = {id(parameter): name for name, parameter in task.named_parameters()}
    groups = [group for part in parts or (task,) for group in task.optimizer_of(part).param_groups]
    found = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(found) == sorted(names)
    sides: tuple[set[str], set[str]] = (set(), set())
    for group in groups:
        sides[not group["hidden"]].update(names[id(one)] for one in group["params"] if one.ndim > 1)
    return sides


@pytest.mark.parametrize("name", NOT_HIDDEN)
def test_embeddings_and_what_gives_the_outputs_are_not_hidden(name: str) -> None:
    make, expected = NOT_HIDDEN[name]
    hidden, others = hidden_and_others(make())
    assert others == expected
    assert bool(hidden) == (name not in ("weights of symbols", "logistic regression"))


def test_players_have_their_outputs_apart() -> None:
    gan = GAN(image_size=4, generator_widths=[5], discriminator_widths=[5], optimizer=Muon)
    hidden, others = hidden_and_others(gan, gan.discriminator, gan.generator)
    assert others == {"generator.layers.2.weight", "discriminator.layers.2.weight"}
    assert hidden == {"generator.layers.0.weight", "discriminator.layers.0.weight"}


def test_weights_below_a_spectral_norm_are_found() -> None:
    settings = {"image_size": 8, "width": 4, "norm": "spectral", "conditional": True}
    gan = DCGAN(num_classes=3, optimizer=Muon, **settings)
    _, others = hidden_and_others(gan, gan.discriminator, gan.generator)
    original = "parametrizations.weight.original"
    assert {name for name in others if name.startswith("discriminator")} == {
        f"discriminator.{layer}.{original}" for layer in ("head", "directions")
    }
    assert {name.split(".")[1] for name in others if name.startswith("generator")} == {"codes", "layers"}


def test_head_and_embeddings_have_the_rate_of_heads() -> None:
    task = TextCNN(2, vocab_size=9, optimizer=lambda groups: Muon(groups, lr=0.1, head_lr=3.0, vector_lr=2.0))
    rates = {group["name"]: group["lr"] for group in task.optimizer_of(task).param_groups}
    assert rates == {"weights": 0.1, "embeddings": 3.0, "head": 3.0, "biases": 2.0}


def test_a_network_that_does_not_name_its_outputs_is_refused() -> None:
    task = StyleTransfer(image_size=(8, 8), optimizer=Muon)
    with pytest.raises(InputError, match=r"^--model\.optimizer Muon: .* StyleTransfer does not name; take another"):
        task.optimizer_of(task)


@pytest.mark.parametrize("make", [lambda: TextCNN(2, vocab_size=9), lambda: CharRNN(9, hidden=6, embedding=4)])
def test_other_optimizers_keep_the_groups_of_their_checkpoints(make: Callable[[], Task]) -> None:
    names = [group["name"] for group in make().parameter_groups()]
    assert "embeddings" not in names
    assert ("head" in names) == isinstance(make(), TextCNN)


def test_a_checkpoint_of_other_hidden_weights_is_refused() -> None:
    task = LogisticRegression(image_size=4, optimizer=Muon)
    optimizer = task.optimizer_of(task)
    saved = copy.deepcopy(optimizer.state_dict())
    optimizer.load_state_dict(saved)
    saved["param_groups"][0]["hidden"] = True  # as an earlier release had it
    with pytest.raises(InputError, match=r"^Muon: the checkpoint has other hidden weights"):
        optimizer.load_state_dict(saved)


def test_an_optimizer_without_a_rate_is_refused() -> None:
    class Nameless(torch.optim.Optimizer):
        def __init__(self, params: Iterable) -> None:
            super().__init__(params, {"eta": 0.1})

    model = MLP(5, image_size=8, in_channels=1, widths=[6], optimizer=Nameless)
    with pytest.raises(InputError, match=r"^--model\.optimizer Nameless: its parameter groups have no lr"):
        model.configure_optimizers()
