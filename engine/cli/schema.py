"""The schema of configs, `configs/schema.json`, by which editors check and complete configs, and shells commands.

jsonargparse makes it from the parser of `fit`. What differs here: a class has the path by which configs name it, what
the data gives a model is no argument of it, and of Lightning's objects only callbacks are described.
"""

import inspect
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Any, get_args

from jsonargparse._completions_jsonschema import ParserJsonschema
from pytorch_lightning import Callback, LightningDataModule, LightningModule
from pytorch_lightning.callbacks import LambdaCallback
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from engine.cli.merged_settings import SettingsAlone
from engine.cli.parser import LINKED
from engine.settings.arguments import parse_command_line
from engine.settings.config_names import MAIN
from engine.settings.suggestions import USUAL_MODULES
from engine.settings.trainer_options import REFUSED_CALLBACKS
from engine.training.builtin_callbacks import as_list

PACKAGES = ("jsonargparse", "pytorch-lightning", "torch")  # whose options and explanations are in it
DESCRIBED = {
    LightningModule: "model",
    LightningDataModule: "data",
    Optimizer: "optimizer",
    LRScheduler: "lr_scheduler",
    Callback: "callbacks",
}  # classes that stand in configs, by the option that takes them
NO_CLASSES_OF_CONFIGS = (*REFUSED_CALLBACKS, LambdaCallback)  # the last takes functions
# What Lightning does not explain, by class path.
EXPLAINED = {
    "pytorch_lightning.callbacks.EMAWeightAveraging": {
        "decay": "Weight of the average so far in each update.",
        "update_every_n_steps": "Optimizer steps between two updates.",
        "update_starting_at_step": "Optimizer step of the first update; of the run if neither is given.",
        "update_starting_at_epoch": "Epoch of the first update; of the run if neither is given.",
    }
}
# What the parser of Lightning explains in words of its own.
TEXTS = {
    "model": "The network: a class path, or class_path and init_args.",
    "data": "The data set: a class path, or class_path and init_args.",
    "seed_everything": "Seed of all random numbers; true draws one, false leaves them as they are.",
}
NOT_IN_CONFIGS = ("ckpt_path", "weights_only")  # of the parser's options
NEVER_WRITTEN = ("$schema", "dict_kwargs", "print_shtab")  # of jsonargparse; the last once a parser is used


class ConfigSchema(ParserJsonschema):
    """Makes the schema of a parser's configs."""

    def __init__(self) -> None:
        super().__init__()
        self._given = 0  # leading arguments that a class gets from its caller: an optimizer its parameters

    def callable_schema(self, typehint: Any, action: Any) -> dict[str, Any]:
        """Describes a class whose first arguments come from the caller, such as that of an optimizer."""
        *given, returned = getattr(typehint, "__args__", None) or (None,)
        made = next((one for one in get_args(returned) or (returned,) if one in DESCRIBED), None)
        if made is None:
            return {"type": "string"}
        before, self._given = self._given, len(given)
        try:
            return self.class_ref(made, action, subclass=True)
        finally:
            self._given = before

    def subclass_def(self, class_type: type, action: Any) -> dict[str, Any]:
        """Describes what stands for an object of a class: a class path, alone or with arguments."""
        given, self._given = self._given, 0
        known = [_as_configs_have_it(self.class_path_schema(path, action), given) for path in class_paths(class_type)]
        known = [form for form in known if not (given and _needs_an_object(form))]
        paths = [form["properties"]["class_path"]["const"] for form in known]
        modules = "|".join(re.escape(module) for module in _modules(class_type))
        mistaken = rf"(?!({modules})\.\w+$)" if modules else ""  # right below one of these, but not known
        other = {"type": "string", "pattern": rf"^{mistaken}\w+(\.\w+)+$"}
        anything = {
            "type": "object",
            "additionalProperties": False,
            "description": "A class of another package, by its import path; or arguments of the class that another "
            "config names.",
            "properties": {"class_path": other, "init_args": {"type": "object"}},
        }
        return {"anyOf": [*([{"enum": paths}] if paths else []), other, *known, anything]}

    def class_parser_schema(self, class_type: Any, action: Any, description: str | None = None) -> dict[str, Any]:
        """Describes the arguments of a class; null gives a group of them its defaults."""
        schema = super().class_parser_schema(class_type, action, description)
        for argument in schema.get("properties", {}).values():
            if "properties" in argument:
                argument["type"] = ["object", "null"]
        return schema


