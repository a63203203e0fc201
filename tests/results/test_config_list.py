"""The page configs/README.md: it lists every config with what its first comment says."""

import re
from pathlib import Path

from engine.settings.config_names import CONFIGS, config_names, schema_line
from results.__main__ import FOLDER
from results.config_list import describe, render_configs
from results.records import read_records
from results.rows import Recipe
from results.table import Section, Table
from results.table_file import read_table

TABLE = read_table(FOLDER / "table.yaml")
PAGE = CONFIGS / "README.md"


def test_the_page_agrees_with_configs_table_and_records() -> None:
    page = render_configs(TABLE, read_records(FOLDER, TABLE))
    assert PAGE.read_text(encoding="utf-8") == page, "python -m results page writes it anew"


def test_every_config_is_listed_once() -> None:
    listed = re.findall(r"^\| `([\w/]+\.yaml)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == config_names()


def test_the_first_comment_of_a_config_is_a_sentence() -> None:
    for name in config_names():
        text = describe(CONFIGS / name)
        assert re.fullmatch(r"[A-Z].*\.", text), name
        assert "python cli.py" not in text, name


def test_a_config_is_described_by_its_first_comment(tmp_path: Path) -> None:
    config = tmp_path / "one.yaml"
    config.write_text(
        f"{schema_line(config)}# A net of\n# two layers.\n#\n"
        "#   python cli.py fit --config one.yaml\n# Not yet run.\nmodel: a\n"
    )
    assert describe(config) == "A net of two layers."
    row = {"network": "a net", "config": str(config), "seeds": [1], "minutes": 1, "measure": TABLE["vgg_bn"].measure}
    rows = [Recipe(id=name, **row) for name in ("one", "two")]
    page = render_configs(Table([], [Section("Nets", "", rows)]), {"one": [], "two": []})
    assert (
        f"## Nets\n\n| config | what it is | measured | n | time |\n| --- | --- | --- | --- | --- |\n| `{config}` |"
        in page
    )
    assert page.count("| A net of two layers. | not yet run | - | - |") == 1
