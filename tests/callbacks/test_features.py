"""Features of a fixed part are computed once, are kept, and train the rest as pictures would."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback
from pytorch_lightning.callbacks import EMAWeightAveraging
from torch import Tensor, nn

from callbacks import Features, Freeze, Views
from callbacks.features import FixedNetwork
from core.errors import InputError
from core.files.tensor_files import load_checkpoint
from datamodules import ImageFolderDataModule
from datamodules.images.augmentation import Augmentation
from datamodules.images.image_data_module import ImageDataModule
from datamodules.images.splits import Images
from engine.trainer import Trainer
from lightning_modules import MLP, VGG
from tests.pictures import drawn_once, numbered_pictures, picture
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

UNTIL = "classifier.1"  # pooled and flattened maps
FIXED = ("stages.0.0.weight", "stages.1.1.running_mean")
ADAM = partial(torch.optim.Adam, lr=0.01)


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures have been encoded, batch by batch."""
    counts: list[int] = []
    original = FixedNetwork.__call__

    def count(self: FixedNetwork, images: Tensor) -> Tensor:
        counts.append(len(images))
        return original(self, images)

    monkeypatch.setattr(FixedNetwork, "__call__", count)
    return counts


def fit(root: Path, *callbacks: object, data: TinyDataModule | None = None, **settings: object) -> tuple[Trainer, VGG]:
    """Trains a tiny VGG without dropout."""
    model = tiny_vgg(optimizer=ADAM, dropout=0.0)
    trainer = tiny_trainer(root, callbacks=list(callbacks), logger=False, **settings)
    trainer.fit(model, data or TinyDataModule())
    return trainer, model


def test_training_on_features_is_training_with_a_fixed_network(tmp_path: Path) -> None:
    _, frozen = fit(tmp_path / "a", Freeze(["stages"]))
    _, kept = fit(tmp_path / "b", Features(UNTIL, bits=32))
    fresh = tiny_vgg(dropout=0.0).state_dict()
    for name, value in kept.state_dict().items():
        if "_metrics." not in name:
            torch.testing.assert_close(value, frozen.state_dict()[name], rtol=1e-3, atol=1e-4, msg=name)
            assert torch.equal(value, fresh[name]) == name.startswith("stages")


@pytest.mark.parametrize("precision", ["bf16-true", "64-true"])
def test_pictures_have_the_number_format_of_the_layers(precision: str, tmp_path: Path) -> None:
    trainer, _ = fit(tmp_path, Features(UNTIL), precision=precision)
    assert trainer.callback_metrics["train/loss"] < 2


@pytest.mark.parametrize("first", [Features(UNTIL), Freeze(["stages"])], ids=["features", "freeze"])
def test_another_run_of_the_model_trains_it_whole(first: object, tmp_path: Path) -> None:
    """As in a notebook, where the head is trained first, and then everything."""
    _, model = fit(tmp_path / "a", first)
    before = {name: value.clone() for name, value in model.named_parameters()}
    tiny_trainer(tmp_path / "b", logger=False).fit(model, TinyDataModule())
    assert not [name for name, value in model.named_parameters() if torch.equal(value, before[name])]


def test_every_picture_is_encoded_once(tmp_path: Path, encoded: list[int]) -> None:
    trainer, model = fit(tmp_path, Features(UNTIL), max_epochs=3)
    assert sum(encoded) == 280
    trainer.test(model, TinyDataModule())
    assert sum(encoded) == 330
    assert model(torch.randn(2, 3, 16, 16)).shape == (2, 5)  # a network of pictures again


def test_kept_features_serve_other_splits_and_runs(tmp_path: Path, encoded: list[int]) -> None:
    for split_seed in (0, 1):
        data = TinyDataModule(source="auto", data_dir=str(tmp_path), split_seed=split_seed)
        fit(tmp_path / str(split_seed), Features(UNTIL), data=data)
        assert sum(encoded) == 280
    (file,) = tmp_path.glob("*.cache.safetensors")
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])  # of a full disk
    fit(tmp_path / "c", Features(UNTIL), data=TinyDataModule(source="auto", data_dir=str(tmp_path)))
    assert sum(encoded) == 560
    assert len(file.read_bytes()) == len(whole)


