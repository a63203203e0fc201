"""Processes: Lightning's clusters, a run of several processes, and commands that are forked from one."""
