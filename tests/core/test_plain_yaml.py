"""YAML that this program has written, as any reader of YAML understands it."""

import pytest
import yaml

from core.plain_yaml import dump_plain, load_plain

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
