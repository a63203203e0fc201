"""Pictures stand beside their captions and those by people, and maps show what words attend to."""

import pytest
import torch

from callbacks.media.captions import caption_media, draw_attention, draw_captions
from core.media import Figure
from core.protocols.captions import Describes, HasCaptions
from lightning_modules import AttentionCaptioner, Captioner, CharRNN
from tests.stages import prepared
from tests.tiny import tiny_trainer
from tests.tiny_captions import TinyCaptions

pytest.importorskip("sacrebleu", reason="the extra `text` is not installed")


@pytest.fixture
def data(tmp_path) -> TinyCaptions:
    """Drawn pictures with captions."""
    trainer = tiny_trainer(tmp_path)
    trainer.strategy._lightning_module = Captioner(9, 16, network="convnet", frozen=False, hidden=4, embedding=4)
    return prepared(TinyCaptions(), "fit", trainer)


def test_figures_show_pictures_captions_and_attention(data: TinyCaptions) -> None:
    torch.manual_seed(0)
    settings = {"network": "convnet", "frozen": False, "hidden": 6, "embedding": 6, "beam": 2, "length": 8}
    model = AttentionCaptioner(data.vocab_size, 16, attention=4, **settings).eval()
    assert isinstance(model, Describes)
    assert isinstance(data, HasCaptions)
    pictures, attention = caption_media(model, data, step=7)
    assert isinstance(pictures, Figure)
    assert (pictures.name, attention.name, pictures.step) == ("pictures", "attention", 7)
    shown = [text.get_text().replace("\n", " ") for text in pictures.figure.axes[4].texts]
    batch = data.batch_of("val", torch.arange(6))
    assert shown[0] == " ".join(data.words_of(model.describe(batch.images, 2)[0]))
    assert shown[1] == " ".join(data.references("val")[0][:2])
    for figure in (pictures, attention):
        figure.figure.draw_without_rendering()
    assert [medium.name for medium in caption_media(model, data, 7, "test")] == ["test_pictures", "test_attention"]


def test_there_is_one_figure_without_attention_and_none_for_other_models(data: TinyCaptions) -> None:
    model = Captioner(data.vocab_size, 16, network="convnet", frozen=False, hidden=4, embedding=4).eval()
    assert [medium.name for medium in caption_media(model, data, 1)] == ["pictures"]
    assert not list(caption_media(CharRNN(9, hidden=4), data, 1))
    assert not list(caption_media(model, object(), 1))


def test_empty_and_odd_captions_can_be_drawn() -> None:
    pictures = torch.zeros(2, 8, 8, 3, dtype=torch.uint8)
    draw_captions(pictures, [[], ["$a$"] * 30], [["x" * 200, "$", "third"], []]).draw_without_rendering()
    draw_attention(pictures, [[], ["$a$"] * 30], torch.rand(2, 40, 2, 2)).draw_without_rendering()
