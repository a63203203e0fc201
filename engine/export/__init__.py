"""Trained networks as files for other programs, each compared with the network before it is written."""
