"""Special symbols: those of a vocabulary that stand for no text, and come first in it."""

PADDING, UNKNOWN, BEGIN, END = 0, 1, 2, 3  # their numbers
# NUL in their names makes them different from every token, as NUL in texts becomes a space
SPECIAL_SYMBOLS = ("\x00pad", "\x00unknown", "\x00begin", "\x00end")  # of sentences
DOCUMENT_SYMBOLS = SPECIAL_SYMBOLS[:BEGIN]  # of documents, which are not written symbol by symbol
