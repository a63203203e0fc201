"""What requests hold: bodies within limits, and what they ask for."""

import asyncio
import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request

from core.files.input_files import decode_text
from engine.serving.services import Wish

MOST_BYTES = 16 * 2**20  # of a request
MOST_SAMPLES = 256  # of a request
MOST_CHARACTERS = 100_000  # of a text
MOST_SYMBOLS = 10_000  # that are read, or written, for a request
SECONDS = 30.0  # in which a request has to be sent
SETTINGS = {"temperature": (int, float), "top_k": (int,), "top_p": (int, float)}  # how symbols are drawn
WISHES = ("prime", "length", "seed", "stream", *SETTINGS)
LARGEST = 2**31  # number that any of them may be
SEEDS = 2**32
NAMED, LONGEST_NAME = 5, 60  # names, and characters of each, that a message repeats


async def read_body(request: Request) -> bytes:
    """Returns what a request holds.

    Raises:
        HTTPException: It is empty, too long, or sent too slowly.
    """
    too_long = HTTPException(413, f"more than {MOST_BYTES // 2**20} MB")
    stated = request.headers.get("content-length", "")
    if stated.isdecimal() and int(stated) > MOST_BYTES:
        raise too_long
    content = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            async for part in request.stream():
                content += part
                if len(content) > MOST_BYTES:
                    raise too_long
    except TimeoutError as error:
        raise HTTPException(408, f"not sent within {SECONDS:.0f} seconds") from error
    if not content:
        raise HTTPException(400, "the request is empty")
    return bytes(content)


def json_body(request: Request, content: bytes) -> dict[str, Any] | None:
    """Returns the JSON object that a request says to hold; None if it holds something else.

    Raises:
        HTTPException: It is no JSON object, or a form, whose parts would be taken for a text.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("multipart/"):
        raise HTTPException(415, f"{kind[:LONGEST_NAME]}: a file is sent as it is, or several as JSON")
    if kind != "application/json":
        return None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "this is no JSON") from error
    if not isinstance(found, dict):
        raise HTTPException(400, f"a JSON object is needed, and this is a {type(found).__name__}")
    return found


def pictures(content: bytes, asked: dict[str, Any] | None) -> list[bytes]:
    """Returns the picture files of a request: itself, or those of a JSON object, in base64.

    Raises:
        HTTPException: There are none, or too many.
    """
    if asked is None:
        return [content]
    try:
        return [base64.b64decode(one, validate=True) for one in _listed(asked, "pictures")]
    except (binascii.Error, ValueError) as error:
        raise HTTPException(400, "pictures: those of a JSON object are files in base64") from error


def documents(content: bytes, asked: dict[str, Any] | None) -> list[str]:
    """Returns the texts of a request: itself, or those of a JSON object.

    Raises:
        HTTPException: There are none, or too many or too long ones, one is no UTF-8, or it is JSON that is not said to
            be JSON.
    """
    try:
        texts = [decode_text(content)] if asked is None else _listed(asked, "texts")
    except UnicodeDecodeError as error:
        raise HTTPException(400, "a text in UTF-8 is needed") from error
    if any(len(text) > MOST_CHARACTERS for text in texts):
        raise HTTPException(413, f"texts: one has more than {MOST_CHARACTERS:,} characters")
    if asked is None and _is_wish(texts[0], "texts"):
        raise HTTPException(415, "texts: a JSON object has to be sent as application/json, as curl --json does")
    return texts


def read_wish(asked: dict[str, Any], length: int) -> Wish:
    """Returns which text a JSON object asks for.

    Args:
        asked: The object.
        length: Symbols that are written if it does not say how many.

    Raises:
        HTTPException: A value is of the wrong type, or too large, or there are others.
    """
    _refuse_others(asked, WISHES)
    prime = asked.get("prime", "")
    if not isinstance(prime, str) or len(prime) > MOST_SYMBOLS:
        raise HTTPException(400, f"prime: a text of up to {MOST_SYMBOLS:,} characters is needed")
    length = _whole(asked, "length", min(length, MOST_SYMBOLS), 1, MOST_SYMBOLS)
    seed = _whole(asked, "seed", 0, 0, SEEDS - 1)
    settings = {name: asked[name] for name in SETTINGS if name in asked}
    for name, value in settings.items():
        if type(value) not in SETTINGS[name] or not -LARGEST <= value <= LARGEST:  # NaN is within nothing
            kind = "whole number" if len(SETTINGS[name]) == 1 else "number"
            raise HTTPException(400, f"{name}: a {kind} up to {LARGEST:,} is needed")
    stream = asked.get("stream", False)
    if not isinstance(stream, bool):
        raise HTTPException(400, "stream: true or false is needed")
    return Wish(prime, length, seed, settings, stream)


def _is_wish(text: str, name: str) -> bool:
    """Returns whether a text is a JSON object that has a name."""
    if not text.lstrip().startswith("{"):
        return False
    try:
        return name in json.loads(text)
    except (ValueError, RecursionError):
        return False


def _listed(asked: dict[str, Any], name: str) -> list[str]:
    """Returns the strings that a JSON object lists under a name; one may stand alone."""
    _refuse_others(asked, (name,))
    given = asked.get(name)
    given = [given] if isinstance(given, str) else given
    if not isinstance(given, list) or not given or not all(isinstance(one, str) for one in given):
        raise HTTPException(400, f'{name}: a JSON object such as {{"{name}": ["..."]}} is needed')
    if len(given) > MOST_SAMPLES:
        raise HTTPException(413, f"{name}: {len(given):,}, where a request may have {MOST_SAMPLES}")
    return given


def _refuse_others(asked: dict[str, Any], known: Sequence[str]) -> None:
    """Refuses a JSON object with names that mean nothing."""
    others = [name for name in asked if name not in known]
    if others:
        named = ", ".join(repr(name[:LONGEST_NAME]) for name in others[:NAMED])
        raise HTTPException(400, f"{named}: not known here; a request may have {', '.join(known)}")


def _whole(asked: dict[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = asked.get(name, default)
    if type(value) is not int or not least <= value <= most:
        raise HTTPException(400, f"{name}: a whole number from {least:,} to {most:,} is needed")
    return value
