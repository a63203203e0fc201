"""What every network that describes pictures owes: a caption is its picture's alone, all learns, it comes back."""

from pathlib import Path

import pytest
import torch
from torch import nn

import lightning_modules
from core.errors import InputError
from datamodules.batches import CaptionBatch
from datamodules.text.special_symbols import BEGIN, END, UNKNOWN
from lightning_modules import AttentionCaptioner, Captioner, TransformerCaptioner
from lightning_modules.layers.masks import padding_mask
from lightning_modules.picture_captioner import PictureCaptioner
from lightning_modules.tasks.sequence_writer import shifted
from tests.networks import (
    assert_a_checkpoint_gives_the_model_back,
    assert_gradients,
    assert_graph,
    number_of_parameters,
)

pytest.importorskip("sacrebleu", reason="the extra `text` is not installed")

V, T, N, K = 20, 7, 6, 2
FORMS: dict[str, tuple[type[PictureCaptioner], dict[str, object]]] = {
    "Captioner": (Captioner, {"layers": 2, "dropout": 0.1}),
    "Captioner-readout": (Captioner, {"readout": 12, "norm": False, "uniform": 0.1, "embedding_range": 1.0}),
    "Captioner-tied": (Captioner, {"readout": 6, "tie": True, "input_dropout": 0.1, "every_step": True}),
    "AttentionCaptioner": (AttentionCaptioner, {"attention": 5, "dropout": 0.1}),
    "TransformerCaptioner": (TransformerCaptioner, {"dropout": 0.1, "feature_dropout": 0.1}),
    "TransformerCaptioner-encoder": (TransformerCaptioner, {"layers": 1, "encoder_layers": 1, "heads": 2}),
}
SMALL = {
    Captioner: {"hidden": 7, "embedding": 6},
    AttentionCaptioner: {"hidden": 7, "embedding": 6},
    TransformerCaptioner: {"width": 8, "hidden": 12},
}


def build(name: str, **settings: object) -> PictureCaptioner:
    """Returns a form with the same weights every time, larger than a run would begin with."""
    torch.manual_seed(0)
    kind, given = FORMS[name]
    model = kind(V, 16, **{"network": "convnet", "frozen": False} | SMALL[kind] | given | settings)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)  # differences between words are clear
    return model


def batch() -> CaptionBatch:
    """Returns pictures with two captions of 1 to 7 symbols each, of which one is absent."""
    rng = torch.Generator().manual_seed(1)
    lengths = torch.randint(1, T + 1, (N, K), generator=rng)
    lengths[0] = torch.tensor([T, 1])
    symbols = torch.randint(4, V, (N, K, T), generator=rng)
    symbols.scatter_(2, lengths[:, :, None] - 1, END)
    lengths[1, 1] = 0
    symbols = symbols * padding_mask(lengths.flatten(), T).view(N, K, T)
    images = torch.randn(N, 3, 32, 32, generator=rng)
    return CaptionBatch(images, symbols, lengths, lengths.sum().float(), torch.arange(N), {})


def test_every_network_is_here() -> None:
    kinds = [getattr(lightning_modules, name) for name in lightning_modules.__all__]
    known = {kind.__name__ for kind in kinds if isinstance(kind, type) and issubclass(kind, PictureCaptioner)}
    assert {kind.__name__ for kind, _ in FORMS.values()} == known


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("name", FORMS)
def test_a_caption_is_the_same_alone_and_in_any_company(name: str, beam: int) -> None:
    model, images = build(name, length=9), batch().images
    together = model.describe(images, beam)
    order = torch.randperm(N, generator=torch.Generator().manual_seed(2))
    assert torch.equal(together, model.describe(images[order], beam)[order.argsort()])
    for place in range(3):
        (alone,) = model.describe(images[place : place + 1], beam)
        assert together[place][together[place] > 0].tolist() == alone.tolist()
    assert not set(together.flatten().tolist()) & {UNKNOWN, BEGIN}
    captions = batch().captions[:, 0]
    assert not torch.allclose(model.eval()(images, captions), model(images.roll(1, 0), captions)), "it sees pictures"


@pytest.mark.parametrize("name", FORMS)
def test_the_loss_is_of_symbols_alone_and_of_each_caption_as_if_it_were_alone(name: str) -> None:
    model, whole = build(name).eval(), batch()
    entropy = model.losses(whole)["cross_entropy"]
    wider = torch.cat([whole.captions, torch.full((N, K, 3), 7)], 2)
    torch.testing.assert_close(model.losses(whole._replace(captions=wider))["cross_entropy"], entropy)
    total = torch.zeros(())
    for place in range(N):
        for k in range(K):
            length = int(whole.lengths[place, k])
            if length:
                caption = whole.captions[place : place + 1, k, :length]
                logits = model(whole.images[place : place + 1], caption)
                total = total + nn.functional.cross_entropy(logits[0], caption[0], reduction="sum")
    torch.testing.assert_close(entropy, total / whole.tokens, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FORMS)
def test_symbol_by_symbol_it_computes_what_it_computes_at_once(name: str) -> None:
    model, captions = build(name).eval(), batch().captions[:, 0]
    memory = model.encode(batch().images)
    logits, inputs, state = model(batch().images, captions), shifted(captions), model.start(memory, 2)
    for place in range(T):
        following, state = model.step(inputs[:, place, None].expand(-1, 2), state, memory)
        torch.testing.assert_close(following[:, 1], logits[:, place], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FORMS)
