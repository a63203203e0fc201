"""What every network that translates owes: a translation is its sentence's alone, all of it learns, it comes back."""

from itertools import product
from pathlib import Path

import pytest
import torch
from torch import Tensor

import lightning_modules
from core.errors import InputError
from datamodules.batches import PairBatch
from datamodules.text.special_symbols import END
from lightning_modules import Seq2Seq, Transformer
from lightning_modules.layers.masks import padding_mask
from lightning_modules.tasks.sequence_to_sequence import SequenceToSequence, shifted
from tests.networks import assert_a_checkpoint_gives_the_model_back, assert_gradients, assert_graph

V, S, N = 30, 8, 10
FORMS: dict[str, tuple[type[SequenceToSequence], dict[str, object]]] = {
    **{
        f"Seq2Seq-{cell}-{attention}-{layers}{'-both' if both else ''}": (
            Seq2Seq,
            {"cell": cell, "attention": attention, "layers": layers, "bidirectional": both},
        )
        for (cell, attention), (layers, both) in zip(
            product(("rnn", "gru", "lstm"), ("none", "luong", "bahdanau")),
            [(1, False), (2, True), (3, True), (2, True), (1, False), (2, False), (2, False), (3, False), (1, True)],
            strict=True,
        )
    },
    "Seq2Seq-tied": (Seq2Seq, {"tie": "all", "dropout": 0.2, "encoder_layers": 1}),
    "Seq2Seq-tied-target": (Seq2Seq, {"tie": "target", "attention": "none", "bidirectional": False}),
    "Transformer": (Transformer, {"layers": 2, "heads": 2, "dropout": 0.0}),
    "Transformer-tied": (Transformer, {"layers": 1, "heads": 4, "dropout": 0.1, "tie": "all"}),
    "Transformer-untied": (Transformer, {"layers": 1, "heads": 1, "dropout": 0.0, "tie": "none"}),
}
SMALL = {Seq2Seq: {"hidden": 7, "embedding": 6}, Transformer: {"width": 8, "hidden": 12}}


def build(name: str) -> SequenceToSequence:
    """Returns a form with the same weights every time, larger than a run would begin with."""
    torch.manual_seed(0)
    kind, settings = FORMS[name]
    model = kind(V, V, **SMALL[kind], scoring="words", **settings)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)  # differences between symbols are clear
    return model


def batch() -> PairBatch:
    """Returns sentences of 1 to 8 symbols, and translations."""
    rng = torch.Generator().manual_seed(1)
    parts: list[Tensor] = []
    for _ in range(2):
        lengths = torch.randint(1, S + 1, (N,), generator=rng)
        lengths[:2] = torch.tensor([S, 1])
        symbols = torch.randint(4, V, (N, S), generator=rng) * padding_mask(lengths, S)
        parts += [symbols, lengths]
    parts[2].scatter_(1, parts[3][:, None] - 1, END)
    return PairBatch(*parts, torch.zeros(N, dtype=torch.bool), torch.arange(N), parts[3].sum().float())


def test_every_network_is_here() -> None:
    known = {name for name in lightning_modules.__all__ if _translates(getattr(lightning_modules, name))}
    assert {kind.__name__ for kind, _ in FORMS.values()} == known


def _translates(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, SequenceToSequence)


@pytest.mark.parametrize(
    ("name", "beam"), [*((name, 3) for name in FORMS), ("Seq2Seq-lstm-luong-3", 1), ("Transformer", 1)]
)
def test_a_translation_is_the_same_alone_and_in_any_company(name: str, beam: int) -> None:
    model, pairs = build(name), batch()
    together = model.translate(pairs.sources, pairs.source_lengths, beam)
    # beside more padding that holds other symbols, in another order
    order = torch.randperm(N, generator=torch.Generator().manual_seed(2))
    longer = torch.cat([pairs.sources, torch.zeros(N, 5, dtype=torch.int64)], 1)
    longer = torch.where(padding_mask(pairs.source_lengths, S + 5), longer, 9)[order]
    others = model.translate(longer, pairs.source_lengths[order], beam)[order.argsort()]
    assert torch.equal(together, others)
    for place, length in enumerate(pairs.source_lengths[:4].tolist()):
        (alone,) = model.translate(
            pairs.sources[place : place + 1, :length], pairs.source_lengths[place : place + 1], beam
        )
        assert together[place][together[place] > 0].tolist() == alone.tolist()


