"""Tunes as files for people: ABC, MIDI, a sheet as a picture, and sound.

Programs that are installed are used: abc2midi (its MIDI has the chords, too), abcm2ps with rsvg-convert (the sheet),
timidity or fluidsynth (instruments). Without them MIDI comes from the package mido, and sound is plain tones.
"""

import io
import tempfile
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.errors import InputError
from core.files.picture_formats import open_picture
from core.media import Audio, File, Image, Medium
from core.media_files import encode
from core.terminal.console import print_line
from datamodules.tunes.layout import laid_out
from datamodules.tunes.midi import midi_bytes
from datamodules.tunes.notation import NoTune, Tune
from datamodules.tunes.playing import RATE, performed, sounded
from datamodules.tunes.programs import is_installed, run_program
from datamodules.tunes.reading import read_tune

FONTS = (
    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/sounds/sf3/default-GM.sf3",
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf2/TimGM6mb.sf2",
)
COLLECTION, OF_ONE = ".abc", (".mid", ".png", ".wav")  # endings of files of tunes, and of one tune
ZOOM = "2"  # of sheets
MARGIN = 20  # pixels of a sheet around what is drawn


def rendered(text: str, name: str, step: int) -> Iterator[Medium]:
    """Gives a tune as ABC, MIDI, sheet and sound, as far as it can be had; what is no tune as ABC alone.

    Args:
        text: Header and body.
        name: Name of the files.
        step: Optimizer steps of the network that wrote it.
    """
    abc = laid_out(text, 1) + "\n"
    yield File(name=name, step=step, ending=".abc", content=abc.encode())
    try:
        tune = read_tune(text)
    except NoTune:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "tune.abc").write_text(abc, encoding="utf-8")
        midi = _midi(path, tune)
        if midi is not None:
            yield File(name=name, step=step, ending=".mid", content=midi)
        sheet = _sheet(path)
        if sheet is not None:
            yield Image(name=name, step=step, pixels=sheet)
        yield Audio(name=name, step=step, samples=_sound(path, tune), rate=RATE)


def shown(texts: Mapping[str, str], step: int) -> Iterator[Medium]:
    """Gives tunes by the names of their files, and says what is lacking to see and hear them."""
    if line := lacking():
        print_line(line)
    for name, text in texts.items():
        yield from rendered(text, name, step)


def forms(texts: Sequence[str]) -> dict[str, Callable[[], bytes]]:
    """Returns what makes a file of tunes, by its ending: `.abc` of all, `.mid`, `.png` and `.wav` of one.

    Args:
        texts: Headers and bodies.
    """

    def collection() -> bytes:
        return "\n\n".join([*(laid_out(text, number) for number, text in enumerate(texts, 1)), ""]).encode()

    def one(ending: str) -> bytes:
        if len(texts) > 1:
            raise InputError(f"--output: a {ending} file holds one tune, and {len(texts)} are written; .abc holds all")
        files = dict(encode(medium) for medium in rendered(texts[0], "tune", 0))
        if ending not in files:
            reason = lacking().removeprefix("note     ") if len(files) > 1 else "what was written is no tune"
            raise InputError(f"--output: no {ending} file can be made ({reason})")
        return files[ending]

    return {COLLECTION: collection} | {ending: partial(one, ending) for ending in OF_ONE}


@lru_cache(1)
def lacking() -> str:
    """Returns a line about what is not written, or written more plainly, for want of a program; empty if nothing is."""
    lacks = []
    if not (is_installed("abcm2ps") and is_installed("rsvg-convert")):
        lacks.append("no sheets (abcm2ps and rsvg-convert; in Debian abcm2ps, librsvg2-bin)")
    if not is_installed("abc2midi"):
        mido = _has_mido()
        what = "MIDI of the melody alone" if mido else "no MIDI"
        lacks.append(f"{what} (abc2midi; in Debian abcmidi{'' if mido else '; or the package mido'})")
    if not (is_installed("timidity") or (is_installed("fluidsynth") and _font())) or not is_installed("abc2midi"):
        lacks.append("sound of plain tones (timidity, with abc2midi)")
    return f"note     not installed here, so tunes have {', '.join(lacks)}" if lacks else ""


def _has_mido() -> bool:
    try:
        midi_bytes([])
    except InputError:
        return False
    return True


def _midi(folder: Path, tune: Tune) -> bytes | None:
    """Returns a tune in MIDI; None if neither abc2midi nor mido is there."""
    path = folder / "tune.mid"
    run_program(["abc2midi", "tune.abc", "-o", "tune.mid", "-silent"], folder)
    if path.is_file() and path.stat().st_size:
        return path.read_bytes()
    try:
        content = midi_bytes(performed(tune), tune.metre)
    except InputError:
        return None
    path.write_bytes(content)
    return content


def _sheet(folder: Path) -> Tensor | None:
    """Returns a tune as notes on paper, uint8 [H, W, 1]; None if the programs for it are not there."""
    run_program(
        ["abcm2ps", "-q", "-g", "-O", "sheet.svg", "tune.abc"], folder
    )  # fails where it only warns, of bad ties
    pages = sorted(folder.glob("sheet*.svg"))
    if not pages:
        return None
    if not run_program(["rsvg-convert", "-b", "white", "-z", ZOOM, "-o", "sheet.png", pages[0].name], folder):
        return None
    with open_picture(folder / "sheet.png") as picture:
        pixels = np.asarray(picture.convert("L"))
    rows, columns = (np.flatnonzero((pixels < 128).any(axis)) for axis in (1, 0))
    if not len(rows):
        return None
    (top, bottom), (left, right) = ((max(0, at[0] - MARGIN), at[-1] + MARGIN) for at in (rows, columns))
    return torch.from_numpy(pixels[top:bottom, left:right].copy())[..., None]


def _sound(folder: Path, tune: Tune) -> Tensor:
    """Returns the sound of a tune, float32 [L]: with instruments, or else of plain tones."""
    path = folder / "tune.wav"
    commands = [["timidity", "-Ow1sl", "-s", str(RATE), "-o", "tune.wav", "tune.mid"]]
    if font := _font():
        commands.append(["fluidsynth", "-ni", "-F", "tune.wav", "-r", str(RATE), "-T", "wav", font, "tune.mid"])
    for command in commands:
        if (folder / "tune.mid").is_file() and is_installed("abc2midi") and run_program(command, folder):
            sound = _read_wave(path)
            if sound is not None:
                return sound
    return sounded(performed(tune))


def _read_wave(path: Path) -> Tensor | None:
    """Returns the mean of the channels of a file of 16 bits, float32 [L]; None if it is another, or has no sound."""
    try:
        with wave.open(io.BytesIO(path.read_bytes())) as file:
            if file.getsampwidth() != 2 or file.getframerate() != RATE:
                return None
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    except (OSError, EOFError, wave.Error, ValueError):
        return None
    return torch.from_numpy(samples.mean(1) / 32768).float() if len(samples) else None


def _font() -> str | None:
    return next((font for font in FONTS if Path(font).is_file()), None)
