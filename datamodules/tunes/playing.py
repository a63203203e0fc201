"""Tunes as notes in time: their pitches, with repeats played, and as plain sound."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from datamodules.tunes.bars import BORDERS, BarClock
from datamodules.tunes.keys import ACCIDENTALS, SEMITONES, TONE, signature
from datamodules.tunes.notation import SOUNDING, Tune, kind_of, length_of

MIDDLE_C = 60
RATE = 22_050  # samples per second
WHOLE = 2.0  # seconds of a whole note, so that a quarter lasts half a second
OVERTONES = (1.0, 0.5, 0.25, 0.12)  # amplitudes
LONGEST = 600.0  # seconds of sound


@dataclass
class Note:
    """A note, a chord or a rest.

    Attributes:
        pitches: MIDI numbers; none of a rest.
        onset: When it begins, in whole notes.
        length: How long it lasts, in whole notes.
    """

    pitches: tuple[int, ...]
    onset: Fraction
    length: Fraction


def performed(tune: Tune, repeats: bool = True) -> list[Note]:
    """Returns the notes of a tune; tied ones are one.

    Args:
        tune: The tune.
        repeats: Whether repeats are played.
    """
    clock, signs, key = BarClock(), {}, tune.key
    struck: dict[tuple[str, int], int] = {}  # alterations of the latest notes, which a tie takes over a bar line
    for token in tune.header:
        clock.take(token)
    notes: list[Note] = []
    now, tied = Fraction(0), False
    body = unfolded(tune.body) if repeats else tune.body
    for place, token in enumerate(body):
        kind = kind_of(token)
        before = clock.filled
        clock.take(token)
        if kind == "bar":
            signs = {}
        elif kind == "field" and token.startswith("[K:"):
            key, signs = token[3:-1], {}
        elif kind == "tie":
            tied = bool(notes)
        elif kind in SOUNDING:
            length = clock.filled - before
            if place + 1 < len(body) and kind_of(body[place + 1]) == "length":
                length *= length_of(body[place + 1])
            tones = TONE.finditer(token) if kind != "rest" else ()
            altered = [_altered(match, key, signs, struck if tied else {}) for match in tones]
            pitches, struck = tuple(_pitch(*where, by) for where, by in altered), dict(altered)
            if tied and notes[-1].pitches == pitches:
                notes[-1].length += length
            else:
                notes.append(Note(pitches, now, length))
            now, tied = now + length, False
    return notes


def unfolded(body: Sequence[str]) -> list[str]:
    """Returns the tokens of a body in the order in which they are played, with repeats and their endings.

    A double bar line between the two signs of a repeat is no border of it.
    """
    played: list[str] = []
    begin = 0  # of the section that a repeat goes back to
    is_open = False  # whether `|:` or `::` has begun it, and its other sign or its last ending is still to come
    place, turn = 0, 1
    while place < len(body):
        token, kind = body[place], kind_of(body[place])
        if kind == "ending":
            if token != f"[{turn}" and f"[{turn}" in body[place:]:
                place = body.index(f"[{turn}", place)
            is_open = is_open and turn == 1
        elif kind == "bar":
            played.append("|")
            if token in (":|", "::") and turn == 1:
                place, turn = begin, 2
                continue
            if token in BORDERS and not (token == "||" and is_open):
                begin, turn = place + 1, 1
                is_open = token in ("|:", "::")
        else:
            played.append(token)
        place += 1
    return played


def _altered(
    match: re.Match, key: str, signs: dict[tuple[str, int], int], held: Mapping[tuple[str, int], int]
) -> tuple[tuple[str, int], int]:
    """Returns letter and octave of a note, and the semitones by which it is altered.

    Args:
        match: The note, as `TONE` finds it.
        key: The key.
        signs: Accidentals of the bar so far, to which that of the note is added.
        held: Alterations of the notes that are tied to this one.
    """
    accidental, letter, marks = match.groups()
    place = letter.upper(), letter.islower() + marks.count("'") - marks.count(",")
    if accidental is not None:
        signs[place] = ACCIDENTALS[accidental]
    return place, signs.get(place, held.get(place, signature(key)[place[0]]))


def _pitch(name: str, octave: int, alteration: int) -> int:
    return MIDDLE_C + 12 * octave + SEMITONES[name] + alteration


def sounded(notes: Sequence[Note]) -> Tensor:
    """Returns notes as plain tones with a soft begin and end, amplitudes float32 [L] at `RATE`."""
    end = max([float(note.onset + note.length) for note in notes], default=0.0) * WHOLE
    sound = torch.zeros(int(min(LONGEST, end + 0.1) * RATE))
    for note in notes:
        begin, n = int(float(note.onset) * WHOLE * RATE), int(float(note.length) * WHOLE * RATE)
        times = torch.arange(min(n, max(0, len(sound) - begin))) / RATE
        fade = (times / 0.02).clamp(max=1) * ((n / RATE - times) / 0.05).clamp(0, 1) * torch.exp(-1.5 * times)
        for pitch in note.pitches:
            frequency = 440.0 * 2 ** ((pitch - 69) / 12)
            for number, amplitude in enumerate(OVERTONES, 1):
                wave = torch.sin(2 * torch.pi * frequency * number * times)
                sound[begin : begin + len(times)] += 0.3 * amplitude * fade * wave
    return sound.clamp(-1, 1)
