"""The contenders train one network on one set of batches, and find the same translations; no clock is looked at."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch

from benchmarks import translation
from tests.tiny_text import TinyPairs

pytest.importorskip("tokenizers", reason="the extra `text` is not installed")
pytest.importorskip("sacrebleu", reason="the extra `text` is not installed")

SMALL = {
    "gru": (translation.Seq2Seq, {"hidden": 6, "embedding": 6, "layers": 2}),
    "transformer": (translation.Transformer, {"width": 8, "hidden": 8, "layers": 1, "dropout": 0.0}),
}


def test_every_contender_makes_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, "NETWORKS", SMALL)
    monkeypatch.setattr(translation, "load", lambda data_dir, run: TinyPairs())
    output = tmp_path / "out.json"
    monkeypatch.setattr("sys.argv", ["x", "--steps", "3", "--pairs", "1", "--sentences", "8", "--output", str(output)])
    translation.main()
    results = json.loads(output.read_text())["results"]
    assert results.keys() == {"gru", "transformer", "search"}
    assert results["gru"]["full_of_raw"]["median"] > 0
    assert results["search"]["batched_of_one_by_one"]["median"] > 0


def test_both_train_on_the_same_batches_to_the_same_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, "NETWORKS", SMALL)
    training = translation.Training("transformer", TinyPairs(), 2)
    seen: list[torch.Tensor] = []
    encode = translation.Transformer.encode

    def note(self: translation.Transformer, sources: torch.Tensor, lengths: torch.Tensor) -> object:
        if self.training:
            seen.append(sources)
        return encode(self, sources, lengths)

    made: list[torch.optim.Optimizer] = []  # some are made to be looked at, and not to train
    adam = translation.adam

    def note_optimizer(parameters: Iterable) -> torch.optim.Optimizer:
        made.append(adam(parameters))
        return made[-1]

    monkeypatch.setattr(translation.Transformer, "encode", note)
    monkeypatch.setattr(translation, "adam", note_optimizer)
    training.raw()
    training.full()
    assert [group["fused"] for optimizer in (made[0], made[-1]) for group in optimizer.param_groups] == [True, True]
    assert len(seen) == 4
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[1], seen[3])
    network, batch = training.network(), training.batches[0]
    logits = network(batch.sources, batch.source_lengths, batch.targets)
    loss = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), batch.targets.flatten(), ignore_index=0, label_smoothing=translation.SMOOTHING
    )
    torch.testing.assert_close(network.losses(batch)["cross_entropy"], loss)
