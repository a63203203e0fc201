"""The schema of studies: it takes all of them, and refuses what the command would refuse."""

import json
from typing import Any

import pytest

from core.files.plain_yaml import load_plain
from engine.settings.config_names import CONFIGS
from studies.parameters import DISTRIBUTIONS
from studies.schema import PARAMETER, STATED
from studies.study_file import KEYS

jsonschema = pytest.importorskip("jsonschema", reason="pip install -e '.[test]' installs jsonschema")
FOLDER = CONFIGS / "studies"
CONTENT = json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))
VALID = jsonschema.Draft202012Validator(CONTENT)
STUDY = {
    "command": ["python", "cli.py", "fit", "--config", "mlp.yaml", "${args}"],
    "method": "random",
    "metric": {"name": "val/acc", "goal": "maximize"},
    "parameters": {"model.dropout": {"min": 0.0, "max": 0.5}, "model.mine": {"values": [1, 2]}},
    "run_cap": 3,
}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_study_is_valid(path: Any) -> None:
    mistakes = VALID.iter_errors(load_plain(path.read_text(encoding="utf-8")))
    assert [f"{error.json_path}: {error.message:.200}" for error in mistakes] == []


def test_a_study_with_settings_of_other_classes_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(CONTENT)
    assert VALID.is_valid(STUDY)
    nested = {"model": {"parameters": {"dropout": {"value": 0.1}}}}
    assert VALID.is_valid(STUDY | {"parameters": nested})


@pytest.mark.parametrize(
    "wrong",
    [
        {"metod": "grid"},
        {"method": "evolution"},
        {"command": ["python", "cli.py"]},
        {"metric": {"goal": "maximize"}},
        {"metric": {"name": "val/acc", "goal": "maximise"}},
        {"parameters": {"model.dropout": [0.1]}},
        {"parameters": {"model.dropout": {"vales": [0.1]}}},
        {"parameters": {"model.dropout": {"values": 0.1}}},
        {"parameters": {"model.dropout": {"min": "low", "max": 1}}},
        {"parameters": {"model.dropout": {"distribution": "gamma"}}},
        {"early_terminate": {"type": "median"}},
        {"run_cap": 0},
    ],
    ids=str,
)
def test_a_typing_error_is_refused(wrong: dict[str, Any]) -> None:
    assert not VALID.is_valid(STUDY | wrong)


def test_the_schema_knows_every_key_and_setting() -> None:
    assert STATED.keys() == {*KEYS}
    taken = {name for names in DISTRIBUTIONS.values() for name in names}
    assert PARAMETER["properties"].keys() - {"distribution", "parameters"} == taken
    described = CONTENT["$defs"]["parameters"]["properties"]
    assert {"model.dropout", "model.optimizer.lr", "data.batch_size", "trainer.max_epochs"} <= described.keys()
