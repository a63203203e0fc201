"""What a command line may go on with, for a shell that completes it; it imports next to nothing, since people wait."""

from pathlib import Path

from core import run_layout
from core.files.home import from_home
from engine.settings.config_keys import Classes, Node, classes_in, settings, values_of
from engine.settings.config_names import CONFIGS, STUDIES, config_names
from engine.settings.overview import SUBCOMMANDS, TOOLS, refused_options

SHELLS = ("bash", "zsh", "fish")
MOST_RUNS = 50  # that are listed

# What follows an option: nothing, what no list has, or one of these; else the words that may follow it.
FLAG, VALUE, FILE, CONFIG, CHECKPOINT, RUN, STUDY = "flag", "value", "file", "config", "checkpoint", "run", "study"

# Options of subcommands that are no settings of a config.
OF_ALL = {
    "--config": CONFIG,
    "--help": FLAG,
    "--help.trainer": FLAG,
    "--model.help": FLAG,
    "--data.help": FLAG,
    "--gpus": "free",
    "--gpu_memory": VALUE,
    "--traceback": FLAG,
}
OF_RUNS = {"--ckpt_path": CHECKPOINT, "--trust": FLAG}
OF_INPUT = {"--input": FILE, "--output": FILE, "--invert": FLAG}
OF_SUBCOMMAND = {
    "fit": {**OF_RUNS, "--seeds": VALUE, "--workers": VALUE, "--dry_run": FLAG},
    "validate": OF_RUNS,
    "test": OF_RUNS,
    "predict": OF_RUNS | OF_INPUT,
    "inspect": {"": CHECKPOINT, **OF_RUNS, **OF_INPUT, "--part": "val test train", "--only": VALUE},
    "lr_find": {"--min_lr": VALUE, "--max_lr": VALUE, "--steps": VALUE},
}
SETTINGS = {"--run_dir": FILE, "--weights": RUN}  # whose kind the schema does not tell

TEXTS = {
    "--config": "A config, by its name or path",
    "--ckpt_path": "A run's folder, a checkpoint, or `latest`",
    "--help": "The options that most people need",
    "--help.trainer": "All options of Lightning's Trainer",
    "--model.help": "The options of a network",
    "--data.help": "The options of a data set",
    "--gpus": "Take GPUs that nobody uses",
    "--gpu_memory": "Memory that must be free on a GPU, such as 8GiB",
    "--traceback": "Show where an error comes from",
    "--trust": "Use code of a run that is not of this project",
    "--input": "Files or texts",
    "--output": "Where results go",
    "--invert": "Take the negatives of pictures",
    "--seeds": "A run for each seed, such as 1,2,3",
    "--workers": "Runs at a time",
    "--dry_run": "List the runs, and make none",
}

# Options of the tools; what follows their names without an option is under "".
OF_TOOL = {
    "study": {"": STUDY, "--seeds": VALUE, "--workers": VALUE, "--run_dir": FILE, "--dry_run": FLAG, "--revive": VALUE},
    "runs": {"": FILE, "--most": VALUE},
    "compare": {"": RUN},
    "report": {"": RUN, "--output": FILE, "--metric": VALUE, "--mode": "min max"},
    "export": {
        "--ckpt_path": CHECKPOINT,
        "--output": FILE,
        "--format": "onnx exported_program torchscript safetensors",
    },
    "serve": {"--ckpt_path": CHECKPOINT, "--port": VALUE},
    "new": {"": "model data"},
    "completion": {"": " ".join(SHELLS)},
}


