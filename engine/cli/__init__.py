"""The command: its parser, its settings as Lightning merges them, what is checked early, and what it does."""
