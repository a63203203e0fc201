"""The base of image data sets: splits, sizes, stages, augmentation of batches, and the position of a resumed run."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_lightning.callbacks import Checkpoint, LambdaCallback
from pytorch_lightning.trainer.states import TrainerFn
from torch import Tensor

from core.errors import InputError
from datamodules.base.splitting import stratified_split
from datamodules.batches import ImageBatch
from datamodules.images.augmentation import Augmentation
from datamodules.images.loader import ImageLoader
from datamodules.images.splits import ClassifiedImages
from datamodules.images.streaming import PictureFiles
from engine.trainer import Trainer
from lightning_modules import VGG
from tests.stages import prepared
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

STAGES = ("fit", "validate", "test", "predict")


def set_up(trainer: Trainer, stage: str = "fit", **settings: object) -> TinyDataModule:
    """Returns a data module in one stage."""
    return prepared(TinyDataModule(**settings), stage, trainer)


def labelled(*counts: int) -> ClassifiedImages:
    """Returns a split whose images of one pixel hold their own place, with so many images of each class."""
    targets = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    targets = targets[torch.randperm(len(targets), generator=torch.Generator().manual_seed(0))]
    return ClassifiedImages(torch.arange(len(targets)).view(-1, 1, 1, 1), targets)


def transfer(data: TinyDataModule, batch: ImageBatch) -> ImageBatch:
    """Does what Lightning does with a batch on its device."""
    return data.on_after_batch_transfer(batch, 0)


def plain(images: Tensor) -> Tensor:
    """Normalises by the tiny data's mean and deviation, and nothing else."""
    return ((images.float() / 255 - 0.5) / 0.25).permute(0, 3, 1, 2)


# The split


@pytest.mark.parametrize(("val_size", "per_class"), [(40, 8), (5, 1), (250, 50), (0, 0)])
def test_the_validation_split_holds_each_class_equally(val_size: int, per_class: int) -> None:
    part = labelled(56, 56, 56, 56, 56)
    train, val = stratified_split(part, val_size, 5, seed=0)
    assert torch.bincount(val.targets, minlength=5).tolist() == [per_class] * 5
    assert torch.bincount(train.targets, minlength=5).tolist() == [56 - per_class] * 5


def test_an_unbalanced_set_is_split_in_proportion() -> None:
    _, val = stratified_split(labelled(100, 50, 10), 32, 3, seed=0)
    assert torch.bincount(val.targets).tolist() == [20, 10, 2]


def test_the_splits_are_disjoint_whole_and_in_order() -> None:
    part = labelled(30, 30, 30)
    train, val = stratified_split(part, 17, 3, seed=0)
    assert (len(train), len(val)) == (73, 17)
    places = [split.images.flatten().tolist() for split in (train, val)]
    assert sorted(places[0] + places[1]) == list(range(90))
    for split, place in zip((train, val), places, strict=True):
        assert place == sorted(place)
        assert torch.equal(split.targets, part.targets[place])


def test_the_choice_is_that_of_its_seed_alone() -> None:
    part = labelled(30, 30, 30)
    first = stratified_split(part, 30, 3, seed=0)[1]
    torch.manual_seed(7)
    assert torch.equal(stratified_split(part, 30, 3, seed=0)[1].images, first.images)
    assert not torch.equal(stratified_split(part, 30, 3, seed=1)[1].images, first.images)


def test_runs_of_any_seed_share_one_split(tmp_path: Path) -> None:
    splits = [set_up(tiny_trainer(tmp_path, seed=seed)).splits for seed in (0, 1)]
    for name in ("train", "val", "test"):
        assert torch.equal(splits[0][name].images, splits[1][name].images)
    other = set_up(tiny_trainer(tmp_path), split_seed=1).splits
    assert not torch.equal(other["val"].images, splits[0]["val"].images)


