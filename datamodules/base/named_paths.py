"""Paths by the names that lists and files of captions have for them, with or without folders and endings."""

from collections.abc import Iterable
from pathlib import PurePosixPath


class NamedPaths:
    """Finds the paths that a name fits, the surest way first.

    A whole name is surer than one taken for a path without its ending, and that surer than a name without its own
    ending: `x.1` is `x.1.jpg` before it is `x.2`.

    Args:
        paths: Relative paths, with slashes, in order.
        anywhere: Whether folders in front of a path or of a name may be absent from the other; more in common is surer.
    """

    def __init__(self, paths: Iterable[str], anywhere: bool) -> None:
        self._anywhere = anywhere
        self._whole: dict[str, list[str]] = {}
        self._bare: dict[str, list[str]] = {}
        for path in paths:
            for end in self._ends(path):
                self._whole.setdefault(end, []).append(path)
                self._bare.setdefault(_without_ending(end), []).append(path)

    def find(self, name: str) -> tuple[int, list[str]]:
        """Returns how unsure it is that paths fit a name, 0 being the surest, and these paths; none if none fits."""
        unsure = 0
        for end in self._ends(name):
            bare = _without_ending(end)
            for fitting, way in ((self._whole, end), (self._bare, end), (self._bare, bare)):
                if found := fitting.get(way):
                    # a whole path is surer than the end of another
                    whole = [path for path in found if way in (path, _without_ending(path))]
                    return (unsure, whole) if whole else (unsure + 1, found)
                unsure += 2
        return unsure, []

    def _ends(self, path: str) -> list[str]:
        """Returns a path without more and more of its folders."""
        parts = PurePosixPath(path).parts
        return ["/".join(parts[n:]) for n in range(len(parts) if self._anywhere else min(1, len(parts)))]


def _without_ending(path: str) -> str:
    return path.removesuffix(PurePosixPath(path).suffix)
