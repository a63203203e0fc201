"""After a test a language model writes, and what is measured of it stands beside the other figures."""

import csv
import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import cli
from callbacks.written_texts import WrittenTexts
from core.measures import Measure
from core.media import Medium
from core.protocols.writing import Write
from datamodules.tunes import rendering
from tests.tiny_text import tiny_char_rnn

SMALL = [
    *("--config", "folk_tunes.yaml", "--data.source", "synthetic", "--data.written", "4", "--data.batch_size", "4"),
    *("--data.steps", "32", "--model.hidden", "8", "--model.embedding", "8", "--model.length", "60"),
    *("--trainer.limit_train_batches", "3", "--trainer.max_epochs", "1", "--trainer.accelerator", "cpu"),
]


@pytest.fixture(autouse=True, scope="module")
def _without_programs() -> Iterator[None]:
    """Makes plain sound and no sheets, and few tunes, which costs less."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rendering, "run_program", lambda *_: False)
        patch.setattr("datamodules.music.SYNTHETIC", 60)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns the folder of a tiny run, tested."""
    folder = tmp_path_factory.mktemp("tunes") / "run"
    assert cli.main(["fit", *SMALL, "--run_dir", str(folder)]) == 0
    assert cli.main(["test", "--ckpt_path", str(folder)]) == 0
    return folder


def test_measures_are_logged_and_media_written(run: Path) -> None:
    (test,) = json.loads((run / "summary.json").read_text())["tests"]
    assert {"test/loss", "test/note_loss", "test/whole", "test/whole_by_clock", "test/copied"} <= test["metrics"].keys()
    figures = list(csv.reader((run / "tunes" / "figures.csv").read_text().splitlines()))
    assert figures[1] == ["tunes", "6", "4", "4"]
    assert (run / "tunes" / "written_1.abc").read_text().startswith("X:1\n")
    assert (run / "tunes" / "by_clock_4.abc").is_file()
    ratio = test["metrics"]["test/note_loss"] / test["metrics"]["test/loss"]
    assert 2 < ratio < 5, "characters a note"


class Judged:
    """Data that notes which losses it is given."""

    text_measures = (Measure("nats", "min"),)

    def judge(self, write: Write, nats: float | None) -> dict[str, float]:
        """Returns the losses, if there are any."""
        return {} if nats is None else {"nats": nats}

    def media_of_texts(self, step: int) -> list[Medium]:
        """Returns none."""
        return []


@pytest.mark.parametrize(
    ("limit", "of_others", "logged"),
    [
        (1.0, True, {"test/nats": 6.0}), (1, True, {}), (0.5, True, {}), (1000, True, {"test/nats": 6.0}),
        (3, False, {}),  # another process has more batches than this one, and leaves some
    ],
)  # fmt: skip
def test_the_losses_of_some_texts_are_not_taken_for_those_of_all(
    limit: float, of_others: bool, logged: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callbacks.written_texts.making_media", lambda *_: nullcontext())
    strategy = SimpleNamespace(reduce=lambda value, reduce_op: value)
    strategy.reduce_boolean_decision = lambda mine, **_: mine and of_others
    trainer = SimpleNamespace(datamodule=Judged(), limit_test_batches=limit, strategy=strategy, seed=0)
    trainer.test_dataloaders = range(3)  # of three batches
    trainer.num_test_batches = [int(3 * limit) if isinstance(limit, float) else min(3, limit)]
    model, found = tiny_char_rnn(), {}
    monkeypatch.setattr(model, "log", lambda name, value, rank_zero_only: found.update({name: value}))
    callback = WrittenTexts()
    callback.on_test_start(trainer, model)
    batch = SimpleNamespace(targets=torch.tensor([[1, 2, -1], [3, -1, -1]]))
    callback.on_test_batch_end(trainer, model, torch.tensor(2.0), batch, 0)
    callback.on_test_epoch_end(trainer, model)
    assert found == logged


def test_the_same_seed_writes_the_same(run: Path) -> None:
    first = [path.read_bytes() for path in sorted((run / "tunes").glob("*.abc"))]
    assert cli.main(["test", "--ckpt_path", str(run)]) == 0
    assert [path.read_bytes() for path in sorted((run / "tunes").glob("*.abc"))] == first


def test_a_tune_is_drawn_and_played_at_the_end_of_training(run: Path) -> None:
    text = (run / "tunes" / "sample.abc").read_text()
    assert text.startswith("X:1\n")
    assert len(text.split("\nM:")) == 2


def test_samples_of_training_end_where_tunes_end(run: Path) -> None:
    text = (run / "samples.txt").read_text()
    assert text.startswith("=== epoch 0\nM:")
    assert "\x00" not in text