def test_a_data_set_may_have_a_validation_split_of_its_own(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = {"train": labelled(30, 30, 30), "val": labelled(7, 7), "test": labelled(9, 9)}
    monkeypatch.setattr(TinyDataModule, "read", lambda _: parts)
    data = set_up(trainer, source="auto")
    assert data.sizes == {"train": 90, "val": 14, "test": 18}
    assert data.splits["val"] is parts["val"]


# Stages


def test_every_stage_sees_the_same_disjoint_splits_however_often_it_is_set_up(trainer: Trainer) -> None:
    together = TinyDataModule()
    for stage in STAGES:
        alone = set_up(trainer, stage)
        alone.setup(stage)
        together.setup(stage)
        for data in (alone, together):
            assert data.sizes == {"train": 240, "val": 40, "test": 50}
            pictures = {name: {image.numpy().tobytes() for image in s.images} for name, s in data.splits.items()}
            assert len(pictures["train"] | pictures["val"] | pictures["test"]) == 330
            for name, split in data.splits.items():
                assert torch.equal(split.images, together.splits[name].images)
                assert torch.equal(split.targets, together.splits[name].targets)


def test_the_data_is_read_once(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    data = TinyDataModule(source="auto")
    calls = []
    monkeypatch.setattr(data, "read", lambda: calls.append(1) or data.synthesize())
    data.trainer = trainer
    data.prepare_data()
    for stage in STAGES:
        data.setup(stage)
        data.setup(stage)
    assert len(calls) == 1


@pytest.mark.filterwarnings("ignore:Total length of `list`")
def test_without_validation_images_all_of_them_train(tmp_path: Path) -> None:
    data = TinyDataModule(val_size=0)
    trainer = tiny_trainer(tmp_path, max_epochs=1, logger=False)
    trainer.fit(tiny_vgg(), datamodule=data)
    assert data.sizes == {"train": 280, "val": 0, "test": 50}
    assert data.val_dataloader() == []
    assert trainer.global_step == 7
    assert "val/acc" not in trainer.callback_metrics


# Sizes


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"batch_size": 0}, "batch_size is 0: at least 1"),
        ({"eval_batch_size": 0}, "eval_batch_size is 0: at least 1"),
        ({"val_size": -1}, "val_size is -1: at least 0"),
    ],
)
def test_a_size_out_of_range_is_refused_at_once(settings: dict[str, int], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        TinyDataModule(**settings)


@pytest.mark.parametrize(("padding", "fits"), [(0, True), (15, True), (16, False)])
def test_a_crop_cannot_move_the_whole_image_out(padding: int, fits: bool, trainer: Trainer) -> None:
    augmentation = Augmentation(crop_padding=padding)
    if not fits:
        with pytest.raises(InputError, match=rf"crop_padding is {padding}: at most 15 is possible"):
            TinyDataModule(augmentation=augmentation)
    else:
        data = set_up(trainer, augmentation=augmentation)
        assert torch.isfinite(transfer(data, next(iter(data.train_dataloader()))).images).all()


def test_a_cutout_is_at_most_the_whole_image() -> None:
    TinyDataModule(augmentation=Augmentation(cutout=16))
    with pytest.raises(InputError, match=r"cutout is 17: at most 16 is possible"):
        TinyDataModule(augmentation=Augmentation(cutout=17))


@pytest.mark.parametrize("settings", [{"rotation": 5.0}, {"elastic": 1.0}, {"shear": 2.0}, {"scale": (0.9, 1.1)}])
def test_an_image_of_one_pixel_cannot_be_turned(settings: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    TinyDataModule(augmentation=Augmentation(**settings))
    monkeypatch.setattr(TinyDataModule, "image_size", 1)
    with pytest.raises(InputError, match=rf"{next(iter(settings))}: an image of 1 pixel has nothing to turn"):
        TinyDataModule(augmentation=Augmentation(**settings))


@pytest.mark.parametrize("val_size", [276, 280, 10_000])
def test_a_validation_split_that_leaves_too_little_is_refused(val_size: int, trainer: Trainer) -> None:
    with pytest.raises(InputError, match=rf"val_size is {val_size}: too large for 280 training images"):
        set_up(trainer, source="auto", val_size=val_size)


def test_the_validation_split_of_a_smaller_stand_in_shrinks_in_proportion(
    trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TinyDataModule, "train_size", 2800)
    assert set_up(trainer, val_size=400).sizes == {"train": 240, "val": 40, "test": 50}


def test_a_batch_larger_than_the_training_data_is_refused_for_fitting_only(trainer: Trainer) -> None:
    set_up(trainer, batch_size=240)
    set_up(trainer, "test", batch_size=241)
    with pytest.raises(InputError, match=r"batch_size is 241: larger than the 240 training images"):
        set_up(trainer, batch_size=241)


def test_a_batch_that_devices_cannot_share_is_refused(trainer: Trainer) -> None:
    data = set_up(trainer, batch_size=40)
    data.trainer = SimpleNamespace(world_size=3, seed=0)
    with pytest.raises(InputError, match=r"batch_size is 40: it cannot be divided equally among 3 devices"):
        data.train_dataloader()


def test_a_split_with_fewer_images_than_devices_is_refused(trainer: Trainer) -> None:
    data = set_up(trainer, val_size=5)
    data.trainer = SimpleNamespace(world_size=6, seed=0)
    with pytest.raises(InputError, match=r"6 devices need at least 6 images of the val split, not 5"):
        data.val_dataloader()


def test_the_loaders_have_their_own_batch_sizes(trainer: Trainer) -> None:
    data = set_up(trainer, batch_size=50, eval_batch_size=16)
    assert [len(batch.targets) for batch in data.train_dataloader()] == [50, 50, 50, 50]
    assert [len(batch.targets) for batch in data.val_dataloader()] == [16, 16, 8]
    assert [len(batch.targets) for batch in data.test_dataloader()] == [16, 16, 16, 2]


def test_a_loader_that_another_replaces_is_closed(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr(ImageLoader, "close", lambda self: closed.append(self))
    data = set_up(trainer)
    first, val, second = data.train_dataloader(), data.val_dataloader(), data.train_dataloader()
    assert closed == [first]
    data.teardown("fit")
    assert set(closed) == {first, val, second}
    data.teardown("fit")
    assert len(closed) == 3


# Batches


@pytest.mark.parametrize("part", ["val", "test", "predict"])
def test_evaluation_batches_are_only_normalised(trainer: Trainer, part: str) -> None:
    everything = Augmentation("random", crop_padding=2, cutout=4, brightness=20, contrast=(0.8, 1.2))
    data = set_up(trainer, augmentation=everything)
    images = data.splits["val" if part == "val" else "test"].images
    batches = [transfer(data, batch) for batch in getattr(data, f"{part}_dataloader")()]
    torch.testing.assert_close(torch.cat([batch.images for batch in batches]), plain(images))


@pytest.mark.parametrize("settings", [{"crop_padding": 2}, {"flip": "random"}, {"cutout": 4}, {"brightness": 9}])
def test_training_batches_are_augmented(trainer: Trainer, settings: dict[str, object]) -> None:
    data = set_up(trainer, augmentation=Augmentation(**settings))
    batch = next(iter(data.train_dataloader()))
    assert not torch.equal(transfer(data, batch).images, plain(batch.images))


def test_training_images_alone_are_smaller_at_first(tmp_path: Path) -> None:
    seen: set[tuple[str, int, int]] = set()

    def look(trainer: Trainer, model: VGG, batch: ImageBatch, *_: int) -> None:
        seen.add((trainer.state.stage.value, trainer.current_epoch, batch.images.shape[-1]))

    looks = LambdaCallback(on_train_batch_start=look, on_validation_batch_start=look)
    data = TinyDataModule(augmentation=Augmentation(first_sizes=(8,)))
    tiny_trainer(tmp_path, callbacks=[looks]).fit(tiny_vgg(head="max"), data)
    assert seen == {("train", 0, 8), ("train", 1, 16), ("validate", 0, 16), ("validate", 1, 16)}


@pytest.mark.parametrize(("sizes", "fits"), [((16, 4), True), ((8, 17), False)])
def test_images_cannot_grow(sizes: tuple[int, ...], fits: bool) -> None:
    with nullcontext() if fits else pytest.raises(InputError, match=r"first_sizes .* 16 pixels, and none grow"):
        TinyDataModule(augmentation=Augmentation(first_sizes=sizes))


def test_what_is_cut_out_is_the_mean_colour(trainer: Trainer) -> None:
    data = set_up(trainer, augmentation=Augmentation(cutout=16, brightness=9))
    batch = next(iter(data.train_dataloader()))
    middle = batch.draws | {"cutout": torch.full((40, 2), 0.5)}
    assert transfer(data, batch._replace(draws=middle)).images.count_nonzero() == 0


@pytest.mark.parametrize("channels_last", [True, False])
def test_batches_are_laid_out_as_the_trainer_asks(trainer: Trainer, channels_last: bool) -> None:
    trainer.channels_last = channels_last
    data = set_up(trainer)
    images = transfer(data, next(iter(data.train_dataloader()))).images
    assert images.shape == (40, 3, 16, 16)
    assert images.dtype == torch.float32
    layout = torch.channels_last if channels_last else torch.contiguous_format
    assert images.is_contiguous(memory_format=layout)


def test_files_to_predict_are_scaled_cut_and_named(trainer: Trainer, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    middle = Image.fromarray(noise).resize((24, 16), Image.Resampling.BICUBIC).crop((4, 0, 20, 16))
    for name in ("a.png", "b.png"):
        Image.fromarray(noise).save(tmp_path / name)
    data = TinyDataModule(source="auto", data_dir="nowhere")
    data.inputs = [str(tmp_path)]
    data.trainer = trainer
    data.prepare_data()
    data.setup("predict")
    (batch,) = data.predict_dataloader()
    assert batch.images.shape == (2, 16, 16, 3)
    np.testing.assert_array_equal(batch.images[0].numpy(), np.asarray(middle))
    assert data.prediction_names() == [str(tmp_path / "a.png"), str(tmp_path / "b.png")]


def test_without_files_the_test_set_is_predicted(trainer: Trainer) -> None:
    data = set_up(trainer, "predict")
    assert data.prediction_names()[::49] == ["test[0]", "test[49]"]
    index = torch.cat([batch.index for batch in data.predict_dataloader()])
    assert torch.equal(index, torch.arange(50))


# Position


class Positions(Checkpoint):
    """Takes the data's state at the moments at which a run is saved."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        """Takes it within an epoch."""
        if not trainer.fit_loop.epoch_loop._num_ready_batches_reached():
            self.seen.append(trainer.datamodule.state_dict()["batch"])

    def on_train_epoch_end(self, trainer: Trainer, *_: object) -> None:
        """Takes it at the end of one."""
        self.seen.append(trainer.datamodule.state_dict()["batch"])


def test_the_state_is_the_batch_to_go_on_with(tmp_path: Path) -> None:
    positions = Positions()
    trainer = tiny_trainer(tmp_path, callbacks=[positions], logger=False)
    trainer.fit(tiny_vgg(), datamodule=TinyDataModule(batch_size=80))
    assert positions.seen == [1, 2, 0, 1, 2, 0]


def test_a_restored_position_gives_the_batches_that_remained(trainer: Trainer) -> None:
    whole = set_up(trainer, augmentation=Augmentation("random")).train_dataloader()
    whole.set_epoch(3)
    resumed = set_up(trainer, augmentation=Augmentation("random"))
    resumed.load_state_dict({"batch": 4})
    loader = resumed.train_dataloader()
    loader.set_epoch(3)
    rest = list(loader)
    assert len(rest) == 2
    assert len(list(resumed.train_dataloader())) == 6  # a later loader starts anew
    for batch, expected in zip(rest, list(whole)[4:], strict=True):
        assert torch.equal(batch.index, expected.index)
        assert torch.equal(batch.images, expected.images)
        assert torch.equal(batch.draws["flip"], expected.draws["flip"])


def test_a_run_goes_on_with_the_images_that_it_began_with(trainer: Trainer) -> None:
    data = set_up(trainer)
    sizes = data.state_dict()["sizes"]
    assert sizes == {"train": 240, "val": 40, "test": 50}
    for accepted in ({"sizes": sizes}, {"sizes": sizes | {"test": 7}}, {}):  # the last is an older checkpoint's
        data.load_state_dict({"batch": 4} | accepted)
    for part, change in (("train", "1,241 training images then, 240 now"), ("val", "1,241 validation images then, 40")):
        changed = {"batch": 4, "sizes": sizes | {part: 1241}}
        with pytest.raises(InputError, match=rf"the images have changed since this run stopped \({change}.*--weights"):
            data.load_state_dict(changed)
        trainer.state.fn = TrainerFn.TESTING
        data.load_state_dict(changed)
        trainer.state.fn = TrainerFn.FITTING


@pytest.mark.parametrize("device", ["cuda", "cpu"])
def test_a_data_module_knows_whether_a_gpu_copies_its_pictures(device: str) -> None:
    data = TinyDataModule()
    strategy = SimpleNamespace(root_device=torch.device(device))
    data.trainer = SimpleNamespace(global_rank=0, world_size=1, strategy=strategy)
    split = ClassifiedImages(PictureFiles([], 8, 3, 2), torch.zeros(0))
    assert data.make_loader(split, 5, None, True).pins is (device == "cuda")
