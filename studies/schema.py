"""The schema of the studies' files, by which editors check and complete them."""

from typing import Any

from engine.settings.config_keys import Node, all_settings
from studies.parameters import DISTRIBUTIONS
from studies.study_file import KEYS, METHODS, MODE_OF, OF_WANDB

NUMBER: Node = {"type": "number"}
COUNT: Node = {"type": "integer", "minimum": 1}
PARAMETER = {
    "type": "object",
    "additionalProperties": False,
    "description": "What a setting may be: a value, one of several, or a number that is drawn.",
    "properties": {
        "value": {"description": "Its value in all trials."},
        "values": {"type": "array", "minItems": 1, "description": "Values to choose from."},
        "probabilities": {"type": "array", "items": NUMBER, "description": "How probable each of the values is."},
        "distribution": {"enum": list(DISTRIBUTIONS), "description": "How it is drawn."},
        "min": NUMBER | {"description": "The least value."},
        "max": NUMBER | {"description": "The largest value."},
        "q": NUMBER | {"exclusiveMinimum": 0, "description": "What the value is a multiple of."},
        "mu": NUMBER | {"description": "Mean of a normal distribution."},
        "sigma": NUMBER | {"description": "Standard deviation of a normal distribution."},
        "parameters": {"$ref": "#/$defs/parameters"},
    },
}
STATED: dict[str, Any] = {
    "program": {"type": "string", "description": "W&B's name of the script: cli.py."},
    "command": {
        "type": "array",
        "items": {"type": ["string", "number"]},
        "contains": {"const": "fit"},
        "description": "The command of every trial, with ${args_json_file} where the parameters stand.",
    },
    "method": {"enum": list(METHODS), "description": "How points are chosen."},
    "metric": {
        "type": "object",
        "additionalProperties": False,
        "description": "By what trials are compared; what the model itself is judged by if not given.",
        "properties": {
            "name": {"type": "string", "description": "Logged name, such as val/loss."},
            "goal": {"enum": list(MODE_OF), "description": "Whether less or more of it is better."},
            "target": NUMBER | {"description": "A value that is enough: no trial begins once one has reached it."},
        },
        "required": ["name"],
    },
    "parameters": {"$ref": "#/$defs/parameters"},
    "early_terminate": {
        "type": "object",
        "additionalProperties": False,
        "description": "Ends trials early that are worse than most others.",
        "properties": {
            "type": {"const": "hyperband", "description": "The one rule that there is."},
            "min_iter": COUNT | {"description": "Epoch after which trials are compared first."},
            "max_iter": COUNT | {"description": "Epochs of a whole trial."},
            "s": COUNT | {"description": "How often trials are compared; with max_iter."},
            "eta": {"type": "number", "exclusiveMinimum": 1, "description": "One trial of so many goes on each time."},
        },
        "required": ["type"],
    },
    "run_cap": COUNT | {"description": "Number of trials at most."},
}


def make_study_schema(configs: Node) -> Node:
    """Returns the schema.

    Args:
        configs: The schema of configs, whose settings a study may vary.
    """
    parameters = {
        key: {"$ref": "#/$defs/parameter", "description": node["description"]}
        for key, node in all_settings(configs).items()
    }
    of_wandb = {key: {"type": "string", "description": "What W&B shows."} for key in OF_WANDB}
    return {
        "$schema": configs["$schema"],
        "$comment": configs["$comment"],
        "title": "A study of Primer",
        "description": "Settings that many runs vary: python cli.py study FILE.yaml",
        "type": "object",
        "additionalProperties": False,
        "properties": {key: STATED[key] for key in KEYS} | of_wandb,
        "required": ["command", "method", "parameters"],
        "$defs": {
            "parameter": PARAMETER,
            "parameters": {
                "type": "object",
                "description": "What varies, by dotted key.",
                "properties": parameters,
                "additionalProperties": {"$ref": "#/$defs/parameter"},  # settings of classes that are not known here
            },
        },
    }
