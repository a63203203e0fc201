"""Pictures of a folder without classes are read for training, and taken whole to predict."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from core.errors import InputError
from datamodules import PicturesDataModule
from tests.pictures import deep_png
from tests.style import save_picture


@pytest.fixture
def folder() -> Path:
    """Six pictures in a folder and one within it, and what is none."""
    Path("photos/more").mkdir(parents=True)
    for place in range(4):
        save_picture(f"photos/{place}.png", 40 + place, 48, seed=place)
    save_picture("photos/more/4.jpg")
    save_picture("photos/more/5.png", mode="RGBA")
    Path("photos/notes.txt").write_text("hello")
    return Path("photos")


def read(data: PicturesDataModule) -> PicturesDataModule:
    """Reads the pictures, as a run of one process does."""
    data.trainer = SimpleNamespace(
        world_size=1, global_rank=0, strategy=SimpleNamespace(root_device=torch.device("cpu"))
    )
    data.setup("fit")
    return data


def test_all_pictures_below_a_folder_are_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = read(PicturesDataModule(str(folder), image_size=32, batch_size=2, val_size=2))
    assert data.sizes == {"train": 4, "val": 2, "test": 0}
    assert data.images_of("train", torch.arange(4)).shape == (4, 32, 32, 3)
    assert "notes.txt" in capsys.readouterr().out


def test_streamed_pictures_are_the_same(folder: Path) -> None:
    both = [
        read(PicturesDataModule(str(folder), image_size=32, batch_size=2, stream=stream, num_workers=0))
        for stream in ("always", "never")
    ]
    images = [data.images_of("train", torch.arange(6)) for data in both]
    assert torch.equal(*images)
    assert "(streamed)" in both[0].origin
    assert both[0].facts() == both[1].facts()


@pytest.mark.parametrize("stream", ["always", "never"])
def test_sixteen_bits_keep_the_range_that_all_pictures_use(
    stream: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ramp = np.linspace(0, 4095, 32 * 32).astype(np.uint16).reshape(32, 32)
    deep_png(folder / "deep.png", ramp)
    deep_png(folder / "more" / "dark.png", np.stack([ramp // 8] * 3, 2))
    given = {"image_size": 32, "batch_size": 2, "stream": stream, "num_workers": 0}
    data = read(PicturesDataModule(str(folder), **given))
    images = data.images_of("train", torch.arange(8))
    assert sum(torch.equal(one[..., 2], torch.from_numpy(ramp // 16).byte()) for one in images) == 1
    assert sum(torch.equal(one[..., 2], torch.from_numpy(ramp // 128).byte()) for one in images) == 1
    assert "2 of 8 pictures have 16 bits, of which 12 are in use: white is 4,095" in capsys.readouterr().out
    state = {"batch": 0, "bits": 12} | data.facts()
    data.trainer.state = SimpleNamespace(fn="fit")
    data.load_state_dict(state)
    with pytest.raises(InputError, match=r"12 of 16 bits .* in use, and the network was trained with 14"):
        data.load_state_dict(state | {"bits": 14})
    other = PicturesDataModule(str(folder), **given)
    other.trainer, other.inputs = data.trainer, [str(folder / "deep.png")]
    other.trainer.state.fn = "predict"
    (dark,) = (batch.images[0] for batch in other.predict_dataloader())
    assert torch.equal(dark[..., 1], torch.from_numpy(ramp // 256).byte())
    assert "1 picture of 16 bits use at most 12 of them" in "\n".join(other.notes_on_inputs())
    other.load_state_dict(state)
    (right,) = (batch.images[0] for batch in other.predict_dataloader())
    assert torch.equal(right[..., 1], torch.from_numpy(ramp // 16).byte())
    assert other.notes_on_inputs() == []


@pytest.mark.parametrize("stream", ["always", "never"])
def test_a_run_of_an_earlier_release_reads_all_bits_as_it_did(
    stream: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ramp = np.linspace(0, 4095, 32 * 32).astype(np.uint16).reshape(32, 32)
    deep_png(folder / "deep.png", ramp)
    data = read(PicturesDataModule(str(folder), image_size=32, batch_size=2, stream=stream, num_workers=0))
    data.trainer.state = SimpleNamespace(fn="fit")
    facts = data.facts()
    capsys.readouterr()
    data.load_state_dict({"batch": 0} | facts)
    dark = torch.from_numpy(ramp // 256).byte()
    assert sum(torch.equal(one[..., 2], dark) for one in data.images_of("train", torch.arange(7))) == 1
    assert data.bits == 16
    assert data.facts() == facts
    assert capsys.readouterr().out == "note     photos: this run has read all 16 bits of its pictures, and they stay\n"


@pytest.mark.parametrize("source", ["auto", "synthetic"])
def test_bits_are_compared_only_where_there_are_pictures_of_sixteen(source: str, folder: Path) -> None:
    data = read(PicturesDataModule(str(folder), source, image_size=32, batch_size=2))
    data.trainer.state = SimpleNamespace(fn="validate")
    data.load_state_dict({"batch": 0, "bits": 12} | data.facts())
    assert data.bits == 12


@pytest.mark.parametrize(("processes", "streams"), [(1, False), (2, True)])
def test_pictures_that_the_processes_could_not_all_hold_stay_on_disk(
    processes: int, streams: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datamodules.images.streaming.available_memory", lambda: 2 * 6 * 32**2 * 3)
    data = PicturesDataModule(str(folder), image_size=32, batch_size=2, num_workers=0)
    data.trainer = SimpleNamespace(world_size=processes)
    data.read()
    assert ("(streamed)" in data.origin) == streams


def test_drawn_pictures_need_no_folder() -> None:
    data = read(PicturesDataModule("nowhere", "synthetic", image_size=48))
    assert data.sizes == {"train": 79, "val": 1, "test": 0}


def test_pictures_to_predict_keep_their_sizes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = read(PicturesDataModule(str(folder), image_size=32, largest=44))
    Path("bad.png").write_text("hello")
    save_picture("one.png", 1, 2)
    data.inputs = ["photos", "bad.png", "one.png"]
    loader = data.predict_dataloader()
    shapes = [tuple(batch.images.shape[1:3]) for batch in loader]
    assert shapes == [(44, 37), (44, 38), (44, 38), (44, 39), (37, 44), (37, 44), (16, 16), (32, 16)]
    assert list(data.unread) == [6]
    assert "photos/0.png: scaled from 40x48 to 37x44" in "\n".join(data.notes_on_inputs())
    of_another = {1: "of another process"}, [12]
    monkeypatch.setattr("datamodules.pictures.gathered", lambda mine, world_size: [mine, of_another])
    notes = data.notes_on_inputs()
    assert "1 picture of 16 bits use at most 12 of them" in notes[-1]
    assert notes.index("of another process") == 1 + notes.index("picture  photos/0.png: scaled from 40x48 to 37x44")
    data.trainer.world_size = 9
    with pytest.raises(InputError, match="9 devices need at least 9 inputs, not 8"):
        data.predict_dataloader()


@pytest.mark.parametrize(("scaling", "bounds"), [("none", (0, 255)), ("symmetric", (-1, 1)), ("unit", (0, 1))])
def test_pixels_are_scaled_as_a_network_asks(scaling: str, bounds: tuple[int, int], folder: Path) -> None:
    data = read(PicturesDataModule(str(folder), image_size=32, batch_size=2, normalization=scaling))
    pixels = data.images_of("train", torch.arange(6))
    low, high = bounds
    expected = (pixels.float() / 255 * (high - low) + low).permute(0, 3, 1, 2)
    torch.testing.assert_close(data.sample(6), expected)
    assert torch.equal(data.normalization.undo(data.sample(6)), pixels)


def test_what_cannot_be_used_is_named(folder: Path) -> None:
    Path("nowhere").mkdir()
    with pytest.raises(InputError, match=r"nowhere: no pictures in this folder \(--data\.data_dir\)"):
        PicturesDataModule("nowhere")
    Path("photos/broken.png").write_text("hello")
    with pytest.raises(InputError, match=r"broken\.png: no picture that can be read"):
        read(PicturesDataModule(str(folder), image_size=32, batch_size=2))
    data = PicturesDataModule("nowhere", "synthetic")
    with pytest.raises(InputError, match="--input: name pictures"):
        data.predict_dataloader()
    with pytest.raises(InputError, match="predict --input takes any"):
        data.setup("test")
