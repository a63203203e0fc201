"""The page configs/README.md, which lists all configs, written from their first comments, the table and the records."""

from pathlib import Path

from engine.settings.config_files import find_config
from engine.settings.config_names import OPENING
from results.figures import show, times
from results.markdown import as_table
from results.records import Records
from results.rows import Recipe
from results.table import Section, Table

HEAD = """\
# Configs

One file for each run. `python -m results page` writes this page from the first comment of each config, the rows of
`results/table.yaml` and the records; a test fails when they disagree.

    python cli.py fit --config vgg_bn.yaml --data.data_dir ~/data/cifar10
    python cli.py fit --config published/cifar10_vgg.yaml --data.data_dir ~/data/cifar10 --seed_everything 1

Start with `vgg_bn.yaml` for images, `bag_of_ngrams.yaml` for texts with classes, `char_rnn.yaml` for writing text. The
comment at the top of each config shows its command, where it comes from, and all that it measured. Below are figures
of the test where none is named "in validation", by the best checkpoint in validation, or by the last where there is
none. ± is the standard deviation over n seeds. Times are of whole runs, the mean of those on the same hardware.
"""
PUBLISHED = """\
## Published experiments

Under `published/`: the training of a source, to the letter as far as it is stated. [RESULTS.md](../RESULTS.md) names
the sources, and compares their figures with ours; "the course" is
[543877815/neural-network-practise](https://github.com/543877815/neural-network-practise). Experiments that differ in a
few values are one config and options, which its head and `results/table.yaml` list; `rows` is how many.
"""


def render_configs(table: Table, records: Records) -> str:
    """Returns the page."""
    parts = [HEAD]
    parts += [f"## {group.title}\n\n{_recipes(group, records)}" for group in table.groups]
    parts.append(PUBLISHED)
    parts += [f"### {section.title}\n\n{_experiments(section)}" for section in table.sections]
    return "\n".join(parts)


def describe(config: Path) -> str:
    """Returns the first paragraph of a config's comments, below the line for editors, in one line."""
    lines = []
    for line in config.read_text(encoding="utf-8").splitlines():
        if line.startswith(OPENING):
            continue
        if not line.startswith("# "):
            break
        lines.append(line[2:].strip())
    return " ".join(lines)


def _recipes(group: Section, records: Records) -> str:
    lines = [["config", "what it is", "measured", "n", "time"]]
    for config, rows in _by_config(group).items():
        runs = records[rows[0].id]
        figures = [_measured(rows[0], records), str(len(runs) or "-"), times(runs)]
        lines.append([f"`{config}`", describe(find_config(config)), *figures])
    return as_table(lines[0], lines[1:])


def _experiments(section: Section) -> str:
    lines = [["config", "what it is", "rows"]]
    for config, rows in _by_config(section).items():
        lines.append([f"`{config}`", describe(find_config(config)), str(len(rows))])
    return as_table(lines[0], lines[1:])


def _by_config(section: Section) -> dict[str, list[Recipe]]:
    """Returns the rows of a section by config, in order."""
    rows: dict[str, list[Recipe]] = {}
    for row in section.rows:
        rows.setdefault(row.config, []).append(row)
    return rows


def _measured(row: Recipe, records: Records) -> str:
    if not records[row.id]:
        return "not yet run"
    words = row.measure.shown[row.metric].format(samples=row.samples)
    return f"{show(records[row.id], row.metric, row.measure)} {words}"
