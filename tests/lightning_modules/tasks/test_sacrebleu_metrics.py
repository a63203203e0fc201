"""sacreBLEU says what a score depends on, and is asked for only where it is needed."""

import sys

import pytest

from core.errors import InputError
from lightning_modules.tasks.sacrebleu_metrics import bleu_and_chrf, signatures_of


def test_signatures_name_the_number_of_references() -> None:
    sacrebleu = pytest.importorskip("sacrebleu", reason="the extra `text` is not installed")
    bleu, chrf = bleu_and_chrf("a test")
    marks = signatures_of({"bleu": bleu(lowercase=True), "chrf": chrf()}, 3)
    assert marks["bleu"].startswith("nrefs:3|case:lc|")
    assert marks["chrf"].startswith("nrefs:3|")
    assert all(mark.endswith(f"version:{sacrebleu.__version__}") for mark in marks.values())


def test_without_the_package_a_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    with pytest.raises(InputError, match=r"^a test needs sacrebleu; pip install -e '\.\[text\]' installs it$"):
        bleu_and_chrf("a test")
