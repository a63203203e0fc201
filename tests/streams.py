"""Streams that cannot be written."""


class Broken:
    """A stream that fails from some write on."""

    encoding = "utf-8"

    def __init__(self, error: Exception, after: int = 0) -> None:
        self.error = error
        self.left = after
        self.taken = ""

    def write(self, text: str) -> int:
        if self.left == 0:
            raise self.error
        self.left -= 1
        self.taken += text
        return len(text)

    def flush(self) -> None:
        self.write("")
