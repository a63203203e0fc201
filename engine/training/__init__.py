"""The parts of the trainer: what a call takes and says, its loop and callbacks, and the record of a run in Python."""
