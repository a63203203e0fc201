"""Every kind of medium reaches the run's folder, TensorBoard and Weights & Biases."""

import wave
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure as MatplotlibFigure
from PIL import Image as PillowImage

from callbacks.media.sink import encode, write_media
from core.errors import RunFailed
from core.media import Audio, Embedding, Figure, Grid, Image, Medium, Table, Text
from engine.runs.run_folder import RunFolder
from tests.loggers import Told, images_on_board, texts_on_board

PIXELS = torch.arange(4 * 5 * 3, dtype=torch.uint8).view(4, 5, 3)
TONE = torch.tensor([0.0, 0.5, -1.0, 2.0])


def write(folder: Path | None, *media: Medium, first: bool = True) -> Told:
    """Writes media as a trainer does after `fit`; returns what Weights & Biases has received."""
    told = Told()
    run_folder = None if folder is None else RunFolder(folder)
    state = SimpleNamespace(fn="test")
    trainer = SimpleNamespace(
        run_folder=run_folder, is_global_zero=first, loggers=[told], uses_tensorboard=True, state=state
    )
    write_media(trainer, media)
    assert told.steps == ({medium.name: medium.step for medium in media} if first else {})
    return told


@pytest.mark.parametrize("name", ["metrics", "../elsewhere", "/tmp/elsewhere", "checkpoints/table", "plots/../../a"])
def test_a_medium_takes_the_place_of_no_file_of_the_run(name: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "metrics.csv").write_text("epoch\n0\n")
    with pytest.raises(RunFailed, match="give the Table another name than"):
        write(run, Table(name=name, step=1, header=["a"], rows=[["1"]]))
    assert (run / "metrics.csv").read_text() == "epoch\n0\n"
    assert list(tmp_path.iterdir()) == [run]


def test_numbers_are_cells_of_a_table(tmp_path: Path) -> None:
    write(tmp_path, Table(name="numbers", step=1, header=["a", "b"], rows=[[1.5, "x|y"], [-2, None]]))
    assert (tmp_path / "numbers.csv").read_text() == "a,b\n1.5,x|y\n-2,\n"
    assert texts_on_board(tmp_path)["numbers/text_summary"] == "|a|b|\n|---|---|\n|1.5|x\\|y|\n|-2|None|"


def test_pictures_are_written_everywhere(tmp_path: Path) -> None:
    figure = MatplotlibFigure(figsize=(2, 1), dpi=50)
    figure.subplots().plot([0, 1])
    told = write(
        tmp_path,
        Image(name="image", step=3, pixels=PIXELS),
        Grid(name="grey", step=3, images=PIXELS[None, ..., :1]),
        Figure(name="plots/figure", step=4, figure=figure),
    )
    with PillowImage.open(tmp_path / "image.png") as picture:
        assert np.array_equal(np.asarray(picture), PIXELS)
    with PillowImage.open(tmp_path / "grey.png") as picture:
        assert np.array_equal(np.asarray(picture), PIXELS[..., 0])
    with PillowImage.open(tmp_path / "plots" / "figure.png") as picture:
        assert picture.size == (100, 50)
    shown = images_on_board(tmp_path)
    assert {tag: [step for step, _ in images] for tag, images in shown.items()} == {
        "image": [3],
        "grey": [3],
        "plots/figure": [4],
    }
    assert np.array_equal(shown["image"][0][1], PIXELS)
    assert told.images == ["image", "grey", "plots/figure"]


def test_tables_are_written_everywhere(tmp_path: Path) -> None:
    told = write(tmp_path, Table(name="table", step=2, header=["what", "how much"], rows=[["a|b", "1,5"]]))
    assert (tmp_path / "table.csv").read_bytes() == b'what,how much\na|b,"1,5"\n'
    assert texts_on_board(tmp_path) == {"table/text_summary": "|what|how much|\n|---|---|\n|a\\|b|1,5|"}
    assert told.tables == {"table": (["what", "how much"], [["a|b", "1,5"]])}


