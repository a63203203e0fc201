"""The commands that leave training to others, by name."""

from importlib import import_module

from core.terminal.waiting import shown_while

# each is imported when it is asked for: a listing need not wait for what a study needs
PLACES = {
    "study": ("studies.command", "study"),
    "fit --seeds": ("studies.seeds", "fit_seeds"),
    "runs": ("studies.run_folders", "list_runs"),
    "compare": ("studies.run_folders", "compare_runs"),
    "report": ("studies.report.command", "report"),
    "export": ("engine.export.command", "export"),
    "serve": ("engine.serving.command", "serve"),
    "new": ("engine.skeletons.command", "new"),
    "completion": ("engine.settings.completion_scripts", "completion"),
}
MAKE_RUNS = ("study", "fit --seeds")


def run_tool(name: str, argv: list[str]) -> int:
    """Runs one of them.

    Args:
        name: Its name, as `engine.settings.overview.tool_of` returns it.
        argv: What follows the name.

    Returns:
        Exit code.

    Raises:
        InputError: It cannot be used so.
    """
    if name in MAKE_RUNS:
        from engine.runs.launchers import refuse_several  # for which the others do not wait

        refuse_several(name)
    place, function = PLACES[name]
    with shown_while("importing what it needs ..."):  # most of them torch
        module = import_module(place)
    return getattr(module, function)(argv)
