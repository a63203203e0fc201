"""A folder of pictures as people have them: what is left out is said, and pixels are what a person sees."""

import csv
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pytorch_lightning.trainer.states import TrainerFn

from core.errors import InputError
from datamodules import ImageFolderDataModule
from datamodules.base import cache
from engine.trainer import Trainer
from tests.pictures import deep_png, picture, tiff
from tests.stages import prepared
from tests.tiny import SizedDataModule

CONFIG = """\
model:
  class_path: lightning_modules.VGG
  init_args: {widths: [4, 8], convolutions: [1, 1]}
data:
  class_path: datamodules.ImageFolderDataModule
  init_args: {image_size: 8, batch_size: 8, num_workers: 0}
trainer: {accelerator: cpu, devices: 1, precision: 32-true, max_epochs: 1}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten pictures of each of two classes."""
    for seed in range(10):
        for name in ("cat", "dog"):
            picture(tmp_path / "pictures" / "train" / name / f"{seed}.png", seed=seed)
    return tmp_path / "pictures"


def make(root: Path, trainer: Trainer, **settings: object) -> ImageFolderDataModule:
    """Returns a data module of the pictures, ready to train."""
    settings = {"data_dir": str(root), "image_size": 8, "num_workers": 0, "batch_size": 8, "val_size": 0} | settings
    return prepared(ImageFolderDataModule(**settings), "fit", trainer)


@pytest.mark.parametrize("name", ["val", "valid", "Validation"])
def test_validation_pictures_are_read_whatever_their_folder_is_called(root: Path, trainer: Trainer, name: str) -> None:
    picture(root / name / "cat" / "a.png")
    assert make(root, trainer, val_size=None).sizes == {"train": 20, "val": 1, "test": 0}


