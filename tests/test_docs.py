"""The pages name files that exist, in lines that can be read in any editor."""

import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import datamodules
from datamodules.base.data_module import DataModule
from engine.settings.config_names import CONFIGS
from tests.documented import commands, faults, pages, unquoted
from tests.processes import ROOT
from tests.sources import LEVELS

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")]
ELSEWHERE = (
    "train/",
    "val/",
    "test/",
    "checkpoints/",
    "tunes/",
    "tensorboard/",
    "wandb/",
    "runs/",
)  # folders of data, and of runs


def named_files(page: Path) -> list[Path]:
    """Returns the paths that a page links to, or names in backticks, except those that a guide's reader is to write."""
    text = page.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    links = [page.parent / link for link in links if link and not re.match(r"https?:", link)]
    names = re.findall(r"(?<!Write )`((?:\w+/)+(?:\w+\.(?:py|md|yaml))?)`", text)
    return links + [
        place
        for name in names
        if not name.startswith(ELSEWHERE)
        for place in [ROOT / "configs" / name if name.startswith("published/") else ROOT / name]
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_names_files_that_exist(page: Path) -> None:
    assert not [str(path) for path in named_files(page) if not path.exists()]


def missing_headings(page: Path) -> list[str]:
    """Returns the links of a page to headings that the page that they lead to does not have."""
    links = re.findall(r"\]\(([^)\s:]*)#([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return [f"{file}#{name}" for file, name in links if name not in anchors(page.parent / file if file else page)]


def anchors(page: Path) -> set[str]:
    """Returns the names of a page's headings, as GitHub makes them: those that come again are numbered."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE):
        name = re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")
        found.add(next(one for one in [name, *(f"{name}-{n}" for n in range(1, 99))] if one not in found))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_links_to_headings_that_exist(page: Path) -> None:
    assert not missing_headings(page)


@pytest.mark.parametrize("page", pages(ROOT), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_commands_of_a_page_have_files_and_options_that_exist(page: Path) -> None:
    found = {command: faults(command) for command in commands(page.read_text(encoding="utf-8"))}
    assert not {command: wrong for command, wrong in found.items() if wrong}


@pytest.mark.parametrize(
    "file", [*pages(ROOT), *sorted(CONFIGS.rglob("*.yaml"))], ids=lambda file: file.relative_to(ROOT).as_posix()
)
def test_brackets_and_braces_of_a_command_are_quoted(file: Path) -> None:
    text = re.sub(r"^# *", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    options = re.findall(r"`(--[^`\n]+)`", text)
    assert not [word for command in [*commands(text), *options] for word in unquoted(command)]


def test_words_without_quotes_are_found() -> None:
    command = """fit --a [1,2] --b '[1]' --c "{a: [1]}" --d={b} --e '{a: 1}'[2]  # [three] words"""
    assert unquoted(command) == ["[1,2]", "--d={b}", "''[2]"]


def test_commands_are_found_with_what_is_wrong_with_them() -> None:
    text = """\
    python cli.py fit --config vgg_bm.yaml --model.dropout 0.1   # a comment's --option
    srun primer fit --config=vgg_bn.yaml --model.dropuot 0.1 --workers 2
`test --ckpt_path runs/char_rnn/TIME --model.temperature 0.5 --model.whiten true`, `study none.yaml --seeds 1`,
`python cli.py export --ckpt_path RUN --data.data_dir DIR --fromat onnx` and `python cli.py draw x`
"""
    assert [faults(command) for command in commands(text)] == [
        ["no file vgg_bm.yaml"],
        ["no option --model.dropuot"],
        ["no option --model.whiten"],
        ["no file none.yaml"],
        ["no option --fromat"],
        ["no subcommand draw"],
    ]


def test_the_first_page_names_every_folder_and_every_other_page() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (folders,) = re.findall(r"## Where things are\n\n((?: {4}.*\n)+)", text)
    assert not [name for name in LEVELS if not re.search(rf"\b{name}(?:/|\.py)", folders)]
    assert not [page.name for page in ROOT.glob("docs/*.md") if f"](docs/{page.name})" not in text]


def test_the_diagram_of_a_run_has_a_line_for_each_stage() -> None:
    text = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
    diagram = re.findall(r"^## One run.*\n\n((?: {4}.*\n)+)", text, flags=re.MULTILINE)[0]
    begins = [line.split()[0] for line in diagram.splitlines() if re.match(r" {4}\S", line)]
    folders = ["datamodules/", "lightning_modules/", "runs/<config>/<time>/", "results/"]
    assert begins == ["python", "cli.py,", "engine/cli/command.py", *folders]


def test_the_page_of_data_sets_has_every_named_one() -> None:
    page = (ROOT / "docs" / "data-sets.md").read_text(encoding="utf-8")
    named = set()
    for kind in (getattr(datamodules, name) for name in datamodules.__all__):
        assert issubclass(kind, DataModule)
        hints = get_type_hints(kind.__init__)
        named |= {value for option in ("corpus", "dataset", "variant") for value in get_args(hints.get(option))}
        if size := getattr(kind, "train_size", None):
            assert f"`{kind.__name__}` | " in page
            assert f"{size:,} and " in page
    others = {"files", "mnist"}  # one's own, and what has another name on the page
    assert {"text8", "fashion", "multi30k", *others} <= named
    assert [value for value in sorted(named - others) if not re.search(rf"`(--data\.\w+ )?{value}`", page)] == []


def test_links_and_names_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a](b/c.md#part) [d](https://e.f) `core/errors.py` `published/a.yaml` Write `core/own.py`")
    names = [tmp_path / "b" / "c.md", ROOT / "core" / "errors.py", ROOT / "configs" / "published" / "a.yaml"]
    assert named_files(page) == names


def test_headings_that_are_missing_are_found(tmp_path: Path) -> None:
    (tmp_path / "b.md").write_text("# A `b`, c\n\n## D\n\n## D\n")
    page = tmp_path / "page.md"
    page.write_text("# Here\n[a](#here) [b](b.md#a-b-c) [c](b.md#d-1) [d](b.md#d-2) [e](#there) [f](https://g.h/i#j)")
    assert missing_headings(page) == ["b.md#d-2", "#there"]


def long_lines(text: str) -> list[str]:
    """Returns the lines of prose above 120 columns that have a space to break at, outside code and links."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL).splitlines()
    long = [line for line in prose if len(line) > 120 and not re.match(r" {4}|#| *[|<]", line)]
    return [line for line in long if " " in re.sub(r"`[^`]+`|!?\[[^]]*\]\([^)]*\)", "", line).strip()]


@pytest.mark.parametrize(
    "page",
    [page for page in [*PAGES, *ROOT.glob("docs/lessons/*.md")] if page.name not in ("README.zh.md", "RESULTS.md")],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_prose_is_at_most_120_columns_wide(page: Path) -> None:
    assert not long_lines(page.read_text(encoding="utf-8"))


def test_long_lines_are_found() -> None:
    words, code = "word " * 30, "x " * 80
    assert long_lines(f"{words}\n") == [words]
    assert not long_lines(f"| {words} |\n    {words}\n`{code}`\n```\n{words}\n```\nshort\n")
