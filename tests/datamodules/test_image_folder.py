"""A folder of pictures becomes a data set; what is wrong with it is said in a line; streaming changes no bit."""

import os
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_lightning import Callback

from callbacks import RunCheckpoint
from core.errors import InputError
from datamodules import ImageFolderDataModule
from datamodules.images.augmentation import Augmentation
from datamodules.images.image_files import decode
from datamodules.images.picture_folders import PictureReader
from datamodules.images.streaming import PictureFiles
from datamodules.images.synthetic import synthetic_images
from engine.runs.run_folder import RunFolder
from engine.trainer import Trainer
from tests.bits import assert_same_bits
from tests.interruptions import PulledPlug, PullPlug
from tests.pictures import picture
from tests.processes import descendants
from tests.stages import prepared
from tests.tiny import tiny_trainer, tiny_vgg

# said by Python 3.12 and later of what torch's DataLoader does
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")

CLASSES = ("disc", "ring", "square")
MODES = ("never", "always")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Sixty pictures of shapes to train on and twelve to test on, of several sizes, in three classes."""
    images, targets = synthetic_images(72, seed=0, num_classes=3, image_size=20)
    for number, (image, target) in enumerate(zip(images, targets.tolist(), strict=True)):
        path = tmp_path / "pictures" / ("train" if number < 60 else "test") / CLASSES[target] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.numpy()).resize((20 + number % 5, 24)).save(path)
    return tmp_path / "pictures"


def make(root: Path, **settings: object) -> ImageFolderDataModule:
    """Returns a data module of 16x16 pixels, streaming without processes if it streams."""
    return ImageFolderDataModule(**{"data_dir": str(root), "image_size": 16, "num_workers": 0} | settings)


def set_up(root: Path, trainer: Trainer, stage: str = "fit", **settings: object) -> ImageFolderDataModule:
    """Returns a data module in one stage."""
    return prepared(make(root, **settings), stage, trainer)


# What is there


def test_sizes_and_names_are_known_at_once(root: Path) -> None:
    data = make(root, in_channels=1)
    assert (data.num_classes, data.in_channels, data.image_size) == (3, 1, 16)
    assert data.class_names == CLASSES
    assert not list(root.glob("*.safetensors"))


@pytest.mark.parametrize("stream", MODES)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_picture_is_there_with_its_class(root: Path, trainer: Trainer, stream: str, channels: int) -> None:
    data = set_up(root, trainer, stream=stream, in_channels=channels, val_size=0)
    assert data.sizes == {"train": 60, "val": 0, "test": 12}
    assert data.origin == str(root) + (" (streamed)" if stream == "always" else "")
    for part in ("train", "test"):
        split = data.splits[part]
        assert isinstance(split.images, PictureFiles) == (stream == "always")
        files = data.files[part]
        assert [CLASSES[number] for number in split.targets] == [path.parent.name for path, _ in files]
        assert torch.equal(split.images[:], decode([path for path, _ in files], 16, channels, resize=True))


def test_without_a_val_folder_a_tenth_is_set_aside(root: Path, trainer: Trainer) -> None:
    data = set_up(root, trainer)
    assert data.sizes == {"train": 54, "val": 6, "test": 12}
    assert data.splits["val"].targets.bincount().tolist() == [2, 2, 2]
    assert set_up(root, trainer, val_size=9).sizes["val"] == 9


def test_a_val_folder_is_the_validation_split(root: Path, trainer: Trainer) -> None:
    (root / "test").rename(root / "val")
    data = set_up(root, trainer)
    assert data.sizes == {"train": 60, "val": 12, "test": 0}
    with pytest.raises(InputError, match=r"val_size is 5: .*val holds the validation images already"):
        make(root, val_size=5)


@pytest.mark.parametrize("stage", ["test", "predict"])
def test_without_a_test_folder_all_but_testing_works(root: Path, trainer: Trainer, stage: str) -> None:
    (root / "test").rename(root / "elsewhere")
    for other in ("fit", "validate"):
        assert set_up(root, trainer, other).sizes == {"train": 54, "val": 6, "test": 0}
    absent = r"no test pictures, which belong in test/<class>"
    with pytest.raises(InputError, match=rf"{absent}; validate measures the validation split$"):
        set_up(root, trainer, stage)
    with pytest.raises(InputError, match=rf"{absent}$"):
        set_up(root, trainer, stage, val_size=0)


def test_a_class_may_lack_in_test_and_the_others_keep_their_numbers(root: Path, trainer: Trainer) -> None:
    (root / "test" / "disc").rename(root / "elsewhere")
    data = set_up(root, trainer)
    counts = [len(list((root / "test" / name).glob("*"))) for name in CLASSES]
    assert data.splits["test"].targets.bincount().tolist() == counts
    assert counts[0] == 0


# What is wrong


def remove_train(root: Path) -> str:
    """Leaves no folder of training pictures."""
    (root / "train").rename(root / "training")
    return r"no folder train in it; pictures belong in train/<class>"


def leave_class_folders_alone(root: Path) -> str:
    """Leaves the class folders without parts."""
    for path in [*(root / "train").iterdir(), root / "train", root / "test"]:
        path.rename((root if path.parent.name == "train" else root.parent) / path.name)
    return r"train/<class>; for class folders alone, --data datamodules\.ClassFoldersDataModule divides their pictures"


def name_parts_otherwise(root: Path) -> str:
    """Leaves class folders in folders of other names than those of parts."""
    (root / "train").rename(root / "Training set")
    (root / "test").rename(root / "Testing set")
    return r"no folder train in it; pictures belong in train/<class>$"


def leave_one_class(root: Path) -> str:
    """Leaves one class."""
    for name in CLASSES[1:]:
        (root / "train" / name).rename(root / name)
    return r"train: at least two folders, one a class, are needed, not 1 \(disc\)"


def leave_no_class(root: Path) -> str:
    """Leaves pictures without class folders."""
    (root / "train").rename(root / "old")
    (root / "old" / "disc").rename(root / "train")
    return r"are needed, not 0 \(none\)"


def add_empty_class(root: Path) -> str:
    """Adds a class without pictures."""
    (root / "train" / "bird").mkdir()
    return r"train/bird: no pictures in this class folder"


def add_test_class(root: Path) -> str:
    """Adds a class that is tested and not learned."""
    picture(root / "test" / "bird" / "a.png")
    return r"test/bird: no class of this name in .*train"


def add_empty_val(root: Path) -> str:
    """Adds a validation folder without classes."""
    (root / "val").mkdir()
    return r"val: no class folders in it"


@pytest.mark.parametrize(
    "spoil",
    [
        remove_train,
        leave_class_folders_alone,
        name_parts_otherwise,
        leave_one_class,
        leave_no_class,
        add_empty_class,
        add_test_class,
        add_empty_val,
    ],
)
def test_a_tree_that_is_none_is_refused_at_once_in_a_line(root: Path, spoil: Callable[[Path], str]) -> None:
    with pytest.raises(InputError, match=spoil(root)) as caught:
        make(root)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(("name", "value"), [("image_size", 0), ("num_workers", -1), ("val_size", -1)])
def test_a_number_out_of_range_is_refused_at_once(root: Path, name: str, value: int) -> None:
    with pytest.raises(InputError, match=f"{name} is {value}"):
        make(root, **{name: value})


def spoil_two(root: Path) -> list[Path]:
    """Cuts one picture in its middle, and puts a file there that is none."""
    cut = sorted((root / "train" / "ring").iterdir())[0]
    cut.write_bytes(cut.read_bytes()[:400])
    (root / "test" / "disc" / "Thumbs.db").write_bytes(b"no picture")
    (root / "test" / "disc" / ".DS_Store").write_bytes(b"hidden")
    return [cut, root / "test" / "disc" / "Thumbs.db"]


@pytest.mark.parametrize("stream", MODES)
def test_broken_files_are_counted_and_the_first_is_named(root: Path, trainer: Trainer, stream: str) -> None:
    cut, _ = spoil_two(root)
    for _ in range(2):
        with pytest.raises(InputError) as caught:
            set_up(root, trainer, stream=stream)
        message = str(caught.value)
        assert message.startswith(f"{cut}: broken picture: ")
        assert "in all, 2 of 73 files cannot be read" in message
        assert len(message.splitlines()) == 1


@pytest.mark.parametrize("stream", MODES)
def test_broken_files_are_left_out_and_named_where_asked(
    root: Path, trainer: Trainer, stream: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set_up(root, trainer, stream=stream, val_size=0)
    cut, _ = spoil_two(root)
    for _ in range(2):  # decoded, then from the cache
        data = set_up(root, trainer, stream=stream, val_size=0, skip_corrupt=True)
        assert data.sizes == {"train": 59, "val": 0, "test": 12}
        rest = [place for place, (path, _) in enumerate(before.files["train"]) if path != cut]
        assert torch.equal(data.splits["train"].images[:], before.splits["train"].images[rest])
        assert torch.equal(data.splits["train"].targets, before.splits["train"].targets[rest])
        hidden, line = capsys.readouterr().out.splitlines()
        names = f"train/ring/{cut.name}, test/disc/Thumbs.db"
        assert line == f"skipped  files that cannot be read as pictures in {root}: 2 ({names})"
        assert hidden == f"skipped  hidden files in {root}: 1 (test/disc/.DS_Store)"
    with pytest.raises(InputError, match=r"2 of 73 files cannot be read"):
        set_up(root, trainer, stream=stream)


def test_a_class_of_broken_files_alone_is_an_error(root: Path, trainer: Trainer) -> None:
    for path in (root / "train" / "ring").iterdir():
        path.write_bytes(b"")
    with pytest.raises(InputError, match=r"ring: none of its pictures can be read"):
        set_up(root, trainer, skip_corrupt=True)


# Decoded once


@pytest.mark.parametrize("stream", MODES)
def test_pictures_are_read_again_only_after_a_change(
    root: Path, trainer: Trainer, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = []

    def count(self: PictureReader, *arguments: object) -> dict[str, torch.Tensor]:
        readings.append(1)
        return original(self, *arguments)

    original = PictureReader.read
    monkeypatch.setattr(PictureReader, "read", count)
    for settings, expected in (
        ({}, 1),
        ({}, 1),
        ({"val_size": 3, "batch_size": 5}, 1),
        ({"image_size": 17}, 2),
        ({"in_channels": 1}, 3),
        ({}, 3),
    ):
        data = set_up(root, trainer, stream=stream, **settings)
        assert len(readings) == expected, settings
        assert data.splits["train"].images[:1].shape == (1, data.image_size, data.image_size, data.in_channels)
    path = next((root / "train" / "disc").iterdir())
    os.utime(path, ns=(1, 1))
    set_up(root, trainer, stream=stream)
    assert len(readings) == 4


@pytest.mark.parametrize(("memory", "streamed"), [(72 * 768 * 2 - 2, True), (72 * 768 * 2, False)])
def test_pictures_stay_on_disk_if_they_take_more_than_half_of_the_memory(
    root: Path, trainer: Trainer, memory: int, streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datamodules.images.streaming.available_memory", lambda: memory)
    data = set_up(root, trainer)
    assert isinstance(data.splits["train"].images, PictureFiles) == streamed


def test_every_process_takes_memory_of_its_own(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datamodules.images.streaming.available_memory", lambda: 72 * 768 * 2)
    data = make(root)
    assert data._fits_in_memory()
    monkeypatch.setattr(Trainer, "world_size", 2)
    data.trainer = object.__new__(Trainer)
    assert not data._fits_in_memory()


@pytest.mark.parametrize("streamed", [True, False])
def test_all_processes_do_as_the_first_has_decided(
    root: Path, trainer: Trainer, streamed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = "datamodules.images.streaming.available_memory"
    decisions = []
    monkeypatch.setattr(trainer.strategy, "broadcast", lambda decision: decisions.append(decision) or decision)
    monkeypatch.setattr(free, lambda: 100_000 if streamed else 2**30)
    set_up(root, trainer)
    monkeypatch.setattr(free, lambda: 2**30 if streamed else 100_000)
    monkeypatch.setattr(trainer.strategy, "broadcast", lambda _: decisions[0])
    other = make(root)  # in another process, which prepares nothing and finds memory as the first has left it
    other.trainer = trainer
    other.setup("fit")
    assert decisions == [streamed]
    assert isinstance(other.splits["train"].images, PictureFiles) == streamed


# Scaling


@pytest.mark.parametrize("stream", MODES)
@pytest.mark.parametrize("channels", [1, 3])
def test_channels_are_scaled_by_their_own_mean_and_deviation(
    root: Path, trainer: Trainer, stream: str, channels: int
) -> None:
    data = set_up(root, trainer, stream=stream, in_channels=channels, batch_size=60, val_size=0)
    pixels = data.splits["train"].images[:].double().view(-1, channels) / 255
    np.testing.assert_allclose(data.mean, pixels.mean(0), rtol=1e-12)
    np.testing.assert_allclose(data.std, pixels.std(0, correction=0), rtol=1e-12)
    (batch,) = data.train_dataloader()
    images = data.on_after_batch_transfer(batch, 0).images
    torch.testing.assert_close(images.mean((0, 2, 3)), torch.zeros(channels), atol=1e-5, rtol=0)
    torch.testing.assert_close(images.std((0, 2, 3)), torch.ones(channels), atol=1e-4, rtol=0)
    torch.testing.assert_close(data.sample(60).mean(), torch.tensor(0.0), atol=1e-5, rtol=0)


def test_pictures_of_one_colour_can_be_scaled(root: Path, trainer: Trainer) -> None:
    for path in (root / "train").rglob("*.png"):
        Image.new("RGB", (16, 16), (10, 20, 30)).save(path)
    assert set_up(root, trainer).sample(99).abs().max() < 1e-5


def test_a_checkpoint_brings_the_scaling_that_was_learned_with(root: Path, trainer: Trainer, tmp_path: Path) -> None:
    learned = set_up(root, trainer)
    state = {"batch": 0, "class_names": list(CLASSES), "mean": list(learned.mean), "std": list(learned.std)}
    for path in (root / "train").rglob("*.png"):
        Image.new("RGB", (16, 16), (10, 20, 30)).save(path)
    data = set_up(root, trainer)
    assert data.mean != learned.mean
    data.load_state_dict(state)
    assert data.normalization == learned.normalization

    alone = make(root)
    alone.inputs = [str(picture(tmp_path / "a.png"))]
    alone.trainer = trainer
    alone.prepare_data()
    alone.setup("predict")
    alone.load_state_dict(state)
    assert len(alone.predict_dataloader()) == 1
    assert alone.normalization == learned.normalization
    assert not alone.splits.keys() - {"predict"}, "the training pictures are not needed"


def test_files_are_predicted_without_a_checkpoint_too(root: Path, trainer: Trainer, tmp_path: Path) -> None:
    data = make(root)
    data.inputs = [str(picture(tmp_path / "a.png", size=(40, 30)))]
    data.trainer = trainer
    data.prepare_data()
    data.setup("predict")
    (batch,) = data.predict_dataloader()
    assert data.on_after_batch_transfer(batch, 0).images.shape == (1, 3, 16, 16)
    assert data.normalization == set_up(root, trainer).normalization


def test_a_checkpoint_of_other_classes_is_refused(root: Path, trainer: Trainer) -> None:
    data = set_up(root, trainer)
    state = {"batch": 0, "class_names": ["disc", "star", "square"], "mean": [0.5] * 3, "std": [0.5] * 3}
    with pytest.raises(InputError, match=r"has the classes disc, ring, square, where .* disc, star, square"):
        data.load_state_dict(state)


# Runs


def train(folder: Path, root: Path, stream: str, plug: Callback | None = None, resume: bool = False) -> None:
    """Trains for two epochs of six batches, with two processes that decode if it streams."""
    folder.mkdir(exist_ok=True)
    everything = Augmentation("random", crop_padding=2, cutout=4, brightness=20, contrast=(0.8, 1.2))
    data = make(root, stream=stream, num_workers=2, batch_size=9, augmentation=everything)
    model = tiny_vgg(num_classes=3, whiten=True, optimizer=partial(torch.optim.SGD, lr=0.05, momentum=0.9))
    callbacks = [*([plug] if plug else []), RunCheckpoint(every_n_train_steps=2)]
    trainer = tiny_trainer(folder, callbacks=callbacks, seed=3, run_folder=RunFolder(folder), logger=False)
    trainer.fit(model, data, ckpt_path=folder / "checkpoints" / "last.ckpt" if resume else None)


def last(folder: Path) -> dict:
    """Returns the weights, the optimizer's state and the data's at the end of a run."""
    checkpoint = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    return {name: checkpoint[name] for name in ("state_dict", "optimizer_states", "ImageFolderDataModule")}


def test_a_streamed_run_has_the_bits_of_one_in_memory_resumed_in_mid_epoch_too(root: Path, tmp_path: Path) -> None:
    before = set(descendants(os.getpid())) if sys.platform == "linux" else set()
    train(tmp_path / "memory", root, "never")
    train(tmp_path / "disk", root, "always")
    assert_same_bits(last(tmp_path / "disk"), last(tmp_path / "memory"))
    with pytest.raises(PulledPlug):
        train(tmp_path / "resumed", root, "always", PullPlug(9))
    assert last(tmp_path / "resumed")["ImageFolderDataModule"]["batch"] == 2
    train(tmp_path / "resumed", root, "always", resume=True)
    assert_same_bits(last(tmp_path / "resumed"), last(tmp_path / "memory"))
    if sys.platform == "linux":
        assert set(descendants(os.getpid())) <= before


def test_a_run_does_not_go_on_with_other_pictures(root: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(PulledPlug):
        train(run, root, "never", PullPlug(9))
    copy = Path(shutil.copytree(root, tmp_path / "copy", copy_function=shutil.copy))  # at another time
    path = next((copy / "train" / "disc").iterdir())
    renamed = path.rename(path.with_name("other.png"))
    with pytest.raises(InputError, match=r"the images have changed .* \(as many then as now, but other files\)"):
        train(run, copy, "never", resume=True)
    renamed.unlink()
    with pytest.raises(InputError, match=r"\(6 validation images then, 5 now\); .* with --weights"):
        train(run, copy, "never", resume=True)
    shutil.copy(root / path.relative_to(copy), path)
    train(run, copy, "never", resume=True)


CONFIG = """\
model:
  class_path: lightning_modules.VGG
  init_args: {widths: [4, 8], convolutions: [1, 1]}
