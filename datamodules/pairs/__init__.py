"""Sentences and their translations: files, subwords of both languages, batches, and synthetic pairs."""
