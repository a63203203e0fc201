"""`pip install .` brings one package with the command, all of its code and every config."""

import re
import subprocess
import sys
from configparser import ConfigParser
from distutils.core import run_setup
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from setuptools import Distribution

import cli
from engine.settings.config_names import CONFIGS
from engine.settings.overview import top_level_help
from tests.processes import ROOT
from tests.sources import sources

NOT_INSTALLED = ("results", "benchmarks")


@pytest.fixture
def distribution(monkeypatch: pytest.MonkeyPatch) -> Distribution:
    """What setuptools makes of `setup.cfg` and `setup.py`."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.argv", ["setup.py"])
    distribution = run_setup("setup.py", stop_after="config")
    distribution.set_defaults(ignore_ext_modules=True)
    return distribution


@pytest.mark.filterwarnings("ignore")  # setuptools deprecates its own
def test_one_package_is_installed_and_works_from_another_folder(distribution: Distribution, tmp_path: Path) -> None:
    build = distribution.get_command_obj("build_py")
    build.build_lib = str(tmp_path / "lib")
    build.ensure_finalized()
    lib = tmp_path / "lib"
    (lib / "core").mkdir(parents=True)  # of an earlier release, which was no package
    build.run()
    installed = {path.relative_to(lib).as_posix() for path in lib.rglob("*") if path.is_file()}
    assert installed == {Path(path).relative_to(lib).as_posix() for path in build.get_outputs(include_bytecode=False)}
    assert [path.name for path in lib.iterdir()] == ["primer"]
    code = {path.relative_to(ROOT).as_posix() for path in sources()} - {"primer.py"}
    code = {path for path in code if path.split("/")[0] not in NOT_INSTALLED}
    read = {path.relative_to(ROOT).as_posix() for path in [*CONFIGS.rglob("*.yaml"), *CONFIGS.rglob("*.json")]}
    templates = {
        path.relative_to(ROOT).as_posix()
        for path in [*(ROOT / "engine" / "skeletons").glob("*.txt"), *(CONFIGS / "skeletons").iterdir()]
    }
    assert {f"primer/{path}" for path in code | read | templates | {"__init__.py"}} <= installed
    assert not [path for path in installed if path.startswith(("primer/tests", "primer/results", "primer/benchmarks"))]

    program = (
        "import primer, cli, core.errors as c; print(cli.__file__, c.__file__); primer.main(['fit', '--config', 'x'])"
    )
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(lib)!r}); {program}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == [str(lib / "primer" / "cli.py"), str(lib / "primer" / "core" / "errors.py")]
    assert f"all of them are in {lib / 'primer' / 'configs'}" in done.stderr


def test_an_editable_installation_uses_the_folders_where_they_are(distribution: Distribution) -> None:
    build = distribution.get_command_obj("build_py")
    build.build_lib, build.editable_mode = "build", True
    build.ensure_finalized()
    assert build.build_lib == "build"
    assert build.get_module_outfile("build", [], "primer") == str(Path("build", "primer.py"))


def test_the_command_is_primer(distribution: Distribution) -> None:
    assert distribution.entry_points == {"console_scripts": ["primer = primer:main"]}
    assert [*distribution.iter_distribution_names()] == ["primer"]
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


def test_the_extra_test_installs_whatever_tests_would_be_skipped_without() -> None:
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg")
    lines = settings["options"]["install_requires"] + settings["options.extras_require"]["test"]
    required = {re.split(r"[\[<>=]", line)[0].lower() for line in lines.split()}
    installed_by = packages_distributions()
    text = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    for name in set(re.findall(r'importorskip\(\s*"([\w.]+)"', text)):
        package = name.split(".")[0]
        assert package in installed_by, f"{package} is not installed: pip install -e '.[test]'"
        assert required & {each.lower() for each in installed_by[package]}, f"the extra `test` lacks {package}"
