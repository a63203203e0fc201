"""YAML that this program has written, as any reader of YAML understands it."""

from datetime import date

import pytest
import yaml

from core.files.plain_yaml import as_plain, dump_plain, load_plain

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
