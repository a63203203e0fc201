"""Writes the schemas of configs and of studies, and the first line of each file, by which editors find its schema.

python -m studies.write_schemas
"""

from pathlib import Path

from core.files.atomic_files import write_atomically
from engine.cli.schema import make_schema, written
from engine.settings.config_names import CONFIGS, with_schema_line
from studies.schema import make_study_schema


def write_schemas(configs: Path) -> None:
    """Writes both schemas, and the first lines.

    Args:
        configs: The folder of the configs.
    """
    schema = make_schema()
    for path, content in schemas(schema, configs).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    for path in sorted(configs.rglob("*.yaml")):
        text = path.read_text(encoding="utf-8")
        if (wanted := with_schema(path, text, configs)) != text:
            write_atomically(path, wanted)


def schemas(schema: dict, configs: Path) -> dict[Path, str]:
    """Returns the contents of the schemas' files.

    Args:
        schema: The schema of configs.
        configs: The folder of the configs.
    """
    return {
        configs / "schema.json": written(schema),
        configs / "studies" / "schema.json": written(make_study_schema(schema)),
    }


def with_schema(path: Path, text: str, configs: Path) -> str:
    """Returns a file's text with the line that names its schema at its beginning."""
    studies = configs / "studies"
    folder = studies if path.is_relative_to(studies) else configs
    return with_schema_line(path, text, folder / "schema.json")


if __name__ == "__main__":
    write_schemas(CONFIGS)
