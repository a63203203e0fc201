"""Captions of pictures: their files, their symbols, pictures with captions in memory, and synthetic ones."""
