"""The studies of `configs/studies/` are whole: each value arrives, and each head says how the study is made."""

import re
from pathlib import Path

import pytest

from engine.cli import merged_settings
from engine.settings.config_files import find_config, read_config
from engine.settings.config_names import CONFIGS
from studies.check import check, examples
from studies.points import Points
from studies.study_file import read_study_file

PATHS = sorted((CONFIGS / "studies").glob("*.yaml"))
LONG_ENOUGH = {"charrnn_grid", "recurrent_cells"}  # six and twenty epochs of some 350 steps, at all of their points


# longer forms have the same values
@pytest.mark.parametrize("path", [path for path in PATHS if "_full" not in path.stem], ids=lambda path: path.stem)
def test_every_value_arrives_and_the_metric_is_logged(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merged_settings, "start_from", lambda *given: None)  # from weights of a package, if it is there
    file = read_study_file(path)
    found = check([*file.words, "--data.source", "synthetic"], examples(file.parameters), file.metric, file.mode)
    assert found["metric"] == file.metric
    assert 4 <= (Points(file).total or 0) <= 27


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_its_head_says_how_it_is_made_and_what_is_to_be_seen(path: Path) -> None:
    head = path.read_text().partition("\n")[2].partition("\nprogram:")[0]  # below the line for editors
    assert re.match(r"# [A-Z][^\n]*[.:]\n", head)
    assert f"python cli.py study {path.name} " in head
    full = path.with_name(f"{path.stem}_full.yaml")
    if path.stem.endswith("_full"):
        assert f"# {path.stem.removesuffix('_full')}.yaml is the short form." in head
    else:
        assert "# To be seen" in head
    if full.exists():
        assert full.name in head


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_its_number_of_steps_is_not_cut_short_by_epochs(path: Path) -> None:
    words = read_study_file(path).words
    if not any(word.startswith("--trainer.max_steps=") for word in words) or path.stem in LONG_ENOUGH:
        return
    config = read_config(find_config(words[words.index("--config") + 1]))
    assert "--trainer.max_epochs=null" in words or "max_epochs" not in config["trainer"]
