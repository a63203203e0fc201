"""Test accuracy of text classifiers, ours and scikit-learn's TF-IDF with a linear classifier, on the same split.

    python -m benchmarks.text_peers --imdb_dir DIR --thucnews_dir DIR

The peers (`pip install -e '.[benchmarks]'`) are given what helps them: our tokens, groups of neighbours, logarithmic
counts, a logistic regression and a support vector machine, each with the strength of regularisation that is best in
validation. Ours run by the command, as their configs are, once a seed. All learn from the training part alone, and each
reads the test set once. Films are the Large Movie Review Dataset; titles are THUCNews's dev.txt to learn from, and its
test.txt.
"""

import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.measure import parser, show, summarize, write
from core.code.installed import installs
from core.summary import figures, read_summary
from datamodules.text.encoder import WORD_OR_MARK
from engine.settings.config_files import find_config, read_config

STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # C
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    # data set: (option, our config, how the peers take a text apart)
    "films": (
        "imdb_dir",
        "bag_of_ngrams.yaml",
        {"ngram_range": (1, 3), "min_df": 2, "tokenizer": WORD_OR_MARK.findall, "token_pattern": None},
    ),
    "titles": (
        "thucnews_dir",
        "bag_of_ngrams_titles.yaml",
        {"analyzer": "char", "ngram_range": (1, 3), "min_df": 2},
    ),
}


def peers(data: Any, features: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Returns test accuracy and seconds of each peer.

    Args:
        data: A data module of documents.
        features: Settings of scikit-learn's vectorizer.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    texts, targets = data.split_texts()
    kinds = {
        "logistic regression": lambda c: LogisticRegression(C=c, max_iter=1000),
        "support vector machine": lambda c: LinearSVC(C=c, random_state=0),
    }
    found = {}
    for name, make in kinds.items():
        began = time.perf_counter()
        vectorizer = TfidfVectorizer(sublinear_tf=True, lowercase=True, **features)
        train = vectorizer.fit_transform(texts["train"])
        val = vectorizer.transform(texts["val"])
        fitted = [make(strength).fit(train, targets["train"].numpy()) for strength in STRENGTHS]
        best = max(fitted, key=lambda model: model.score(val, targets["val"].numpy()))
        accuracy = best.score(vectorizer.transform(texts["test"]), targets["test"].numpy())
        found[name] = {"accuracy": 100 * accuracy, "seconds": time.perf_counter() - began, "c": float(best.C)}
    return found


def ours(config: str, data_flags: list[str], seed: int, folder: Path) -> dict[str, float]:
    """Trains and tests a config by the command, and returns test accuracy and seconds."""
    import cli

    run = folder / f"{Path(config).stem}_{seed}"
    always = [*data_flags, "--trainer.enable_progress_bar", "false"]
    for command in (
        ["fit", "--config", config, "--run_dir", str(run), "--seed_everything", str(seed), *always],
        ["test", "--ckpt_path", str(run), *data_flags],
    ):
        if code := cli.main(command):
            sys.exit(code)
    summary = read_summary(run / "summary.json")
    return {"accuracy": 100 * figures(summary)["test/acc"], "seconds": summary["seconds"]["total"]}


def main() -> None:
    """Measures."""
    options = parser(__doc__)
    options.add_argument("--imdb_dir", type=Path, help="folder of aclImdb")
    options.add_argument("--thucnews_dir", type=Path, help="folder of dev.txt, test.txt and class.txt")
    options.add_argument("--seeds", type=int, nargs="+", default=[42, 1, 2], help="of our runs (default: %(default)s)")
    arguments = options.parse_args()
    if find_spec("sklearn") is None:
        sys.exit(f"error: scikit-learn is not installed; {installs('benchmarks')}")
    import datamodules

    results: dict[str, Any] = {}
    for name, (option, config, features) in CASES.items():
        place = getattr(arguments, option)
        if place is None:
            continue
        settings = read_config(find_config(config))["data"]["init_args"]
        settings.pop("encoding", None)
        data = datamodules.TextClassificationDataModule(**settings | {"data_dir": str(place)})
        flags = ["--data.data_dir", str(place.resolve())]
        contenders = {kind: [figures] for kind, figures in peers(data, features).items()}
        with tempfile.TemporaryDirectory() as folder:
            runs = [ours(config, flags, seed, Path(folder)) for seed in arguments.seeds]
        contenders[config.removesuffix(".yaml")] = runs
        results[name] = {
            contender: {key: summarize([run[key] for run in runs]) for key in runs[0]}
            for contender, runs in contenders.items()
        }
        for contender, found in results[name].items():
            show(f"{name}: {contender}", found["accuracy"], 2)
    write(__file__, results, arguments, "real")


if __name__ == "__main__":
    main()
