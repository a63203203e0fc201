"""Benchmarks of speed and memory: each script alternates between its contenders and records ratios."""
