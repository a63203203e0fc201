"""Tunes: ABC notation, keys, bars, MIDI, and what of them is measured, drawn and played."""
