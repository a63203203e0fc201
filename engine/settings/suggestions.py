"""What a user probably meant by a name that does not exist."""

import difflib
import importlib
import re
from collections.abc import Iterable
from pathlib import Path

from core.run_layout import has_checkpoints
from core.terminal.printable import shown_path
from engine.settings.config_names import config_names

# Names that other programs give to options, and the last parts of ours.
SYNONYMS = {
    "amp": "precision",
    "bf16": "precision",
    "bs": "batch_size",
    "cuda": "accelerator",
    "data_path": "data_dir",
    "data_root": "data_dir",
    "dataset": "data",
    "device": "accelerator",
    "epoch": "max_epochs",
    "fp16": "precision",
    "gpu": "accelerator",
    "gpus": "devices",
    "learning_rate": "lr",
    "logdir": "run_dir",
    "model_name": "model",
    "n_epochs": "max_epochs",
    "num_epochs": "max_epochs",
    "optim": "optimizer",
    "output_dir": "run_dir",
    "pretrained": "weights",
    "resume": "ckpt_path",
    "resume_from_checkpoint": "ckpt_path",
    "root": "data_dir",
    "root_dir": "data_dir",
    "save_dir": "run_dir",
    "scheduler": "lr_scheduler",
    "seed": "seed_everything",
    "steps": "max_steps",
    "wd": "weight_decay",
    "workers": "num_workers",
}

# Where the classes that an option names are usually found, by the option's last part.
USUAL_MODULES = {
    "model": ("lightning_modules",),
    "data": ("datamodules",),
    "optimizer": ("lightning_modules.optimizers", "torch.optim"),
    "lr_scheduler": ("lightning_modules.schedules", "torch.optim.lr_scheduler"),
    "callbacks": ("callbacks", "pytorch_lightning.callbacks"),
    "logger": ("pytorch_lightning.loggers",),
}
NEAR = 0.72  # likeness, from 0 to 1, from which on a name is suggested
# Words that some names of one thing have and others lack: hidden, hidden_size, hidden_dim, num_hidden.
EMPTY_WORDS = frozenset(("count", "dim", "dims", "n", "num", "number", "of", "p", "prob", "rate", "size", "units"))
SHORTEST = 4  # letters of a name that begins another one not by chance


def option_suggestions(key: str, known: Iterable[str], most: int = 2) -> list[str]:
    """Returns the options that a mistyped or incomplete dotted key is most like, the nearest first.

    Args:
        key: What was typed, without dashes in front.
        known: All dotted keys.
        most: How many to return.
    """
    candidates = {name.removesuffix(".class_path") for name in known}
    ranked = sorted(((_likeness(key, name), name) for name in candidates), key=lambda pair: (-pair[0], pair[1]))
    near = [(likeness, name) for likeness, name in ranked if likeness >= NEAR]
    return [name for likeness, name in near if likeness >= near[0][0] - 0.1][:most]


def _likeness(key: str, name: str) -> float:
    """Returns how like two dotted keys are, from 0 to 1: their last parts above all."""
    typed, option = (text.replace("-", "_").lower() for text in (key, name))
    group, _, leaf = typed.rpartition(".")
    own_group, _, own_leaf = option.rpartition(".")
    alike = 0.98 if SYNONYMS.get(leaf) == own_leaf else _likeness_of_names(leaf, own_leaf)
    if alike < NEAR:
        return 0.0
    if not group:
        return alike - 0.001 * option.count(".")
    # model.momentum is more likely model.optimizer.momentum than another name in the same group
    within = 0.9 if own_group.startswith(f"{group}.") else difflib.SequenceMatcher(None, group, own_group).ratio()
    return max(0.75 * alike, 0.6 * alike + 0.4 * within)


def _likeness_of_names(typed: str, option: str) -> float:
    if typed == option:
        return 1.0
    words, own_words = ([word for word in name.split("_") if word] for name in (typed, option))
    core, own_core = ([word for word in name if word not in EMPTY_WORDS] for name in (words, own_words))
    if core and core == own_core:  # hidden_size for hidden
        return 0.9
    if len(typed) > 2 and set(words) < set(own_words):  # epochs for max_epochs
        return 0.85
    if own_core and set(own_core) < set(core):  # rnn_dropout for dropout
        return 0.8
    short, long = sorted(("_".join(core), "_".join(own_core)), key=len)
    begins = len(short) >= SHORTEST and long.startswith(short)  # embed_dim for embedding_size
    if set(words) & set(own_words) & EMPTY_WORDS:  # num_layers is not like num_classes
        typed, option = short, long
    return max(difflib.SequenceMatcher(None, typed, option).ratio(), 0.75 if begins else 0.0)


