"""The commands that train nothing themselves, by name."""

from importlib import import_module

# each is imported when it is asked for: a listing need not wait for what a study needs
PLACES = {
    "study": ("studies.command", "study"),
    "runs": ("studies.run_folders", "list_runs"),
    "compare": ("studies.run_folders", "compare_runs"),
    "report": ("studies.report.command", "report"),
}


def run_tool(name: str, argv: list[str]) -> int:
    """Runs one of them.

    Args:
        name: Its name, one of `engine.settings.overview.TOOLS`.
        argv: What follows the name.

    Returns:
        Exit code.
    """
    module, function = PLACES[name]
    return getattr(import_module(module), function)(argv)
