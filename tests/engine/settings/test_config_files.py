"""Config files by name, and what they hold."""

from pathlib import Path

import pytest
import yaml

from core.errors import InputError
from engine.settings.config_files import find_config, flatten, read_config
from engine.settings.config_names import config_names
from tests.processes import ROOT


@pytest.mark.parametrize("name", ["vgg_bn", "vgg_bn.yaml"])
def test_a_config_is_found_by_name_from_any_folder(name: str) -> None:
    assert find_config(name) == ROOT / "configs" / "vgg_bn.yaml"


def test_every_listed_config_is_found() -> None:
    for name in config_names():
        assert find_config(name).is_file()
        assert find_config(name.removesuffix(".yaml")) == find_config(name)


def test_a_file_as_given_comes_before_one_under_configs(tmp_path: Path) -> None:
    (tmp_path / "vgg_bn.yaml").write_text("model: mine")
    assert find_config("vgg_bn.yaml") == tmp_path / "vgg_bn.yaml"


@pytest.mark.parametrize("name", ["~/mine.yaml", "~nobody.yaml"])
def test_a_config_in_the_home_folder_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell leaves `--config=~/mine.yaml` as it is; and a file may be called after nobody's home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / name.removeprefix("~/")
    path.write_text("model: mine")
    assert find_config(name) == path


@pytest.mark.parametrize("name", ["vgg_nb", "vgg_nb.yaml", "vggbn"])
def test_a_mistyped_config_is_answered_with_the_nearest(name: str) -> None:
    with pytest.raises(InputError, match=rf"--config {name}: no such file; nearest: .*vgg_bn\.yaml"):
        find_config(name)


def test_a_config_like_no_other_is_answered_with_where_they_stand() -> None:
    with pytest.raises(InputError, match=r"no such file \(all of them are in .*configs\)"):
        find_config("qqqqqqqq")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("model:\n  a: [1, 2\ndata: x\n", "line 3: broken YAML"),
        ("model: 1\n\tdata: 2\n", "line 2: broken YAML"),
        ("- a\n- b\n", "a config is a mapping such as 'model: ...', not \"['a', 'b']\""),
        ("", "it is empty"),
    ],
)
def test_a_broken_config_is_named_with_its_line(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_config(path)
    assert f"{path}" in str(caught.value)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_config_that_is_no_text_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match="cannot be read"):
        read_config(path)


def test_class_paths_do_not_lengthen_keys() -> None:
    tree = {"model": {"class_path": "VGG", "init_args": {"depth": 11, "optimizer": {"init_args": {"lr": 1}}}}, "x": {}}
    assert flatten(tree) == {"model.class_path": "VGG", "model.depth": 11, "model.optimizer.lr": 1, "x": {}}


BOMBS = {
    "aliases of aliases": "a0: &a0 [1, 1]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)),
    "a list in itself": "a: &a [*a]\n",
    "a mapping in itself": "a: &a\n  b: *a\n",
    "deep": "a: " + "[" * 1500 + "]" * 1500,
    "wide": "a: [" + "1, " * 10_000 + "1]",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_config_that_is_far_larger_than_it_looks_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.settings.config_files.MOST_VALUES", 10_000)  # what is read takes a while
    (tmp_path / "bomb.yaml").write_text(BOMBS[name])
    with pytest.raises(InputError, match=r"bomb\.yaml: no config: it holds more than"):
        read_config(tmp_path / "bomb.yaml")


def test_aliases_are_understood(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: &a {b: 1}\nc: *a\nd: {<<: *a, e: 2}\n")
    assert read_config(tmp_path / "a.yaml") == {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1, "e": 2}}


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ("trainer:\n  max_epochs: 3\ndata: 1\ntrainer:\n  precision: 16\n", 4, "trainer"),
        ("model:\n  init_args:\n    lr: 1\n    lr: 2\n", 4, "lr"),
        ("data: {flip: random, flip: none}", 1, "flip"),
        ("- a: 1\n  a: 2\n", 2, "a"),
    ],
)
def test_a_name_that_stands_twice_is_refused(text: str, line: int, name: str, tmp_path: Path) -> None:
    """YAML's readers keep the second without a word, and half of a config was lost."""
    (tmp_path / "twice.yaml").write_text(text)
    with pytest.raises(InputError, match=f"twice.yaml, line {line}: broken YAML: '{name}' stands twice"):
        read_config(tmp_path / "twice.yaml")


def test_a_merged_mapping_may_be_overridden_and_used_again(tmp_path: Path) -> None:
    (tmp_path / "merged.yaml").write_text("a: &a {x: 1, y: 2}\nb: &b {<<: *a, x: 3}\nc: {<<: *b}\nd: *b\n")
    assert read_config(tmp_path / "merged.yaml")["b"] == {"x": 3, "y": 2}


def test_a_config_is_read_as_any_reader_of_yaml_does() -> None:
    for name in config_names():
        path = find_config(name)
        assert read_config(path) == yaml.safe_load(path.read_text(encoding="utf-8")), name


def test_a_broken_config_is_told_in_the_words_that_say_most(tmp_path: Path) -> None:
    """The fast reader says only that it did not find what it expected."""
    (tmp_path / "broken.yaml").write_text("model: [1, 2\ndata: x\n")
    with pytest.raises(InputError, match="expected ',' or ']', but got ':'"):
        read_config(tmp_path / "broken.yaml")