@pytest.mark.parametrize("name", FORMS)
def test_padding_changes_no_loss_and_no_gradient(name: str) -> None:
    pairs, results = batch(), []
    for padding, symbol in ((0, 0), (4, 7)):
        model = build(name).eval()
        wide = [
            torch.cat([part, torch.zeros(N, padding, dtype=torch.int64)], 1) for part in (pairs.sources, pairs.targets)
        ]
        sources, targets = (
            torch.where(padding_mask(lengths, S + padding), part, symbol)
            for part, lengths in zip(wide, (pairs.source_lengths, pairs.target_lengths), strict=True)
        )
        loss = model.losses(pairs._replace(sources=sources, targets=targets))["cross_entropy"]
        loss.backward()
        results.append([loss, *(parameter.grad for parameter in model.parameters())])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FORMS)
def test_symbol_by_symbol_it_computes_what_it_computes_at_once(name: str) -> None:
    model, pairs = build(name).eval(), batch()
    logits = model(pairs.sources, pairs.source_lengths, pairs.targets)
    assert logits.shape == (N, S, V)
    memory = model.encode(pairs.sources, pairs.source_lengths)
    state, inputs = model.start(memory, 2), shifted(pairs.targets)
    for place in range(S):
        following, state = model.step(inputs[:, place, None].expand(-1, 2), state, memory)
        torch.testing.assert_close(following[:, 1], logits[:, place], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FORMS)