def test_a_symbol_depends_on_none_that_follows(name: str) -> None:
    model, captions = build(name).eval(), batch().captions[:, 0]
    changed = captions.clone()
    changed[:, 4:] = 11
    logits, others = (model(batch().images, some) for some in (captions, changed))
    torch.testing.assert_close(logits[:, :5], others[:, :5], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(logits[:, 5:], others[:, 5:])


@pytest.mark.parametrize("name", FORMS)
def test_every_parameter_gets_a_gradient_of_a_finite_loss(name: str) -> None:
    model = build(name)
    sum(model.losses(batch()).values()).backward()
    assert_gradients(model)


@pytest.mark.parametrize("name", FORMS)
def test_it_comes_back_from_a_checkpoint(name: str, tmp_path: Path) -> None:
    kind, settings = FORMS[name]
    arguments = {"network": "convnet", "frozen": False} | SMALL[kind] | settings
    model = {"class_path": f"lightning_modules.{kind.__name__}", "init_args": arguments}
    assert_a_checkpoint_gives_the_model_back(model, {"class_path": "tests.tiny_captions.TinyCaptions"}, tmp_path)


def test_attention_is_on_places_of_the_picture() -> None:
    for name in FORMS:
        model = build(name).eval()
        images = torch.randn(2, 3, 48, 48, generator=torch.Generator().manual_seed(3))
        weights = model.attention_to(images, batch().captions[:2, 0])
        if name.startswith("Captioner"):
            assert weights is None
        else:
            assert weights.shape == (2, T, 3, 3)
            with torch.no_grad():
                all_weights = model.attention(model.encode(images), shifted(batch().captions[:2, 0]))
            rest = all_weights[:, :, 9:].sum(2)  # on the whole picture, which is no place
            assert (rest > 0).all() if name.startswith("Transformer") else not all_weights[:, :, 9:].numel()
            assert (weights > 0).all()
            torch.testing.assert_close(weights.sum((2, 3)) + rest, torch.ones(2, T))
            swapped = model.attention_to(images.flip(0), batch().captions[:2, 0])
            assert not torch.allclose(weights, swapped, atol=1e-4), "it is of this picture"


def test_uneven_attention_is_a_loss_of_its_own() -> None:
    captions = batch()
    losses = build("AttentionCaptioner", regularity=2.0, dropout=0.0).losses(captions)
    once = build("AttentionCaptioner", dropout=0.0).losses(captions)
    torch.testing.assert_close(losses["attention"], 2 * once["attention"])
    assert losses["cross_entropy"] == once["cross_entropy"]


def test_absent_captions_are_not_uneven() -> None:
    model, captions = build("AttentionCaptioner", dropout=0.0), batch()
    none = torch.zeros_like(captions.lengths)
    more = captions._replace(
        captions=torch.cat([captions.captions, torch.zeros_like(captions.captions)], 1),
        lengths=torch.cat([captions.lengths, none], 1),
    )
    torch.testing.assert_close(model.losses(more)["attention"], model.losses(captions)["attention"])


def test_the_published_network_has_its_number_of_parameters() -> None:
    """832,379 (its vocabulary has 10,875 symbols), two more symbols, and torch's second bias of an LSTM."""
    settings = {"layers": 2, "hidden": 64, "embedding": 32, "readout": 32, "norm": False, "network": "convnet"}
    whole = number_of_parameters(Captioner, vocab_size=10_875, image_size=32, **settings)
    seen = number_of_parameters(Captioner, vocab_size=1, image_size=32, **settings)
    words = 10_874 * (32 + 33)
    assert whole - seen == words
    rest = 4 * 64 * (32 + 64 + 2) + 4 * 64 * (128 + 2) + 64 * 32 + 32 + 32 + 33
    convnet = 3 * 32 * 9 + 32 * 64 * 9 + 64 * 128 * 9 + 128 * 256 * 9 + 2 * (32 + 64 + 128 + 256)
    assert seen == rest + 256 * 32 + 32 + convnet
    assert words + rest + 2048 * 32 + 32 == 832_379 + 512


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("Captioner", {"tie": True}, "model.tie: the embedding is 6 wide, and the softmax reads 7"),
        ("Captioner", {"beam": 0}, "model.beam is 0: at least 1 and at most 1000"),
        ("Captioner", {"embedding": 0}, "model.embedding is 0"),
        ("Captioner", {"dropout": 1.0}, "model.dropout is 1"),
        ("AttentionCaptioner", {"attention": 0}, "model.attention is 0"),
        ("TransformerCaptioner", {"width": 9}, "an even multiple of model.heads, 4"),
        (
            "TransformerCaptioner",
            {"feature_dropout": 1.0},
            "model.feature_dropout is 1.0: at least 0 and less",
        ),
    ],
)
def test_settings_out_of_range_are_refused(name: str, settings: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        build(name, **settings)


@pytest.mark.parametrize("name", FORMS)
def test_its_graph_leads_from_the_batch_to_the_loss(name: str) -> None:
    assert_graph(build(name), batch())
