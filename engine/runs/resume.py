"""What may differ between a run and its continuation."""

import contextlib
import json
import os
import re
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from pydoc import locate
from typing import Any

from pytorch_lightning import LightningModule

from callbacks.exact_resume import config_of_run
from callbacks.run_facts import ENDINGS
from core.code.known_code import may_be_named
from core.errors import InputError
from core.files.plain_json import load_json
from core.run_layout import CONFIG
from core.summary import read_summary
from core.terminal.console import print_line
from core.terminal.shells import as_typed
from engine.settings.arguments import OF_BEGINNING
from engine.settings.config_files import flatten, read_config
from engine.settings.ownership import changeable, data_class, make_paths_absolute, mappings, task_class
from engine.settings.recorded_config import OPTION_GROUPS
from engine.settings.run_identity import CHANGEABLE_ON_RESUME, differ

PLAIN = (bool, int, float, str, list, tuple, dict, type(None))  # settings of a model that can be compared


def recorded_settings(run: Path, checkpoint: dict[str, Any] | None) -> dict[str, Any]:
    """Returns a run's config: that in a checkpoint wins over the file, which can have been edited since.

    Args:
        run: The run's folder.
        checkpoint: A checkpoint of the run.

    Raises:
        InputError: There is none, or it is damaged.
    """
    return (checkpoint and config_of_run(checkpoint)) or read_config(run / CONFIG)


def changes(
    run: Path,
    config: dict[str, Any],
    checkpoint: dict[str, Any] | None = None,
    free: tuple[str, ...] = CHANGEABLE_ON_RESUME,
) -> dict[str, tuple[Any, Any]]:
    """Finds what a merged config changes of a run beyond what may change.

    Args:
        run: The run's folder.
        config: The merged config of this call.
        checkpoint: A checkpoint of the run.
        free: Beginnings of dotted keys that may change, beside those that model and data state.

    Returns:
        Recorded and present value by dotted key.
    """
    whole = mappings(config, OPTION_GROUPS)
    recorded = _flat(_with_whole_paths(recorded_settings(run, checkpoint), config), whole)
    owned = changeable(config)
    changed = {}
    for key, now in _flat(config, whole).items():
        if key in recorded:
            before = recorded[key]
        elif below := [name for name in recorded if name.startswith(f"{key}.")]:  # a class gave way to nothing
            before = recorded.get(f"{key}.class_path", below)
        elif any(key.rsplit(".", n)[0] in recorded for n in range(1, key.count(".") + 1)):
            before = None  # a class came where there was nothing
        else:
            continue  # an option that is newer than the run
        if not differ(key, before, now) or _same_object(before, now):
            continue
        if key.endswith("class_path") or not (key in owned or key.startswith(free)):
            changed[key] = (before, now)
    return changed


def measured_otherwise(run: Path, config: dict[str, Any]) -> list[str]:
    """Returns the settings by which what a merged config measures is not of a run: of another model, on other data.

    What the data set takes over from the run's files is compared when its state is restored.
    """
    kind = data_class(config)
    alike = {f"data.{name}" for name in (*kind.measured_alike, *kind.take_over(run))}
    return [key for key in changes(run, config) if key not in alike]


def why_not_recorded(run: Path, config: dict[str, Any]) -> str:
    """Returns why what a merged config measures is not recorded in a run's folder, in words; empty where it is."""
    if others := measured_otherwise(run, config):
        return f"has another {', '.join(others)}"
    return "" if os.access(run, os.W_OK | os.X_OK) else "cannot be written (no permission)"


