"""The schemas' files, and the first lines that point to them."""

import json
from pathlib import Path

import pytest

from engine.settings.config_names import CONFIGS, SCHEMA
from studies import write_schemas as writing
from studies.write_schemas import with_schema, write_schemas

CONTENT = json.loads(SCHEMA.read_text(encoding="utf-8"))


def test_the_schema_of_studies_is_that_of_the_code() -> None:
    """It is made of that of configs, which is tested with what makes it, whatever releases are installed."""
    for path, content in writing.schemas(CONTENT, CONFIGS).items():
        assert path.read_text(encoding="utf-8") == content, "python -m studies.write_schemas writes it anew"


@pytest.mark.parametrize("path", sorted(CONFIGS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_the_first_line_of_a_file_points_editors_to_its_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert with_schema(path, text, CONFIGS) == text, "python -m studies.write_schemas writes it"
    _, _, place = text.partition("\n")[0].partition("$schema=")
    assert (path.parent / place).is_file()


def test_first_lines_are_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "make_schema", lambda: CONTENT)
    config, study = tmp_path / "published" / "one.yaml", tmp_path / "studies" / "two.yaml"
    for path in (config, study):
        path.parent.mkdir()
        path.write_text("# A file.\n")
    for _ in range(2):
        write_schemas(tmp_path)
        assert config.read_text() == "# yaml-language-server: $schema=../schema.json\n# A file.\n"
        assert study.read_text() == "# yaml-language-server: $schema=schema.json\n# A file.\n"
    assert json.loads((tmp_path / "schema.json").read_text()) == CONTENT
    assert (tmp_path / "studies" / "schema.json").is_file()
