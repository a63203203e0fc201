"""The pages name files that exist."""

import re
from pathlib import Path

import pytest

from tests.processes import ROOT

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


def test_links_and_names_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a](b/c.md#part) [d](https://e.f) `core/errors.py` `published/a.yaml` Write `core/own.py`")
    names = [tmp_path / "b" / "c.md", ROOT / "core" / "errors.py", ROOT / "configs" / "published" / "a.yaml"]
    assert named_files(page) == names
