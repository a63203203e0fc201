"""What needs no data is checked before any is read, which may be a download."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from torch import zeros
from torch.nn import Module, Parameter

from core.errors import InputError
from core.files.plain_yaml import load_plain
from engine.cli.early_checks import (
    OTHERS,
    SIZES,
    _is_counted,
    build_in,
    check_checkpoint,
    known_shapes,
    stand_ins,
)
from engine.cli.merged_settings import merged_settings
from engine.settings.config_names import CONFIGS
from engine.weights.initial_weights import load_weights, read_weights
from tests.tiny_text import CHARACTERS, TinyCorpus

Command = Callable[..., tuple[int, str, str]]
COUNTED = {  # a config of each data set that has to be read before the sizes of a model are known
    "CharCorpusDataModule": "char_rnn.yaml",
    "TextClassificationDataModule": "bag_of_ngrams.yaml",
    "MusicDataModule": "folk_tunes.yaml",
    "TranslationDataModule": "translate.yaml",
    "CaptionDataModule": "captions.yaml",
    "WordCorpusDataModule": "word_vectors.yaml",
}
NO_DATA = ("--data.source", "auto", "--data.data_dir", "nowhere", "--trainer.accelerator", "cpu")


@pytest.fixture(autouse=True)
def no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fails where data is asked for."""

    def refuse(*given: Any, **named: Any) -> None:
        raise AssertionError("data is downloaded")

    # by one of which every download begins
    for name in ("download.download", "download.announced_size", "published_weights.announced_size"):
        monkeypatch.setattr(f"core.files.{name}", refuse)


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """A file of weights of no model."""
    save_file({"other.weight": zeros(1)}, tmp_path / "other.safetensors")
    return tmp_path / "other.safetensors"


def test_every_data_set_that_is_counted_is_tried() -> None:
    configs = [merged for path in CONFIGS.glob("*.yaml") if "model" in (merged := load_plain(path.read_text("utf-8")))]
    counted = [config["data"]["class_path"] for config in configs if _is_counted(config)]
    assert {name.removeprefix("datamodules.") for name in counted} == COUNTED.keys()
    for name, config in COUNTED.items():
        assert load_plain((CONFIGS / config).read_text("utf-8"))["data"]["class_path"] == f"datamodules.{name}"


