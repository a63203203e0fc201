"""Tunes as symbols of a language model: characters, or tokens of ABC; and beginnings that a user gives."""

import re
from fractions import Fraction
from typing import Literal

from datamodules.tunes.keys import tidied_key
from datamodules.tunes.notation import NoTune, Tune, default_unit, read_tune, rescaled, tidied_metre

END = "\x00end"  # before and after every tune
EIGHTH = Fraction(1, 8)
RHYTHMS = {
    **{"jig": "6/8", "double jig": "6/8", "single jig": "6/8", "slide": "6/8", "slip jig": "9/8", "hop jig": "9/8"},
    **{"reel": "4/4", "hornpipe": "4/4", "strathspey": "4/4", "barndance": "4/4", "march": "4/4", "schottische": "4/4"},
    **{"waltz": "3/4", "mazurka": "3/4", "minuet": "3/4", "polka": "2/4"},
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
    while match := re.match(r"([A-Z]):\s*([^\s\[\"|]+(?: jig)?)\s*", rest):
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
    unit = fields.get("L", str(EIGHTH if symbols == "tokens" else default_unit(metre)))
    header = [f"M:{metre}\n", f"L:{unit}\n", f"K:{tidied_key(fields.get('K', 'none'))}\n"]
    if rest:
        return as_learned(read_tune("".join(header) + rest), symbols).tokens
    last = max(place for place, name in enumerate("MLK") if name in fields)
    given = header[: last + 1]
    return tuple(given) if last else (*given, f"L:{unit}\n")