def make_schema() -> dict[str, Any]:
    """Returns the schema of the configs of `fit`."""
    schema = ConfigSchema().generate(SettingsAlone(parse_command_line(["fit", "--config", MAIN[0]])).parser)
    schema.pop("required", None)  # several configs may be laid over each other
    for name in NOT_IN_CONFIGS:
        schema["properties"].pop(name, None)
    for name, text in TEXTS.items():
        schema["properties"][name]["description"] = text
    head = {
        "$schema": schema.pop("$schema"),
        "$comment": made_with(),
        "title": "A config of Primer",
        "description": "Settings of a run: python cli.py fit --config FILE.yaml",
    }
    return _tidy(head | {name: value for name, value in schema.items() if name not in head})


def made_with() -> str:
    """Returns what the schema depends on beside this project."""
    versions = ", ".join(f"{package} {version(package).partition('+')[0]}" for package in PACKAGES)
    return f"Written by python -m studies.write_schemas, with {versions}."


def written(schema: dict[str, Any]) -> str:
    """Returns the content of a schema's file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


@cache
def class_paths(base: type) -> list[str]:
    """Returns the paths of the classes that a config may name in place of a class, as configs name them."""
    found: dict[type, str] = {}
    for name in _modules(base):
        for one in _public_classes(name):
            fits = issubclass(one, base) and not inspect.isabstract(one) and not issubclass(one, NO_CLASSES_OF_CONFIGS)
            if fits and one is not base:
                found.setdefault(one, f"{name}.{one.__name__}")
    return sorted(found.values())


def _modules(base: type) -> tuple[str, ...]:
    return USUAL_MODULES[DESCRIBED[base]] if base in DESCRIBED else ()


def _public_classes(module: str) -> Iterator[type]:
    found = import_module(module)
    for name in getattr(found, "__all__", None) or [name for name in vars(found) if not name.startswith("_")]:
        one = getattr(found, name)
        if inspect.isclass(one) and one.__name__ == name:
            yield one


def _as_configs_have_it(schema: dict[str, Any], count: int) -> dict[str, Any]:
    """Explains what Lightning does not, and leaves out what no config gives: first arguments, or what the data gives.

    Args:
        schema: Describes the class path and the arguments; changed in place.
        count: Number of the first arguments.
    """
    path = schema["properties"]["class_path"]["const"]
    module, _, name = path.rpartition(".")
    kind, arguments = getattr(import_module(module), name), schema["properties"]["init_args"]
    for argument, text in EXPLAINED.get(path, {}).items():
        arguments["properties"][argument].setdefault("description", text)
    left_out = [*inspect.signature(kind).parameters][:count]
    if issubclass(kind, LightningModule):
        left_out += LINKED
    for argument in left_out:
        arguments.get("properties", {}).pop(argument, None)
    arguments["required"] = [one for one in arguments.get("required", []) if one not in left_out]
    schema["required"] = ["class_path", *(["init_args"] if arguments["required"] else [])]
    return schema


def _needs_an_object(schema: dict[str, Any]) -> bool:
    """Returns whether a class takes an object of another class, such as the model, that no config can give."""
    arguments = schema["properties"]["init_args"]
    return any("$ref" in arguments["properties"][name] for name in arguments["required"])


def _tidy(schema: Any) -> Any:
    """Returns a schema without what nobody writes, with explanations in one line each, and what adds to lists."""
    if isinstance(schema, list):
        return [_tidy(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {}
    for name, value in schema.items():
        if name == "properties":
            value = {key: one for key, one in value.items() if key not in NEVER_WRITTEN}
        elif name == "description" and isinstance(value, str):
            value = " ".join(value.split())
        elif (name == "required" and not value) or (name == "default" and " at 0x" in str(value)):
            continue  # nothing is; or a function, whose place in memory differs each time
        tidied[name] = _tidy(value)
    added = {rf"^{key}\+$": _added(key, one) for key, one in tidied.get("properties", {}).items() if _is_list(one)}
    return tidied | ({"patternProperties": added} if added else {})


def _is_list(schema: dict[str, Any]) -> bool:
    """Returns whether a setting may be a list of any length."""
    forms = schema.get("anyOf", [schema])
    return any("array" in as_list(form.get("type")) and "prefixItems" not in form for form in forms)


def _added(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Describes what adds to a list, under its name with a plus."""
    what = {key: value for key, value in schema.items() if key not in ("description", "default")}
    return what | {"description": f"Adds to {name} of another config."}