@pytest.mark.parametrize(
    ("subcommand", "config"),
    [
        *(("fit", config) for config in COUNTED.values()),
        *product(("test", "predict"), ("char_rnn.yaml", "bag_of_ngrams.yaml")),
    ],
)
def test_weights_that_are_not_there_or_of_another_model_are_told_first(
    subcommand: str, config: str, others: Path, command: Command
) -> None:
    given = (subcommand, "--config", config, *NO_DATA, "--weights")
    assert command(*given, "none.pth")[::2] == (2, "error: --weights none.pth: no such file or run folder\n")
    code, _, errors = command(*given, others)
    assert code == 2
    assert errors.startswith(f"error: --weights {others}: nothing in it fits this model (it has other.weight, ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("words", [("predict",), ("test",), ("inspect", "--output", "page")])
def test_a_checkpoint_of_another_model_is_told_first(
    words: tuple, finished_run: Callable[..., Path], command: Command
) -> None:
    code, _, errors = command(
        words[0], "--ckpt_path", finished_run("run"), "--config", "char_rnn.yaml", *NO_DATA, *words[1:]
    )
    assert code == 2
    assert ": of another model: it has " in errors
    assert errors.endswith(", and CharRNN recurrent.layers.0.weights.weight_ih_l0; --weights takes what fits\n")


def test_a_checkpoint_in_other_sizes_is_told_first(finished_run: Callable[..., Path], command: Command) -> None:
    run = finished_run("run", text=CHARACTERS)
    config = ("--config", "char_rnn.yaml", "--model.layers", 1, *NO_DATA)
    code, _, errors = command("predict", "--ckpt_path", run, *config)
    assert code == 2
    first = "recurrent.layers.0.weights.weight_ih_l0 is [32, "
    assert f"best.ckpt: of another model: {first}" in errors
    assert ", any] in CharRNN (" in errors
    assert errors.count("\n") == 1


def test_weights_in_other_sizes_are_told_first(tmp_path: Path, command: Command) -> None:
    config = merged_settings(["fit", "--config", "char_rnn.yaml"])
    name, weight = next(stand_ins(config)[0].named_parameters())
    save_file({name: zeros(3, weight.shape[1])}, tmp_path / "narrow.safetensors")
    code, _, errors = command(
        "fit", "--config", "char_rnn.yaml", "--weights", tmp_path / "narrow.safetensors", *NO_DATA
    )
    assert code == 2
    assert f"nothing in it fits this model ({name}: [3, " in errors
    assert "any] in the model)" in errors


def test_weights_of_which_less_than_half_fits_are_told_first_as_they_are_later(
    tmp_path: Path, command: Command
) -> None:
    config = merged_settings(["fit", "--config", "char_rnn.yaml"])
    model, file = build_in(config, {"vocab_size": 90}), tmp_path / "other.safetensors"
    weights = {name: zeros(value.shape) for name, value in model.named_parameters()}
    kernels = [name for name, value in weights.items() if value.ndim > 1]
    save_file(weights | {name: zeros(3, 3) for name in kernels[1:]}, file)
    code, _, errors = command("fit", "--config", "char_rnn.yaml", "--weights", file, *NO_DATA)
    with pytest.raises(InputError, match=f"only 1 of this model's {len(kernels)} layers fit: it is of ") as later:
        load_weights(model, read_weights(str(file)), str(file))
    assert (code, errors) == (2, f"error: {later.value}\n".replace("[90, ", "[any, "))


def test_weights_are_read_once(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "tiny.yaml"
    config.write_text(CHARACTERS)
    model = build_in(merged_settings(["fit", "--config", str(config)]), {"vocab_size": TinyCorpus().vocab_size})
    save_file({name: zeros(value.shape) for name, value in model.named_parameters()}, tmp_path / "own.safetensors")
    read: list[Path] = []
    monkeypatch.setattr("core.files.tensor_files.load_safetensors", lambda path: read.append(path) or load_file(path))
    given = ("--weights", tmp_path / "own.safetensors", "--trainer.max_steps", 1, "--run_dir", tmp_path / "run")
    code, output, errors = command("fit", "--config", config, *given)
    assert code == 0, errors
    assert "tensors loaded from" in output
    assert read == [tmp_path / "own.safetensors"]


@pytest.mark.parametrize("config", ["text_cnn.yaml", "text_rnn.yaml", "bag_of_ngrams.yaml"])
def test_what_a_model_starts_from_is_looked_for_first(config: str, command: Command) -> None:
    code, _, errors = command("fit", "--config", config, "--model.embeddings", "nowhere", *NO_DATA)
    assert (code, errors) == (2, "error: --model.embeddings nowhere: no such file or run folder\n")


@pytest.mark.parametrize(
    ("sizes", "others", "expected"),
    [((4, 8), (4, 9), [4, None]), ((4,), (4, 9), [None]), ((4,), (5,), [None]), ((), (), [])],
)
def test_a_dimension_is_known_where_no_count_changes_it(sizes: tuple, others: tuple, expected: list) -> None:
    one, other = Module(), Module()
    one.weight, other.weight = Parameter(zeros(sizes)), Parameter(zeros(others))
    assert known_shapes(one, other) == {"weight": expected}
    assert known_shapes(one, None) == {"weight": [None] * len(sizes)}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("predict", "--output", "x.nix"), "--output x.nix: there is no such form of these predictions"),
        (("predict", "--invert"), "--invert: it is for pictures that --input names"),
        (("inspect", "--output", "page", "--only", "nix"), "--only nix: there is no such view"),
    ],
)
def test_what_is_asked_for_is_checked_first(words: tuple, said: str, tmp_path: Path, command: Command) -> None:
    config = merged_settings(["fit", "--config", "char_rnn.yaml"])
    model, _ = stand_ins(config)
    assert all(weight.device.type == "meta" for weight in model.parameters())
    save_file({name: zeros(value.shape) for name, value in model.named_parameters()}, tmp_path / "own.safetensors")
    own = ("--config", "char_rnn.yaml", "--weights", tmp_path / "own.safetensors")
    code, _, errors = command(words[0], *own, *NO_DATA, *words[1:])
    assert code == 2
    assert errors.startswith(f"error: {said}")


@pytest.mark.parametrize(
    "config",
    ["captions.yaml", "folk_tunes.yaml", "text_rnn.yaml", "translate.yaml", "published/skipgram_text8.yaml"],
)
def test_a_model_is_built_without_the_sizes_of_its_data(config: str) -> None:
    settings = merged_settings(["fit", "--config", config])
    model, _ = stand_ins(settings)
    shapes = known_shapes(model, build_in(settings, OTHERS))
    assert any(size is None for shape in shapes.values() for size in shape)
    assert any(size is not None for shape in shapes.values() for size in shape)
    counted = {"vocab_size": 300, "source_vocab_size": 300, "num_classes": 3, "mark_sizes": (3, 2)}
    check_checkpoint(model, shapes, build_in(settings, SIZES | counted).state_dict(), Path("of the same model"))


def test_a_model_whose_data_knows_its_sizes_has_no_stand_in() -> None:
    assert stand_ins(merged_settings(["fit", "--config", "lenet5.yaml"])) is None
