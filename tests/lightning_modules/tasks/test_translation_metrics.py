"""BLEU and chrF are sacreBLEU's and torchmetrics', over batches, processes and orders; intervals hold the score."""

import pytest
import torch
from torchmetrics.text import CHRFScore, SacreBLEUScore

from lightning_modules.tasks.translation_metrics import TokenMetrics, TranslationMetrics, WordMetrics, signatures

sacrebleu = pytest.importorskip("sacrebleu", reason="the extra `text` is not installed")

TEXT = "A man in a red Shirt is riding his bike , down the Street . It's (two) dogs play near water !"
WORDS = TEXT.split()


def sentences(n: int = 40, seed: int = 0) -> tuple[list[str], list[str]]:
    """Returns translations that share most words with their references."""
    rng = torch.Generator().manual_seed(seed)
    references, translations = [], []
    for _ in range(n):
        places = torch.randint(len(WORDS), (int(torch.randint(4, 15, (1,), generator=rng)),), generator=rng).tolist()
        references.append(" ".join(WORDS[place] for place in places))
        kept = [place for place in places if torch.rand(1, generator=rng) > 0.2]
        translations.append(" ".join(WORDS[place].lower() if place % 5 == 0 else WORDS[place] for place in kept))
    return translations, references


def filled(metrics: TranslationMetrics, places: list[list[int]]) -> TranslationMetrics:
    """Returns metrics that were given sentences in batches."""
    translations, references = sentences()
    for batch in places:
        metrics.update(torch.tensor(6.0), torch.tensor(4))
        seen = torch.zeros(len(batch), dtype=torch.bool)
        texts = [translations[place] for place in batch], [references[place] for place in batch]
        metrics.add(*texts, seen, torch.tensor(batch))
    return metrics


def test_scores_are_sacrebleus_and_torchmetrics() -> None:
    translations, references = sentences()
    figures = filled(TranslationMetrics(), [list(range(40))]).compute()
    assert float(figures["bleu"]) == pytest.approx(sacrebleu.corpus_bleu(translations, [references]).score, abs=1e-4)
    lower = sacrebleu.corpus_bleu(translations, [references], lowercase=True).score
    assert float(figures["bleu_lower"]) == pytest.approx(lower, abs=1e-4)
    assert lower > float(figures["bleu"]) + 1
    assert float(figures["chrf"]) == pytest.approx(sacrebleu.corpus_chrf(translations, [references]).score, abs=1e-4)
    each = [[reference] for reference in references]
    theirs = SacreBLEUScore(lowercase=True)(translations, each)
    assert float(theirs) == pytest.approx(lower / 100, abs=5e-5)
    assert float(CHRFScore(n_word_order=0)(translations, each)) == pytest.approx(float(figures["chrf"]) / 100, abs=1e-3)
    torch.testing.assert_close(figures["loss"], torch.tensor(1.5))
    torch.testing.assert_close(figures["perplexity"], torch.tensor(1.5).exp())


def test_batches_and_their_order_change_no_score() -> None:
    whole = filled(TranslationMetrics(intervals=True), [list(range(40))]).compute()
    order = torch.randperm(40, generator=torch.Generator().manual_seed(1)).tolist()
    parts = filled(TranslationMetrics(intervals=True), [order[:7], order[7:8], order[8:]]).compute()
    for name in ("bleu", "bleu_lower", "chrf", "bleu_interval", "bleu_lower_interval"):
        assert float(whole[name]) == float(parts[name]), name


def test_an_interval_is_that_of_drawn_sentences() -> None:
    translations, references = sentences()
    figures = filled(TranslationMetrics(intervals=True), [list(range(40))]).compute()
    theirs = sacrebleu.metrics.BLEU().corpus_score(translations, [references], n_bootstrap=1000)
    assert float(figures["bleu_interval"]) == pytest.approx(theirs._ci, rel=0.15)
    assert "bleu_interval" not in filled(TranslationMetrics(), [[0, 1]]).compute()


def test_signatures_say_what_a_score_depends_on() -> None:
    marks = signatures()
    assert "case:mixed" in marks["bleu"]
    assert "case:lc" in marks["bleu_lower"]
    assert all("tok:13a" in marks[name] for name in ("bleu", "bleu_lower"))
    assert all(f"version:{sacrebleu.__version__}" in mark for mark in marks.values())


def test_outputs_are_right_as_a_whole() -> None:
    metrics = WordMetrics()
    metrics.update(torch.tensor(3.0), torch.tensor(6))
    assert metrics.compute().keys() == {"loss", "perplexity"}, "nothing was translated"
    metrics.add(["ab"], ["ab"], torch.tensor([True]), torch.tensor([0]))
    assert metrics.compute().keys() == {"loss", "perplexity", "right"}, "0 of 0 is no number, and would never be best"
    metrics.add(["cd"], ["ce"], torch.tensor([False]), torch.tensor([1]))
    metrics.add(["ef"], ["ef"], torch.tensor([False]), torch.tensor([2]))
    figures = metrics.compute()
    torch.testing.assert_close(figures["right"], torch.tensor(2 / 3))
    torch.testing.assert_close(figures["right_unseen"], torch.tensor(1 / 2))
    assert float(figures["loss"]) == 0.5
    metrics.reset()
    assert not len(metrics.rows)


def test_the_loss_is_a_mean_over_symbols_of_batches_of_any_size() -> None:
    metrics = TokenMetrics(persistent=True)
    for total, tokens in ((3.0, 2), (5.0, 6)):
        metrics.update(torch.tensor(total), torch.tensor(tokens))
    assert metrics.so_far()["loss"] == 1.0
    assert metrics.state_dict().keys() == {"loss", "count"}
