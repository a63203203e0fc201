"""The records `results/<id>/<seed>.json`, each the `summary.json` of a run that was trained and tested."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError
from core.run_layout import CONFIG
from core.summary import ENDED_WELL, counted_test, figures, read_summary, upgraded, write_summary
from results.rows import Published, Recipe
from results.settings import check_settings, defaults, digest, stated
from results.table import Run, Table

STUDIES = "studies"  # folder of the records of studies, which belong to no row


@dataclass(frozen=True)
class Record:
    """The part of a run's summary that is shown and checked.

    Attributes:
        seed: Its seed.
        model: Class of the network.
        parameters: Number of the network's parameters.
        steps: Optimizer steps.
        metrics: Logged values by name: training of the last epoch, validation and test of the best checkpoint.
        seconds: How long it took in all.
        hardware: What it ran on.
        torch: Release of torch.
        source: Where its data came from, without the folder.
        settings: Digest of the settings that its row's config had; a run that is no record yet has none.
        validation_of_last: Whether validation is of the last epoch instead: in records that do not hold the best one's.
        defaults: Settings that its row leaves at their defaults, as they were; None in records that do not hold them.
    """

    seed: int
    model: str
    parameters: int
    steps: int
    metrics: dict[str, float]
    seconds: float
    hardware: str
    torch: str
    source: str
    settings: str = ""
    validation_of_last: bool = False
    defaults: dict[str, Any] | None = None


Records = dict[str, list[Record]]


def parse(summary: dict[str, Any], row: Recipe, where: object) -> Record:
    """Makes a record of a summary.

    Args:
        summary: The summary.
        row: The row that it belongs to. A published training that is compared by validation ends at its last epoch.
        where: Names it in messages.

    Raises:
        InputError: The run is not finished, or of synthetic data that its row does not name; or something is missing.
    """
    of_last = isinstance(row, Published) and row.measure.counts.startswith("val/")
    try:
        summary = upgraded(summary)
        status, _ = summary["status"], summary["last"]
        if summary["seed"] is None:
            raise InputError(f"{where}: a run without a seed does not count")
        record = Record(
            seed=int(summary["seed"]),
            model=str(summary["model"]["class"]),
            parameters=int(summary["model"]["parameters"]),
            steps=int(summary["steps"]),
            metrics={str(name): float(value) for name, value in figures(summary, of_last).items()},
            seconds=float(summary["seconds"]["total"]),
            hardware=str(summary["hardware"]).replace(", 1 threads", ", 1 thread"),
            torch=str(summary["versions"]["torch"]),
            source=str(summary["data"]["source"]),
            settings=str(summary.get("settings", "")),
            validation_of_last=of_last or summary.get("best") is None,
            defaults=summary.get("defaults"),
        )
    except KeyError as error:
        raise InputError(f"{where}: no record of a run: {error.args[0]} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise InputError(f"{where}: no record of a run: {error}") from error
    if status not in ENDED_WELL:
        raise InputError(f"{where}: a run that is {status} does not count")
    if row.measure.counts.startswith("test/") and (reason := why_test_does_not_count(summary)):
        raise InputError(f"{where}: {reason}")
    if record.source.startswith("synthetic") and row.options.get("data.source") != "synthetic":
        raise InputError(f"{where}: a run on {record.source} does not count")
    return record


def why_test_does_not_count(summary: dict[str, Any]) -> str:
    """Returns why the test in a summary does not count, in words; nothing if it does, or there is none.

    Args:
        summary: The summary, in today's form. Without validation an earlier release did not tell the best checkpoint.
    """
    test, best = counted_test(summary), summary.get("best")
    if test is None:
        return ""
    if best is not None and test.get("step") != best.get("step"):
        steps = f"the checkpoint of step {test.get('step')}, and the best one is of step {best.get('step')}"
        return f"its test is of {steps}; python cli.py test --ckpt_path RUN tests that"
    data = test.get("data")
    if isinstance(data, dict) and data.get("changed"):
        return f"its test is on other data than its training ({data['changed']}); test it with those"
    return ""


def read_records(folder: Path, table: Table) -> Records:
    """Reads all records.

    Args:
        folder: Folder of `<id>/<seed>.json`.
        table: The table that they belong to.

    Returns:
        Records by row, in the order of the row's seeds; a row that is the same as another has that row's.

    Raises:
        InputError: A record belongs to no row, is malformed, is of another run than its name says, or of settings that
            the row's config no longer has.
    """
    runs = {str(run): run for run in table.runs()}
    found = {}
    for path in sorted(folder.glob("*/*.json")):
        if path.parent.name == STUDIES:
            continue
        name = f"{path.parent.name}/{path.stem}"
        if name not in runs:
            raise InputError(f"{path}: belongs to no row of the table, or to none of its seeds")
        found[name] = parse(_read(path), runs[name].row, path)
        check(runs[name], found[name], path)
        row = runs[name].row
        if found[name].settings != digest(row):
            raise InputError(f"{path}: {row.config} has other settings by now: remove this record, and run it anew")
    own = {row.id: [found[f"{row.id}/{seed}"] for seed in row.seeds if f"{row.id}/{seed}" in found] for row in table}
    return {row.id: own[table.source(row).id] for row in table}


def check(run: Run, record: Record, where: object) -> None:
    """Checks that a record belongs to a run.

    Raises:
        InputError: Seed, network, length or what was measured differ.
    """
    row, config = run.row, stated(run.row)
    expected = {"seed": run.seed, "model": str(config["model.class_path"]).rpartition(".")[2]}
    if isinstance(row, Published) and row.parameters is not None:
        expected["parameters"] = row.parameters
    if "trainer.max_steps" in config:
        expected["steps"] = config["trainer.max_steps"]
    for name, value in expected.items():
        if getattr(record, name) != value:
            raise InputError(f"{where}: {name} is {getattr(record, name)}, where {row.id} has {value}")
    measure = row.measure
    if measure.counts not in record.metrics and measure.counts.startswith("test/"):
        raise InputError(f"{where}: the run was not tested; python cli.py test --ckpt_path RUN does it")
    for metric in (measure.counts, row.metric):
        if metric not in record.metrics:
            raise InputError(f"{where}: lacks {metric}, which {row.id} is compared by")
        if measure.unit == "%" and not 0 <= record.metrics[metric] <= 1:
            raise InputError(f"{where}: {metric} is {record.metrics[metric]}, which is no share of 1")


def add_record(folder: Path, run: Run, run_folder: Path, table: Table) -> Record:
    """Copies a finished and tested run's summary, without the user's folders and command, to the records.

    Args:
        folder: Folder of the records.
        run: The run that it should be.
        run_folder: The run's folder.
        table: The table that the run belongs to.

    Raises:
        InputError: It is another run, or its summary is damaged.
    """
    path = run_folder / "summary.json"
    summary = _read(path)
    record = parse(summary, run.row, path)
    check(run, record, path)
    settings = check_settings(run.row, run_folder / CONFIG, table.retired)
    summary["data"]["source"] = without_folder(record.source, table.layouts)
    summary |= {"settings": digest(run.row), "defaults": defaults(run.row, settings)}
    for session in summary.get("sessions", []):
        session["command"] = None  # names the user's folders; the row tells what was typed
    target = folder / run.row.id / f"{run.seed}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_summary(target, summary)
    return record


def without_folder(source: str, layouts: list[str]) -> str:
    """Returns the source of data without its folder: `class folders` for `/home/me/data (class folders)`."""
    for layout in layouts:
        if source.endswith(f" ({layout})"):
            return layout
    return "files" if re.search(r"[/\\]", source) else source


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_summary(path)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error
