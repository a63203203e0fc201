"""MIDI is written and read again; of several tracks the melody is read, and said."""

import io
from pathlib import Path

import pytest

from core.errors import InputError
from datamodules.tunes.midi import guessed_key, load_mido, midi_bytes, read_midi
from datamodules.tunes.notation import NoTune
from datamodules.tunes.playing import performed
from datamodules.tunes.reading import read_tune

mido = pytest.importorskip("mido", reason="reads and writes MIDI")


def save(path: Path, *tracks: list, kind: int = 1) -> Path:
    """Writes tracks of messages."""
    file = mido.MidiFile(type=kind, ticks_per_beat=96)
    for messages in tracks:
        file.tracks.append(mido.MidiTrack(messages))
    file.save(path)
    return path


def notes(*pitches: int, length: int = 96, channel: int = 0) -> list:
    """Returns messages of notes one after the other."""
    return [
        mido.Message(kind, note=pitch, channel=channel, velocity=64, time=length * (kind == "note_off"))
        for pitch in pitches
        for kind in ("note_on", "note_off")
    ]


def test_a_tune_is_written_and_read_again(tmp_path: Path) -> None:
    tune = read_tune("M:3/4\nL:1/8\nK:D\nd2c2a2|g3^gf2|[DF]2z2e/2f/2e|d6-|d6|")
    path = tmp_path / "a tune.mid"
    path.write_bytes(midi_bytes(performed(tune), "3/4"))
    again, note = read_midi(path)
    assert note == ""
    assert again.text == "M:3/4\nL:1/8\nK:D\nd2c2a2|g3^gf2|F2z2e/2f/2e|d6-|d6|"
    assert again.title == "a tune"


def test_the_melody_of_several_tracks_is_read_and_said(tmp_path: Path) -> None:
    named = [mido.MetaMessage("track_name", name="Melody"), *notes(72, 74)]
    drums = notes(40, 41, channel=9)
    path = save(tmp_path / "a.mid", notes(60, 62), drums, named)
    tune, note = read_midi(path)
    assert "".join(tune.body) == "c2d2|"
    assert note == "2 with notes: read is track 3 (Melody), channel 1"
    tune, note = read_midi(save(tmp_path / "b.mid", [], notes(60, 62), notes(72, 74)))
    assert "".join(tune.body) == "C2D2|"
    assert note == "2 with notes: read is track 2, channel 1"


def test_metres_keys_and_chords(tmp_path: Path) -> None:
    head = [
        mido.MetaMessage("time_signature", numerator=2, denominator=4),
        mido.MetaMessage("key_signature", key="Bbm"),
    ]
    change = [mido.MetaMessage("time_signature", numerator=3, denominator=4, time=4 * 96)]
    chord = [mido.Message("note_on", note=pitch, velocity=9) for pitch in (58, 65, 61)]
    chord += [mido.Message("note_off", note=pitch, time=96 * (pitch == 58)) for pitch in (58, 65, 61)]
    path = save(tmp_path / "a.mid", [*head, *change], [*chord, *notes(61, 62, 63, 64, 65, 66, length=96)])
    tune, _ = read_midi(path)
    assert tune.text == "M:2/4\nL:1/8\nK:Bbm\nF2D2|=D2E2|[M:3/4]=E2F2G2|"


def test_keys_are_guessed_and_what_precedes_the_first_note_is_left_out(tmp_path: Path) -> None:
    assert guessed_key([(n, n + 1, pitch) for n, pitch in enumerate((62, 64, 66, 67, 69, 71, 73))]) == "D"
    assert guessed_key([(0, 1, 60)]) == "C"
    late = notes(67, 69)
    late[0].time = 96 * 3
    assert "".join(read_midi(save(tmp_path / "a.mid", late))[0].body) == "G2|A2|", "an upbeat"


def test_files_without_a_melody(tmp_path: Path) -> None:
    with pytest.raises(NoTune, match="no notes"):
        read_midi(save(tmp_path / "a.mid", [mido.MetaMessage("track_name", name="Melody")]))
    with pytest.raises(NoTune, match="no notes"):
        read_midi(save(tmp_path / "b.mid", notes(40, channel=9)))
    broken = tmp_path / "c.mid"
    broken.write_bytes((tmp_path / "a.mid").read_bytes()[:20])
    with pytest.raises(NoTune, match="no MIDI file that can be read"):
        read_midi(broken)


def test_mido_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "mido", None)
    with pytest.raises(InputError, match=r"MIDI files need the package mido; pip install -e '\.\[music\]' installs it"):
        load_mido()


def test_ends_stand_before_begins() -> None:
    tune = read_tune("M:4/4\nL:1/4\nK:C\nAA|A[A-e]")
    file = mido.MidiFile(file=io.BytesIO(midi_bytes(performed(tune))))
    kinds = [message.type for message in file.tracks[0] if not message.is_meta]
    assert kinds == ["note_on", "note_off"] * 3 + ["note_on"] * 2 + ["note_off"] * 2