def test_an_interruption_loses_a_portion_alone(
    tmp_path: Path, encoded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datamodules.images.features.PORTION", 100)
    place = {"source": "auto", "data_dir": str(tmp_path)}
    whole = FixedNetwork.__call__

    def stop(self: FixedNetwork, images: Tensor) -> Tensor:
        if sum(encoded) > 150:
            raise KeyboardInterrupt
        return whole(self, images)

    with monkeypatch.context() as patch:
        patch.setattr(FixedNetwork, "__call__", stop)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            fit(tmp_path / "a", Features(UNTIL), data=TinyDataModule(**place))
    assert 100 < (before := sum(encoded)) < 200
    fit(tmp_path / "b", Features(UNTIL), data=TinyDataModule(**place))
    assert sum(encoded) - before == 180


def test_averages_leave_the_fixed_part_its_bits(tmp_path: Path, encoded: list[int]) -> None:
    place = {"source": "auto", "data_dir": str(tmp_path)}
    averaging = EMAWeightAveraging(decay=0.9)
    trainer, model = fit(tmp_path / "a", Features(UNTIL), averaging, data=TinyDataModule(**place), max_epochs=1)
    held = load_checkpoint(trainer.run_folder.path / "checkpoints" / "last.ckpt")
    fresh = tiny_vgg(dropout=0.0).state_dict()
    for name in FIXED:
        assert torch.equal(held["state_dict"][name], fresh[name]), name
    last = "classifier.3.weight"
    assert not torch.equal(held["state_dict"][last], held["current_model_state"][last])
    trainer.validate(model, TinyDataModule(**place), ckpt_path="best", verbose=False)
    assert sum(encoded) == 280


@pytest.mark.parametrize(
    ("data", "callback", "seed"),
    [
        ({"normalization": "unit"}, Features(UNTIL), 0),
        ({}, Features(UNTIL, bits=32), 0),
        ({}, Features("stages.1"), 0),
        ({}, Features(UNTIL), 1),
    ],
    ids=["normalization", "bits", "step", "weights"],
)
def test_what_changes_features_makes_them_anew(
    data: dict, callback: Features, seed: int, tmp_path: Path, encoded: list[int]
) -> None:
    place = {"source": "auto", "data_dir": str(tmp_path)}
    fit(tmp_path / "a", Features(UNTIL), data=TinyDataModule(**place))
    model = tiny_vgg(optimizer=ADAM)
    torch.manual_seed(seed)
    if seed:
        nn.init.normal_(model.stages[0][0].weight)
    trainer = tiny_trainer(tmp_path / "b", callbacks=[callback], logger=False)
    trainer.fit(model, TinyDataModule(**place, **data))
    assert sum(encoded) == 560
    assert len(list(tmp_path.glob("*.cache.safetensors"))) == 2


@pytest.mark.parametrize(("normalization", "anew"), [("lite", 1), ("symmetric", 1), ("channel", 7)])
def test_a_picture_that_is_added_is_encoded_alone(
    normalization: str, anew: int, tmp_path: Path, encoded: list[int]
) -> None:
    """By a normalisation that is the same for all data."""
    folder = numbered_pictures(tmp_path / "train", {"cat": 3, "dog": 3})
    for total in (6, 6 + anew):
        data = ImageFolderDataModule(str(tmp_path), 8, batch_size=2, val_size=0, normalization=normalization)
        data.trainer = tiny_trainer(tmp_path / "runs", logger=False)
        data.setup("fit")
        data.encoder = FixedNetwork(nn.Flatten(), torch.device("cpu"), "32-true", torch.enable_grad, torch.float32)
        data.stored("train")
        assert sum(encoded) == total
        picture(folder / "cat" / "new.png")


def test_views_are_encoded_once_and_drawn_in_every_epoch(tmp_path: Path, encoded: list[int]) -> None:
    place = {"source": "auto", "data_dir": str(tmp_path), "augmentation": Augmentation(flip="random", crop_padding=2)}
    seen: list[Tensor] = []

    class Keep(Callback):
        def on_train_batch_end(self, trainer: Trainer, pl_module: VGG, outputs: object, batch: object, _: int) -> None:
            seen.append(batch.images[batch.index.argsort()])

    data = TinyDataModule(**place, batch_size=240)
    fit(tmp_path / "a", Features(UNTIL, views=3), Keep(), data=data, max_epochs=4)
    assert sum(encoded) == 3 * 240 + 40
    assert sum(torch.equal(one, other) for one in seen for other in seen) == 4
    views = [{tuple(one[place].tolist()) for one in seen} for place in range(20)]
    assert max(map(len, views)) == 3
    fit(tmp_path / "b", Features(UNTIL, views=2), data=TinyDataModule(**place))  # which are among them
    assert sum(encoded) == 3 * 240 + 40


def test_a_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    _, whole = fit(tmp_path / "whole", Features(UNTIL), max_epochs=2)
    first, _ = fit(tmp_path / "cut", Features(UNTIL), max_epochs=2, max_steps=8)
    torch.manual_seed(1)
    model = VGG(num_classes=5, image_size=16, widths=[8, 8], convolutions=[1, 1], optimizer=ADAM)
    resumed = tiny_trainer(tmp_path, callbacks=[Features(UNTIL)], logger=False, max_epochs=2)
    resumed.fit(model, datamodule=TinyDataModule(), ckpt_path=first.run_folder.path)
    for name, value in model.state_dict().items():
        assert torch.equal(value, whole.state_dict()[name]), name


def test_a_run_does_not_go_on_with_other_pictures(tmp_path: Path) -> None:
    first, _ = fit(tmp_path, Features(UNTIL), max_epochs=2, max_steps=8)
    resumed = tiny_trainer(tmp_path, callbacks=[Features(UNTIL)], logger=False, max_epochs=2)
    data = TinyDataModule()
    data.split_seed = 1  # not as an argument, which would be refused before any picture is read
    with pytest.raises(InputError, match="the images have changed since this run stopped"):
        resumed.fit(tiny_vgg(optimizer=ADAM, dropout=0.0), datamodule=data, ckpt_path=first.run_folder.path)


def test_measured_on_pictures_or_features_is_the_same(tmp_path: Path) -> None:
    trainer, model = fit(tmp_path, Features(UNTIL, bits=32))
    whole = tiny_trainer(tmp_path, logger=False)
    for measured in (trainer, whole):
        measured.test(model, TinyDataModule(), verbose=False)
    figures = [{name: float(value) for name, value in one.callback_metrics.items()} for one in (trainer, whole)]
    assert figures[0] == pytest.approx(figures[1], rel=1e-4)


def test_pictures_to_predict_are_encoded_as_they_come(tmp_path: Path) -> None:
    trainer, model = fit(tmp_path, Features(UNTIL, bits=32))
    data = TinyDataModule()
    data.inputs = [str(picture(tmp_path / f"{n}.png", (20, 16), seed=n)) for n in range(3)]
    outputs = [torch.cat(one.predict(model, data)) for one in (trainer, tiny_trainer(tmp_path, logger=False))]
    assert outputs[0].shape == (3, 5)
    torch.testing.assert_close(*outputs)


def test_several_views_are_of_pictures(tmp_path: Path, encoded: list[int]) -> None:
    views = Views(flip=True)
    trainer, model = fit(tmp_path, Features(UNTIL), views)
    count = sum(encoded)
    trainer.test(model, TinyDataModule(), verbose=False)
    assert sum(encoded) == count == 280


class Describes(VGG):
    """Has a fixed network in any case, as a captioner has."""

    def picture_encoder(self) -> nn.Module:
        """Returns the convolutions, as places [B, P, D]."""
        return nn.Sequential(self.stages[0], self.stages[1], nn.Flatten(2))

    def logits(self, batch: object) -> Tensor:
        """Starts from places."""
        places = batch.images
        assert places.shape[1:] == (8, 16)
        assert places.dtype == torch.float32
        return self.classifier(places.unflatten(2, (4, 4)))


def test_a_model_with_a_fixed_part_of_its_own_needs_no_option(tmp_path: Path, encoded: list[int]) -> None:
    model = Describes(num_classes=5, image_size=16, widths=[8, 8], convolutions=[1, 1], optimizer=ADAM)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trainer = tiny_trainer(tmp_path, logger=False)
    trainer.fit(model, TinyDataModule())
    assert sum(encoded) == 280
    assert all(torch.equal(model.state_dict()[name], before[name]) for name in FIXED)
    data = TinyDataModule()
    data.inputs = [str(picture(tmp_path / "one.png"))]
    assert trainer.predict(model, data)[0].shape == (1, 5)


class Unlabelled(ImageDataModule):
    """Pictures without classes."""

    name, image_size, in_channels, train_size = "pictures", 16, 1, 30
    mean, std = (0.5,), (0.25,)

    def read(self) -> dict[str, Images]:
        """Draws some."""
        shape = {"image_size": 16, "in_channels": 1}
        return {part: Images(drawn_once(n, seed=0, **shape)[0]) for part, n in (("train", 30), ("test", 10))}


def test_images_without_labels_have_features_too(tmp_path: Path) -> None:
    data = Unlabelled(str(tmp_path), val_size=10, batch_size=10, normalization="none")
    data.trainer = tiny_trainer(tmp_path, logger=False)
    data.setup("fit")
    data.encoder = FixedNetwork(nn.Flatten(), torch.device("cpu"), "32-true", torch.enable_grad, torch.float32)
    batch = next(iter(data.val_dataloader()))
    assert torch.equal(batch.images, data.images_of("val", torch.arange(10)).flatten(1).float())


def refused() -> Iterator[tuple]:
    """Yields what cannot be, and what is said."""
    yield Features("stages.7"), tiny_vgg, TinyDataModule, r"until stages.7: VGG has no step of this name; it has whit"
    yield Features("classifier.3"), tiny_vgg, TinyDataModule, "nothing is left to train behind it"
    yield Features("pool"), partial(MLP, 5, 3, 16, widths=[4]), TinyDataModule, "MLP is no chain of steps"
    flipped = partial(TinyDataModule, augmentation=Augmentation(flip="random"))
    yield Features(UNTIL, views=2), tiny_vgg, TinyDataModule, "without data.augmentation all views are the same"
    yield Features(UNTIL), tiny_vgg, flipped, "data.augmentation: pictures that are encoded once stay as they are"


@pytest.mark.parametrize(("callback", "model", "data", "message"), [*refused()])
def test_what_cannot_be_is_one_line(
    callback: Features, model: object, data: object, message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        tiny_trainer(tmp_path, callbacks=[callback], logger=False).fit(model(), data())
