"""Config files: where they are, their names, and what they hold as mappings; without torch."""

import difflib
from pathlib import Path

import yaml

from core.errors import InputError

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


def config_names() -> list[str]:
    """Returns the name of every config under configs/, as a user types it."""
    return sorted(path.relative_to(CONFIGS).as_posix() for path in CONFIGS.rglob("*.yaml"))


def find_config(name: str) -> Path:
    """Finds a config as given, else under configs/, with or without `.yaml`.

    Raises:
        InputError: There is none; names the nearest.
    """
    candidates = [Path(name), CONFIGS / name, CONFIGS / f"{name}.yaml"]
    for path in candidates:
        if path.is_file():
            return path.resolve()
    names = config_names()
    near = difflib.get_close_matches(
        name.removesuffix(".yaml"), [n.removesuffix(".yaml") for n in names], n=3, cutoff=0.4
    )
    hint = f"; nearest: {', '.join(f'{n}.yaml' for n in near)}" if near else ""
    raise InputError(f"--config {name}: no such file{hint} (all of them are in {CONFIGS})")


def read_config(path: Path) -> dict:
    """Reads a YAML file of settings.

    Raises:
        InputError: It cannot be read, is no YAML, or holds no mapping; names the line.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        where, reason = "", "it cannot be parsed"
        if isinstance(error, yaml.MarkedYAMLError):
            where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
            reason = error.problem or reason
        raise InputError(f"{path}{where}: broken YAML: {reason}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: a config is a mapping such as 'model: ...', not {type(content).__name__}")
    return content


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
