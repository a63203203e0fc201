"""A hundred pictures or texts train by the README's lines, and sizes that do not fit are said with those that do."""

import random
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.processes import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
CHECK = " (and check the learning rates, which may be too high for it)"
PLACE = r"\S+configs/\w+\.yaml, line \d+: "  # where a config has the value


def next_words(output: str, given: Path | str = "") -> list[str]:
    """Returns the command that a run prints at its end, with what is given in place of the word in capitals."""
    (line,) = re.findall(r"it with\n  python cli.py (.*)", output)
    return [str(given) if word.isupper() else word for word in shlex.split(line)]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A hundred texts of two classes."""
    rng = random.Random(0)
    for number in range(100):
        name, word = [("good", "fine"), ("bad", "dull")][number % 2]
        path = tmp_path / "texts" / "train" / name / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(" ".join(rng.choice(["film", "story", "actor", word]) for _ in range(12)))
    return tmp_path / "texts"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A hundred pictures of two classes, red and blue."""
    for number in range(100):
        name, colour = [("red", (200, 40, 40)), ("blue", (40, 40, 200))][number % 2]
        path = tmp_path / "pictures" / "train" / name / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(-40, 40, (64, 64, 3))
        Image.fromarray((np.array(colour) + noise).astype(np.uint8)).save(path)
    return tmp_path / "pictures"


def test_a_hundred_pictures_are_learned_by_the_lines_of_the_readme(pictures: Path, command: Callable) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    Path("mine.yaml").write_text(block)
    assert yaml.safe_load(block)["data"]["init_args"]["image_size"] == 64
    (line,) = re.findall(r"`(fit --config \w+.yaml --config mine.yaml)`", README)
    code, output, errors = command(*line.split(), "--data.data_dir", pictures, "--trainer.max_epochs", 4)
    assert code == 0, errors
    assert "90 training, 10 validation, no test images" in output
    assert "best validation accuracy 100.00%" in output
    code, output, errors = command(*next_words(output, pictures / "train" / "red"))
    assert code == 0, errors
    assert "... and 10 more" in output


@pytest.mark.parametrize("form", ["folders", "table"])
def test_a_hundred_texts_train_by_the_lines_of_the_readme(form: str, texts: Path, command: Callable) -> None:
    lines = re.findall(r"python cli.py (fit --config bag_of_ngrams.yaml .* --data.data_dir ~/texts .*)", README)
    line = dict(zip(("folders", "table"), lines, strict=True))[form]
    if form == "table":
        documents = (f"{path.read_text()},{path.parent.name}\n" for path in sorted(texts.glob("train/*/*.txt")))
        (texts / "reviews.csv").write_text("review,sentiment\n" + "".join(documents))
    words = [str(texts) if word == "~/texts" else word for word in line.split()]
    code, output, errors = command(*words, "--trainer.max_epochs", 1)
    assert code == 0, errors
    assert "90 training, 10 validation, no test documents" in output
    words = next_words(output, "A fine film.")
    assert words[0] == "predict"
    code, output, errors = command(*words)
    assert code == 0, errors
    assert "A fine film." in output


def test_a_text_to_continue_and_pairs_to_translate_train_by_the_lines_of_the_readme(
    tmp_path: Path, command: Callable
) -> None:
    (tmp_path / "mine.txt").write_text("A text of my own, again. " * 300)
    (tmp_path / "pairs.txt").write_text("".join(f"ich sehe {n} hunde\ti see {n} dogs\n" for n in range(120)))
    own = r"python cli.py (fit --config \w+.yaml .*(?:mine.txt|'\[pairs.txt\]'.*))"
    lines = re.findall(own, README)
    assert len(lines) == 2
    short = ("--trainer.max_epochs", 1, "--trainer.limit_train_batches", 1, "--model.hidden", 8)
    for line in lines:
        words = line.replace("~/texts", str(tmp_path)).replace("'", "").split()
        code, output, errors = command(*words, *short)
        assert code == 0, errors
        code, _, errors = command(*next_words(output, "ich sehe"))
        assert code == 0, errors
    translation = lines[1].replace("~/texts", str(tmp_path)).replace("'", "").split()
    said = "this run makes 1 optimizer step in all, too few to learn much: try a smaller data.batch_tokens or more"
    code, output, errors = command(*translation, "--trainer.max_epochs", 1, "--model.hidden", 8)
    assert code == 0, errors
    assert said in output
    (smaller,) = re.findall(r"few hundred pairs add `(--data.batch_tokens \d+) ", README)
    settings = (*smaller.split(), "--data.batch_size", 200, "--trainer.max_epochs", 1, "--model.hidden", 8)
    code, output, errors = command(*translation, *settings)
    assert code == 0, errors
    assert "note     data.batch_size 200 is without effect beside data.batch_tokens 300; change that, or" in output
    assert "without effect" not in command(*next_words(output, "ich sehe"))[1]


def test_sizes_that_do_not_fit_pictures_are_said_with_those_that_do(pictures: Path, command: Callable) -> None:
    Path("mine.yaml").write_text("data: {class_path: datamodules.ImageFolderDataModule}")
    words = ("fit", "--config", "vgg_bn.yaml", "--config", "mine.yaml", "--data.data_dir", pictures)
    for more, said in (
        ((), f"data.batch_size is 2000: larger than the 90 training images; give --data.batch_size 9{CHECK}"),
        (
            ("--data.val_size", 200),
            "data.val_size is 200: too large for 100 training images; give --data.val_size 10 "
            f"--data.batch_size 9{CHECK}",
        ),
    ):
        code, _, errors = command(*words, *more)
        assert code == 2
        assert re.fullmatch(rf"error: ({PLACE})?{re.escape(said)}\n", errors)


def test_sizes_that_do_not_fit_texts_are_said_with_those_that_do(texts: Path, command: Callable) -> None:
    words = ("fit", "--config", "bag_of_ngrams.yaml", "--data.dataset", "files", "--data.data_dir", texts)
    code, _, errors = command(*words)
    fitting = ("--data.val_size", "10", "--data.batch_size", "9")
    said = f"data.val_size is 2500: too large for 100 training documents; give {' '.join(fitting)}{CHECK}"
    assert re.fullmatch(rf"error: {PLACE}{re.escape(said)}\n", errors)
    code, _, errors = command(*words, *fitting, "--trainer.max_epochs", 1)
    assert code == 0, errors
