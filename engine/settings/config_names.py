"""The configs under configs/: their names, and which are shown first; without torch and without reading YAML."""

import os
import re
from pathlib import Path

from core.code.installed import ROOT

CONFIGS = ROOT / "configs"
SCHEMA = CONFIGS / "schema.json"  # of configs, for editors and for completion
STUDIES = "studies/"
OPENING = "# yaml-language-server: $schema="
MAIN = (
    "vgg_bn.yaml",
    "bag_of_ngrams.yaml",
    "char_rnn.yaml",
)  # for images, for texts with classes, and for writing text
DATA = re.compile(r"^data:\s*\n\s+class_path: (?:\w+\.)*(\w+?)(?:DataModule)?\s*$", re.MULTILINE)


def config_names() -> list[str]:
    """Returns the name of every config under configs/, as a user types it; studies are none."""
    names = (path.relative_to(CONFIGS).as_posix() for path in CONFIGS.rglob("*.yaml"))
    return sorted(name for name in names if not name.startswith(STUDIES))


def listed_configs() -> list[str]:
    """Returns the names of all configs in lines, a line for each folder and data set, the main ones first."""
    groups: dict[tuple[bool, str], list[str]] = {}
    for name in config_names():
        found = DATA.search((CONFIGS / name).read_text(encoding="utf-8"))
        folder, _, _ = name.rpartition("/")
        groups.setdefault((bool(folder), " ".join([*folder.split(), found[1] if found else "other"])), []).append(name)
    lines = [("start with", list(MAIN)), *((title, names) for (_, title), names in sorted(groups.items()))]
    width = max(len(title) for title, _ in lines)
    return [f"{title:<{width}}  {' '.join(names)}" for title, names in lines if names]


def schema_line(config: Path, schema: Path = SCHEMA) -> str:
    """Returns the comment that a config begins with, by which editors find its schema.

    Args:
        config: The config.
        schema: The schema, which is named by its place as seen from the config.
    """
    return f"{OPENING}{Path(os.path.relpath(schema, config.parent)).as_posix()}\n"


def with_schema_line(config: Path, text: str, schema: Path = SCHEMA) -> str:
    """Returns the text of a config with that line at its beginning."""
    first, _, rest = text.partition("\n")
    return schema_line(config, schema) + (rest if first.startswith(OPENING) else text)