data:
  class_path: datamodules.ImageFolderDataModule
  init_args: {image_size: 16, batch_size: 9, normalization: channel}
trainer: {accelerator: cpu, devices: 1, precision: 32-true, max_epochs: 2}
"""


def test_the_command_trains_tests_and_predicts_streamed(root: Path, tmp_path: Path, command: Callable) -> None:
    (tmp_path / "mine.yaml").write_text(CONFIG)
    run = tmp_path / "run"
    settings = ("--data.data_dir", root, "--data.stream", "always", "--data.in_channels", 1)
    code, output, errors = command("fit", "--config", "mine.yaml", "--run_dir", run, *settings)
    assert code == 0, errors
    assert f"data     pictures from {root} (streamed)" in output
    assert "54 training, 6 validation, 12 test images" in output
    code, _, errors = command("test", "--ckpt_path", run)
    assert code == 0, errors
    assert (run / "predictions.png").exists()
    code, output, errors = command("predict", "--ckpt_path", run, "--input", root / "test")
    assert code == 0, errors
    assert len(output.splitlines()) == 13


def test_the_command_says_what_is_wrong_in_a_line_and_leaves_no_run(
    root: Path, tmp_path: Path, command: Callable
) -> None:
    (tmp_path / "mine.yaml").write_text(CONFIG)
    options = ("fit", "--config", "mine.yaml", "--run_dir", tmp_path / "run", "--data.data_dir")
    spoil_two(root)
    for folder, reason in ((root, "2 of 73 files cannot be read"), (root / "train", "no folder train in it")):
        code, _, errors = command(*options, folder)
        assert code == 2
        assert reason in errors
        assert len(errors.splitlines()) == 1
        assert not (tmp_path / "run").exists()
