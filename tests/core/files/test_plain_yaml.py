"""YAML that this program has written, as any reader of YAML understands it."""

from datetime import date

import pytest
import yaml
from jsonargparse._loaders_dumpers import get_yaml_default_loader

from core.files.plain_yaml import NUMBER, as_plain, dump_plain, load_plain

CONTENT = {
    "lr": 1e-05,
    "inf": float("inf"),
    "off": "off",
    "none": None,
    "list": [1, "1", True],
    "text": "a: b # ü\n\tc",
    "file": "caf\udce9.png",  # a name that is no UTF-8
}


def test_what_was_written_is_read() -> None:
    for text in (yaml.safe_dump(CONTENT, sort_keys=False), dump_plain(CONTENT)):
        assert load_plain(text) == yaml.safe_load(text) == CONTENT


def test_what_both_libraries_can_write_is_the_same() -> None:
    content = CONTENT | {"file": "caf\u00e9.png"}
    assert dump_plain(content) == yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    with pytest.raises(yaml.YAMLError, match="cannot represent"):
        dump_plain({"object": object()})


@pytest.mark.parametrize("text", ["!!python/object/apply:os.getcwd []", "a: [1"])
def test_objects_and_broken_texts_are_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_plain(text)


def test_what_is_plain_is_copied_as_if_it_had_been_written_and_read() -> None:
    pair = {"pair": (1, [2, {"a": None}])}
    copied = as_plain(CONTENT | pair)
    assert copied == load_plain(yaml.safe_dump(CONTENT | pair))
    copied["pair"][1].append(3)
    assert pair == {"pair": (1, [2, {"a": None}])}
    assert as_plain({"day": date(2024, 1, 31), "on": (True,)}) == {"day": date(2024, 1, 31), "on": [True]}
    with pytest.raises(yaml.YAMLError, match="cannot represent"):
        as_plain({"object": object()})


TEXTS = ["1e-3", "12e4567", "-1E+5", "1.5e3", ".5", "._", "1_0e1", "1:30.5", "inf", ".inf", "e5", "1e5f", "7", "off"]


@pytest.mark.parametrize("text", TEXTS)
def test_the_parser_of_configs_reads_a_text_as_the_text_that_it_was(text: str) -> None:
    """For it `1e-3` is a number, and for PyYAML a text, which needs no quotes."""
    content = {"name": text, "tags": [text]}
    for written in (dump_plain(content), dump_plain(content | {"file": "\u00fc"}, allow_unicode=False)):
        read = yaml.load(written, get_yaml_default_loader())
        assert (read["name"], read["tags"]) == (text, [text])
        assert load_plain(written)["tags"] == [text]


@pytest.mark.parametrize("text", TEXTS)
def test_numbers_are_those_of_the_parser_of_configs(text: str) -> None:
    resolvers = get_yaml_default_loader().yaml_implicit_resolvers.get(text[0], [])
    (*_, parsers) = [pattern for tag, pattern in resolvers if tag.endswith(":float")] or [None]
    assert bool(NUMBER.match(text)) == bool(parsers and parsers.match(text))
