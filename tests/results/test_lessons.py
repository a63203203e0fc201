"""The lessons' commands run, both languages have the same, and the notebooks are made of them."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.settings.config_files import find_config, read_config
from results.lessons import FIRST_CELL, Part, commands, notebook, notebook_of, pages, parts, write_notebooks
from tests.processes import ROOT
from tests.small_configs import as_config, cheapest

LESSONS = ROOT / "docs" / "lessons"
ENGLISH, CHINESE = pages(LESSONS), pages(LESSONS / "zh")
PAGE = """\
# Title

See [here](there.md).

    python cli.py fit --config a.yaml
    python -m results status

    x = 1

Look at `runs/lessons/a/b.png`, and `runs/lessons/a/b.png` again.
"""


def shortened(command: str, folder: Path) -> list[str]:
    """Returns a command of a lesson on made data, for a step, with its runs in another folder."""
    words = [word.replace("runs/lessons", str(folder)) for word in shlex.split(command)]
    words = words[words.index("cli.py") + 1 :]
    if words[0] == "study":
        words = [word for word in words if word not in ("--data.data_dir", "~/data/mnist")]
        return [*words, "--data.source", "synthetic", "--run_dir", str(folder / "study"), "--dry_run"]
    if "--config" not in words:
        return words
    behind = words.index("--config") + 2
    small = cheapest(read_config(find_config(words[behind - 1])))
    pairs = list(zip(small[::2], small[1::2], strict=True))
    if words[0] == "lr_find":  # whose network is to learn something
        pairs = [pair for pair in pairs if pair[0].startswith("--data.")]
    config = as_config([word for pair in pairs for word in pair], folder / "small.yaml")
    given = [word for pair in pairs if pair[0] in words for word in pair]  # by the lesson, to which a config gives way
    steps = ("--steps", "60") if words[0] == "lr_find" else ("--trainer.max_steps", "1")
    return [*words[:behind], "--config", str(config), *words[behind:], *given, *steps]


def is_looked_at(line: str, page: str) -> bool:
    """Returns whether a page names a file of a run, or goes on with it."""
    run = re.search(r"--run_dir (runs/lessons/\w+)", line)
    return run is None or len(re.findall(rf"{run[1]}\b", page)) > 1


@pytest.mark.usefixtures("few_samples", "few_examples")
@pytest.mark.parametrize("page", ENGLISH, ids=lambda page: page.stem)
def test_the_commands_of_a_lesson_run_one_after_the_other(page: Path, command: Callable, tmp_path: Path) -> None:
    """Those of exercises, which nothing else on a page looks at, are read and not run."""
    text = page.read_text(encoding="utf-8")
    for line in commands(text):
        if line.startswith("python cli.py "):
            words = shortened(line, tmp_path)
            only_reading = "--dry_run" if "--seeds" in words else "--print_config"
            code, _, errors = command(*words, *(() if is_looked_at(line, text) else (only_reading,)))
            assert code == 0, f"{line}: {errors}"
        else:
            assert line in ("python -m results status",)  # which tests/results/test_main.py runs
    for name in re.findall(r"`runs/lessons/([\w/.]+)`", text):
        assert (tmp_path / name).is_file(), name


def test_both_languages_have_the_same_lessons_and_commands() -> None:
    assert [page.name for page in ENGLISH] == [page.name for page in CHINESE]
    assert len(ENGLISH) == 10
    for english, chinese in zip(ENGLISH, CHINESE, strict=True):
        texts = [page.read_text(encoding="utf-8") for page in (english, chinese)]
        assert commands(texts[0]) == commands(texts[1]), english.name
        names = [sorted(set(re.findall(r"`(runs/lessons/[\w/.]+|--[\w.]+)`", text))) for text in texts]
        assert names[0] == names[1], english.name
        assert [len(re.findall(r"^#+ ", text, re.MULTILINE)) for text in texts] == [5, 5], english.name


@pytest.mark.parametrize("page", [*ENGLISH, *CHINESE], ids=lambda page: page.relative_to(LESSONS).as_posix())
def test_a_notebook_is_that_of_its_page(page: Path) -> None:
    written = notebook_of(page).read_text(encoding="utf-8")
    assert written == notebook(page.read_text(encoding="utf-8")), "python -m results notebooks makes it anew"


def test_a_page_is_divided_into_text_and_commands() -> None:
    code = Part("python cli.py fit --config a.yaml\npython -m results status", True)
    before, after = Part("# Title\n\nSee [here](there.md).", False), "    x = 1\n\nLook at"
    found = list(parts(PAGE))
    assert found[:2] == [before, code]
    assert found[2].text.startswith(after)
    assert len(found) == 3


def test_a_notebook_has_a_cell_for_each_command_and_shows_the_pictures() -> None:
    cells = json.loads(notebook(PAGE))["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    assert sources[1] == "# Title\n\nSee [here](../there.md)."
    assert sources[2:4] == ["%run -G cli.py fit --config a.yaml", "%run -G -m results status"]
    assert sources[-1] == 'display(Image("runs/lessons/a/b.png"))'
    assert [cell["cell_type"] for cell in cells] == ["code", "markdown", "code", "code", "markdown", "code"]
    assert len({cell["id"] for cell in cells}) == len(cells)


def test_the_first_cell_goes_to_the_project_or_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ipykernel", reason="the extra `lessons` is not installed")
    monkeypatch.chdir(LESSONS / "notebooks")
    exec(FIRST_CELL, {})
    assert Path.cwd() == ROOT
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="clone the project"):
        exec(FIRST_CELL, {})


def test_notebooks_are_written_beside_the_pages(tmp_path: Path) -> None:
    (tmp_path / "01-page.md").write_text(PAGE)
    (tmp_path / "README.md").write_text("no lesson")
    write_notebooks(tmp_path)
    assert [path.name for path in (tmp_path / "notebooks").iterdir()] == ["01-page.ipynb"]


def test_a_notebook_runs_from_its_first_cell_to_its_last(tmp_path: Path, forked_kernel: type) -> None:
    nbformat = pytest.importorskip("nbformat", reason="the extra `lessons` is not installed")
    client = pytest.importorskip("nbclient")  # as the kernel, if it is installed
    path = notebook_of(ENGLISH[0])
    read = nbformat.read(path, as_version=4)
    nbformat.validate(read)
    for cell in read.cells:
        if cell.cell_type == "code":
            cell.source = cell.source.replace("runs/lessons", str(tmp_path))
            if " fit " in cell.source:
                cell.source += " --dry_run" if " --seeds " in cell.source else " --trainer.max_epochs 1"
    where = {"metadata": {"path": str(path.parent)}}
    client.NotebookClient(read, timeout=120, resources=where, kernel_manager_class=forked_kernel).execute()
    outputs = [output for cell in read.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert "done" in "".join(output.get("text", "") for output in outputs)


def test_what_the_chinese_readme_says_is_in_the_english_one() -> None:
    english, chinese = (Path(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md"))
    lines = re.findall(r"^    \S.*$", chinese, re.MULTILINE)
    assert len(lines) > 10
    assert not [line for line in lines if line not in english.splitlines()]
    blocks = re.findall(r"```\w+\n.*?```", chinese, re.DOTALL)
    assert len(blocks) == 2
    assert all(block in english for block in blocks)
    code = re.findall(r"`([^`\n]+)`", chinese)
    assert not [text for text in code if text not in english]
    figures = re.findall(r"\d[\d,.]*\d|\d", re.sub(r"`[^`\n]*`", "", chinese))
    known = re.findall(r"\d[\d,.]*\d|\d", english)
    assert not {*figures} - {*known}
    named = [link for link in re.findall(r"\]\(([^)\s]+)\)", chinese) if not link.startswith("http")]
    assert all((ROOT / link).exists() for link in named)


def test_the_chinese_readme_says_what_to_add_for_small_data() -> None:
    english, chinese = (Path(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md"))
    added = re.findall(r"\badd\s`(--[^`]+)`", english)
    assert len(added) == 3
    assert not [options for options in added if options not in chinese]


def test_the_pages_of_lessons_link_to_files_that_exist() -> None:
    for page in [*LESSONS.glob("*.md"), *(LESSONS / "zh").glob("*.md")]:
        links = re.findall(r"\]\((?!https?:)([^)\s#]+)", page.read_text(encoding="utf-8"))
        assert all((page.parent / link).exists() for link in links), page
