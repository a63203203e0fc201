"""A tune becomes files: by programs where they are installed, and more plainly without them."""

import io
from pathlib import Path

import pytest

from core.errors import InputError
from core.media import Audio, File, Image, Medium
from datamodules.tunes import rendering
from datamodules.tunes.rendering import lacking, rendered

mido = pytest.importorskip("mido", reason="writes MIDI where abc2midi is missing")
TUNE = 'M:4/4\nL:1/8\nK:G\n"G"GABc defg|"D7"f2d2"G"g4|'


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Takes all programs away."""
    monkeypatch.setenv("PATH", str(tmp_path))
    lacking.cache_clear()
    yield
    lacking.cache_clear()


def by_kind(text: str) -> dict[type, Medium | list[Medium]]:
    """Returns the media of a tune, files by ending."""
    media = list(rendered(text, "tunes/one", 7))
    assert all((medium.name, medium.step) == ("tunes/one", 7) for medium in media)
    return {medium.ending if isinstance(medium, File) else type(medium): medium for medium in media}


def notes(content: bytes) -> list[int]:
    """Returns the pitches of a MIDI file's first voice."""
    file = mido.MidiFile(file=io.BytesIO(content))
    return [m.note for m in file if m.type == "note_on" and m.velocity and m.channel == 0]


@pytest.mark.usefixtures("bare")
def test_without_programs_there_are_abc_midi_and_plain_sound() -> None:
    media = by_kind(TUNE)
    assert set(media) == {".abc", ".mid", Audio}
    assert media[".abc"].content.decode().startswith("X:1\nT:Tune 1\nM:4/4\n")
    assert notes(media[".mid"].content) == [67, 69, 71, 72, 74, 76, 78, 79, 78, 74, 79]
    assert media[Audio].samples.abs().max() > 0.1
    assert lacking() == (
        "note     not installed here, so tunes have no sheets (abcm2ps and rsvg-convert; in Debian abcm2ps, "
        "librsvg2-bin), MIDI of the melody alone (abc2midi; in Debian abcmidi), sound of plain tones (timidity, with "
        "abc2midi)"
    )


@pytest.mark.usefixtures("bare")
def test_without_mido_there_is_still_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mido", None)
    assert set(by_kind(TUNE)) == {".abc", Audio}
    assert "no MIDI (abc2midi; in Debian abcmidi; or the package mido)" in lacking()


def test_with_programs_there_is_a_sheet_and_a_voice_of_chords() -> None:
    lacking.cache_clear()
    if lacking():
        pytest.skip(lacking())
    assert Image in by_kind(TUNE.replace("f2d2", "f2-d2")), "a tie between two pitches is only warned of"
    media = by_kind(TUNE)
    assert set(media) == {".abc", ".mid", Image, Audio}
    height, width, channels = media[Image].pixels.shape
    assert channels == 1
    assert width > height > 50
    assert media[Image].pixels.float().mean() > 200, "black on white"
    assert media[Audio].samples.abs().max() > 0.05
    assert len(media[Audio].samples) > 3 * rendering.RATE


def test_what_is_no_tune_is_written_as_it_is() -> None:
    media = by_kind("M:4/4\nnothing")
    assert set(media) == {".abc"}
    assert media[".abc"].content == b"X:1\nT:Tune 1\nM:4/4\nnothing\n"


def test_files_of_predictions() -> None:
    found = rendering.forms([TUNE])
    assert set(found) == {".abc", ".mid", ".png", ".wav"}
    assert found[".mid"]().startswith(b"MThd")
    assert found[".wav"]().startswith(b"RIFF")
    both = rendering.forms([TUNE, TUNE])
    assert both[".abc"]().decode().count("X:") == 2
    with pytest.raises(InputError, match=r"a \.mid file holds one tune, and 2 are written; \.abc holds all"):
        both[".mid"]()
    with pytest.raises(InputError, match=r"no \.wav file can be made \(what was written is no tune\)"):
        rendering.forms(["nothing"])[".wav"]()


@pytest.mark.usefixtures("bare")
def test_a_sheet_without_its_programs_says_what_to_install() -> None:
    with pytest.raises(InputError, match=r"no \.png file can be made \(not installed here"):
        rendering.forms([TUNE])[".png"]()
