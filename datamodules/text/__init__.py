"""Text: reading files, vocabularies, tokenised documents, rows of characters, and synthetic text."""
