"""YAML that this program has written, as any reader of YAML understands it."""

import pytest
import yaml

from core.plain_yaml import load_plain

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
    text = yaml.safe_dump(CONTENT, sort_keys=False)
    assert load_plain(text) == yaml.safe_load(text) == CONTENT


@pytest.mark.parametrize("text", ["!!python/object/apply:os.getcwd []", "a: [1"])
def test_objects_and_broken_texts_are_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_plain(text)
