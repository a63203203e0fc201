"""Melodies of MIDI files, read and written with the library mido."""

import io
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from core.code.installed import installs
from core.errors import InputError
from core.files.input_files import read_file
from datamodules.tunes.keys import FIFTHS, LETTERS, SEMITONES, SIGNS, signature, tidied_key
from datamodules.tunes.notation import NoTune, Tune, check_lengths, length_token, tidied_metre
from datamodules.tunes.playing import MIDDLE_C, Note

GRID = 4  # steps of a quarter to which onsets are rounded: sixteenths
DRUMS = 9  # channel
TICKS = 480  # of a quarter, in files that are written
SIXTEENTH = Fraction(1, 16)
LONGEST_MELODY = 16 * 5000  # sixteenths
KEYS = ("C", "G", "D", "A", "E", "B", "F#", "Db", "Ab", "Eb", "Bb", "F")

Voice = list[tuple[int, int, int]]  # onset and end in sixteenths, and pitch


def load_mido() -> Any:
    """Returns the library.

    Raises:
        InputError: It is not installed.
    """
    try:
        import mido
    except ImportError as error:
        raise InputError(f"MIDI files need the package mido; {installs('music')}") from error
    return mido


def read_midi(path: Path) -> tuple[Tune, str]:
    """Reads the melody of a MIDI file, in sixteenths.

    Of several tracks or channels it is the one that is called melody, voice or lead, or else the first with notes,
    without drums; of several notes at once, the highest.

    Returns:
        The tune, and a sentence about other tracks; empty if there are none.

    Raises:
        NoTune: It is no MIDI file, or has no notes.
        InputError: It cannot be read, or mido is not installed.
    """
    mido = load_mido()
    content = read_file(path)
    try:
        file = mido.MidiFile(file=io.BytesIO(content), clip=True)
        if file.ticks_per_beat <= 0:
            raise NoTune("its time counts in seconds")
        voices, names = _voices(file)
        metres, key = _signatures(file)
    except NoTune:
        raise
    except Exception as error:  # in whatever way mido stumbles over bytes that no other program wrote
        raise NoTune(f"no MIDI file that can be read ({str(error) or type(error).__name__})") from error
    if not voices:
        raise NoTune("no notes")
    chosen = next((key for key in voices if _is_melody(names.get(key[0], ""))), next(iter(voices)))
    note = f"{len(voices)} with notes: read is {_name_of(chosen, names)}" if len(voices) > 1 else ""
    melody = _highest(voices[chosen])
    if melody[-1][1] > LONGEST_MELODY:
        raise NoTune(f"it lasts {melody[-1][1] // 16:,} whole notes")
    tune = _tune(melody, metres, key or guessed_key(melody), path.stem)
    check_lengths(tune.body, tune.unit)
    return tune, note


def _voices(file: Any) -> tuple[dict[tuple[int, int], Voice], dict[int, str]]:
    """Returns the notes of each track and channel, and the names of tracks."""
    voices: dict[tuple[int, int], Voice] = defaultdict(list)
    names: dict[int, str] = {}
    for number, track in enumerate(file.tracks):
        now, sounding = 0, {}
        for message in track:
            now += message.time
            if message.type == "track_name":
                names[number] = message.name.strip()
            if message.type not in ("note_on", "note_off") or message.channel == DRUMS:
                continue
            begun = sounding.pop((message.channel, message.note), None)
            if begun is not None:
                step = GRID / file.ticks_per_beat
                first, last = round(begun * step), round(now * step)
                voices[number, message.channel].append((first, max(first + 1, last), message.note))
            if message.type == "note_on" and message.velocity:
                sounding[message.channel, message.note] = now
    return dict(voices), names


def _is_melody(name: str) -> bool:
    return any(word in name.lower() for word in ("melody", "voice", "vocal", "lead", "tune"))


def _name_of(voice: tuple[int, int], names: dict[int, str]) -> str:
    name = names.get(voice[0], "")
    return f"track {voice[0] + 1}{f' ({name})' if name else ''}, channel {voice[1] + 1}"


def _signatures(file: Any) -> tuple[list[tuple[int, str]], str | None]:
    """Returns the metres with the sixteenths at which they begin, and the first key."""
    metres, key = [], None
    for track in file.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "time_signature":
                metre = f"{message.numerator}/{message.denominator}"
                metres.append((round(now * GRID / file.ticks_per_beat), metre))
            elif message.type == "key_signature" and key is None:
                key = message.key
    return sorted(metres) or [(0, "4/4")], key


