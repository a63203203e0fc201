"""Translation: training with everything on, compared with a plain loop; batched search, compared with one by one.

    python -m benchmarks.translation --data_dir DIR --run RUN

Training: `fit` and a loop that anybody would write train the same network on the same batches, with Adam and clipped
gradients; the loop logs, saves and checks nothing, and its loss ignores padding by torch's `ignore_index`. Search: the
weights of a run of `translate_gru.yaml` (untrained ones without) translate sentences of the validation part by beams of
5, in batches of similar length and one after the other; all translations have to be the same.
"""

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.measure import by_turns, on_a_terminal, parser, ratio, show, summarize, write
from benchmarks.plain_loop import fused
from benchmarks.timer import Timer, steps_per_second
from core.terminal.library_warnings import ignore_library_warnings
from datamodules import TranslationDataModule
from datamodules.batches import PairBatch
from datamodules.pairs.pairs import PairLoader
from datamodules.pairs.pieces import PairEncoding
from engine.trainer import Trainer
from lightning_modules import Seq2Seq, Transformer
from lightning_modules.tasks.sequence_to_sequence import SequenceToSequence

NETWORKS: dict[str, tuple[type[SequenceToSequence], dict[str, Any]]] = {  # those of configs/
    "translate_gru": (Seq2Seq, {"layers": 2, "encoder_layers": 1, "hidden": 192, "embedding": 192, "dropout": 0.2}),
    "translate": (Transformer, {"layers": 3, "width": 192, "hidden": 512, "dropout": 0.15}),
}
SMOOTHING, CLIPPED, BEAM = 0.1, 1.0, 5


