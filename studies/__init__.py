"""Comparisons: many runs of one command, whose settings a file of W&B's sweep format varies."""