def complete(words: list[str]) -> dict[str, str]:
    """Returns what the last word of a command line may become, each with a few words about it.

    A group of settings, such as `--trainer.`, stands for all that is in it until it is typed.

    Args:
        words: What follows the command; the last is being typed, and may be empty.

    Returns:
        Explanations by word; nothing where files are meant, which shells complete themselves.
    """
    *before, typed = words or [""]
    if not before:
        return _beginning_with(typed, SUBCOMMANDS | TOOLS)
    kinds = OF_ALL | OF_SUBCOMMAND[before[0]] | SETTINGS if before[0] in SUBCOMMANDS else OF_TOOL.get(before[0], {})
    refused = refused_options(before[0]) if before[0] in SUBCOMMANDS else ()
    kinds = {name: kind for name, kind in kinds.items() if name not in refused}
    option, equals, value = typed.partition("=")
    asked = option if equals else before[-1]
    found = _values(kinds[asked]) if asked.startswith("--") and kinds.get(asked, FLAG) != FLAG else None
    nodes: dict[str, Node] = {}
    if found is None and before[0] in SUBCOMMANDS:  # the schema takes a while to read
        nodes = {f"--{key}": node for key, node in settings(_classes(before)).items()}
        nodes = {option: node for option, node in nodes.items() if option not in refused}
        found = values_of(nodes[asked]) if asked in nodes else None
    if found is not None:
        chosen = _beginning_with(value if equals else typed, dict.fromkeys(found, ""))
        return {f"{option}={one}": "" for one in chosen} if equals else chosen
    if not typed.startswith("-") and (typed or "" in kinds):  # an argument without an option
        return _beginning_with(typed, dict.fromkeys(_values(kinds.get("", VALUE)), ""))
    texts = {name: TEXTS.get(name, "") for name in kinds if name}
    return _by_group(texts | {name: node.get("description", "") for name, node in nodes.items()}, typed)


def _beginning_with(typed: str, words: dict[str, str]) -> dict[str, str]:
    return {word: text for word, text in words.items() if word.startswith(typed)}


def _by_group(options: dict[str, str], typed: str) -> dict[str, str]:
    """Returns the options that go on with what is typed, those of a group as one, with a sentence about each."""
    found: dict[str, str] = {}
    for option, text in _beginning_with(typed, options).items():
        dot = option.find(".", len(typed))
        if dot < 0:
            found[option] = text.partition(". ")[0].rstrip(".")
        else:
            found.setdefault(option[: dot + 1], "")
    return found


def _values(kind: str) -> list[str]:
    """Returns what may follow an option, as the tables have it."""
    if kind == CONFIG:
        return [*sorted(path.name for path in Path().glob("*.yaml")), *config_names()]
    if kind == STUDY:
        studies = (path.relative_to(CONFIGS / STUDIES).as_posix() for path in (CONFIGS / STUDIES).rglob("*.yaml"))
        return [*sorted(path.name for path in Path().glob("*.yaml")), *sorted(studies)]
    if kind in (RUN, CHECKPOINT):
        runs = _runs()
        return ["latest", *runs] if runs and kind == CHECKPOINT else runs
    return [] if kind in (FILE, VALUE, FLAG) else kind.split()


def _runs() -> list[str]:
    """Returns the folders of runs below `runs/`, the newest first."""
    runs = [path.parent for depth in ("*/*", "*/*/*") for path in Path("runs").glob(f"{depth}/{run_layout.CONFIG}")]
    return [run.as_posix() for run in run_layout.newest_first(runs)[:MOST_RUNS]]


def _classes(words: list[str]) -> Classes:
    """Returns the classes that a command line names, in its run, its configs or its options."""
    classes: Classes = {}
    for word, following in zip(words, [*words[1:], ""], strict=True):
        option, equals, value = word.partition("=")
        value = value if equals else following
        if option in ("--config", "-c"):
            classes |= _classes_in_file(from_home(value), CONFIGS / value, CONFIGS / f"{value}.yaml")
        elif option == "--ckpt_path" or words[:2] == ["inspect", word]:
            run = from_home(value if option == "--ckpt_path" else word)
            classes |= _classes_in_file(run / run_layout.CONFIG, run.parent.parent / run_layout.CONFIG)
        elif option.startswith("--") and "." in value:
            classes[option[2:]] = value
    return classes


def _classes_in_file(*places: Path) -> Classes:
    """Returns the classes that the first of some configs names that is there."""
    for path in places:
        try:
            return classes_in(path.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            continue
    return {}
