"""JSON that can come from anybody is read, or is a ValueError."""

import pytest

from core.files.plain_json import load_json


def test_json_is_read() -> None:
    assert load_json(b'{"a": [1, null]}') == {"a": [1, None]}


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a":' * 100_000, b"\xff"])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        load_json(text)