def test_texts_are_written_everywhere_with_those_of_earlier_epochs(tmp_path: Path) -> None:
    newest = Text(name="texts", tag="text", step=2, text="one\ntwo", epoch=2, earlier=[(1, "früher")])
    told = write(tmp_path, newest, Text(name="note", step=2, text="alone"))
    assert (tmp_path / "texts.txt").read_text(encoding="utf-8") == "=== epoch 1\nfrüher\n\n=== epoch 2\none\ntwo\n"
    assert (tmp_path / "note.txt").read_text() == "alone\n"
    shown = texts_on_board(tmp_path)
    assert shown == {"text/text_summary": "    one\n    two\n", "note/text_summary": "    alone\n"}
    assert told.tables["texts"] == (["epoch", "text"], [[1, "früher"], [2, "one\ntwo"]])
    assert told.tables["note"] == (["text"], [["alone"]])


@pytest.mark.parametrize("channels", [1, 2])
def test_sounds_are_written_everywhere(channels: int, tmp_path: Path) -> None:
    samples = TONE if channels == 1 else torch.stack([TONE, -TONE])
    told = write(tmp_path, Audio(name="tone", step=1, samples=samples, rate=8000))
    with wave.open(str(tmp_path / "tone.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (channels, 8000, 2)
        values = np.frombuffer(file.readframes(4), "<i2").reshape(-1, channels)
    assert values[:, 0].tolist() == [0, 16384, -32767, 32767], "what is too loud is cut"
    assert told.sounds == {"tone": (tmp_path / "tone.wav").read_bytes()}


def test_vectors_are_written_everywhere(tmp_path: Path) -> None:
    vectors = torch.tensor([[1.0, 0.25], [-2.0, 3.0]])
    told = write(tmp_path, Embedding(name="words", step=5, vectors=vectors, labels=["one", "new\tline"]))
    assert (tmp_path / "words.tsv").read_text() == "one\t1\t0.25\nnew line\t-2\t3\n"
    assert [path.read_text() for path in tmp_path.rglob("metadata.tsv")] == ["one\nnew line\n"]
    assert told.tables == {"words": (["name", "0", "1"], [["one", 1.0, 0.25], ["new\tline", -2.0, 3.0]])}


def test_a_medium_replaces_the_file_of_its_name(tmp_path: Path) -> None:
    for value in (0, 1):
        write(tmp_path, Image(name="image", step=value, pixels=torch.full_like(PIXELS, value)))
    with PillowImage.open(tmp_path / "image.png") as picture:
        assert np.asarray(picture).max() == 1
    assert [path.name for path in tmp_path.glob("*image*")] == ["image.png"]


def test_without_a_folder_the_loggers_alone_receive_it(tmp_path: Path) -> None:
    assert write(None, Image(name="image", step=0, pixels=PIXELS)).images == ["image"]
    assert not list(tmp_path.iterdir())


def test_other_processes_write_nothing(tmp_path: Path) -> None:
    assert not write(tmp_path, Image(name="image", step=0, pixels=PIXELS), first=False).images
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "image.png").mkdir()
    with pytest.raises(RunFailed, match=r"image\.png: could not be written"):
        write(tmp_path, Image(name="image", step=0, pixels=PIXELS))


def test_what_is_no_medium_is_an_error() -> None:
    with pytest.raises(TypeError, match="Medium is no medium"):
        encode(Medium(name="nothing", step=0))


def test_no_cell_of_a_table_is_a_formula() -> None:
    rows = [["=HYPERLINK(1)", "-0.5"], ["- a dash", "\udccc"]]
    ending, content = encode(Table(name="table", step=0, header=["text", "share"], rows=rows))
    assert ending == ".csv"
    assert content.decode().splitlines() == ["text,share", "'=HYPERLINK(1),-0.5", "'- a dash,\\xcc"]