def test_a_symbol_depends_on_none_that_follows(name: str) -> None:
    model, pairs = build(name).eval(), batch()
    logits = model(pairs.sources, pairs.source_lengths, pairs.targets)
    changed = pairs.targets.clone()
    changed[:, 4:] = 11
    others = model(pairs.sources, pairs.source_lengths, changed)
    torch.testing.assert_close(logits[:, :5], others[:, :5], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(logits[:, 5:], others[:, 5:])


@pytest.mark.parametrize("name", FORMS)
def test_every_parameter_gets_a_gradient_of_a_finite_loss(name: str) -> None:
    model, pairs = build(name), batch()
    loss = model.losses(pairs)["cross_entropy"]
    assert loss.isfinite()
    loss.backward()
    assert_gradients(model)


@pytest.mark.parametrize("name", FORMS)
def test_attention_sums_to_one_over_the_sentence(name: str) -> None:
    model, pairs = build(name), batch()
    weights = model.attention_to(pairs.sources, pairs.source_lengths, pairs.targets)
    if "none" in name or name == "Seq2Seq-tied-target":
        assert weights is None
        return
    assert weights.shape == (N, S, S)
    torch.testing.assert_close(weights.sum(2), torch.ones(N, S))
    assert not weights.masked_select(~padding_mask(pairs.source_lengths, S)[:, None]).any()


@pytest.mark.parametrize("name", ["Seq2Seq-lstm-luong-3", "Seq2Seq-tied", "Transformer", "Transformer-tied"])
def test_bfloat16_agrees_with_float32_and_translates_alike(name: str) -> None:
    model, pairs = build(name).eval(), batch()
    translations = model.translate(pairs.sources, pairs.source_lengths, 2)
    expected = model(pairs.sources, pairs.source_lengths, pairs.targets)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rounded = model(pairs.sources, pairs.source_lengths, pairs.targets).float()
        assert torch.equal(model.translate(pairs.sources, pairs.source_lengths, 2), translations)
    assert (rounded - expected).square().mean().sqrt() < 0.1 * expected.std()


@pytest.mark.parametrize("name", ["Seq2Seq-gru-luong-1", "Transformer-tied"])
def test_the_datas_sizes_arrive_and_a_checkpoint_alone_gives_the_model_back(name: str, tmp_path: Path) -> None:
    kind, settings = FORMS[name]
    loaded = assert_a_checkpoint_gives_the_model_back(
        {"class_path": f"lightning_modules.{kind.__name__}", "init_args": SMALL[kind] | settings},
        {"class_path": "tests.tiny_text.TinyPairs"},
        tmp_path,
    )
    assert loaded.hparams["vocab_size"] == loaded.hparams["source_vocab_size"] == 200


def test_tied_weights_are_one_and_no_head() -> None:
    tied, untied = build("Transformer-tied"), build("Transformer-untied")
    assert tied.source_embedding.weight is tied.embedding.weight is tied.head.weight
    assert [group["name"] for group in tied.parameter_groups()] == ["weights", "norms", "biases"]
    assert {"name": "head", "params": [untied.head.weight]} in untied.parameter_groups()


def test_the_published_networks_size_and_initial_weights() -> None:
    model = Seq2Seq(
        30, 30, "lstm", 2, None, 50, 15, "none", False, uniform=0.1, head_std=0.1, tie="none", scoring="words"
    )
    # an LSTM layer has 4 H (I + H) weights and, in torch, 8 H biases
    layers = 4 * 50 * (15 + 50 + 50 + 50) + 2 * 8 * 50
    assert sum(parameter.numel() for parameter in model.parameters()) == 2 * (30 * 15 + layers) + 51 * 30
    weights = model.encoder.layers
    assert weights.weight_hh_l1.abs().max() <= 0.1
    assert weights.bias_ih_l0.view(4, 50).mean(1).tolist() == [0, 1, 0, 0]
    assert not weights.bias_hh_l0.any()
    assert model.head.weight.abs().max() <= 0.2


@pytest.mark.parametrize(
    ("kind", "settings", "said"),
    [
        (Seq2Seq, {"beam": 0}, "model.beam is 0: at least 1 and at most 1000"),
        (Seq2Seq, {"beam": 100_000_000}, "model.beam is 100000000: at least 1 and at most 1000"),
        (Seq2Seq, {"fit_beam": 0}, "model.fit_beam is 0: at least 1 and at most 1000"),
        (Seq2Seq, {"length": 0}, "model.length is 0: at least 1 is needed"),
        (Seq2Seq, {"length_penalty": -1.0}, "model.length_penalty is -1"),
        (Seq2Seq, {"label_smoothing": 1.0}, "model.label_smoothing is 1"),
        (Seq2Seq, {"hidden": 0}, "model.hidden is 0"),
        (Seq2Seq, {"layers": 0}, "model.layers is 0"),
        (Seq2Seq, {"dropout": 1.0}, "model.dropout is 1"),
        (Seq2Seq, {"embedding": 0}, "model.embedding is 0"),
        (Seq2Seq, {"source_vocab_size": 9, "tie": "all"}, "model.tie is all: sentences have 9 symbols"),
        (Transformer, {"width": 10, "heads": 4}, "model.width is 10: an even multiple of model.heads, 4"),
        (Transformer, {"heads": 0}, "model.heads is 0"),
        (Transformer, {"layers": 0}, "model.layers is 0"),
        (Transformer, {"dropout": -0.1}, "model.dropout is -0.1"),
    ],
)
def test_settings_out_of_range_are_one_line(kind: type, settings: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        kind(**{"vocab_size": V, "source_vocab_size": V, "scoring": "words"} | settings)


@pytest.mark.parametrize("name", FORMS)
def test_its_graph_leads_from_the_batch_to_the_loss(name: str) -> None:
    assert_graph(build(name), batch())
