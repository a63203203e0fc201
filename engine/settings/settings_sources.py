"""The places where the settings of a command line stand: lines of YAML files, and flags."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from core.files.plain_yaml import NumbersOfConfigs, PlainDumper
from core.terminal.printable import shown_path

READ_AS = {"bool": "true or false", "int": "a number", "float": "a number", "null": "nothing", "timestamp": "a date"}
ADDING = "+"  # behind the name of a list: adds to it


class _Reader(NumbersOfConfigs, yaml.SafeLoader):
    """Takes for a number what the parser takes for one."""


@dataclass(frozen=True)
class Place:
    """Where a setting stands.

    Attributes:
        name: Its name there, such as `--model.dropout` or `mine.yaml, line 5: model.dropout`.
        order: Sorts places as they stand: configs in their order, line by line, then flags.
        written: The value as it is written in a YAML file, if it is a single word; or the class that it names.
        read_as: What YAML takes that word for, if not for text.
    """

    name: str
    order: tuple[int, ...]
    written: str | None = None
    read_as: str | None = None

    @property
    def is_in_file(self) -> bool:
        """Whether it is a line of a file, and no flag."""
        return len(self.order) > 1


class SettingsSources:
    """The configs and flags of a command line, from which settings can be taken out.

    Args:
        options: What follows the subcommand, with every config as an existing file.
    """

    def __init__(self, options: list[str]) -> None:
        self._configs: list[tuple[Path, yaml.Node]] = []
        self._flags: list[list[str]] = []
        words = iter(options)
        for word in words:
            if word == "--config":
                path = Path(next(words))
                self._configs.append((path, yaml.compose(path.read_text(encoding="utf-8"), _Reader)))
            elif word.startswith("--") or not self._flags:
                self._flags.append([word])
            else:
                self._flags[-1].append(word)

    def options(self) -> list[str]:
        """Returns what is left as options of the command: the configs' content, then the flags.

        What only prints something, such as `--help`, is left out.
        """
        words = []
        for _, root in self._configs:
            words += ["--config", yaml.serialize(root, Dumper=PlainDumper, allow_unicode=True)]
        for flag in self._flags:
            if not flag[0].startswith(("--help", "--print_")) and not flag[0].partition("=")[0].endswith(".help"):
                words += flag
        return words

    def written(self) -> dict[str, str]:
        """Returns the values of settings as they are written, the last of each; of lists as far as they are flat."""
        found: dict[str, str] = {}
        for _, root in self._configs:
            found |= dict(_written(root, ()))
        for flag in self._flags:
            name, equals, value = flag[0].partition("=")
            value = value if equals else " ".join(flag[1:])
            if name.startswith("--") and value:
                found[_plain(name.removeprefix("--").removesuffix(ADDING).split("."))] = value
        return found

    def valueless(self, key: str) -> str | None:
        """Returns the dotted key of the last flag that has no value and is the setting `key`, or one below it."""
        bare = [flag[0].removeprefix("--") for flag in self._flags if len(flag) == 1 and "=" not in flag[0]]
        return next((name for name in reversed(bare) if f"{name}.".startswith(f"{key}.")), None)

    def take(self, key: str, is_class: Callable[[str], bool] | None = None) -> Place | None:
        """Takes a setting out of the last place that has it.

        Args:
            key: Its dotted key, without `init_args`.
            is_class: Given where the setting names no class: says of a name in it whether it is one. The place is then
                the line of the first that is none.

        Returns:
            The place, or None if it stands nowhere.
        """
        return self._take_flag(key) or self._take_line(key, is_class)

    def _take_flag(self, key: str) -> Place | None:
        parts = key.split(".")
        for number, flag in reversed([*enumerate(self._flags)]):
            name = flag[0].partition("=")[0].removesuffix(ADDING)
            given = [part for part in name.removeprefix("--").split(".") if part not in ("init_args", "class_path")]
            after_files = (len(self._configs) + number,)
            if name.startswith("--") and given == parts[: len(given)]:
                del self._flags[number]
                return Place(f"--{key}", after_files)
            if key in flag:  # a word that belongs to no option
                flag.remove(key)
                self._flags = [flag for flag in self._flags if flag]
                return Place(key, after_files)
        return None

    def _take_line(self, key: str, is_class: Callable[[str], bool] | None) -> Place | None:
        for number, (path, root) in reversed([*enumerate(self._configs)]):
            for pairs, (name, value) in _find(root, key.split(".")):
                pairs.remove((name, value))
                spot = value if isinstance(value, yaml.ScalarNode) and value.style is None else None
                if is_class is not None:
                    named = [node for node in _class_names(value) if not is_class(node.value)]
                    spot = named[0] if named else None
                line = (name if spot is None else spot).start_mark.line + 1
                shown_name = f"{shown_path(path)}, line {line}: {key}"
                if spot is None:
                    return Place(shown_name, (number, line))
                return Place(shown_name, (number, line), spot.value, READ_AS.get(spot.tag.rpartition(":")[2]))
        return None


def _plain(parts: Iterable[str]) -> str:
    return ".".join(part for part in parts if part not in ("init_args", "class_path"))


def _written(node: yaml.Node, parts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yields the dotted key of each setting of a tree, and its value."""
    if isinstance(node, yaml.ScalarNode):
        yield _plain(parts), node.value
    elif isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from _written(value, (*parts, name.value.removesuffix(ADDING)))
    elif all(isinstance(item, yaml.ScalarNode) for item in node.value):
        yield _plain(parts), f"[{', '.join(item.value for item in node.value)}]"


def _class_names(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    """Yields the names of the classes that a setting names itself, alone or in a list."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _class_names(item)
    elif isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == "class_path" and isinstance(value, yaml.ScalarNode):
                yield value


def _find(node: yaml.Node, parts: list[str]) -> Iterator[tuple[list, tuple[yaml.Node, yaml.Node]]]:
    """Yields the pairs of a tree that a dotted key leads to, each with the list that it is in."""
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _find(item, parts)
    elif isinstance(node, yaml.MappingNode):
        for pair in list(node.value):
            name = pair[0].value.removesuffix(ADDING).split(".") if isinstance(pair[0], yaml.ScalarNode) else []
            if name == parts:
                yield node.value, pair
            elif name == ["init_args"]:
                yield from _find(pair[1], parts)
            elif name and name == parts[: len(name)]:
                yield from _find(pair[1], parts[len(name) :])
