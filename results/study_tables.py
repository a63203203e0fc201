"""The part of RESULTS.md that shows the studies: what each point reached, and what is to be learned from it."""

from core.measures import measure_of
from results.markdown import as_table, wrapped
from results.studies import StudyPoint, StudyRecord
from studies.naming import shown
from studies.report.groups import short_names

INTRODUCTION = """\
Comparisons of settings on real data, each by `python cli.py study <name>.yaml` with the seeds in the comment at the top
of that file, from the records in `results/studies/`. The first column or columns are what was varied. Figures of
training are of a trial's last epoch; those of validation are of its best, or of its last where its config counts that,
as `published/winit.yaml` does. Behind ± stands the sample standard deviation over n trials, which differ in their seed
alone; the best mean of the figure that counts, the first one, is bold. Nothing was measured on a test set."""


def study_tables(records: dict[str, StudyRecord], findings: dict[str, str]) -> str:
    """Returns the part.

    Args:
        records: The records by name.
        findings: What is to be learned of each study, by name; of one without a record, why that is so.
    """
    parts = ["## Studies\n", wrapped(INTRODUCTION)]
    for name, found in findings.items():
        if name in records:
            about = [wrapped(records[name].about)] if records[name].about else []
            parts += [f"### {name}\n", *about, wrapped(f"**Found:** {found}"), _table(records[name])]
    missing = [(name, why) for name, why in findings.items() if name not in records]
    if missing:
        parts.append("### Not yet run\n")
        parts.append("".join(wrapped(f"- `{name}`: {why}", "  ") for name, why in missing))
    return "\n".join(parts)


def _table(record: StudyRecord) -> str:
    varied = list(dict.fromkeys(key for point in record.points for key in point.settings))
    varied = [key for key in varied if len({shown(point.settings.get(key)) for point in record.points}) > 1]
    columns = [*short_names(varied).values(), *(_title(record, name) for name in record.logged), "n"]
    rows = [
        [
            *(_shown(point.settings.get(key)) for key in varied),
            *(_figure(record, point, name) for name in record.logged),
            _count(point),
        ]
        for point in record.points
    ]
    about = f"{record.source}; {record.seconds:,.0f} s on {record.hardware}; torch {record.torch}."
    return "\n".join([as_table(columns, rows), wrapped(about)])


def _title(record: StudyRecord, name: str) -> str:
    measure = measure_of(name, record.measures)
    return f"{name} ({measure.unit})" if measure is not None and measure.unit else name


def _figure(record: StudyRecord, point: StudyPoint, name: str) -> str:
    text = record.figure(point, name)
    return f"**{text}**" if name == record.metric and point == record.best else text


def _count(point: StudyPoint) -> str:
    failures = ", ".join(f"{count} {end}" for end, count in point.failures.items())
    return str(len(point.runs)) + (f" ({failures})" if failures else "")


def _shown(value: object) -> str:
    return "-" if value is None else shown(value)