def _highest(voice: Voice) -> Voice:
    """Returns one note at a time: the highest of those that begin together, each until the next begins."""
    highest = {}
    for first, last, pitch in voice:
        if first not in highest or pitch > highest[first][1]:
            highest[first] = (last, pitch)
    onsets = sorted(highest)
    return [
        (first, min(highest[first][0], following), highest[first][1])
        for first, following in zip(onsets, [*onsets[1:], 10**9], strict=True)
    ]


def guessed_key(melody: Voice) -> str:
    """Returns the major key whose scale has the longest share of a melody; the plainest of equals."""
    weights: Counter[int] = Counter()
    for first, last, pitch in melody:
        weights[pitch % 12] += last - first

    def share(key: str) -> tuple[int, int]:
        signs = signature(key)
        return sum(weights[(SEMITONES[letter] + signs[letter]) % 12] for letter in LETTERS), -sum(
            map(abs, signs.values())
        )

    return max(KEYS, key=share)


def _tune(melody: Voice, metres: list[tuple[int, str]], key: str, title: str) -> Tune:
    key = tidied_key(key)
    begin = melody[0][0]
    metres = [(max(0, at), metre) for at, metre in metres]
    starts = [at for at, _ in metres]
    body: list[str] = []
    spelled: dict[tuple[str, int], int] = {}
    bar, metre = 0, metres[0][1]
    first_metre = metre
    place = 0
    events = list(_with_rests(melody, begin))
    while place < len(events):
        now = metres[max(0, bisect_right(starts, bar) - 1)][1]
        if now != metre:
            metre = now
            body.append(f"[M:{metre}]")
        tidied_metre(metre)
        count, part = map(int, metre.split("/"))
        end = bar + count * 16 // part
        if end <= bar:
            raise NoTune(f"the metre {metre}")
        while place < len(events) and events[place][0] < end:
            first, last, pitch = events[place]
            if last <= bar:
                place += 1
                continue
            length = min(last, end) - max(first, bar)
            body.append("z" if pitch is None else _tone(pitch, key, spelled))
            body.append(length_token(Fraction(length) * SIXTEENTH / Fraction(1, 8)))
            if last > end:
                body += ["-"] if pitch is not None else []
                events[place] = (end, last, pitch)
                break
            place += 1
        if body and body[-1] != "|":
            body.append("|")
        bar, spelled = end, {}
    return Tune(first_metre, Fraction(1, 8), key, tuple(token for token in body if token), title)


def _with_rests(melody: Voice, begin: int) -> Iterator[tuple[int, int, int | None]]:
    """Gives notes and the rests between them; what precedes the first note is left out, as before an upbeat."""
    now = begin
    for first, last, pitch in melody:
        if first > now:
            yield now, first, None
        yield first, last, pitch
        now = last


def _tone(pitch: int, key: str, spelled: dict[tuple[str, int], int]) -> str:
    """Returns a pitch as the key spells it, with an accidental where it is needed in the bar."""
    signs = signature(key)
    sharp = sum(signs.values()) >= 0
    best = None
    for letter in FIFTHS:
        for sign in {signs[letter], 1 if sharp else -1, 0}:
            octave, rest = divmod(pitch - MIDDLE_C - SEMITONES[letter] - sign, 12)
            if rest == 0:
                rank = (sign != signs[letter], sign != 0, letter)
                best = min(best, (rank, letter, sign, octave)) if best else (rank, letter, sign, octave)
    _, letter, sign, octave = best
    written = "" if spelled.get((letter, octave), signs[letter]) == sign else SIGNS[sign]
    spelled[letter, octave] = sign
    marks = "'" * (octave - 1) if octave > 0 else "," * -octave
    return f"{written}{letter.lower() if octave > 0 else letter}{marks}"


def midi_bytes(notes: Sequence[Note], metre: str = "4/4") -> bytes:
    """Returns notes as a MIDI file of one track.

    Raises:
        InputError: mido is not installed.
    """
    mido = load_mido()
    file, track = mido.MidiFile(ticks_per_beat=TICKS), mido.MidiTrack()
    file.tracks.append(track)
    if metre != "none":
        count, part = map(int, metre.split("/"))
        track.append(mido.MetaMessage("time_signature", numerator=count, denominator=part))
    events = []
    for note in notes:
        for pitch in note.pitches:
            if 0 <= pitch < 128:
                events.append((int(note.onset * 4 * TICKS), "note_on", pitch))
                events.append((int((note.onset + note.length) * 4 * TICKS), "note_off", pitch))
    now = 0
    for at, kind, pitch in sorted(events):  # at one time, ends before begins
        track.append(mido.Message(kind, note=pitch, velocity=80, time=at - now))
        now = at
    content = io.BytesIO()
    file.save(file=content)
    return content.getvalue()
