"""Layers and initialisers that several architectures share."""