def _with_whole_paths(recorded: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """Returns a recorded config with whole paths in its model; runs of earlier releases from Python have others."""
    model = recorded.get("model")
    arguments = model.get("init_args") if isinstance(model, dict) else None
    if isinstance(arguments, dict):
        make_paths_absolute(arguments, [one for one in task_class(config).paths if isinstance(arguments.get(one), str)])
    return recorded


def _flat(config: dict[str, Any], whole: Iterable[str]) -> dict[str, object]:
    """Returns a config as dotted keys, of which mappings stay whole; without the empty `init_args` of a class."""
    flat = flatten(config)
    flat = {key: value for key, value in flat.items() if value != {} or f"{key}.class_path" not in flat}
    for mapping in whole:
        below = [key for key in flat if key.startswith(f"{mapping}.")]
        if below:
            flat[mapping] = {key.removeprefix(f"{mapping}."): flat.pop(key) for key in below}
    return flat


def _same_object(before: Any, now: Any) -> bool:
    """Returns whether two settings are import paths of one object, which may have moved since."""
    paths = [str(value) for value in (before, now)]
    # the same last name in another module
    if not all(re.fullmatch(r"\w+(\.\w+)+", path) for path in paths) or len({p.split(".")[-1] for p in paths}) > 1:
        return False
    if not all(map(may_be_named, paths)):  # a checkpoint can come from anybody
        return False
    objects = [locate(path) for path in paths]
    return objects[0] is not None and objects[0] is objects[1]


def refuse_changes(run: Path, config: dict[str, Any], checkpoint: dict[str, Any] | None, given: Container[str]) -> None:
    """Checks that a continued run keeps what makes it this run.

    Args:
        run: The run's folder.
        config: The merged config of this call.
        checkpoint: The checkpoint with which it goes on.
        given: Dotted keys that the user has set.

    Raises:
        InputError: Its model, data or seed differ; it was made from Python with what its config does not hold; or an
            option is given that only a new run can have.
    """
    for option in OF_BEGINNING:
        if option in given:
            raise InputError(f"--{option} is for new runs; --ckpt_path continues the one in {run}")
    needed: list[str] = []
    with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):  # missing or damaged
        unrecorded = read_summary(run / "summary.json").get("unrecorded", [])
        needed = [name for name in unrecorded if not name.startswith(CHANGEABLE_ON_RESUME)]
    if needed:
        raise InputError(
            f"{run}: was made from Python, with what its config.yaml does not hold ({', '.join(needed)}); continue it "
            f"there, with trainer.fit(..., ckpt_path={str(run)!r})"
        )
    changed = changes(run, config, checkpoint)
    if "model.class_path" in changed:  # whatever else differs, its weights hardly fit the other
        before, now = changed["model.class_path"]
        raise InputError(
            f"--model.class_path {now}: this run is of another architecture, {before}; to train the new one in a run "
            f"of its own, leave --ckpt_path out, or give another --run_dir"
        )
    for key, (before, now) in changed.items():
        raise InputError(
            f"--{key} {now}: this run has {before}, and cannot change it; a new run can start from its weights, as far "
            f"as they fit: fit --config NAME --weights {as_typed(str(run))} --{key} {_typed(now)}"
        )


def _typed(value: Any) -> str:
    """Returns a setting as it is typed in a shell."""
    return as_typed(value if isinstance(value, str) else json.dumps(value, default=str))


def begin_again(run: Path) -> None:
    """Says that a run without a checkpoint begins again.

    Raises:
        InputError: It has come to its end, whose record a new beginning would replace.
    """
    status = None
    with contextlib.suppress(OSError, ValueError, AttributeError, TypeError):  # missing or damaged: it has none
        status = load_json((run / "summary.json").read_text(encoding="utf-8")).get("status")
    if status in ENDINGS:
        raise InputError(f"{run}: this run is over and kept no checkpoint, so that nothing can go on from it")
    print_line("this run has no checkpoint yet: it begins again")


def check_continues_same_model(before: LightningModule, now: LightningModule) -> None:
    """Checks that a resumed fit has the model of its run, or one of the same class and settings.

    Raises:
        InputError: It is another.
    """
    kinds = [(type(model), _plain(model.hparams_initial)) for model in (before, now)]
    if before is not now and kinds[0] != kinds[1]:
        raise InputError(
            "the last fit of this trainer ended before its run was over, and this model is another than the run's; a "
            "new Trainer trains it"
        )


def _plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the settings that can be compared, which the makers of optimizers cannot."""
    return {name: value for name, value in settings.items() if isinstance(value, PLAIN)}