def test_what_is_not_read_is_said_at_every_reading(
    root: Path, trainer: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    picture(root / "train" / "cat" / "more" / "a.png")
    (root / "train" / "dog" / "gone.png").symlink_to("nowhere")
    for _ in range(2):
        make(root, trainer)
        assert capsys.readouterr().out.splitlines() == [
            f"skipped  folders within a class in {root}: 1 (train/cat/more)",
            f"skipped  links to nothing in {root}: 1 (train/dog/gone.png)",
        ]


def test_names_need_not_be_utf8(root: Path, trainer: Trainer) -> None:
    folder = os.fsencode(root / "train") + b"/" + "体育".encode("gbk")
    os.mkdir(folder)
    (root / "train" / "cat" / "0.png").rename(os.fsdecode(folder + b"/" + "体".encode("gbk") + b".png"))
    data = make(root, trainer)
    assert data.class_names == ("\\xcc\\xe5\\xd3\\xfd", "cat", "dog")
    assert data.splits["train"].targets.bincount().tolist() == [1, 9, 10]


# Pixels


def hide(root: Path) -> None:
    """Makes two pictures transparent, with a hidden colour."""
    for name in ("cat", "dog"):
        Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(root / "train" / name / "0.png")


@pytest.mark.parametrize("stream", ["never", "always"])
def test_transparency_is_white_in_memory_and_streamed(
    root: Path, trainer: Trainer, stream: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hide(root)
    for _ in range(2):
        split = make(root, trainer, stream=stream).splits["train"]
        assert (split.images[:].amin((1, 2, 3)) == 255).sum() == 2
        assert capsys.readouterr().out == "note     2 of 20 pictures are transparent: they are shown on white\n"


def test_pictures_that_an_earlier_release_has_decoded_are_decoded_again(
    root: Path, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide(root)
    with monkeypatch.context() as earlier:
        earlier.setattr(cache, "FORMAT", "primer-2")
        earlier.setattr("datamodules.images.picture._on_white", lambda picture: picture)
        assert (make(root, trainer).splits["train"].images.amax((1, 2, 3)) == 0).sum() == 2
    assert (make(root, trainer).splits["train"].images.amin((1, 2, 3)) == 255).sum() == 2


def test_a_run_of_an_earlier_release_does_not_go_on_with_other_pixels(root: Path, trainer: Trainer) -> None:
    digest = make(root, trainer).files_digest
    assert len(digest) == 16
    hide(root)
    data = make(root, trainer)
    before = cache.fingerprint([path for path, _ in data.files["train"]], root, times=False)[:16]
    assert data.files_digest != before
    state = {"batch": 0, "class_names": ["cat", "dog"], "mean": [0.5] * 3, "std": [0.2] * 3, "bits": 16}
    data.load_state_dict(state | {"files": data.files_digest})
    with pytest.raises(InputError, match="the images have changed"):
        data.load_state_dict(state | {"files": before})


def twelve_bits(path: Path, colour: bool = False) -> Path:
    """Writes a picture, grey or in colour, that uses 12 of its 16 bits."""
    values = np.linspace(0, 4095, 64).astype(np.uint16).reshape(8, 8)
    return deep_png(path, np.stack([values] * 3, 2) if colour else values)


@pytest.mark.parametrize("stream", ["never", "always"])
@pytest.mark.parametrize(("channels", "colour"), [(1, False), (3, False), (3, True)])
def test_sixteen_bits_keep_the_range_that_training_uses(
    root: Path,
    trainer: Trainer,
    stream: str,
    channels: int,
    colour: bool,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    for name in ("cat", "dog"):
        twelve_bits(root / "train" / name / "0.png", colour)
    data = make(root, trainer, stream=stream, in_channels=channels)
    ramp = torch.linspace(0, 4095, 64).int().div(16, rounding_mode="floor").view(8, 8)
    found = [image for image in data.splits["train"].images[:] if torch.equal(image[..., 0].int(), ramp)]
    assert len(found) == 2
    assert "2 of 20 pictures have 16 bits, of which 12 are in use: white is 4,095" in capsys.readouterr().out

    alone = ImageFolderDataModule(data_dir=str(root), image_size=8, in_channels=channels)
    alone.inputs = [str(twelve_bits(tmp_path / "a.png"))]
    alone.trainer = trainer
    trainer.state.fn = TrainerFn.PREDICTING
    alone.load_state_dict(data.state_dict())
    (batch,) = alone.predict_dataloader()
    assert torch.equal(batch.images[0, ..., 0].int(), ramp)
    assert alone.notes_on_inputs() == []


def test_pictures_of_an_unknown_range_are_noted_where_a_network_was_trained_on_others(
    trainer: Trainer, tmp_path: Path
) -> None:
    data = SizedDataModule()
    data.inputs, data.trainer = (
        [str(twelve_bits(tmp_path / f"{number}.png", number > 0)) for number in range(2)],
        trainer,
    )
    list(data.predict_dataloader())
    (note,) = data.notes_on_inputs()
    assert note.startswith("note     2 pictures of 16 bits use at most 12 of them")
    packed = np.arange(96, dtype=np.uint8).reshape(8, 12)
    data.inputs = [str(tiff(tmp_path / "a.tif", packed, t256=[8], t258=[12]))]  # which says that it has 12
    list(data.predict_dataloader())
    assert data.notes_on_inputs() == []


def test_a_run_begun_where_white_was_misread_does_not_go_on(root: Path, trainer: Trainer) -> None:
    path = root / "train" / "cat" / "0.tif"
    digests = []
    for photometric in (1, 0):
        tiff(path, np.full((8, 8), 65280, np.uint16), t262=[photometric])
        data = make(root, trainer)
        digests.append(data.files_digest)
        assert (data.splits["train"].images[:].amin((1, 2, 3)) == 255).any() == (photometric == 1)
    assert digests[0] != digests[1], "the files have the same names and sizes"


@pytest.mark.parametrize("stream", ["never", "always"])
def test_a_run_does_not_go_on_with_files_of_the_same_names_and_sizes(root: Path, trainer: Trainer, stream: str) -> None:
    path = root / "train" / "cat" / "0.bmp"  # whose size is that of its pixels
    picture(path, seed=1)
    state = make(root, trainer, stream=stream).facts() | {"batch": 0, "class_names": ["cat", "dog"]}
    state |= {"mean": [0.5] * 3, "std": [0.2] * 3, "bits": 16}
    make(root, trainer, stream=stream).load_state_dict(state)
    picture(path, seed=2)
    data = make(root, trainer, stream="always" if stream == "never" else "never")
    with pytest.raises(InputError, match=r"the images have changed .*as many then as now, but others"):
        data.load_state_dict(state)
    data.load_state_dict(state | {"content": None})  # of an earlier release


def test_a_network_that_learned_other_bits_is_refused(root: Path, trainer: Trainer) -> None:
    twelve_bits(root / "train" / "cat" / "0.png")
    data = make(root, trainer)
    state = data.state_dict()
    del state["bits"]  # as an earlier release, which kept the high byte alone
    with pytest.raises(InputError, match=r"12 of 16 bits .* in use, and the network was trained with 16"):
        data.load_state_dict(state)


def test_bits_are_not_compared_where_no_picture_has_sixteen(root: Path, trainer: Trainer) -> None:
    data = make(root, trainer)
    data.load_state_dict(data.state_dict() | {"bits": 12})
    assert data.bits == 12


@pytest.mark.parametrize("settings", [{"image_size": 100_000}, {"image_size": 5000, "batch_size": 20}])
def test_a_size_that_no_memory_holds_is_refused_at_once(
    root: Path, settings: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datamodules.image_folder.available_memory", lambda: 5 * 2**30)
    with pytest.raises(InputError, match=rf"data\.image_size is {settings['image_size']}: a batch of .* GiB, of 5\.0"):
        ImageFolderDataModule(str(root), **settings)


# Predictions


@pytest.fixture
def run(root: Path, tmp_path: Path, command: Callable) -> Path:
    """A run on the pictures."""
    (tmp_path / "mine.yaml").write_text(CONFIG)
    code, _, errors = command("fit", "--config", "mine.yaml", "--run_dir", "run", "--data.data_dir", root)
    assert code == 0, errors
    return tmp_path / "run"


def rows(path: Path) -> list[dict[str, str]]:
    """Returns the rows of a CSV file."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_one_bad_picture_does_not_cost_the_others(run: Path, tmp_path: Path, command: Callable) -> None:
    photos = tmp_path / "photos"
    good = [picture(photos / name, seed=7) for name in ("a.png", "\x1b[31mb.png", "=c.png", "z.png")]
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    (photos / "notes.pdf").write_bytes(b"%PDF")
    words = ("predict", "--ckpt_path", run, "--input", "photos", "a.bmp", "--output", "out.csv")
    code, _, errors = command(*words)
    assert (code, errors) == (2, "error: --input a.bmp: no such file or folder\n")
    assert not Path("out.csv").exists()
    picture(tmp_path / "a.bmp", seed=7)
    code, output, errors = command(*words)
    assert code == 2
    assert errors.startswith("error: 1 of 6 inputs cannot be read: photos/broken.jpg: ")
    assert len(errors.splitlines()) == 1
    assert "skipped  files that are no pictures by their names in photos: 1 (notes.pdf)" in output
    assert "\x1b" not in output
    found = rows(tmp_path / "out.csv")
    assert [row["file"] for row in found] == [*sorted(str(path.relative_to(tmp_path)) for path in good), "a.bmp"]
    assert len({row["probability"] for row in found}) == 1, "equal pictures beside a broken one"


def test_nothing_is_written_where_nothing_can_be_read(run: Path, tmp_path: Path, command: Callable) -> None:
    (tmp_path / "bad.png").write_bytes(b"")
    code, output, errors = command("predict", "--ckpt_path", run, "--input", "bad.png", "--output", "out.csv")
    assert (code, output) == (2, "")
    assert "1 of 1 inputs cannot be read: bad.png: no picture that can be read" in errors
    assert not Path("out.csv").exists()


@pytest.mark.filterwarnings("ignore:.*fork")
def test_two_processes_name_what_either_could_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.predicting.gathering import gather_unread
    from engine.predicting.predictions import describe_unread

    def all_gather(parts: list, mine: dict[int, str]) -> None:
        parts[:] = [mine, {3: "d: broken"}]

    monkeypatch.setattr(torch.distributed, "all_gather_object", all_gather)
    unread = gather_unread({0: "a: broken"}, 2)
    assert describe_unread(unread, 5) == "2 of 5 inputs cannot be read: a: broken; d: broken"
    many = {place: f"{place}: broken" for place in range(9)}
    assert describe_unread(many, 9).endswith("4: broken; and 4 more")


def test_pictures_are_decoded_batch_by_batch(run: Path, root: Path, trainer: Trainer, tmp_path: Path) -> None:
    data = ImageFolderDataModule(str(root), image_size=8, eval_batch_size=3)
    data.inputs = [str(picture(tmp_path / "photos" / f"{seed}.png", seed=seed).parent) for seed in range(8)][:1]
    data.trainer = trainer
    data.mean, data.std = (0.5,) * 3, (0.2,) * 3
    batches = iter(data.predict_dataloader())
    assert len(next(batches).images) == 3
    store = data.splits["predict"].images
    assert len(store) == 8
    assert store.nbytes is None
    assert len(store.means) == 3, "no more than the batch has been decoded"


def test_a_data_module_that_is_shown_as_a_text_reads_nothing(root: Path) -> None:
    data = ImageFolderDataModule(str(root))
    assert str(data) == "ImageFolderDataModule"
    assert not data.splits


@pytest.mark.parametrize(("learned", "negative"), [(0.13, 230), (0.9, 20)])
@pytest.mark.parametrize("invert", [False, True])
def test_negatives_of_what_was_learned_are_noted_and_can_be_inverted(
    trainer: Trainer, tmp_path: Path, learned: float, negative: int, invert: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        path = tmp_path / "digits" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (16, 16), negative).save(path)
    data = SizedDataModule(in_channels=1)
    data.mean, data.inputs, data.trainer, data.invert = (learned,), [str(tmp_path / "digits")], trainer, invert
    (batch,) = data.predict_dataloader()
    assert (batch.images == (255 - negative if invert else negative)).all()
    there, here = ("light on dark", "dark on light") if learned < 0.5 else ("dark on light", "light on dark")
    note = f"note     3 of 3 pictures look {here}, and the network was trained on {there}: "
    note += "--invert predicts their negatives"
    assert data.notes_on_inputs() == ([] if invert else [note])
    of_another = [learned], [12]
    gathered = "datamodules.images.image_data_module.gathered"
    monkeypatch.setattr(gathered, lambda mine, world_size: [mine, of_another])
    *told, deep = data.notes_on_inputs()
    assert told == ([] if invert else [note.replace("3 of 3", "3 of 4")])
    assert "1 picture of 16 bits use at most 12 of them" in deep


def test_the_command_inverts_pictures_alone(
    finished_run: Callable[..., Path], tmp_path: Path, command: Callable
) -> None:
    run = finished_run()
    picture(tmp_path / "a.png", size=(16, 16))
    Image.fromarray(255 - np.asarray(Image.open(tmp_path / "a.png"))).save(tmp_path / "b.png")
    as_it_is = command("predict", "--ckpt_path", run, "--input", "a.png")[1]
    code, inverted, errors = command("predict", "--ckpt_path", run, "--input", "b.png", "--invert")
    assert code == 0, errors
    assert inverted.split()[-4:] == as_it_is.split()[-4:]
    code, _, errors = command("predict", "--ckpt_path", run, "--invert")
    assert (code, errors) == (2, "error: --invert: it is for pictures that --input names\n")


def test_a_run_on_names_that_are_no_utf8_trains_tests_predicts_and_goes_on(tmp_path: Path, command: Callable) -> None:
    gbk = os.fsencode(tmp_path) + b"/" + "体育".encode("gbk")
    for seed in range(8):
        for name in (b"cat", "体".encode("gbk")):
            for part in (b"/train/", b"/test/"):
                picture(Path(os.fsdecode(gbk + part + name + b"/" + "育".encode("gbk") + b"%d.png" % seed)), seed=seed)
    (tmp_path / "mine.yaml").write_text(CONFIG)
    folder = os.fsdecode(gbk)
    words = ("fit", "--config", "mine.yaml", "--run_dir", "run", "--data.val_size", 4, "--data.data_dir")
    code, _, errors = command(*words, folder)
    assert code == 2
    assert "\\xcc\\xe5\\xd3\\xfd: is not UTF-8, as settings are; give another name of it" in errors
    (tmp_path / "link").symlink_to(folder)
    for step in (
        (*words, "link"),
        ("fit", "--ckpt_path", "run", "--trainer.max_epochs", 2),
        ("test", "--ckpt_path", "run"),
        ("predict", "--ckpt_path", "run", "--input", folder, "--output", "out.csv"),
        ("predict", "--ckpt_path", "run", "--output", "test.csv"),
    ):
        code, _, errors = command(*step)
        assert code == 0, errors
    assert {row["class"] for row in rows(tmp_path / "test.csv")} <= {"cat", "\\xcc\\xe5"}
    assert len(rows(tmp_path / "out.csv")) == 32
    assert "\\xcc\\xe5\\xd3\\xfd" in rows(tmp_path / "out.csv")[0]["file"]
