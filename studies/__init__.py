"""Comparisons: many runs of one command, whose settings a file of W&B's sweep format varies."""

from core.code.installed import refuse_incomplete_python

refuse_incomplete_python()
