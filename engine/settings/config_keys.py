"""The settings that a config can have, by dotted key, from the schema; without torch and without reading YAML."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from engine.settings.config_names import SCHEMA

Node = dict[str, Any]  # of the schema: what a setting may be
Classes = dict[str, str]  # class paths, by the dotted key of the setting that is an object of the class

# `key: value`, `- key: value` or `key: {class_path: value`
LINE = re.compile(r"(?P<indent> *(?:- )?)(?P<key>\w+): *(?P<inline>\{ *class_path: *)?(?P<value>[\w.]*)")


@cache
def read_schema(path: Path = SCHEMA) -> Node:
    """Returns the schema; an empty one where it is missing or damaged."""
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return schema if isinstance(schema, dict) else {}


def settings(classes: Classes, schema: Node | None = None) -> dict[str, Node]:
    """Returns what describes each setting, by dotted key without `class_path` and `init_args`.

    Args:
        classes: Classes that are chosen, whose arguments are settings as well.
        schema: The schema; the project's if not given.
    """
    schema = read_schema() if schema is None else schema
    return dict(_leaves(schema, schema, "", classes))


def values_of(node: Node) -> list[str]:
    """Returns the values that a setting may have, as they are typed, as far as they can be listed."""
    found: dict[str, None] = {}
    for form in _forms(read_schema(), node):
        kinds = form.get("type", [])
        if "boolean" in ([kinds] if isinstance(kinds, str) else kinds):
            found |= {"true": None, "false": None}
        found |= {"null" if value is None else str(value): None for value in form.get("enum", [])}
    return list(found)


def classes_in(config: str) -> Classes:
    """Returns the classes that the text of a config names; of a list of objects, the last one's."""
    classes: Classes = {}
    parents: list[tuple[int, str]] = []
    for found in map(LINE.match, config.splitlines()):
        if found is None:
            continue
        depth, key = len(found["indent"]), found["key"]
        while parents and parents[-1][0] >= depth:
            parents.pop()
        place = [name for _, name in parents if name != "init_args"]
        if key == "class_path" or found["inline"]:
            classes[".".join(place if key == "class_path" else [*place, key])] = found["value"]
        parents.append((depth, key))
    return classes


def all_settings(schema: Node) -> dict[str, Node]:
    """Returns the settings of all classes that the schema knows, by dotted key, those of an optimizer among them."""
    found = settings({}, schema)
    for key in ("model", "data"):
        for path in known_classes(found[key], schema):
            found |= settings({key: path}, schema)
    for key in ("model.optimizer", "model.lr_scheduler"):
        for path in known_classes(found[key], schema):
            below = _leaves(schema, {"properties": {key: found[key]}}, "", {key: path})
            found |= {name: node for name, node in below if name not in found}
    return found


def known_classes(node: Node, schema: Node) -> list[str]:
    """Returns the class paths that a setting may have."""
    parts = (form.get("properties", {}).get("class_path", {}) for form in _forms(schema, node))
    return [part["const"] for part in parts if "const" in part]


def _leaves(schema: Node, node: Node, key: str, classes: Classes) -> Iterator[tuple[str, Node]]:
    """Yields the settings below an object, each after those that it consists of."""
    for name, below in node.get("properties", {}).items():
        full = f"{key}.{name}" if key else name
        if "properties" in below:
            yield from _leaves(schema, below, full, classes)
            continue
        yield full, below
        for form in _forms(schema, below):
            parts = form.get("properties", {})
            if "class_path" not in parts:
                yield from _leaves(schema, form, full, classes)
            elif full in classes and parts["class_path"].get("const") == classes[full]:
                yield from _leaves(schema, parts.get("init_args", {}), full, classes)


def _forms(schema: Node, node: Node) -> Iterator[Node]:
    """Yields the forms that a value may have: what a node refers to, and each of its alternatives."""
    if "$ref" in node:
        yield from _forms(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
    elif "anyOf" in node:
        for one in node["anyOf"]:
            yield from _forms(schema, one)
    else:
        yield node
