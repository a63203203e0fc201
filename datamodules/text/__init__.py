"""Text: files, vocabularies, tokenized documents, rows of characters, and synthetic text."""
