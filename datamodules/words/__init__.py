"""Texts by words: corpora, counts, a stream of neighbouring words, vectors, and what these are tested by."""
