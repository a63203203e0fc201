"""Benchmarks of speed and memory: each script alternates between its contenders and records ratios."""

from core.code.installed import refuse_incomplete_python

refuse_incomplete_python()
