"""A study's file, in the format of W&B's sweeps, so that `wandb sweep` takes the same file."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.files.home import from_home
from engine.runs.trial_file import Halving
from engine.settings.config_files import read_config
from engine.settings.config_names import CONFIGS
from studies.distributions import Parameter
from studies.parameters import read_number, read_parameters

METHODS = ("grid", "random", "bayes")
KEYS = ("program", "command", "method", "metric", "parameters", "early_terminate", "run_cap")
OF_WANDB = ("name", "description", "entity", "project")  # what W&B shows; the name is the folder's, too
MACROS = re.compile(
    r"\$\{(env|interpreter|program|args|args_no_hyphens|args_no_boolean_flags|args_json|args_json_file)\}"
)
NAME = re.compile(r"(?!\.)[^/\\\x00-\x1f\x7f]{1,100}")
CHOSEN = ("run_dir", "resume", "ckpt_path")  # options that a study chooses for each run
OF_A_CALL = ("config", *CHOSEN)  # options that are no settings of a run
LARGEST = 10**9  # `eta`, whose powers are computed
MODE_OF = {"minimize": "min", "maximize": "max"}  # of a goal
GOAL_OF = {mode: goal for goal, mode in MODE_OF.items()}


@dataclass(frozen=True, kw_only=True)
class StudyFile:
    """What a study's file says.

    Attributes:
        name: Name of the study.
        words: What every trial's command begins with: `fit` and its options.
        method: `grid`, `random` or `bayes`.
        parameters: What varies, by dotted key.
        metric: Logged name of the value that counts; the model's own if None.
        mode: Whether less (`min`) or more (`max`) of it is better; None without a metric.
        target: Value of it that is enough: once a trial reaches it, no other begins.
        halving: The epochs and the share of `early_terminate`; the metric is filled in when it is known.
        most: How many trials there are at most.
        content: The whole file.
    """

    name: str
    words: list[str]
    method: str
    parameters: dict[str, Parameter]
    metric: str | None
    mode: str | None
    target: float | None
    halving: tuple[list[int], float] | None
    most: int | None
    content: dict[str, Any]

    def halving_by(self, metric: str | None, mode: str) -> Halving | None:
        """Returns when trials are pruned, by a metric."""
        if self.halving is None or metric is None:
            return None
        epochs, eta = self.halving
        return Halving(metric=metric, mode=mode, epochs=epochs, eta=eta)


def find_study_file(name: str) -> Path:
    """Finds a study's file as given, else under `configs/studies/`, with or without `.yaml`.

    Raises:
        InputError: There is none.
    """
    folder = CONFIGS / "studies"
    for path in (from_home(name), folder / name, folder / f"{name}.yaml", CONFIGS / name):
        if path.is_file():
            return path
    known = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.yaml"))
    near = difflib.get_close_matches(name.removesuffix(".yaml"), [one.removesuffix(".yaml") for one in known], n=2)
    hint = f"; nearest: {', '.join(f'{one}.yaml' for one in near)}" if near else ""
    raise InputError(f"study {name}: no such file{hint} (studies are in {folder})")


def read_study_file(path: Path) -> StudyFile:
    """Reads a study's file.

    Raises:
        InputError: It is not as W&B's format has it, or asks for something that is not possible here.
    """
    content = read_config(path, "a study is a mapping such as 'method: grid'")
    place = str(path)
    if {"model", "data"} <= content.keys():
        raise InputError(f"{place}: a run's config, which 'fit --config' takes; a study names it in its 'command'")
    _refuse_unknown(content, (*KEYS, *OF_WANDB), place)
    method = content.get("method")
    if not isinstance(method, str) or method not in METHODS:
        raise InputError(f"{place}: method {method}: there are {', '.join(METHODS)}")
    parameters = _in_file(place, read_parameters, content.get("parameters"))
    for key in parameters:
        if key in OF_A_CALL:
            raise InputError(f"{place}: parameters: {key}: is no setting of a run; name the config in 'command'")
    metric, mode, target = _read_metric(content.get("metric"), place)
    if method == "bayes" and metric is None:
        raise InputError(f"{place}: method bayes needs a metric, such as 'metric: {{name: val/loss, goal: minimize}}'")
    if method == "grid" and (endless := [name for name, one in parameters.items() if one.all() is None]):
        raise InputError(f"{place}: method grid: {endless[0]} has no end of values; list 'values', or give a step q")
    most = content.get("run_cap")
    if most is not None and not _is_count(most):
        raise InputError(f"{place}: run_cap {most}: a number of trials, at least 1, is needed")
    return StudyFile(
        name=_read_name(content.get("name") or path.stem, place),
        words=_read_command(content.get("command"), place),
        method=method,
        parameters=parameters,
        metric=metric,
        mode=mode,
        target=target,
        halving=_read_halving(content.get("early_terminate"), place),
        most=most,
        content=content,
    )


def _in_file(place: str, read: Any, *arguments: Any) -> Any:
    try:
        return read(*arguments)
    except InputError as error:
        raise InputError(f"{place}: {error}") from error


def _refuse_unknown(content: Mapping[str, Any], known: Iterable[str], place: str) -> None:
    for key in content:
        if key not in known:
            near = difflib.get_close_matches(str(key), [*known], n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
            raise InputError(f"{place}: '{key}' is no key of W&B's sweep format that is possible here: {hint}")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _read_name(name: Any, place: str) -> str:
    """Returns the name of a study, after which its folder is called."""
    if not isinstance(name, str | int | float) or not NAME.fullmatch(str(name)):
        raise InputError(
            f"{place}: name {str(name)!r:.60}: the study's folder has it: at most 100 letters, digits and signs, "
            "none of them / or \\, and no . at the beginning"
        )
    return str(name)


def _read_command(command: Any, place: str) -> list[str]:
    """Returns `fit` and what follows it in the command, without the macros of W&B, which stand for the parameters."""
    example = "[python, cli.py, fit, --config, mlp.yaml, --config, '${args_json_file}']"
    if not isinstance(command, list) or "fit" not in command:
        raise InputError(f"{place}: command: a list with 'fit' and its config is needed, such as {example}")
    words = [str(word) for word in command[command.index("fit") :]]
    kept: list[str] = []
    for word in words:
        if not MACROS.search(word):
            kept.append(word)
        elif kept[-1] in ("--config", "-c"):
            kept.pop()
    if len(kept) == len(words):
        raise InputError(
            f"{place}: command: nothing takes the parameters; it ends with {example.partition('yaml, ')[2]}"
        )
    for word in kept:
        if (option := word.partition("=")[0].removeprefix("--")) in CHOSEN:
            raise InputError(f"{place}: command: --{option} is chosen for each trial")
    return kept


def _read_metric(metric: Any, place: str) -> tuple[str | None, str | None, float | None]:
    if metric is None:
        return None, None, None
    if not isinstance(metric, Mapping) or not metric.get("name"):
        raise InputError(f"{place}: metric: needs a name, such as '{{name: val/acc, goal: maximize}}'")
    _refuse_unknown(metric, ("name", "goal", "target"), f"{place}: metric")
    goal = metric.get("goal", "minimize")
    if not isinstance(goal, str) or goal not in MODE_OF:
        raise InputError(f"{place}: metric: goal {goal}: there are {', '.join(MODE_OF)}")
    target = None if metric.get("target") is None else read_number(metric, "target", f"{place}: metric")
    return str(metric["name"]), MODE_OF[goal], target


def _read_halving(rule: Any, place: str) -> tuple[list[int], float] | None:
    """Returns the numbers of epochs after which trials are compared, as W&B counts them, and the share that goes on."""
    if rule is None:
        return None
    place = f"{place}: early_terminate"
    if not isinstance(rule, Mapping) or rule.get("type") != "hyperband":
        raise InputError(f"{place}: the one type is hyperband, such as '{{type: hyperband, min_iter: 1, eta: 3}}'")
    _refuse_unknown(rule, ("type", "min_iter", "max_iter", "s", "eta"), place)
    eta = read_number(rule, "eta", place, 3)
    numbers = [rule.get(name, 1) for name in ("min_iter", "max_iter", "s")]
    if not all(map(_is_count, numbers)) or not 1 < eta <= LARGEST:
        raise InputError(
            f"{place}: min_iter, max_iter and s are whole numbers, at least 1; eta is above 1 and at most {LARGEST:,}"
        )
    if ("min_iter" in rule) == ("max_iter" in rule):
        raise InputError(f"{place}: needs min_iter, or max_iter with s")
    if "min_iter" in rule:
        epochs = [int(rule["min_iter"] * eta**power) for power in range(20)]
    else:
        most = int(math.log(rule["max_iter"], eta)) + 1  # beyond it all are 0
        epochs = [int(rule["max_iter"] / eta**power) for power in range(1, min(rule.get("s", 1), most) + 1)]
    return sorted({epoch for epoch in epochs if epoch >= 1}), eta
