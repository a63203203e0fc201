"""Training speed of character RNNs: `fit` with everything on, compared with a plain `torch.nn.LSTM` loop of its sizes.

    python -m benchmarks.characters --data_dir DIR

Both read the same text in the same rows with the state carried on, in the same number format, with Adam and clipped
gradients. The raw loop is what anybody would write: it logs, saves and checks nothing. Also shown: the LSTM that is
written out gate by gate, and what the number format is worth.
"""

import tempfile
import time
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.measure import by_turns, data_settings, on_a_terminal, parser, ratio, show, summarize, write
from benchmarks.plain_loop import fused
from benchmarks.timer import Timer, steps_per_second
from core.processes.hardware import choose_precision
from datamodules import CharCorpusDataModule
from engine.trainer import Trainer
from lightning_modules import CharRNN

SIZES = {"2 x 512": (2, 512, 100), "1 x 128": (1, 128, 50)}  # layers, units, rows


class Contenders:
    """The ways to train one network on one text.

    Args:
        data: The text.
        layers: Number of LSTM layers.
        hidden: Units of each.
        steps: Steps a turn.
    """

    def __init__(self, data: CharCorpusDataModule, layers: int, hidden: int, steps: int) -> None:
        self.data, self.layers, self.hidden, self.steps = data, layers, hidden, steps
        data.setup("fit")

    def raw(self, precision: str) -> float:
        """Trains `torch.nn.LSTM` in a plain loop; returns characters a second."""
        v, text, steps = self.data.vocab_size, self.data.splits["train"].symbols, self.data.steps
        lstm = nn.LSTM(v, self.hidden, self.layers, batch_first=True, dropout=0.5 if self.layers > 1 else 0.0)
        head, dropout = nn.Linear(self.hidden, v), nn.Dropout(0.5)
        parameters = [*lstm.parameters(), *head.parameters()]
        optimizer = fused(torch.optim.Adam(parameters, lr=1e-3))
        state, ends = None, []
        for step in range(self.steps):
            piece = text[:, step * steps : (step + 1) * steps + 1].long()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
                outputs, state = lstm(F.one_hot(piece[:, :-1], v).float(), state)
                logits = head(dropout(outputs))
            loss = F.cross_entropy(logits.flatten(0, 1).float(), piece[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(parameters, 5.0)
            optimizer.step()
            state = tuple(tensor.detach() for tensor in state)
            ends.append(time.perf_counter())
        return steps_per_second(ends) * text.shape[0] * steps

    def full(self, precision: str, cell: Literal["lstm", "scratch"] = "lstm") -> float:
        """Trains as the command does, with everything on; returns characters a second."""
        timer = Timer()
        model = CharRNN(
            self.data.vocab_size,
            cell,
            self.layers,
            self.hidden,
            dropout=0.5,
            optimizer=lambda p: torch.optim.Adam(p, 1e-3),
        )
        with tempfile.TemporaryDirectory() as folder, on_a_terminal():
            trainer = Trainer(
                max_epochs=1,
                limit_train_batches=self.steps,
                limit_val_batches=1,
                gradient_clip_val=5.0,
                precision=precision,
                accelerator="cpu",
                devices=1,
                callbacks=[timer],
                default_root_dir=folder,
            )
            trainer.fit(model, datamodule=self.data)
        return steps_per_second(timer.ends) * len(self.data.splits["train"].symbols) * self.data.steps


def main() -> None:
    """Measures."""
    options = parser(__doc__)
    options.add_argument("--data_dir", type=Path, help="folder of anna.txt; synthetic sentences if not given")
    options.add_argument("--steps", type=int, default=12, help="steps a turn (default: %(default)s)")
    options.add_argument("--only", nargs="+", choices=SIZES, default=list(SIZES), help="sizes to measure")
    arguments = options.parse_args()
    precision = choose_precision("cpu")
    results: dict[str, Any] = {"precision": precision}
    for name in arguments.only:
        layers, hidden, rows = SIZES[name]
        data = CharCorpusDataModule(**data_settings(arguments.data_dir), batch_size=rows)
        contenders = Contenders(data, layers, hidden, arguments.steps)
        ways = {
            "raw": lambda contenders=contenders: contenders.raw(precision),
            "full": lambda contenders=contenders: contenders.full(precision),
            "full, written out": lambda contenders=contenders: contenders.full(precision, "scratch"),
            "full, float32": lambda contenders=contenders: contenders.full("32-true"),
        }
        print(name)
        figures = by_turns(ways, arguments.pairs, "characters/s", digits=0)
        results[name] = {
            "characters_per_second": {way: summarize(values) for way, values in figures.items()},
            "full_of_raw": ratio(figures["full"], figures["raw"]),
            "written_out_of_torchs": ratio(figures["full, written out"], figures["full"]),
            "full_of_float32": ratio(figures["full"], figures["full, float32"]),
        }
        show(f"{name}: full of raw", results[name]["full_of_raw"])
    source = "real" if arguments.data_dir else "synthetic sentences"
    write(__file__, results, arguments, source)


if __name__ == "__main__":
    main()
