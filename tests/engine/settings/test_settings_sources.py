"""Where a setting stands: a line of a file, or a flag."""

from pathlib import Path

import pytest
import yaml

from engine.settings.settings_sources import SettingsSources
from engine.settings.suggestions import names_a_class

CONFIG = """\
# a comment
model:
  class_path: lightning_modules.VGG
  init_args:
    dropout: 0.2
    optimizer: {class_path: torch.optim.SGD, init_args: {lr: 0.1}}
trainer:
  max_epochs: 3
  callbacks:
    - class_path: One
      init_args: {decay: 1}
    - class_path: EMAWeightAveraging
      init_args: {rate: 2}
wandb: off
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A config in the current folder."""
    (tmp_path / "mine.yaml").write_text(CONFIG)
    return tmp_path / "mine.yaml"


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("model.dropout", 5),
        ("model.optimizer.lr", 6),
        ("trainer.max_epochs", 8),
        ("trainer.callbacks.decay", 11),
        ("trainer.callbacks.rate", 13),
        ("wandb", 14),
    ],
)
def test_a_setting_of_a_file_has_a_line_and_is_gone_when_it_is_taken(key: str, line: int, path: Path) -> None:
    sources = SettingsSources(["--config", str(path), "--model.depth", "3"])
    assert sources.take(key).name == f"mine.yaml, line {line}: {key}"
    assert sources.take(key) is None
    left = sources.options()
    assert left[2:] == ["--model.depth", "3"]
    assert len(str(yaml.safe_load(left[1]))) < len(str(yaml.safe_load(CONFIG)))


@pytest.mark.parametrize("text", ["trainer: {callbacks+: [{}]}", "trainer.callbacks+: [{}]"])
def test_what_adds_to_a_list_has_its_own_line(text: str, path: Path, tmp_path: Path) -> None:
    below = "class_path: Two, init_args: {decay: 2}"
    (tmp_path / "more.yaml").write_text(text.replace("{}", f"{{{below}}}") + "\nwandb_tags+: [small]\n")
    sources = SettingsSources(["--config", str(path), "--config", str(tmp_path / "more.yaml")])
    assert sources.written()["wandb_tags"] == "[small]"
    places = [sources.take("trainer.callbacks.decay").name for _ in range(2)]
    assert places == ["more.yaml, line 1: trainer.callbacks.decay", "mine.yaml, line 11: trainer.callbacks.decay"]


@pytest.mark.parametrize(("written", "read_as"), [("off", "true or false"), ("1e-3", "a number"), ("'1e-3'", None)])
def test_what_the_parser_reads_as_something_else_than_text_is_known(written: str, read_as: str, path: Path) -> None:
    path.write_text(CONFIG.replace("wandb: off", f"wandb: {written}"))
    sources = SettingsSources(["--config", str(path)])
    assert f"wandb: {written}\n" in sources.options()[1]
    place = sources.take("wandb")
    assert place.read_as == read_as
    assert place.written == (written if read_as else None)


@pytest.mark.parametrize(("key", "line"), [("model", 3), ("trainer.callbacks", 10)])
def test_a_class_that_is_none_has_the_line_of_its_name(key: str, line: int, path: Path) -> None:
    path.write_text(CONFIG.replace("VGG", "VGGG"))
    place = SettingsSources(["--config", str(path)]).take(key, lambda name: names_a_class(key, name))
    assert place.name == f"mine.yaml, line {line}: {key}"


@pytest.mark.parametrize(
    "flags",
    [
        ["--model.dropout", "0.1"],
        ["--model.dropout=0.1"],
        ["--model.init_args.dropout", "0.1"],
        ["--model", "{dropout: 0.1}"],
    ],
)
def test_a_flag_comes_before_the_files(flags: list[str], path: Path) -> None:
    sources = SettingsSources(["--config", str(path), "--trainer.max_steps", "-1", *flags])
    assert sources.take("model.dropout").name == "--model.dropout"
    assert sources.options()[2:] == ["--trainer.max_steps", "-1"]
    assert sources.take("model.dropout").is_in_file


def test_the_last_of_two_files_counts(path: Path, tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("trainer: {max_epochs: 5}")
    sources = SettingsSources(["--config", str(path), "--config", str(tmp_path / "more.yaml")])
    names = [sources.take("trainer.max_epochs").name for _ in range(2)]
    assert names == ["more.yaml, line 1: trainer.max_epochs", "mine.yaml, line 8: trainer.max_epochs"]


def test_what_only_prints_is_left_out(path: Path) -> None:
    options = ["--config", str(path), "--help", "--model.help", "VGG", "--print_config"]
    assert len(SettingsSources(options).options()) == 2
