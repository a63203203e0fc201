"""Layers and initialisers that several networks use."""
