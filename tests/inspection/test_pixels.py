"""What pixels add to a score is all of the score."""

from types import SimpleNamespace

import pytest
import torch

from core.evaluation_mode import gradients_in_evaluation
from inspection.pixels import attributions
from inspection.views import NotShown
from tests.tiny import tiny_vgg


def test_pixels_make_up_the_score_together() -> None:
    pytest.importorskip("captum", reason="pip install -e '.[inspect]'")
    model = tiny_vgg().eval()
    subject = SimpleNamespace(model=model, explaining=lambda: gradients_in_evaluation(model))
    images = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    classes = torch.tensor([0, 1, 4])
    values = attributions(subject, images, classes)
    assert values.shape == (3, 16, 16)
    with torch.no_grad():
        change = model(images) - model(torch.zeros(1, 3, 16, 16))
    expected = change.gather(1, classes[:, None])[:, 0]
    assert torch.allclose(values.sum((1, 2)), expected, atol=0.02 * float(expected.abs().max()) + 0.02)


def test_without_captum_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "captum.attr", None)
    model = tiny_vgg()
    subject = SimpleNamespace(model=model, explaining=lambda: gradients_in_evaluation(model))
    with pytest.raises(NotShown, match="it takes Captum"):
        attributions(subject, torch.zeros(1, 3, 16, 16), torch.tensor([0]))
