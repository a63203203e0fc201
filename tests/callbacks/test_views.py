"""Logits averaged over views of each image, once a model is trained."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from pytorch_lightning import Callback

from callbacks import Views
from core.errors import InputError
from core.protocols.general import HasViews
from tests.plain import PlainData, PlainModule
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg
from tests.tiny_text import TinyCorpus, tiny_char_rnn


def test_views_are_mirrored_and_shifted_and_their_weights_add_up_to_one() -> None:
    images = torch.arange(2 * 3 * 5 * 4.0).view(2, 3, 5, 4)
    views = Views(flip=True, shift=1).of(images)
    assert [weight for weight, _ in views] == [0.25, 0.25, 0.125, 0.125, 0.125, 0.125]
    (_, same), (_, mirrored), (_, down), (_, down_mirrored), (_, up), _ = views
    assert torch.equal(same, images)
    assert torch.equal(mirrored, images.flip(-1))
    assert torch.equal(down[..., 1:, 1:], images[..., :-1, :-1])
    assert torch.equal(down[..., 0, 1:], images[..., 1, :-1]), "the row beyond the edge is mirrored"
    assert torch.equal(down_mirrored, down.flip(-1))
    assert torch.equal(up[..., :-1, :-1], images[..., 1:, 1:])


@pytest.mark.parametrize(
    ("views", "count"), [(Views(), 1), (Views(flip=True), 2), (Views(shift=2), 3), (Views(flip=True, shift=1), 6)]
)
def test_every_kind_of_view_is_there(views: Views, count: int) -> None:
    assert len(views.of(torch.zeros(1, 1, 8, 8))) == count
    assert sum(weight for weight, _ in views.of(torch.zeros(1, 1, 8, 8))) == 1


@pytest.mark.parametrize("verb", ["test", "predict", "validate"])
def test_predictions_are_of_the_averaged_logits(verb: str, tmp_path: Path) -> None:
    model, data = tiny_vgg(), TinyDataModule()
    trainer = tiny_trainer(tmp_path, callbacks=[Views(flip=True)])
    part = data.splits["val" if verb == "validate" else "test"] if data.splits else None
    result = (
        getattr(trainer, verb)(model, data) if verb == "predict" else getattr(trainer, verb)(model, data, verbose=False)
    )
    part = data.splits["val" if verb == "validate" else "test"]
    images = data.normalization(part.images.float()).permute(0, 3, 1, 2)
    with torch.no_grad():
        logits = (model.eval()(images) + model(images.flip(-1))) / 2
        plain = model(images)
    if verb == "predict":
        torch.testing.assert_close(torch.cat(result), logits.softmax(1))
        assert not torch.allclose(torch.cat(result), plain.softmax(1))
    else:
        name = "val" if verb == "validate" else "test"
        torch.testing.assert_close(trainer.callback_metrics[f"{name}/loss"], F.cross_entropy(logits, part.targets))
    assert model.views is None, "what the model does by itself stays as it was"


def test_validation_within_fit_sees_an_image_once(tmp_path: Path) -> None:
    figures = []
    for views in (Views(), Views(flip=True, shift=1)):
        trainer = tiny_trainer(tmp_path, callbacks=[views], logger=False, max_epochs=1)
        trainer.fit(tiny_vgg(), TinyDataModule())
        figures.append(trainer.callback_metrics["val/loss"])
    assert figures[0] == figures[1]


def test_a_test_that_fails_leaves_no_views(tmp_path: Path) -> None:
    class Fails(Callback):
        def on_test_batch_end(self, *_: object) -> None:
            raise RuntimeError

    model = tiny_vgg()
    with pytest.raises(RuntimeError):
        tiny_trainer(tmp_path, callbacks=[Views(flip=True), Fails()]).test(model, TinyDataModule(), verbose=False)
    assert model.views is None


def test_a_shift_that_cannot_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--views\.shift -1: cannot be negative"):
        Views(shift=-1)
    with pytest.raises(InputError, match=r"--views\.shift 16: the images have 16 pixels a side"):
        tiny_trainer(tmp_path, callbacks=[Views(shift=16)]).test(tiny_vgg(), TinyDataModule(), verbose=False)


def test_views_are_for_images_and_for_models_that_average_over_them(tmp_path: Path) -> None:
    cases = (
        (tiny_vgg(), PlainData(), "these are for images, and PlainData has none"),
        (tiny_char_rnn(), TinyCorpus(), "these are for images, and Anna Karenina has none"),
        (PlainModule(), TinyDataModule(), "PlainModule cannot average over views of an image"),
    )
    for model, data, reason in cases:
        with pytest.raises(InputError, match=f"--views: {reason}"):
            tiny_trainer(tmp_path, callbacks=[Views(flip=True)]).test(model, data, verbose=False)


def test_a_model_without_views_is_left_alone(tmp_path: Path) -> None:
    model = PlainModule()
    tiny_trainer(tmp_path).test(model, PlainData(), verbose=False)
    assert not isinstance(model, HasViews)
