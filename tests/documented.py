"""The commands that the pages show, and what is wrong with one: a subcommand, config or option that is not there."""

import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from engine.settings.completion import OF_ALL, OF_SUBCOMMAND, OF_TOOL, SETTINGS, _classes
from engine.settings.config_keys import all_settings, read_schema, settings
from engine.settings.config_names import CONFIGS, STUDIES, config_names
from engine.settings.overview import SUBCOMMANDS, TOOLS

BEGINNING = re.compile(r"(?:\S+=\S+ )*(?:srun )?(?:torchrun .*?)?(?:python (?:\S*/)?cli\.py|primer) (?=\S)")
INLINE = re.compile(rf"(?:{'|'.join([*SUBCOMMANDS, *TOOLS])}) \S.*")
RUN = re.compile(r"runs/(\w+)(?:/\S*)?")
THEIRS = re.compile(r"mine\.|my_|[A-Z]+\b|<|runs/|squares")  # configs and studies of a reader's own
OTHERS = {"study": "fit", "export": "predict", "serve": "predict"}  # tools that take another command's options
MAPPINGS = ("--data.augmentation.", "--trainer.callbacks.")  # options whose last part is anybody's


def commands(text: str) -> Iterator[str]:
    """Yields the commands of a page, from the subcommand on: lines of code, and what stands in backticks."""
    for line in text.splitlines():
        if (found := BEGINNING.match(line.strip())) is not None:
            yield line.strip()[found.end() :]
    for code in re.findall(r"`([^`\n]+)`", text):
        if (found := BEGINNING.match(code)) is not None or INLINE.fullmatch(code):
            yield code[found.end() :] if found is not None else code


def unquoted(command: str) -> list[str]:
    """Returns the words of a command with a bracket or brace that no quotes hold, for which zsh looks for files."""
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "''", re.split(r"\s#", command)[0])
    return [word for word in bare.split() if re.search(r"[\[{]", word)]


def faults(command: str) -> list[str]:
    """Returns what is wrong with a command, as far as nothing has to be run for it.

    What a shell is to complete (`<TAB>`) and what is left out (`...`) are let through.
    """
    name, *given = shlex.split(re.split(r"\\\||[;|&]", command)[0], comments=True)
    if "<TAB>" in command:
        return []
    if name not in SUBCOMMANDS | TOOLS:
        return [f"no subcommand {name}"]
    files = [(value, config_names()) for option, value in pairwise(given) if option == "--config"]
    if name == "study" and given:
        files.append((given[0], [path.name for path in (CONFIGS / STUDIES).glob("*.yaml")]))
    found = [f"no file {file}" for file, known in files if not THEIRS.match(file) and file not in known]
    words = [word for word in given if word.startswith("--") and not word.endswith(("help", "..."))]
    options = {word.partition("=")[0].rstrip("+") for word in words}
    options = {option for option in options if not option.startswith(MAPPINGS)}
    return found + [f"no option {option}" for option in sorted(options - known_options(name, given))]


def known_options(name: str, given: list[str]) -> set[str]:
    """Returns the options of a command; those of any class where it does not say which classes it is about."""
    known = {*OF_ALL, *OF_SUBCOMMAND.get(name, OF_TOOL.get(name, {}))}
    if (other := OTHERS.get(name, name)) not in SUBCOMMANDS:
        return known
    runs = [found[1] for word in given if (found := RUN.match(word)) and (CONFIGS / f"{found[1]}.yaml").is_file()]
    classes = _classes([other, *(word for run in runs for word in ("--config", run)), *given])
    keys = settings(classes) if {"model", "data"} <= classes.keys() else all_settings(read_schema())
    return known | {*OF_SUBCOMMAND[other], *SETTINGS, *(f"--{key}" for key in keys)}


def pages(root: Path) -> list[Path]:
    """Returns the pages whose commands a reader may type; the log has those of earlier days."""
    found = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("*/README.md")]
    return sorted(path for path in found if path.name != "log.md")
