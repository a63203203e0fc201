"""The graph of a network: what takes what from which, however it is computed."""

import weakref

import pytest
import torch
from torch import Tensor, nn

from callbacks.media.graph import graph_of
from core.media import Operation
from datamodules.batches import CharacterBatch, ImageBatch
from datamodules.words.batches import WordBatch
from lightning_modules import GAN, CharRNN, TransformerLM, WordVectors
from tests.networks import assert_graph
from tests.tiny import tiny_vgg


class Doubled(torch.autograd.Function):
    """An operation that torch's functions do not show."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return torch.from_numpy(x.detach().numpy() * 2)

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> Tensor:
        return gradient * 2


class Unseen(nn.Module):
    """A layer with a function of its own."""

    def forward(self, x: Tensor) -> Tensor:
        """Doubles."""
        return Doubled.apply(x)


class Plain(nn.Module):
    """A network with one layer that runs twice, one that hides what it does, and writing in place."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)
        self.unseen = Unseen()

    def losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns one loss."""
        x = self.unseen(self.linear(self.linear(batch["points"].T.T)))
        x[:, 0] = 1.0
        return {"loss": x.sum()}


def by_name(operations: list[Operation]) -> dict[str, Operation]:
    """Returns operations by their names."""
    return {operation.name: operation for operation in operations}


def test_every_operation_has_its_place_its_inputs_and_its_shape() -> None:
    found = by_name(graph_of(Plain(), {"points": torch.ones(3, 2)}))
    weights = ("Plain/linear/weight", "Plain/linear/bias")
    assert list(found) == [
        *("batch/points", *weights, "Plain/linear/linear", "Plain/linear/linear_1"),
        *("Plain/unseen/detach", "Plain/unseen/Unseen"),
        *("losses/setitem", "losses/sum"),
    ]
    assert found["Plain/linear/linear"].inputs == ("batch/points", *weights), "a transpose is the tensor itself"
    assert found["Plain/linear/linear_1"].inputs == ("Plain/linear/linear", *weights)
    assert found["Plain/unseen/Unseen"].inputs == ("Plain/linear/linear_1",)
    assert found["losses/sum"].inputs == ("losses/setitem",)
    assert found["Plain/linear/linear"].shape == (3, 2)
    assert [found[name].kind for name in ("batch/points", weights[0], "losses/sum")] == ["input", "parameter", "sum"]


def test_a_network_with_norms_and_dropout() -> None:
    images = torch.randn(2, 3, 16, 16)
    model = tiny_vgg()
    assert_graph(model, ImageBatch(images, torch.tensor([0, 1]), torch.arange(2), {}))
    found = by_name(graph_of(model, ImageBatch(images, torch.tensor([0, 1]), torch.arange(2), {})))
    assert found["VGG/stages/0/0/conv2d"].inputs == ("batch/images", "VGG/stages/0/0/weight")
    assert "VGG/stages/0/1/batch_norm" in found
    assert found["losses/cross_entropy"].inputs == ("losses/float", "batch/targets")


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm", "scratch", "peephole"])
def test_character_models(cell: str) -> None:
    model = CharRNN(vocab_size=9, cell=cell, hidden=5, layers=2)
    assert_graph(model, CharacterBatch(torch.randint(9, (2, 7)), fresh=True))


def test_a_transformer_of_characters() -> None:
    model = TransformerLM(vocab_size=9, width=8, heads=2, layers=2)
    assert_graph(model, CharacterBatch(torch.randint(9, (2, 7)), fresh=True))


@pytest.mark.parametrize(
    ("objective", "architecture"),
    [
        ("negative_sampling", "skip_gram"),
        ("negative_sampling", "cbow"),
        ("hierarchical_softmax", "cbow"),
        ("sampled_softmax", "skip_gram"),
    ],
)
def test_word_vectors(objective: str, architecture: str) -> None:
    model = WordVectors(20, width=4, objective=objective, architecture=architecture)
    model.learn_vocabulary([f"w{number}" for number in range(20)], torch.arange(20, 0, -1))
    words = WordBatch.of(torch.arange(6), torch.tensor([0, 1, 1, 1, 1, 1]), torch.tensor([1, 1, 1, 1, 1, 0]))
    assert_graph(model, words)


def test_two_players() -> None:
    images = torch.rand(2, 1, 28, 28)
    assert_graph(GAN(), ImageBatch(images, torch.tensor([0, 1]), torch.arange(2), {}))


class InParts(nn.Module):
    """A network that looks at one part of its batch after the other, and forgets it."""

    def losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns one loss."""
        self.forgotten, total = [], torch.zeros(())
        for part in batch["points"]:
            values = part.exp()
            self.forgotten.append(weakref.ref(values))
            total = total + values.sum()
            del values
            assert self.forgotten[-1]() is None
        return {"loss": total}


def test_a_graph_keeps_no_tensor_that_its_network_has_done_with() -> None:
    network = InParts()
    found = graph_of(network, {"points": torch.ones(3, 2)})
    assert len(network.forgotten) == 3
    assert [operation.name for operation in found if operation.kind == "exp"] == [
        "losses/exp",
        "losses/exp_1",
        "losses/exp_2",
    ]