def class_suggestions(key: str, value: str, most: int = 2) -> list[str]:
    """Returns the class paths that a mistyped class name is most like, or the option for a config of that name.

    Args:
        key: Dotted key of the option that names the class.
        value: The name or class path that was given.
        most: How many to return.
    """
    module, _, name = value.rpartition(".")
    paths = {}
    for place in (module,) if module else USUAL_MODULES.get(key.rpartition(".")[2], ()):
        for class_name in public_classes(place):
            paths.setdefault(_plain(class_name), f"{place}.{class_name}")
    if not paths and module:  # the module is the mistake
        return class_suggestions(key, name, most)
    near = difflib.get_close_matches(_plain(name), paths, n=most, cutoff=0.7)
    near += [other for other in paths if other.startswith(_plain(name)) and other not in near]
    near = near[:1] if _plain(name) in paths else near  # the name itself, without its module
    configs = [config for config in config_names() if _plain(Path(config).stem) == _plain(name)]
    return [paths[other] for other in near][:most] + [f"--config {config}" for config in configs][:1]


def unregistered(key: str, value: str) -> str:
    """Returns in words that a class which is not found has a file in its package, which does not name it; or nothing.

    Args:
        key: Dotted key of the option that names the class.
        value: The name or class path that was given.
    """
    package, _, name = value.rpartition(".")
    for place in [package] if package else USUAL_MODULES.get(key.rpartition(".")[2], ()):
        try:
            folders = getattr(importlib.import_module(place), "__path__", ())
        except Exception:  # no package, or one that cannot be imported
            continue
        if _plain(name) in map(_plain, public_classes(place)):  # written otherwise
            continue
        for file in (file for folder in folders for file in sorted(Path(folder).glob("*.py"))):
            if _plain(file.stem) == _plain(name):
                own = shown_path(file.with_name("__init__.py"))
                return f"; {shown_path(file)} is there: name its class in {own}, or give {place}.{file.stem}.{name}"
    return ""


def names_a_class(key: str, value: str) -> bool:
    """Returns whether a value names a class that the parser finds, by its path, or once imported by its name alone.

    Args:
        key: Dotted key of the option that the class is given to.
        value: The name or class path.
    """
    module, _, name = value.rpartition(".")
    if module:
        try:
            return isinstance(getattr(importlib.import_module(module), name, None), type)
        except Exception:  # no module, or one that cannot be imported
            return False
    return any(name in vars(importlib.import_module(place)) for place in USUAL_MODULES.get(key.rpartition(".")[2], ()))


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def public_classes(module: str) -> list[str]:
    """Returns the names of a module's classes that a setting can name; none if it cannot be imported.

    Args:
        module: Its import path. If it has no list of its own, classes that it imports from other packages do not count.
    """
    try:
        found = importlib.import_module(module)
    except Exception:  # no module, or one that cannot be imported
        return []
    package = module.partition(".")[0]
    names = getattr(found, "__all__", None) or [
        name
        for name, value in vars(found).items()
        if isinstance(value, type) and value.__module__.partition(".")[0] == package
    ]
    return [name for name in names if name[:1].isupper()]


def word_suggestion(word: str) -> str:
    """Returns what to do about a word that belongs to no option, after a semicolon."""
    if option := option_for(word):
        return f"; did you mean {option} {word}?"
    if re.match(r"[A-Za-z_][\w.]*=", word):
        return f"; options begin with two dashes: --{word}"
    return "; values with blanks are written in quotes"


def option_for(word: str) -> str:
    """Returns the option that takes a config, a run folder or a checkpoint; nothing if a word is none of these."""
    names = config_names()
    if word in names or f"{word}.yaml" in names or (word.endswith((".yaml", ".yml")) and Path(word).is_file()):
        return "--config"
    if Path(word).suffix == ".ckpt" or has_checkpoints(Path(word)):
        return "--ckpt_path"
    return ""
