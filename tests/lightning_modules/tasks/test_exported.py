"""Language models, generators and painting networks as other programs use them."""

from typing import Any

import pytest
import torch

from core.errors import InputError
from lightning_modules import CharRNN, TextCNN, TextRNN, TransformerLM
from lightning_modules.tasks.exported import beginning
from tests.exports import NumberedTexts, assert_runs_elsewhere

V = 9
WRITERS = {
    **{f"CharRNN-{cell}": (CharRNN, {"hidden": 8, "cell": cell}) for cell in ("rnn", "gru", "scratch", "peephole")},
    "CharRNN-lstm": (CharRNN, {"hidden": 8, "layers": 2, "embedding": 8, "tie_weights": True}),
    "CharRNN-marked": (CharRNN, {"hidden": 8, "layers": 1, "mark_sizes": (3, 4)}),
    "TransformerLM": (TransformerLM, {"width": 8, "layers": 2, "heads": 2, "context": 6}),
}


def writer(name: str, **changes: int) -> CharRNN | TransformerLM:
    """Returns a form whose weights are large enough to be told apart."""
    torch.manual_seed(0)
    kind, settings = WRITERS[name]
    model = kind(V, **settings | changes).eval().requires_grad_(False)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return model


@pytest.mark.parametrize("name", WRITERS)
def test_a_writer_runs_without_this_project(name: str) -> None:
    model = writer(name)
    assert_runs_elsewhere(model.export_form(NumberedTexts(V, mark_sizes=WRITERS[name][1].get("mark_sizes", ()))))


@pytest.mark.parametrize(("name", "layers"), [("TransformerLM", 1), ("CharRNN-lstm", 2)])  # each layer takes seconds
def test_a_writer_is_a_step_in_onnx(name: str, layers: int) -> None:
    assert_runs_elsewhere(writer(name, layers=layers).export_form(NumberedTexts(V)), "onnx")


@pytest.mark.parametrize(
    ("kind", "settings", "form"),
    [
        (TextCNN, {"filters": 4}, "onnx"),
        (TextRNN, {"hidden": 5, "cell": "gru", "bidirectional": True}, "onnx"),
        (TextRNN, {"hidden": 5, "cell": "peephole"}, "exported_program"),
    ],
)
def test_a_classifier_of_texts_of_any_length_is_written(kind: type, settings: dict[str, Any], form: str) -> None:
    torch.manual_seed(0)
    model = kind(3, V, embedding=6, **settings).eval()
    assert_runs_elsewhere(model.export_form(NumberedTexts(V, 3)), form)


@pytest.mark.parametrize("name", WRITERS)
def test_steps_from_the_beginning_are_the_whole_text(name: str) -> None:
    model, sizes = writer(name), WRITERS[name][1].get("mark_sizes", ())
    form = model.export_form(NumberedTexts(V, mark_sizes=sizes))
    assert [slot.words for slot in form.inputs if slot.name == "marks"] == ["int64, what they count"] * bool(sizes)
    rng = torch.Generator().manual_seed(1)
    text = torch.randint(V, (1, 15), generator=rng)
    marks = torch.stack([torch.randint(size, (1, 15), generator=rng) for size in sizes], 2) if sizes else None
    whole, _ = model(text, None, marks)
    state = form.start
    for place in range(15):
        here = slice(place, place + 1)
        logits, *state = form.network(text[:, here], *([] if marks is None else [marks[:, here]]), *state)
        torch.testing.assert_close(logits, whole[:, place], rtol=1e-5, atol=1e-5)


def test_a_state_begins_with_zeros_and_an_empty_memory() -> None:
    assert [[tensor.shape[1:] for tensor in layer] for layer in beginning(writer("CharRNN-lstm"), 2)] == [
        [(8,), (8,)],
        [(8,), (8,)],
    ]
    keys, values, place = beginning(writer("TransformerLM"), 2)[0]
    assert keys.shape == values.shape == (2, 2, 0, 4)
    assert place.tolist() == [0, 0]


def test_data_without_a_vocabulary_is_refused() -> None:
    with pytest.raises(InputError, match="object has no vocabulary"):
        writer("CharRNN-rnn").export_form(object())
