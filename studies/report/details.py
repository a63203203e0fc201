"""Each run by itself: how it is repeated, what it ran on; and what all runs share."""

import json
from collections.abc import Sequence
from typing import Any

from core.run_layout import CONFIG
from core.terminal.printable import counted, shown_path
from core.terminal.shells import as_typed
from engine.settings.overview import typed_command
from studies.parameters import is_number
from studies.report.groups import Group, shown_setting
from studies.report.metrics import Metrics
from studies.report.reported import ReportedRun, Study


def describe_run(run: ReportedRun, one: Group, metrics: Metrics) -> dict[str, Any]:
    """Returns a run as its entry shows it: its figures and facts as texts by name, and its commands.

    Args:
        run: The run.
        one: Its group.
        metrics: How figures are written.
    """
    summary = run.summary
    sessions = _sessions(run)
    typed = next((session["command"] for session in sessions if isinstance(session.get("command"), str)), "")
    config = run.path / CONFIG
    folder = as_typed(shown_path(config))
    return {
        "label": one.label,
        "seed": "" if run.seed is None else str(run.seed),
        "status": run.status,
        "reason": run.reason,
        "counts": metrics.text(metrics.counts or "", run.figures.get(metrics.counts or "")),
        "folder": shown_path(run.path),
        "repeat": f"{typed_command()} fit --config {folder}" if config.is_file() else "",
        "typed": typed,
        "figures": {name: metrics.text(name, value) for name, value in run.figures.items()},
        "facts": {name: text for name, text in _facts(run, summary, sessions) if text},
    }


def machines(runs: Sequence[ReportedRun]) -> list[dict[str, Any]]:
    """Returns on what the runs were trained, with which versions, and how many of them on each."""
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        versions = run.summary.get("versions") or {}
        facts = {
            "hardware": str(run.summary.get("hardware", "")),
            "precision": str(run.summary.get("precision", "")),
            "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
            "code": _code(_sessions(run)),
        }
        key = json.dumps(facts)
        found.setdefault(key, facts | {"runs": 0})["runs"] += 1
    return sorted(found.values(), key=lambda one: -one["runs"])


def shared(runs: Sequence[ReportedRun], study: Study | None, differing: Sequence[str]) -> list[tuple[str, str]]:
    """Returns the settings that all runs have, by dotted key.

    Args:
        runs: The runs.
        study: Their study, if they are of one.
        differing: Dotted keys of those that differ.
    """
    names = dict.fromkeys(name for run in runs for name in run.settings)
    kept = []
    for name in names:
        of_sweep = study is not None and any(name == one or name.startswith(f"{one}.") for one in differing)
        values = {json.dumps(run.settings.get(name), sort_keys=True, default=str) for run in runs if run.settings}
        if len(values) == 1 and not of_sweep:
            kept.append((name, shown_setting(name, next(run.settings for run in runs if run.settings).get(name))))
    return kept


def _facts(run: ReportedRun, summary: dict[str, Any], sessions: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    data, model = summary.get("data") or {}, summary.get("model")
    sizes = data.get("sizes") if isinstance(data.get("sizes"), dict) else {}
    parts = ", ".join(
        f"{count:,} {part}" if isinstance(count, int) else f"{count} {part}" for part, count in sizes.items()
    )
    network = model if isinstance(model, dict) else {}
    return [
        ("data", ", ".join(str(one) for one in (data.get("name"), data.get("source"), parts) if one)),
        ("network", ", ".join([str(network.get("class", "")), *_counted(network.get("parameters"), "parameter")])),
        ("trained", ", ".join([*_counted(summary.get("epochs"), "epoch"), *_counted(summary.get("steps"), "step")])),
        ("seconds", "" if run.seconds is None else f"{run.seconds:,.1f}"),
        ("samples a second", "".join(_counted(summary.get("samples_per_second")))),
        ("began", str(summary.get("started") or "")),
        ("sessions", "" if len(sessions) < 2 else str(len(sessions))),
        ("hardware", str(summary.get("hardware") or "")),
        ("precision", str(summary.get("precision") or "")),
        ("code", _code(sessions)),
    ]


def _counted(number: Any, of: str | None = None) -> list[str]:
    return [f"{number:,}" if of is None else counted(number, of)] if is_number(number) else []


def _sessions(run: ReportedRun) -> list[dict[str, Any]]:
    sessions = run.summary.get("sessions")
    return [one for one in sessions if isinstance(one, dict)] if isinstance(sessions, list) else []


def _code(sessions: Sequence[dict[str, Any]]) -> str:
    """Returns the project's version and commit with which a run was trained last."""
    code = sessions[-1].get("code") if sessions else None
    if not isinstance(code, dict):
        return ""
    changed = "" if code.get("clean") in (True, None) else ", with changes"
    commit = f", commit {str(code['commit'])[:10]}" if code.get("commit") else ""
    return f"version {code.get('version')}{commit}{changed}"
