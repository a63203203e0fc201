"""A Transformer reads a text in pieces as it reads it whole, and looks back as far as it may."""

from copy import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import InputError
from core.nested_tensors import tensors_of
from datamodules.batches import CharacterBatch
from lightning_modules import TransformerLM
from lightning_modules.layers import rotary_attention
from tests.networks import assert_gradients


def symbols(*shape: int) -> Tensor:
    """Returns symbols at random."""
    return torch.randint(9, shape, generator=torch.Generator().manual_seed(1))


def small(**settings: Any) -> TransformerLM:
    """Returns a model of 9 symbols in evaluation."""
    torch.manual_seed(0)
    model = TransformerLM(9, **{"width": 8, "layers": 2, "heads": 2, "context": 6} | settings).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)  # else attention is hardly felt
    return model


def test_logits_are_finite_and_every_parameter_gets_a_gradient() -> None:
    model = small()
    logits, state = model(symbols(3, 20))
    assert logits.shape == (3, 20, 9)
    assert len(state) == 2
    F.cross_entropy(logits.flatten(0, 1), symbols(3 * 20)).backward()
    assert_gradients(model)


@pytest.mark.parametrize("piece", [1, 3, 7])
def test_pieces_are_read_as_the_whole(piece: int) -> None:
    model, text = small(), symbols(2, 21)
    whole, last = model(text)
    state, parts = None, []
    for part in text.split(piece, 1):
        logits, state = model(part, state)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, 1), whole)
    for memory, other in zip(last, state, strict=True):
        assert memory[0].shape[2] == 5, "one less than the context"
        for ours, theirs in zip(memory, other, strict=True):
            torch.testing.assert_close(ours, theirs)


def test_a_long_text_is_read_piece_by_piece_unless_it_is_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mask of all pairs of its places would take gigabytes."""
    model, text = small(), symbols(2, 21)
    whole, last = model(text)
    monkeypatch.setattr("lightning_modules.transformer_lm.PIECE", 8)
    lengths: list[int] = []
    model.blocks[0].register_forward_pre_hook(lambda _, inputs: lengths.append(inputs[0].shape[1]))
    logits, state = model(text)
    assert lengths == [8, 8, 5]
    torch.testing.assert_close(logits, whole)
    torch.testing.assert_close(state, last)
    model.train()(text)
    assert lengths[3:] == [21]


def test_turns_and_masks_are_computed_for_one_layer_and_serve_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sines and cosines in double precision and a mask of all pairs of places were computed in each."""
    counted, calls = rotary_attention.turns_of, []
    monkeypatch.setattr(rotary_attention, "turns_of", lambda *given: calls.append(given) or counted(*given))
    masks, attend = [], F.scaled_dot_product_attention

    def noted(*given: Tensor, attn_mask: Tensor) -> Tensor:
        masks.append(attn_mask)
        return attend(*given, attn_mask=attn_mask)

    monkeypatch.setattr(F, "scaled_dot_product_attention", noted)
    model, text = small(layers=3), symbols(2, 9)
    _, state = model(text[:, :4])
    whole, _ = model(text[:, 4:], state)
    assert len(calls) == 2
    assert len(masks) == 6
    assert masks[0] is masks[1] is masks[2]
    with torch.autocast("cpu", torch.bfloat16):
        model(text)
    assert masks[-1].dtype == torch.bfloat16
    # each layer by itself, and a mask of truth values, as before
    monkeypatch.setattr(
        F, "scaled_dot_product_attention", lambda *given, attn_mask: attend(*given, attn_mask=attn_mask == 0)
    )
    shared = rotary_attention.Piece.shared
    monkeypatch.setattr(rotary_attention.Piece, "shared", lambda piece, like: shared(copy(piece), like))
    assert torch.equal(model(text[:, 4:], state)[0], whole)


def test_what_is_carried_holds_no_more_than_its_own_places() -> None:
    """It was a part of all keys and values of a step, which a checkpoint then held."""
    model = small()
    for fresh in (True, False):
        model.training_step(CharacterBatch(symbols(2, 9), fresh=fresh), 0)
        tensors = tensors_of(model.carried)
        assert len(tensors) == 6
        assert all(tensor.untyped_storage().nbytes() == tensor.nbytes for tensor in tensors)
        assert not any(tensor.requires_grad for tensor in tensors)


@pytest.mark.parametrize("places", [10**6, 10**9])
def test_a_text_is_read_alike_at_its_beginning_and_far_into_it(places: int) -> None:
    model, text = small(), symbols(1, 12)
    expected, start = model(text)
    emptied = [tuple(torch.zeros_like(part[..., :0, :]) for part in memory[:2]) for memory in start]
    far = [(*memory, torch.tensor([places])) for memory in emptied]
    torch.testing.assert_close(model(text, far)[0], expected)


def test_a_prediction_depends_on_its_context_alone() -> None:
    model, text = small(layers=1), symbols(1, 12)
    logits = model(text)[0]
    for place in range(12):
        changed = text.clone()
        changed[0, place] = (changed[0, place] + 1) % 9
        differs = (model(changed)[0] != logits).any(2)[0].tolist()
        assert [at for at, differ in enumerate(differs) if differ] == list(range(place, min(12, place + 6)))


def test_a_text_is_predicted_alike_beside_another_and_beside_padding() -> None:
    model, text = small(), symbols(1, 9)
    alone = model(text)[0]
    padded = torch.cat([torch.cat([text, symbols(1, 4)], 1), symbols(2, 13)])
    torch.testing.assert_close(model(padded)[0][:1, :9], alone)


def test_rows_that_are_reset_forget_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    model, text = small(reset=0.5), symbols(2, 9)
    _, model.carried = model(symbols(2, 4))
    batch = CharacterBatch(text, fresh=False)
    monkeypatch.setattr(torch, "rand", lambda *shape, **_: torch.tensor([[0.1], [0.9]]))  # the first row is reset
    loss = model.losses(batch)["cross_entropy"]
    gone_on = model(text[1:, :-1], [tuple(part[1:] for part in memory) for memory in model.carried])[0]
    reset = model(text[:1, :-1])[0]  # as at the beginning of a text
    expected = F.cross_entropy(torch.cat([reset, gone_on]).flatten(0, 1), text[:, 1:].flatten())
    torch.testing.assert_close(loss, expected)


def test_it_writes_the_same_for_the_same_seed() -> None:
    model = small()
    first, again, other = (model.write(symbols(1, 5), 30, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"layers": 0}, "model.layers is 0: at least 1"),
        ({"context": 1}, "model.context is 1: at least 2"),
        ({"dropout": 1.0}, "model.dropout is 1: "),
        ({"width": 10, "heads": 3}, "model.width is 10: cannot be divided into 3 heads of an even width"),
    ],
)
def test_sizes_out_of_range_are_errors(settings: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        TransformerLM(9, **settings)
