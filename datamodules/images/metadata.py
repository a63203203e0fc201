"""Picture files without what they note beside their pixels."""

import struct
import zlib
from typing import BinaryIO

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
START_OF_SCAN, COMMENT, ADOBE = 0xDA, 0xFE, 0xEE
NOTES = {*range(0xE1, 0xF0), COMMENT} - {ADOBE}  # segments of a JPEG; Adobe's tells how its colours are coded
TIFF = {b"II*\0": "<", b"MM\0*": ">"}  # with the order of bytes; not BigTIFF
# What a TIFF needs for its pixels, by number: from the width to the orientation, strips, planes, grey scales and
# options of compression, predictor, palette, tiles, further channels, kinds of numbers, JPEG and its colours.
NEEDED = {*range(254, 267), *range(273, 282), 284, *range(290, 294), 317, *range(320, 326), 338, 339, 347}
NEEDED |= {*range(512, 522), *range(529, 533)}
ENTRY = 12  # bytes of an entry in a TIFF's directory


def without_metadata(content: bytes) -> bytes | None:
    """Returns the content of a PNG, JPEG or TIFF file without texts, profiles and other notes; None for another format.

    Transparency is kept, and the orientation of a TIFF, and of a PNG if it is undamaged.
    """
    if content.startswith(PNG):
        return _png(content)
    if content[:4] in TIFF:
        return _tiff(content)
    return _jpeg(content) if content.startswith(JPEG) else None


def significant_bits(file: BinaryIO) -> int | None:
    """Returns how many bits of a grey value, or of red, a PNG file says to be significant, 1 to 16; None if none."""
    file.seek(len(PNG))
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IDAT":
            break
        if kind == b"sBIT":
            bits = int.from_bytes(file.read(1))
            return bits if 1 <= bits <= 16 else None
        file.seek(length + 4, 1)
    return None


def _png(content: bytes) -> bytes:
    kept, place = [PNG], len(PNG)
    while place + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        chunk = content[place : place + 12 + length]
        undamaged = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:], "big")
        # a capital letter in front: needed for the pixels
        if kind[:1].isupper() or kind in (b"tRNS", b"sBIT") or (kind == b"eXIf" and undamaged):
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


def _tiff(content: bytes) -> bytes | None:
    """Puts a directory of what the pixels need behind the first picture; None if it has none that can be read."""
    order = TIFF[content[:4]]
    place = struct.unpack_from(f"{order}I", content, 4)[0] if len(content) >= 8 else len(content)
    if place + 2 > len(content):
        return None
    entries = content[place + 2 :][: ENTRY * struct.unpack_from(f"{order}H", content, place)[0]]
    whole = [entries[start : start + ENTRY] for start in range(0, len(entries) - ENTRY + 1, ENTRY)]
    kept = [entry for entry in whole if struct.unpack_from(f"{order}H", entry)[0] in NEEDED]
    content += b"\0" * (len(content) % 2)  # directories begin at an even place
    directory = struct.pack(f"{order}H", len(kept)) + b"".join(kept) + bytes(4)  # no further picture
    return content[:4] + struct.pack(f"{order}I", len(content)) + content[8:] + directory
