"""Keys, and transposition of tidied tunes.

Notes and keys stand on the line of fifths: F is -1, C 0, G 1, D 2 and so on; seven steps further is the same letter,
sharpened. Transposing adds one number to all of them, which keeps every interval and its spelling.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

LETTERS = "CDEFGAB"
FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
MODES = {"": 0, "m": -3, "dor": -2, "phr": -4, "lyd": 1, "mix": -1, "loc": -5}  # sharps beside those of major
SAME_MODE = {"maj": "", "ion": "", "min": "m", "aeo": "m"}
ACCIDENTALS = {"__": -2, "_": -1, "=": 0, "^": 1, "^^": 2}
SIGNS = {value: sign for sign, value in ACCIDENTALS.items()}
KEY = re.compile(r"([A-G])([#b]?)([A-Za-z]*)")
TONE = re.compile(r"(\^\^|\^|__|_|=)?([A-Ga-g])([,']*)")
ROOT = re.compile(r"([A-G])([#b]?)")  # of a chord, where `+` is not a sharp: `C+` is augmented
BASS = re.compile(r"/([A-Ga-g])([#b+]?)")
FLATTEST, SHARPEST = -5, 6  # signatures of the twelve keys of a mode: five flats to six sharps


def tidied_key(text: str) -> str:
    """Returns a key in one form, such as `G`, `Em` or `Ador`; `none`, and what is not known, without spaces."""
    text = re.sub(r"\b(?:clef|middle|transpose|octave|stafflines)=\S*|\b(?:treble|bass|alto|tenor)\S*", "", text)
    text = "".join(text.split())
    match = KEY.fullmatch(text)
    if match is None:
        return text.replace("]", "") or "none"
    mode = match[3].lower()[:3]
    mode = "m" if match[3] in ("m", "M") else SAME_MODE.get(mode, mode)
    return f"{match[1]}{match[2]}{mode}" if mode in MODES else text


def place_of(key: str) -> tuple[int, str] | None:
    """Returns the place of a key's first note on the line of fifths, and its mode; None for keys such as `none`."""
    match = KEY.fullmatch(key)
    if match is None or match[3] not in MODES:
        return None
    return FIFTHS[match[1]] + 7 * {"": 0, "#": 1, "b": -1}[match[2]], match[3]


def sharps_of(key: str) -> int:
    """Returns the number of sharps of a key's signature, negative for flats; 0 for keys such as `none`."""
    place = place_of(key)
    return 0 if place is None else place[0] + MODES[place[1]]


def signature(key: str) -> dict[str, int]:
    """Returns the semitones by which a key's signature alters each letter."""
    sharps = sharps_of(key)
    return {letter: (sharps - place + 5) // 7 for letter, place in FIFTHS.items()}


def shifts(keys: list[str]) -> list[int]:
    """Returns the shifts on the line of fifths by which a tune with these keys can be transposed, 0 among them.

    Of a tune without a key there is none but 0. The first key comes to each of twelve signatures.
    """
    if any(place_of(key) is None for key in keys):
        return [0]
    sharps = [sharps_of(key) for key in keys]
    found = [by - sharps[0] for by in range(FLATTEST, SHARPEST + 1)]
    return sorted({0, *(by for by in found if all(abs(each + by) <= 7 for each in sharps))})


def transposed(tokens: tuple[str, ...], by: int) -> tuple[str, ...] | None:
    """Transposes tokens of a tune by so many fifths, within half an octave up or down.

    Returns:
        The tokens, header included; None if a note would need three accidentals.
    """
    changed = tuple([_transposed(token, by) for token in tokens])
    return None if any("?" in token for token in changed) else changed


def in_first_octave(tokens: Iterable[str]) -> tuple[str, ...]:
    """Returns tokens moved by octaves, so that the first note is in the octave above middle C."""
    tokens = tuple(tokens)
    notes = (token for token in tokens if token[0] in "[=_^ABCDEFGabcdefg" and ":" not in token)
    first = next((match for match in map(TONE.search, notes) if match is not None), None)
    if first is None:
        return tokens
    octave = first[2].islower() + first[3].count("'") - first[3].count(",")
    return tuple([_transposed(token, 0, -octave) for token in tokens])


@lru_cache(2**16)
def _transposed(token: str, by: int, octaves: int = 0) -> str:
    """Returns a transposed token; with a question mark in the place of accidentals that there are not."""
    if token.startswith('"'):
        token = ROOT.sub(lambda match: _name(match, by), token, count=1)
        return BASS.sub(lambda match: "/" + _name(match, by), token)
    if token.startswith(("K:", "[K:")):
        return re.sub(r"K:([A-G][#b]?)", lambda match: "K:" + _moved_name(match[1], by), token)
    if token.startswith(("M:", "L:", "[M:", "|", ":")) or re.match(r"\[\d", token):
        return token
    steps = 4 * by + 7 * (octaves - (7 * by + 6) // 12)
    return TONE.sub(lambda match: _tone(match, by, steps), token)


def _tone(match: re.Match, by: int, steps: int) -> str:
    accidental, letter, octave = match.groups()
    step = LETTERS.index(letter.upper()) + 7 * (letter.islower() + octave.count("'") - octave.count(",")) + steps
    octaves, step = divmod(step, 7)
    name = LETTERS[step]
    if accidental is not None:
        alteration = (FIFTHS[letter.upper()] + 7 * ACCIDENTALS[accidental] + by - FIFTHS[name]) // 7
        accidental = SIGNS.get(alteration, "?")
    marks = "'" * (octaves - 1) if octaves > 0 else "," * -octaves
    return f"{accidental or ''}{name.lower() if octaves > 0 else name}{marks}"


def _moved_name(name: str, by: int) -> str:
    """Returns the name of a note, such as `Bb`, after a shift on the line of fifths."""
    place = FIFTHS[name[0]] + 7 * {"": 0, "#": 1, "b": -1}[name[1:]] + by
    alteration, rest = divmod(place + 1, 7)
    return "FCGDAEB"[rest] + {0: "", 1: "#", -1: "b"}.get(alteration, "?")


def _name(match: re.Match, by: int) -> str:
    """Returns the name of a chord's root or bass; double accidentals, which chord names lack, by another name."""
    letter, sign = match[1], match[2]
    place = FIFTHS[letter.upper()] + 7 * {"": 0, "#": 1, "+": 1, "b": -1}[sign] + by
    while place > 12:
        place -= 12
    while place < -8:
        place += 12
    alteration, rest = divmod(place + 1, 7)
    name = "FCGDAEB"[rest]
    sharp = "+" if letter.islower() else "#"  # as the Nottingham collection has basses, such as `D/f+`
    return (name.lower() if letter.islower() else name) + {0: "", 1: sharp, -1: "b"}[alteration]