def adam(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Returns the optimizer of both contenders."""
    return torch.optim.Adam(parameters, lr=1e-3)


class Training:
    """The ways to train one network on the same batches.

    Args:
        name: Name of the network.
        data: The pairs.
        steps: Steps a turn.
    """

    def __init__(self, name: str, data: TranslationDataModule, steps: int) -> None:
        self.kind, self.settings = NETWORKS[name]
        self.data, self.steps = data, steps
        data.setup("fit")
        loader = PairLoader(data.splits["train"], data.batch_size, data.batch_tokens, seed=0)
        self.batches = [batch for batch, _ in zip(loader, range(steps), strict=False)]
        self.tokens = sum(float(batch.tokens) for batch in self.batches) / len(self.batches)

    def network(self) -> SequenceToSequence:
        """Returns the network as a run begins with it."""
        sizes = (self.data.vocab_size, self.data.source_vocab_size)
        return self.kind(*sizes, tie="all", label_smoothing=SMOOTHING, fit_beam=1, optimizer=adam, **self.settings)

    def raw(self) -> float:
        """Trains in a plain loop; returns target symbols a second."""
        network, ends = self.network(), []
        optimizer = fused(adam(network.parameters()))
        for batch in self.batches:
            logits = network(batch.sources, batch.source_lengths, batch.targets)
            loss = F.cross_entropy(
                logits.flatten(0, 1), batch.targets.flatten(), ignore_index=0, label_smoothing=SMOOTHING
            )
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), CLIPPED)
            optimizer.step()
            ends.append(time.perf_counter())
        return steps_per_second(ends) * self.tokens

    def full(self) -> float:
        """Trains as the command does, with everything on; returns target symbols a second."""
        timer = Timer()
        with tempfile.TemporaryDirectory() as folder, on_a_terminal():
            trainer = Trainer(
                max_epochs=1,
                limit_train_batches=self.steps,
                limit_val_batches=1,
                gradient_clip_val=CLIPPED,
                precision="32-true",
                accelerator="cpu",
                devices=1,
                callbacks=[timer],
                default_root_dir=folder,
                seed=0,
            )
            trainer.fit(self.network(), datamodule=self.data)
        return steps_per_second(timer.ends) * self.tokens


class Search:
    """The ways to translate sentences with the same weights.

    Args:
        model: The network.
        batches: The sentences, in batches.
    """

    def __init__(self, model: SequenceToSequence, batches: list[PairBatch]) -> None:
        self.model, self.batches = model.eval(), batches
        self.sentences = sum(len(batch.sources) for batch in batches)
        self.found: dict[str, list[list[int]]] = {}

    def batched(self) -> float:
        """Translates batch by batch; returns sentences a second."""
        return self._timed("batched", ((batch.sources, batch.source_lengths) for batch in self.batches))

    def one_by_one(self) -> float:
        """Translates sentence by sentence, without padding; returns sentences a second."""
        alone = (
            (batch.sources[place : place + 1, :length], batch.source_lengths[place : place + 1])
            for batch in self.batches
            for place, length in enumerate(batch.source_lengths.tolist())
        )
        return self._timed("one by one", alone)

    def _timed(self, name: str, parts: Iterable[tuple[Tensor, Tensor]]) -> float:
        began = time.perf_counter()
        found = [row for sources, lengths in parts for row in self.model.translate(sources, lengths, BEAM)]
        seconds = time.perf_counter() - began
        self.found[name] = [row[row > 0].tolist() for row in found]
        return self.sentences / seconds


def load(data_dir: Path | None, run: Path | None) -> TranslationDataModule:
    """Returns the pairs, with the vocabulary of a run if one is given."""
    settings: dict[str, Any] = (
        {"data_dir": str(data_dir), "dataset": "multi30k"} if data_dir else {"source": "synthetic"}
    )
    vocabulary = None if run is None else str(run)
    return TranslationDataModule(**settings, encoding=PairEncoding(size=4000), batch_tokens=3000, vocabulary=vocabulary)


def main() -> None:
    """Measures."""
    options = parser(__doc__)
    options.add_argument("--data_dir", type=Path, help="folder of Multi30k; synthetic sentences if not given")
    options.add_argument("--run", type=Path, help="folder of a run, whose network translates; untrained if not given")
    options.add_argument("--steps", type=int, default=12, help="steps a turn (default: %(default)s)")
    options.add_argument("--sentences", type=int, default=200, help="sentences a turn (default: %(default)s)")
    options.add_argument("--only", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="networks to measure")
    arguments = options.parse_args()
    data, results = load(arguments.data_dir, arguments.run), {}
    for name in arguments.only:
        print(name)
        training = Training(name, data, arguments.steps)
        figures = by_turns({"raw": training.raw, "full": training.full}, arguments.pairs, "symbols/s", digits=0)
        results[name] = {
            "symbols_per_second": {way: summarize(values) for way, values in figures.items()},
            "full_of_raw": ratio(figures["full"], figures["raw"]),
        }
        show(f"{name}: full of raw", results[name]["full_of_raw"])
    model = training.network() if arguments.run is None else _trained(arguments.run)
    split = data.splits["val"].take(slice(arguments.sentences))
    search = Search(model, list(PairLoader(split, data.eval_batch_size, bucket=2)))
    figures = by_turns({"batched": search.batched, "one by one": search.one_by_one}, arguments.pairs, "sentences/s")
    different = sum(a != b for a, b in zip(search.found["batched"], search.found["one by one"], strict=True))
    if different:
        raise SystemExit(f"{different} of {search.sentences} translations differ")
    results["search"] = {
        "sentences_per_second": {way: summarize(values) for way, values in figures.items()},
        "batched_of_one_by_one": ratio(figures["batched"], figures["one by one"]),
    }
    show("search: batched of one by one", results["search"]["batched_of_one_by_one"])
    write(__file__, results, arguments, "real" if arguments.data_dir else "synthetic sentences")


def _trained(run: Path) -> SequenceToSequence:
    """Returns the best weights of a run."""
    with ignore_library_warnings():
        return Seq2Seq.load_from_checkpoint(run / "checkpoints" / "best.ckpt", map_location="cpu", weights_only=True)


if __name__ == "__main__":
    main()
