"""Training speed and quality of word vectors: `fit` with everything on, compared with gensim's Word2Vec.

    python -m benchmarks.word_vectors --imdb_dir DIR --tests DIR/wordsim/*.txt

Both train skip-grams with five negatives on the words of all film reviews, in vectors of one size, with the same
window, subsampling, learning rate and epochs, and with one and two threads. Words a second are of the text, frequent
words that are left out included; counting words is not. After each turn, which has a seed of its own, both are measured
by the same questions. gensim (`pip install -e '.[benchmarks]'`) gets the words as lists in memory, and as many workers
as threads.
"""

import sys
import tempfile
import time
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from benchmarks.measure import by_turns, on_a_terminal, parser, ratio, show, summarize, write
from core.code.installed import installs
from datamodules import WordCorpusDataModule
from datamodules.words.evaluations import read_tests
from engine.trainer import Trainer
from lightning_modules import WordVectors
from lightning_modules.schedules import WarmupLinear
from lightning_modules.tasks.word_vector_task import QuestionMetrics

FINAL = 0.002  # part of the learning rate at the end, as gensim's from 0.05 to 0.0001


class Clock(pl.Callback):
    """Notes when training begins and ends."""

    def on_train_start(self, *_: Any) -> None:
        """Notes the time."""
        self.began = time.perf_counter()

    def on_train_end(self, *_: Any) -> None:
        """Notes the time."""
        self.ended = time.perf_counter()


class Contenders:
    """Both ways to train on one text, and what their vectors are worth.

    Args:
        data: The text.
        tests: Files of questions.
        width: Size of a vector.
        epochs: Number of epochs.
        rate: Learning rate at the beginning.
    """

    def __init__(self, data: WordCorpusDataModule, tests: list[Path], width: int, epochs: int, rate: float) -> None:
        self.data, self.width, self.epochs, self.rate = data, width, epochs, rate
        data.trainer = SimpleNamespace(state=SimpleNamespace(fn="fit"))
        data.setup("fit")
        numbers = {word: number for number, word in enumerate(data.symbols)}
        made = data.splits["val"].tests + data.splits["test"].tests
        self.tests = read_tests(tests, numbers, data.encoding.lowercase) or made
        self.words = len(data.splits["train"])
        self.scores: dict[str, dict[str, list[float]]] = {"ours": {}, "gensim": {}}
        self._turns = {"ours": 0, "gensim": 0}

    def ours(self, threads: int) -> float:
        """Trains as the command does, with everything on; returns words a second."""
        clock, seed = Clock(), self._next_seed("ours")
        pl.seed_everything(seed, verbose=False)
        net = WordVectors(
            self.data.vocab_size,
            self.width,
            optimizer=lambda groups: torch.optim.SGD(groups, self.rate),
            lr_scheduler=lambda optimizer: WarmupLinear(optimizer, warmup=0.0, start=1.0, final=FINAL),
        )
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        with tempfile.TemporaryDirectory() as folder, on_a_terminal():
            trainer = Trainer(
                max_epochs=self.epochs,
                precision="32-true",
                accelerator="cpu",
                devices=1,
                seed=seed,
                callbacks=[clock],
                default_root_dir=folder,
            )
            trainer.fit(net, datamodule=self.data)
        torch.set_num_threads(before)
        self._measure("ours", net.vectors_of(torch.arange(self.data.vocab_size)).detach())
        return self.words * self.epochs / (clock.ended - clock.began)

    def gensim(self, threads: int) -> float:
        """Trains gensim's vectors; returns words a second."""
        from gensim.models import Word2Vec

        seed = self._next_seed("gensim")
        sentences = self._sentences()
        model = Word2Vec(
            vector_size=self.width,
            window=self.data.window,
            sg=1,
            negative=5,
            sample=self.data.subsample,
            alpha=self.rate,
            min_alpha=self.rate * FINAL,
            min_count=1,
            workers=threads,
            seed=seed,
        )
        model.build_vocab(sentences)
        began = time.perf_counter()
        model.train(sentences, total_examples=len(sentences), epochs=self.epochs)
        seconds = time.perf_counter() - began
        places = [model.wv.key_to_index[word] for word in self.data.symbols]
        self._measure("gensim", torch.from_numpy(model.wv.vectors[places]))
        return self.words * self.epochs / seconds

    def _next_seed(self, contender: str) -> int:
        self._turns[contender] += 1
        return self._turns[contender]

    def _sentences(self) -> list[list[str]]:
        documents, symbols = self.data.splits["train"].documents, self.data.symbols
        words = [symbols[number] for number in documents.tokens.tolist()]
        return [words[begin:end] for begin, end in pairwise(documents.starts.tolist())]

    def _measure(self, contender: str, vectors: Tensor) -> None:
        net, metrics = WordVectors(len(vectors), self.width), QuestionMetrics()
        net.embedding.weight.data.copy_(vectors)
        for test in self.tests:
            net.evaluate(test.batch, metrics)
        for name, value in metrics.measured.items():
            self.scores[contender].setdefault(name, []).append(100 * value)


def main() -> None:
    """Measures."""
    options = parser(__doc__, pairs=3)
    options.add_argument("--imdb_dir", type=Path, help="folder of aclImdb; synthetic sentences if not given")
    options.add_argument("--tests", type=Path, nargs="*", default=[], help="files of similarities and analogies")
    options.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="threads to measure")
    options.add_argument("--width", type=int, default=100, help="size of a vector (default: %(default)s)")
    options.add_argument("--epochs", type=int, default=5, help="epochs (default: %(default)s)")
    options.add_argument("--rate", type=float, default=0.05, help="learning rate (default: %(default)s)")
    options.add_argument("--warm_up", type=int, default=0, help="turns before, not counted (default: %(default)s)")
    arguments = options.parse_args()
    if find_spec("gensim") is None:
        sys.exit(f"error: gensim is not installed; {installs('benchmarks')}")
    source = {"data_dir": str(arguments.imdb_dir)} if arguments.imdb_dir else {"source": "synthetic"}
    data = WordCorpusDataModule(corpus="imdb", **source)
    tests, arguments.tests = arguments.tests, [path.name for path in arguments.tests]
    contenders = Contenders(data, tests, arguments.width, arguments.epochs, arguments.rate)
    results: dict[str, Any] = {}
    for threads in arguments.threads:
        ways = {
            f"ours, threads {threads}": lambda threads=threads: contenders.ours(threads),
            f"gensim, threads {threads}": lambda threads=threads: contenders.gensim(threads),
        }
        ours, gensim = by_turns(ways, arguments.pairs, "words/s", arguments.warm_up, digits=0).values()
        results[f"threads {threads}"] = {
            "words_per_second": {"ours": summarize(ours), "gensim": summarize(gensim)},
            "ours_of_gensim": ratio(ours, gensim),
        }
        show(f"threads {threads}: ours of gensim", results[f"threads {threads}"]["ours_of_gensim"])
        results["score"] = {
            name: {contender: summarize(contenders.scores[contender][name]) for contender in contenders.scores}
            for name in contenders.scores["ours"]
        }
        write(__file__, results, arguments, "real" if arguments.imdb_dir else "synthetic sentences")  # so far
    for name, both in results["score"].items():
        for contender, values in both.items():
            show(f"{name}: {contender}", values, 1)


if __name__ == "__main__":
    main()
