"""Captions stay with their pictures through splits, batches and checkpoints; new pictures get a table and a page."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from callbacks.features import FixedNetwork
from core.errors import InputError
from core.pages.pictures import small_copy
from core.protocols.captions import HasCaptions
from datamodules import CaptionDataModule
from datamodules.captioned.encoder import CaptionEncoding
from datamodules.captioned.page import SIDE
from datamodules.images.augmentation import Augmentation
from datamodules.text.special_symbols import END
from engine.trainer import Trainer
from tests.pictures import picture
from tests.stages import prepared
from tests.tiny import tiny_trainer, tiny_vgg
from tests.tiny_captions import TinyCaptions, folder_of_captions

EVERY_WORD = CaptionEncoding(min_count=1)


@pytest.fixture
def set_up(tmp_path: Path) -> Callable[..., Any]:
    """Sets a data module up, as a trainer does."""
    trainer: Trainer = tiny_trainer(tmp_path)
    trainer.strategy._lightning_module = tiny_vgg()

    def get(data: CaptionDataModule, stage: str = "fit") -> CaptionDataModule:
        return prepared(data, stage, trainer)

    return get


def from_folder(folder: Path, **settings: Any) -> CaptionDataModule:
    """Returns a data module of a folder."""
    given = {"encoding": EVERY_WORD, "image_size": 8, "batch_size": 3, "val_size": 2, "test_size": 3, "num_workers": 0}
    return CaptionDataModule(str(folder), **given | settings)


@pytest.mark.parametrize("stream", [True, False])
def test_captions_stay_with_their_pictures(stream: bool, set_up: Callable, tmp_path: Path) -> None:
    data = set_up(from_folder(folder_of_captions(tmp_path / "data"), stream=stream))
    assert isinstance(data, HasCaptions)
    assert data.sizes == {"train": 7, "val": 2, "test": 3}
    for part, loader in (("train", data.train_dataloader()), ("val", data.val_dataloader())):
        for batch in loader:
            for place, captions, lengths in zip(batch.index.tolist(), batch.captions, batch.lengths, strict=True):
                number = int(data.picture_names(part)[place].removesuffix(".png"))
                assert data.words_of(captions[1]) == ["a", "dog", str(number % 3), "runs", "number", "1"]
                assert lengths.tolist() == [7, 7]
    batch = data.batch_of("val", torch.tensor([1]))
    assert batch.images.shape == (1, 3, 8, 8)
    assert batch.images.dtype == torch.float32


def test_pictures_that_are_shown_are_whole_while_training_ones_are_smaller(set_up: Callable) -> None:
    data = set_up(TinyCaptions())
    data.augmentation = Augmentation(first_sizes=(8,))
    data.trainer.training = True
    (loaded, *_) = data.train_dataloader()
    assert data.on_after_batch_transfer(loaded, 0).images.shape[2:] == (8, 8)
    assert data.batch_of("val", torch.arange(2)).images.shape[2:] == (16, 16)


@pytest.mark.parametrize("views", [0, 2])
def test_features_of_places_are_not_taken_for_views(views: int, set_up: Callable) -> None:
    data = set_up(TinyCaptions())
    places = FixedNetwork(nn.Flatten(2), torch.device("cpu"), "", nullcontext, torch.float32, views)  # [B, 3, 256]
    data.augmentation = Augmentation(flip="random") if views else Augmentation()
    data.encoder = places
    for part in ("train", "val"):
        kept = data.stored(part).images
        kept = kept[:, 0] if views and part == "train" else kept
        assert torch.equal(data.batch_of(part, torch.arange(2)).images, kept[:2])


def test_the_vocabulary_is_of_training_and_goes_with_the_run(set_up: Callable, tmp_path: Path) -> None:
    data = set_up(TinyCaptions())
    assert data.vocab_size == len(data.symbols)
    data.save_beside(tmp_path)
    again = TinyCaptions(vocabulary=str(tmp_path))
    assert again.symbols == data.symbols
    state = data.state_dict()
    data.load_state_dict(state)
    other = set_up(TinyCaptions(encoding=CaptionEncoding(min_count=30)))
    with pytest.raises(InputError, match="other symbols than those"):
        other.load_state_dict(state)


def test_an_encoding_beside_a_vocabulary_is_the_runs_or_an_error(set_up: Callable, tmp_path: Path) -> None:
    set_up(TinyCaptions()).save_beside(tmp_path)
    for encoding in (CaptionEncoding(), CaptionEncoding(min_count=1)):
        assert TinyCaptions(vocabulary=str(tmp_path), encoding=encoding).words.encoding.min_count == 1
    with pytest.raises(InputError, match=r"data.encoding.max_length is 7: --data.vocabulary .* has 30; give that, or"):
        TinyCaptions(vocabulary=str(tmp_path), encoding=CaptionEncoding(max_length=7))


def test_changed_captions_are_other_data(set_up: Callable, tmp_path: Path) -> None:
    folder = folder_of_captions(tmp_path / "data")
    settings = {"test_size": 0, "val_size": 0}
    before = set_up(from_folder(folder, **settings)).facts()
    table = folder / "captions.csv"
    table.write_text(table.read_text().replace("2, runs number 0", "2, sits number 1"))
    after = set_up(from_folder(folder, **settings)).facts()
    assert before["content"] != after["content"]
    assert before["files"] == after["files"]


def test_padding_counts_only_with_drawn_captions() -> None:
    with pytest.raises(InputError, match=r"data\.count_padding: needs data.captions_each"):
        TinyCaptions(count_padding=True)
    with pytest.raises(InputError, match=r"data\.captions_each is 0: at least 1"):
        TinyCaptions(captions_each=0)


def test_a_picture_is_shown_with_as_many_captions_as_asked(set_up: Callable) -> None:
    data = set_up(TinyCaptions(captions_each=2))
    shapes = {batch.captions.shape[:2] for batch in data.train_dataloader()}
    assert shapes == {(8, 2)}
    assert {batch.captions.shape[1] for batch in data.val_dataloader()} == {5}


def test_new_pictures_get_a_table_and_a_page(set_up: Callable, tmp_path: Path) -> None:
    data = TinyCaptions()
    assert data.vocab_size > 6
    data.inputs = [str(picture(tmp_path / f"{name}.png", (30, 20))) for name in "ab"]
    data = set_up(data, "predict")
    (batch,) = data.predict_dataloader()
    assert batch.images.shape == (2, 16, 16, 3)
    outputs = torch.tensor([[4, 5, END, 0], [6, END, 0, 0]])
    table = data.prediction_table(data.prediction_names(), outputs)
    assert table.header == ("file", "caption")
    assert [row[0] for row in table.rows] == data.inputs
    assert table.rows[0][1] == " ".join(data.symbols[4:6])
    assert table.forms[".html"]().decode().count("<figure") == 2
    assert {".csv", *table.forms} == {*data.prediction_endings()}


def test_a_page_of_test_pictures_shows_their_files_wherever_the_command_runs(
    set_up: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    picture(Path("0.png"), (20, 16), seed=99)  # in the current folder, and no picture of the data set
    data = set_up(from_folder(folder_of_captions(tmp_path / "data")), "predict")
    names = data.prediction_names()
    files = [tmp_path / "data" / "Images" / name for name in names]
    page = data.prediction_table(names[:2], torch.full((2, 3), END)).forms[".html"]().decode()
    assert [small_copy(file, SIDE) in page for file in files] == [True, True, False]
    drawn = set_up(TinyCaptions(), "predict")
    names = drawn.prediction_names()
    page = drawn.prediction_table(names, torch.full((len(names), 3), END)).forms[".html"]().decode()
    assert page.count("<figure") == len(names)
    assert "<img src" not in page


def test_a_test_without_pictures_says_what_to_do(set_up: Callable, tmp_path: Path) -> None:
    data = from_folder(folder_of_captions(tmp_path / "data"), test_size=None)
    with pytest.raises(InputError, match="no test pictures; lists or a column of the file name them"):
        set_up(data, "test")
