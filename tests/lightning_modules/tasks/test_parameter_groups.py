"""Depths of the parts of networks, from the input to the output."""

from typing import Any

import pytest
import torch
from torch import nn

from core.errors import InputError
from lightning_modules import MLP, CharRNN, GoogLeNet, Seq2Seq, TextCNN, Transformer, TransformerLM
from lightning_modules.tasks.parameter_groups import can_merge
from lightning_modules.tasks.task import Task


def depth_factors(model: Task) -> dict[str, float]:
    """Returns the factor on the learning rate of each parameter, by name."""
    factors = {id(one): group["depth_factor"] for group in model.parameter_groups() for one in group["params"]}
    assert len(factors) == len(list(model.parameters()))
    return {name: factors[id(parameter)] for name, parameter in model.named_parameters()}


def test_a_network_that_is_no_chain_has_the_depth_of_its_parts() -> None:
    factors = depth_factors(GoogLeNet(5, image_size=32, stem="cifar", width=0.125, depth_lr_factor=0.5))
    assert factors["fc.weight"] == factors["aux1.fc2.weight"] == factors["aux2.conv.conv.weight"] == 1
    assert factors["inception5b.branch1.conv.weight"] == 0.5
    assert min(factors.values()) == factors["stem.conv.weight"] == 0.5**10


def test_the_layers_of_a_network_in_one_sequence_have_depths() -> None:
    factors = depth_factors(MLP(5, image_size=8, in_channels=1, widths=[6, 7], depth_lr_factor=0.5))
    assert [factor for name, factor in factors.items() if name.endswith("weight")] == [0.25, 0.5, 1]


@pytest.mark.parametrize("tie", ["none", "all"])
@pytest.mark.parametrize("network", [Seq2Seq, Transformer])
def test_a_translator_has_depths_from_the_sentence_to_the_words(network: type, tie: str) -> None:
    settings = {"layers": 1, "hidden": 8, "tie": tie, "depth_lr_factor": 0.5}
    settings |= {"width": 8, "heads": 2} if network is Transformer else {"embedding": 8}
    factors = depth_factors(network(9, 9, **settings))
    encoder, decoder = (
        [factor for name, factor in factors.items() if name.startswith(parts)]
        for parts in ("encoder", ("decoder", "lower", "upper"))
    )
    assert max(encoder) < min(decoder) < 1
    embeddings = [
        factors[f"{name}.weight"] for name in ("source_embedding", "embedding") if f"{name}.weight" in factors
    ]
    if tie == "none":
        source, target = embeddings
        assert source < min(encoder)
        assert max(encoder) < target < min(decoder)
        assert factors["head.weight"] == 1
    else:
        assert set(embeddings) == {1}  # they are the head's


def test_each_layer_of_a_decoder_has_a_depth_of_its_own() -> None:
    factors = depth_factors(Transformer(9, 9, layers=3, hidden=8, width=8, heads=2, depth_lr_factor=0.5))
    layers = [{factor for name, factor in factors.items() if name.startswith(f"decoder.{n}.")} for n in range(3)]
    assert layers == [{0.5**4}, {0.5**3}, {0.5**2}]


def test_weights_that_are_input_and_output_count_as_the_output() -> None:
    model = TransformerLM(9, layers=2, width=8, heads=2, context=8, mark_sizes=[3], depth_lr_factor=0.5)
    factors = depth_factors(model)
    assert factors["embedding.weight"] == 1
    blocks = [{factor for name, factor in factors.items() if name.startswith(f"blocks.{n}.")} for n in range(2)]
    assert blocks == [{0.5**3}, {0.5**2}]
    assert factors["mark_embedding.weight"] == 0.5**4


def test_layers_side_by_side_have_one_depth() -> None:
    factors = depth_factors(TextCNN(3, vocab_size=9, depth_lr_factor=0.5))
    assert {factor for name, factor in factors.items() if name.startswith("convolutions")} == {0.5}


def test_marks_are_inputs() -> None:
    factors = depth_factors(CharRNN(9, hidden=6, embedding=4, mark_sizes=[3], depth_lr_factor=0.5))
    marks = [factor for name, factor in factors.items() if name.startswith("mark_embedding")]
    assert set(marks) == {min(factors.values())}


def test_a_head_may_be_a_module_of_layers() -> None:
    class WithHead(MLP):
        def head_layers(self) -> list[nn.Module]:
            return [self.head]

    model = WithHead(5, image_size=8, in_channels=1, widths=[6])
    model.head = nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6), nn.Linear(6, 5))
    groups = {group["name"]: {id(one) for one in group["params"]} for group in model.parameter_groups()}
    assert groups["head"] == {id(model.head[0].weight), id(model.head[2].weight)}
    assert {id(model.head[1].weight), id(model.head[1].bias)} <= groups["norms"]


@pytest.mark.parametrize(("head", "kind"), [(nn.Linear(2, 2), "Linear"), ([torch.zeros(2)], "list")])
def test_a_head_that_is_no_list_of_layers_is_refused(head: Any, kind: str) -> None:
    model = MLP(5, image_size=8, in_channels=1, widths=[6])
    model.head_layers = lambda: head
    with pytest.raises(InputError, match=rf"^MLP.head_layers returns a {kind}; a list of layers is needed$"):
        model.parameter_groups()


def test_groups_that_are_alike_merge_unless_their_names_are_read() -> None:
    class ByName(torch.optim.SGD):
        reads_names = True

    groups = [{"name": name, "params": [nn.Parameter(torch.ones(2))]} for name in ("weights", "biases")]
    assert can_merge(torch.optim.SGD(groups, lr=0.1))
    assert not can_merge(torch.optim.SGD([groups[0], groups[1] | {"lr": 0.2}], lr=0.1))
    assert not can_merge(ByName(groups, lr=0.1))
