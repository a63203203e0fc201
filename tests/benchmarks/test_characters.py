"""The contenders train the same network on the same text; nothing here looks at a clock."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch

from benchmarks import characters
from datamodules import CharCorpusDataModule
from lightning_modules import CharRNN


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the text a short one."""
    monkeypatch.setattr("datamodules.char_corpus.SYNTHETIC", 20_000)


def test_every_contender_makes_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(characters, "SIZES", {"small": (2, 4, 10)})
    output = tmp_path / "out.json"
    options = ["x", "--only", "small", "--steps", "3", "--pairs", "1", "--output", str(output)]
    monkeypatch.setattr("sys.argv", options)
    characters.main()
    results = json.loads(output.read_text())["results"]["small"]
    assert set(results["characters_per_second"]) == {"raw", "full", "full, written out", "full, float32"}
    assert results["full_of_raw"]["median"] > 0


def test_both_have_as_many_weights_and_update_them_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    data = CharCorpusDataModule(source="synthetic", batch_size=10)
    contenders = characters.Contenders(data, 2, 4, 2)
    sizes: list[int] = []
    made: list[torch.optim.Optimizer] = []  # some are made to be looked at, and not to train
    adam = torch.optim.Adam

    def note(parameters: Iterable, lr: float) -> torch.optim.Optimizer:
        optimizer = adam(parameters, lr)
        made.append(optimizer)
        sizes.append(sum(p.numel() for group in optimizer.param_groups for p in group["params"]))
        return optimizer

    monkeypatch.setattr("torch.optim.Adam", note)
    contenders.raw("32-true")
    contenders.full("32-true")
    assert [group["fused"] for optimizer in (made[0], made[-1]) for group in optimizer.param_groups] == [True, True]
    assert set(sizes) == {sum(p.numel() for p in CharRNN(data.vocab_size, hidden=4).parameters())}
