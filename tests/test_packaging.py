"""`pip install .` brings the command, all of its code and every config."""

from pathlib import Path

import pytest
from setuptools import Distribution

import cli
from engine.settings.config_names import config_names
from engine.settings.overview import top_level_help
from tests.processes import ROOT
from tests.sources import sources

NOT_INSTALLED = ("results", "benchmarks")


@pytest.fixture
def distribution(monkeypatch: pytest.MonkeyPatch) -> Distribution:
    """What setuptools makes of `setup.cfg`."""
    monkeypatch.chdir(ROOT)
    distribution = Distribution({"script_name": "setup.py"})
    distribution.parse_config_files(["setup.cfg"])
    distribution.set_defaults(ignore_ext_modules=True)
    return distribution


@pytest.mark.filterwarnings("ignore")  # setuptools deprecates its own
def test_code_and_configs_are_installed(distribution: Distribution) -> None:
    build = distribution.get_command_obj("build_py")
    build.build_lib = "build"
    build.ensure_finalized()
    installed = {Path(path).relative_to("build").as_posix() for path in build.get_outputs(include_bytecode=False)}
    code = {path.relative_to(ROOT).as_posix() for path in sources()}
    assert {path for path in code - installed if path.split("/")[0] not in NOT_INSTALLED} == set()
    assert {f"configs/{name}" for name in config_names()} <= installed
    assert not [path for path in installed if path.startswith(("tests/", *NOT_INSTALLED))]


def test_the_command_is_primer(distribution: Distribution) -> None:
    assert distribution.entry_points == {"console_scripts": ["primer = cli:main"]}
    assert cli.main(["--help"]) == 0


@pytest.mark.parametrize(
    ("program", "typed"),
    [
        ("/usr/bin/primer", "primer"),
        ("C:/Scripts/primer.exe", "primer"),
        ("cli.py", "python cli.py"),
        ("-c", "python cli.py"),
    ],
)
def test_the_help_shows_the_command_as_it_was_typed(program: str, typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [program])
    assert f"usage: {typed} SUBCOMMAND" in top_level_help()
