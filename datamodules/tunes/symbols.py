"""Tunes as symbols of a language model: characters, or tokens of ABC; and beginnings that a user gives."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from core.errors import InputError
from datamodules.text.vocabulary import Vocabulary, read_saved
from datamodules.tunes.keys import tidied_key
from datamodules.tunes.notation import EIGHTH, NoTune, Tune, default_unit, rescaled, tidied_metre, tidied_unit
from datamodules.tunes.reading import read_tune

END = "\x00end"  # before and after every tune
RHYTHMS = {
    **{"jig": "6/8", "double jig": "6/8", "single jig": "6/8", "slide": "6/8", "slip jig": "9/8", "hop jig": "9/8"},
    **{"reel": "4/4", "hornpipe": "4/4", "strathspey": "4/4", "barndance": "4/4", "march": "4/4", "schottische": "4/4"},
    **{"waltz": "3/4", "mazurka": "3/4", "minuet": "3/4", "polka": "2/4"},
}

# values of the fields of a beginning, which may be a line each, or in one
VALUE = r"[^\s\[\"|]+(?: jig)?"
VALUES = {
    "K": rf"{VALUE}(?:\s+(?i:maj|min|ion|aeo|dor|phr|lyd|mix|loc)[a-z]*)?",  # such as `E dorian`
    "M": rf"C\||{VALUE}",  # cut time has a sign that is a bar line elsewhere
    "T": r"(?![A-Z]:)(?:(?!\s[A-Z]:)[^\n])*",
}

Symbols = Literal["characters", "tokens"]


def as_learned(tune: Tune, symbols: Symbols) -> Tune:
    """Returns a tune as a network sees it: as tokens, all durations count in eighths."""
    return tune if symbols == "characters" else rescaled(tune, EIGHTH)


def read_prime(text: str, symbols: Symbols) -> tuple[str, ...]:
    """Reads the beginning of a tune, such as `M:6/8 K:G`, `R:waltz`, or a header and some bars.

    The header of a tune has metre, unit and key in this order, so that what stands before a given field takes its usual
    value: 4/4, and eighths.

    Returns:
        Tokens; empty for an empty text.

    Raises:
        NoTune: It is no beginning; the message says why.
    """
    fields: dict[str, str] = {}
    rest = text.strip()
    while match := re.match(rf"([A-Z]):[ \t]*({VALUES.get(rest[:1], VALUE)})\s*", rest):
        fields[match[1]] = match[2]
        rest = rest[match.end() :]
    if unknown := sorted(fields.keys() - set("MLKRXT")):
        raise NoTune(f"the field {unknown[0]}: (a beginning has M:, L:, K: or R:)")
    if rest and "K" not in fields:
        raise NoTune("music before the key field K:, such as K:G")
    if "R" in fields and "M" not in fields:
        rhythm = fields["R"].lower()
        if rhythm not in RHYTHMS:
            raise NoTune(f"the rhythm {rhythm!r} (known are {', '.join(RHYTHMS)})")
        fields["M"] = RHYTHMS[rhythm]
    if not fields.keys() & set("MLK"):
        return ()
    metre = tidied_metre(fields.get("M", "4/4"))
    usual = EIGHTH if symbols == "tokens" else default_unit(metre)
    unit = tidied_unit(fields["L"]) if "L" in fields else usual
    header = [f"M:{metre}\n", f"L:{unit}\n", f"K:{tidied_key(fields.get('K', 'none'))}\n"]
    if rest:
        return as_learned(read_tune("".join(header) + rest), symbols).tokens
    last = max(place for place, name in enumerate("MLK") if name in fields)
    given = header[: last + 1]
    return tuple(given) if last else (*given, f"L:{unit}\n")


def vocabulary_of(every: Iterable[str], tokens: Sequence[str]) -> Vocabulary:
    """Returns a vocabulary of the end, of all characters, and of tokens.

    Args:
        every: Tokens of all tunes, whose characters spell what is no symbol.
        tokens: Tokens that are symbols; none for a vocabulary of characters.
    """
    return Vocabulary([END, *sorted(set("".join(every)).union(tokens))])


def read_vocabulary(path: Path, symbols: Symbols) -> tuple[Vocabulary, list[str]]:
    """Returns a saved vocabulary of tunes, and the tokens that its bar clock knows.

    Args:
        path: Its file, or a run's folder.
        symbols: What its symbols should be.

    Raises:
        InputError: It is missing, or is none of tunes, or of other symbols.
    """
    content = read_saved(path)
    kind, tokens = content.get("kind"), content.get("tokens")
    if kind not in ("characters", "tokens") or not isinstance(tokens, list) or END not in content["symbols"]:
        raise InputError(f"--data.vocabulary {path}: a vocabulary, but not of tunes")
    if kind != symbols:
        raise InputError(f"--data.vocabulary {path}: has {kind}, and data.symbols is {symbols}")
    return Vocabulary(content["symbols"]), [str(token) for token in tokens]
