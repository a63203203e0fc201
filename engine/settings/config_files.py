"""Config files: finding them, and what they hold as mappings; without torch."""

import difflib
from pathlib import Path
from typing import Any

import yaml

from core.errors import InputError
from core.files.home import from_home
from core.files.plain_yaml import LOADER
from engine.settings.config_names import CONFIGS, config_names

MOST_VALUES = 100_000  # of a config; the largest here has about a hundred
MOST_CHARACTERS = 10_000_000
_NOTHING = yaml.ScalarNode("tag:yaml.org,2002:null", "")


class _NoNameTwice:
    """A loader of YAML that refuses a mapping with a name that stands twice, whose first value would be lost."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._checked: set[int] = set()  # an alias leads to the same mapping again

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Puts in what `<<` merges, which may be overridden; what stands in the mapping itself may not."""
        if id(node) not in self._checked:
            self._checked.add(id(node))
            names: dict[Any, yaml.Node] = {}
            for name, _ in node.value:
                if not isinstance(name, yaml.ScalarNode) or name.tag == "tag:yaml.org,2002:merge":
                    continue
                if name.value in names:
                    before = names[name.value].start_mark.line + 1
                    problem = f"'{name.value}' stands twice, also in line {before}; the first value would be lost"
                    raise yaml.constructor.ConstructorError(None, None, problem, name.start_mark)
                names[name.value] = name
        super().flatten_mapping(node)


class _FastLoader(_NoNameTwice, LOADER):
    """Reads YAML in C; its messages are terse."""


class _TellingLoader(_NoNameTwice, yaml.SafeLoader):
    """Reads YAML in Python; its messages say what it has met."""


def _compose(text: str) -> tuple[Any, yaml.Node]:
    """Reads a text of YAML; returns a loader, and the root of what it has read.

    Raises:
        YAMLError: It is no YAML.
        RecursionError: It is nested too deeply.
    """
    try:
        loader = _FastLoader(text)
        return loader, loader.get_single_node() or _NOTHING
    except yaml.YAMLError:
        loader = _TellingLoader(text)
        return loader, loader.get_single_node() or _NOTHING


def load_settings(text: str) -> Any:
    """Returns what a text of YAML holds.

    Raises:
        YAMLError: It is none, is not UTF-8, or a mapping has a name twice.
    """
    try:
        loader, root = _compose(text)
    except RecursionError:
        raise yaml.YAMLError("nested too deeply") from None
    except UnicodeEncodeError:  # a file's name with bytes of another encoding
        raise yaml.YAMLError("is not UTF-8") from None
    return _construct(loader, root)


def _construct(loader: Any, root: yaml.Node) -> Any:
    """Returns what a loader makes of what it has read.

    Raises:
        YAMLError: A value is none of its kind.
    """
    try:
        return loader.construct_document(root)
    except yaml.YAMLError:
        raise
    except Exception as error:  # of PyYAML, for a date that there is not, or a number that has no digits
        problem = f"a value is none of its kind ({' '.join(str(error).split())})"
        raise yaml.constructor.ConstructorError(None, None, problem, None) from error


def find_config(name: str) -> Path:
    """Finds a config as given, else under configs/, with or without `.yaml`.

    Raises:
        InputError: There is none; names the nearest.
    """
    candidates = [from_home(name), CONFIGS / name, CONFIGS / f"{name}.yaml"]
    for path in candidates:
        if path.is_file():
            return path.resolve()
    names = config_names()
    near = difflib.get_close_matches(
        name.removesuffix(".yaml"), [n.removesuffix(".yaml") for n in names], n=3, cutoff=0.4
    )
    hint = f"; nearest: {', '.join(f'{n}.yaml' for n in near)}" if near else ""
    raise InputError(f"--config {name}: no such file{hint} (all of them are in {CONFIGS})")


def read_config(path: Path, form: str = "a config is a mapping such as 'model: ...'") -> dict:
    """Reads a YAML file of settings.

    Args:
        path: The file.
        form: What such a file holds, for messages.

    Raises:
        InputError: It cannot be read, is no YAML, holds no mapping, or is far too large; names the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        loader, root = _compose_small(path, text)
        content = _construct(loader, root)
    except yaml.YAMLError as error:
        where, reason = "", "it cannot be parsed"
        if isinstance(error, yaml.MarkedYAMLError):
            where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
            reason = error.problem or reason
        raise InputError(f"{path}{where}: broken YAML: {reason}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: cannot be read: it is no text in UTF-8") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if not isinstance(content, dict):
        what = "it is empty" if content is None else f"not {str(content).strip()[:30]!r}"
        raise InputError(f"{path}: {form}, {what}")
    return content


def _compose_small(path: Path, text: str) -> tuple[Any, yaml.Node]:
    """Reads a text of YAML, unless its aliases, which repeat other parts of it, make it endless or far larger.

    Returns:
        A loader, and the root of what it has read.

    Raises:
        YAMLError: It is no YAML.
        InputError: It holds more than `MOST_VALUES`.
    """
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        if isinstance(node, yaml.ScalarNode):
            return 1
        if id(node) not in sizes:
            sizes[id(node)] = MOST_VALUES  # until it is known: what contains itself is endless
            below = [part for pair in node.value for part in (pair if isinstance(pair, tuple) else (pair,))]
            sizes[id(node)] = 1 + sum(size(part) for part in below)
        return sizes[id(node)]

    try:
        if len(text) <= MOST_CHARACTERS:
            loader, root = _compose(text)
            if size(root) < MOST_VALUES:
                return loader, root
    except RecursionError:
        pass
    raise InputError(f"{path}: no config: it holds more than {MOST_VALUES:,} values, or parts that hold themselves")


def flatten(tree: dict, prefix: str = "") -> dict[str, object]:
    """Returns a nested mapping as dotted keys, without the `init_args` that class paths bring."""
    flat: dict[str, object] = {}
    for key, value in tree.items():
        name = prefix if key == "init_args" else f"{prefix}.{key}".lstrip(".")
        if isinstance(value, dict) and value:
            flat |= flatten(value, name)
        else:
            flat[name] = value
    return flat
