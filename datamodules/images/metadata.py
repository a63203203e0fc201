"""Picture files without what they note beside their pixels."""

import struct
import zlib

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
START_OF_SCAN, COMMENT, ADOBE = 0xDA, 0xFE, 0xEE
NOTES = {*range(0xE1, 0xF0), COMMENT} - {ADOBE}  # segments of a JPEG; Adobe's tells how its colours are coded


def without_metadata(content: bytes) -> bytes | None:
    """Returns the content of a PNG or JPEG file without texts, profiles and other notes; None for another format.

    Transparency is kept, and the orientation of a PNG if it is undamaged.
    """
    if content.startswith(PNG):
        return _png(content)
    return _jpeg(content) if content.startswith(JPEG) else None


def _png(content: bytes) -> bytes:
    kept, place = [PNG], len(PNG)
    while place + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        chunk = content[place : place + 12 + length]
        undamaged = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")
        # a capital letter in front: needed for the pixels
        if kind[:1].isupper() or kind == b"tRNS" or (kind == b"eXIf" and undamaged):
            kept.append(chunk)
        place += 12 + length
    return b"".join(kept)


def _jpeg(content: bytes) -> bytes:
    kept, place = [JPEG], len(JPEG)
    while place + 4 <= len(content):
        marker, code, length = struct.unpack_from(">BBH", content, place)
        if marker != 0xFF or code == START_OF_SCAN:
            break
        if code not in NOTES:
            kept.append(content[place : place + 2 + length])
        place += 2 + length
    return b"".join([*kept, content[place:]])
