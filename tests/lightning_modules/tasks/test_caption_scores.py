"""BLEU and CIDEr-D are pycocoevalcap's, whose numbers are frozen here."""

import pytest

from datamodules.captioned.encoder import words_of
from datamodules.captioned.synthetic import synthetic_captions
from lightning_modules.tasks.caption_scores import cider_d, scores, scores_of_people, signatures

pytest.importorskip("sacrebleu", reason="the extra `text` is not installed")


def drawn(n: int = 40) -> tuple[list[list[str]], list[list[list[str]]]]:
    """Returns captions, of which some are of other pictures or cut, and references."""
    _, references = synthetic_captions(n, 5, 16)
    words = [[words_of(text) for text in several] for several in references]
    captions = [several[0] for several in words]
    written = [captions[(place * 7) % n] if place % 3 == 0 else captions[place][: 9 - place % 4] for place in range(n)]
    return written, [several[1 : 5 - place % 2] for place, several in enumerate(words)]


# pycocoevalcap 1.2: Bleu(4) and Cider() on the captions and references of `drawn`
BLEU = (61.656203843, 58.73363208, 56.215950923, 54.268932789)
CIDER = 3.6798116323983834
CIDER_EACH = (6.357373413, 4.823466435, 6.100089898, 0.033740606, 5.611001356, 6.934591953)


def test_scores_are_pycocoevalcaps() -> None:
    captions, references = drawn()
    found = scores(captions, references)
    assert [found[f"bleu{n}"] for n in range(1, 5)] == pytest.approx(BLEU, abs=1e-6)
    assert found["cider_d"] == pytest.approx(CIDER, abs=1e-9)
    assert cider_d(captions, references)[:6] == pytest.approx(CIDER_EACH, abs=1e-8)


def test_chrf_is_sacrebleus_of_the_best_reference() -> None:
    sacrebleu = pytest.importorskip("sacrebleu")
    captions, references = drawn(5)
    both = [several[:2] for several in references]
    texts, columns = [" ".join(words) for words in captions], [[" ".join(two[k]) for two in both] for k in (0, 1)]
    assert scores(captions, both)["chrf"] == pytest.approx(sacrebleu.corpus_chrf(texts, columns).score)
    assert "chrf" not in scores(captions, both, chrf=False)


def test_a_caption_that_is_a_reference_scores_most_and_a_strange_one_nothing() -> None:
    _, references = drawn()
    right = [several[0] for several in references]
    strange = [["zebra"] * 5] * len(right)
    assert scores(right, references)["bleu4"] == pytest.approx(100)
    assert scores(strange, references)["bleu4"] == scores(strange, references)["cider_d"] == 0
    assert min(cider_d(right, references)) > 1
    empty = scores([[]] * len(right), references)
    assert empty["bleu1"] == empty["cider_d"] == 0


def test_people_are_measured_against_the_others() -> None:
    _, references = drawn()
    people = scores_of_people(references)
    pairs = [several[:3] for several in references]
    mean = sum(
        scores([three[k] for three in pairs], [three[:k] + three[k + 1 :] for three in pairs])["cider_d"]
        for k in range(3)
    )
    assert people["cider_d"] == pytest.approx(mean / 3), "as many people as the fewest pictures have"
    assert scores_of_people([[["a"]], [["b"], ["c"]]]) == {}


def test_signatures_say_what_the_values_depend_on() -> None:
    marks = signatures(5)
    assert marks["bleu4"].startswith("nrefs:5|case:mixed|eff:no|tok:none|smooth:none|")
    assert marks["chrf"].startswith("nrefs:5|")
