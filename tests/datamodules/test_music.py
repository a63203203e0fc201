"""Tunes are read, split, transposed and continued; their symbols go with a run."""

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from core.errors import InputError
from datamodules import MusicDataModule
from datamodules.tunes import rendering
from datamodules.tunes.keys import transposed
from datamodules.tunes.synthetic import synthetic_tunes


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of 40 tunes."""
    path = tmp_path / "tunes.abc"
    path.write_text("".join(f"X:{n}\n{tune.text}\n\n" for n, tune in enumerate(synthetic_tunes(40, seed=0), 1)))
    return path


@pytest.fixture
def music(file: Path) -> Callable[..., MusicDataModule]:
    """Makes a data module of the tunes, set up."""

    def make(**settings: object) -> MusicDataModule:
        data = MusicDataModule(**{"file": str(file), "batch_size": 2, "steps": 16} | settings)
        data.trainer = SimpleNamespace(
            world_size=1, global_rank=0, seed=0, overfit_batches=0, state=SimpleNamespace(fn="fit"), strategy=None
        )
        data.setup("fit")
        return data

    return make


def texts(data: MusicDataModule, part: str) -> list[str]:
    """Returns the texts of a part's tunes as a network reads them."""
    return [data.decode(data.splits[part].tune(place)[1:]) for place in range(len(data.splits[part].lengths))]


@pytest.mark.parametrize("symbols", ["characters", "tokens"])
def test_tunes_come_back_from_their_symbols(music: Callable, symbols: str) -> None:
    data = music(symbols=symbols)
    assert {part: len(tunes) for part, tunes in data.tunes.items()} == {"train": 32, "val": 4, "test": 4}
    for part in ("train", "val", "test"):
        assert texts(data, part) == [tune.text for tune in data.tunes[part]]
        assert data.splits[part].characters.tolist() == [len(tune.text) + 1 for tune in data.tunes[part]]
    one_character = all(len(symbol) == 1 for symbol in data.symbols[1:])
    assert one_character == (symbols == "characters")


def test_a_token_that_training_tunes_lack_is_spelled(music: Callable, tmp_path: Path) -> None:
    data = music(transpose="none")
    numbers = data.encode("M:4/4 K:G A64")
    assert data.decode(torch.tensor(numbers[1:])) == "M:4/4\nL:1/8\nK:G\nA64"
    assert [data.symbols[number] for number in numbers[-2:]] == ["6", "4"]


def test_training_tunes_are_shown_in_other_keys_and_the_others_in_their_own(music: Callable) -> None:
    data = music(transpose="all")
    assert (data.splits["train"].weights > 0).sum(1).tolist() == [12] * 32
    assert data.splits["val"].weights.shape == (4, 1)
    first = data.tunes["train"][0]
    shown = {data.decode(data.splits["train"].tune(0, key)[1:]) for key in range(12)}
    assert "".join(transposed(first.tokens, 1)) in shown


def test_tunes_with_broken_bars_can_be_left_out(
    music: Callable, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(file.read_text() + "X:41\nT:Broken\nM:2/4\nL:1/4\nK:C\nAB|ABC|AB|\n")
    kept, dropped = music(test_share=0.0, val_share=0.0), music(broken_bars="drop", test_share=0.0, val_share=0.0)
    assert (len(kept.tunes["train"]), len(dropped.tunes["train"])) == (41, 40)
    assert "note     bars longer or shorter than their metre: 1 of 803, in 1 (Broken)" in capsys.readouterr().out


def test_primes_begin_tunes(music: Callable, tmp_path: Path) -> None:
    data = music()
    assert data.first_prime() == "".join(data.tunes["val"][0].header)
    data.inputs = ["M:6/8 K:G", "nonsense"]
    primes = [batch.symbols[0] for batch in data.predict_dataloader()]
    assert data.decode(primes[0][1:]) == "M:6/8\nL:1/8\nK:G\n"
    assert data.unread == {1: "'nonsense': music before the key field K:, such as K:G"}
    written = torch.tensor([[*data.encode("M:6/8 K:G A3B3|")[4:], 0, 5, 5]])
    table = data.prediction_table(["M:6/8 K:G"], written)
    assert table.rows[0][1] == "X:1\nT:Tune 1\nM:6/8\nL:1/8\nK:G\nA3 B3|"
    assert {".csv", *table.forms} == {*data.prediction_endings()}


def test_symbols_of_a_run_count_for_other_tunes(music: Callable, tmp_path: Path, file: Path) -> None:
    first = music()
    first.save_beside(tmp_path)
    other = tmp_path / "other.abc"
    other.write_text("".join(file.read_text().partition("X:30")[:1]))
    again = music(file=str(other), vocabulary=str(tmp_path / "vocabulary.json"))
    assert again.vocabulary == first.vocabulary
    alone = MusicDataModule(vocabulary=str(tmp_path))
    assert alone.vocab_size == first.vocab_size, "no tunes are needed to write"
    alone.bar_clock = True
    assert alone.rules(torch.tensor([alone.encode("M:6/8")])).allowed(1000).any()
    with pytest.raises(InputError, match=r"has tokens, and data.symbols is characters"):
        music(symbols="characters", vocabulary=str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": 0}, "data.steps is 0: at least 1"),
        ({"written": -1}, "data.written is -1: at least 0"),
        ({"val_share": 0.7, "test_share": 0.3}, "shares that leave some tunes to train on"),
    ],
)
def test_settings_out_of_range_are_errors(settings: dict, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        MusicDataModule(**settings)


def test_too_few_tunes_and_no_test_part_are_errors(music: Callable) -> None:
    with pytest.raises(InputError, match=r"tunes\.abc .*: has [\d,]+ symbols to train on, and a step takes 100,000"):
        music(batch_size=1000, steps=100)
    with pytest.raises(InputError, match=r"data.test_share is 0: no tunes are left to test on"):
        music(test_share=0.0).test_dataloader()
    assert music(val_share=0.0).val_dataloader() == []


def test_what_is_written_is_judged_beside_real_tunes(music: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "run_program", lambda *_: False)
    data = music(written=3)
    asked = []

    def write(primes: torch.Tensor, rules: object) -> torch.Tensor:
        asked.append(int(rules.allowed(1000)[0].sum()))
        tune = data.splits["train"].tune(0)[1:]
        return tune.repeat(len(primes), 1)

    values = data.judge(write, nats=100.0)
    assert asked[0] == asked[1] == sum(symbol.startswith("M:") for symbol in data.symbols), "a header comes first"
    assert set(values) == {measure.name for measure in data.text_measures}
    assert values["whole"] == values["whole_by_clock"] == values["copied"] == 1
    assert values["note_loss"] == 100 / int(data.splits["test"].notes.sum())
    assert data.judge(write, None).keys() == values.keys() - {"note_loss"}
    media = list(data.media_of_texts(5))
    assert media[0].header == ("of the tunes", "real test tunes", "written", "written with the bar clock")
    assert {medium.name for medium in media[1:]} == {
        f"tunes/{kind}_{number}" for kind in ("written", "by_clock") for number in (1, 2, 3)
    }
    assert music(written=0).text_measures == ()
