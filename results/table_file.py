"""Reads the table from `table.yaml`."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from core.errors import InputError
from engine.settings.config_files import read_config
from results.rows import CountedMeasure, Elsewhere, Published, Recipe
from results.table import Folder, Section, Table


def read_table(path: Path) -> Table:
    """Reads the table.

    Raises:
        InputError: A row lacks a field, has one too many, or names a row, measure or folder that does not exist.
    """
    content = read_config(path)
    measures = {
        name: _fill(CountedMeasure, entry, f"{path}: measures: {name}") for name, entry in content["measures"].items()
    }
    folders = {
        name: _fill(Folder, entry, f"{path}: folders: {name}") for name, entry in content.get("folders", {}).items()
    }
    sections, recipes = (
        [
            Section(part["title"], part.get("text", ""), [_row(kind, row, measures, path) for row in part["rows"]])
            for part in content[key]
        ]
        for kind, key in ((Published, "sections"), (Recipe, "recipes"))
    )
    others = {key: content[key] for key in ("introduction", "layouts", "retired", "findings") if key in content}
    table = Table(sections, recipes, folders=folders, **others)
    names = [row.id for row in table]
    for row in table:
        if names.count(row.id) > 1:
            raise InputError(f"{path}: two rows are called {row.id}")
        for reference, name in row.references.items():
            if name is not None and name not in names:
                raise InputError(f"{path}: {row.id}: {reference} {name} is no row")
        if row.folder is not None and row.folder not in folders:
            raise InputError(f"{path}: {row.id}: folder {row.folder} is none of {', '.join(folders)}")
    return table


def _row(kind: type[Recipe], content: dict[str, Any], measures: dict[str, CountedMeasure], path: Path) -> Recipe:
    name = content.get("id", "a row without id")
    row = {"config": f"published/{name}.yaml" if kind is Published else f"{name}.yaml"} | content
    measure = row.get("measure", next(iter(measures)))
    if measure not in measures:
        raise InputError(f"{path}: {name}: measure {measure} is none of {', '.join(measures)}")
    row["measure"] = measures[measure]
    if "elsewhere" in row:
        row["elsewhere"] = _fill(Elsewhere, row["elsewhere"], f"{path}: {name}: elsewhere")
    return _fill(kind, row, f"{path}: {name}")


def _fill(kind: type, content: dict[str, Any], where: str) -> Any:
    known = {entry.name for entry in fields(kind)}
    if unknown := sorted(content.keys() - known):
        raise InputError(f"{where}: unknown field {unknown[0]}; there are {', '.join(sorted(known))}")
    try:
        return kind(**content)
    except TypeError as error:  # names the missing arguments
        raise InputError(f"{where}: {str(error).partition('() ')[2]}") from error
