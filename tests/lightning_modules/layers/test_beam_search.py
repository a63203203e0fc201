"""The search finds what a search of all translations finds, and takes each sentence as if it were alone."""

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from datamodules.text.special_symbols import BEGIN, END, PADDING
from lightning_modules.layers.beam_search import beam_search

V, LIMIT = 6, 4  # padding, unknown, beginning, end, and two more


def table(n: int, seed: int = 0) -> Tensor:
    """Returns logits [N, V, LIMIT, V] that depend on the sentence, the latest symbol and the place."""
    return 2 * torch.randn(n, V, LIMIT, V, generator=torch.Generator().manual_seed(seed))


def step(symbols: Tensor, state: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the logits of the table, which depend on the state, too: the number of symbols and their sum."""
    place, total = state.unbind(2)
    logits = memory[torch.arange(len(memory))[:, None], symbols, place]
    logits = logits + torch.sin(total[:, :, None] * torch.arange(V))
    return logits, torch.stack([place + 1, total + symbols], 2)


def search(logits: Tensor, limits: Tensor, beam: int, penalty: float) -> Tensor:
    """Searches sentences of a table."""
    state = torch.zeros(len(logits), beam, 2, dtype=torch.int64)
    return beam_search(step, logits, state, limits, beam, penalty)


def exhaustive(logits: Tensor, limit: int, penalty: float) -> tuple[list[int], float]:
    """Returns the best of all translations of one sentence, and its score."""
    found: tuple[list[int], float] = ([], -torch.inf)
    for length in range(1, limit + 1):
        for words in product((1, 4, 5), repeat=length - 1):
            translation = [*words, END]
            score = _score(logits, translation) / ((5 + length) / 6) ** penalty
            found = max(found, (translation, score), key=lambda pair: pair[1])
    return found


def _score(logits: Tensor, translation: list[int]) -> float:
    score, before, total = 0.0, BEGIN, 0
    for place, symbol in enumerate(translation):
        logs = (logits[before, place] + torch.sin(total * torch.arange(V))).log_softmax(0)
        score += float(logs[symbol])
        before, total = symbol, total + before
    return score


@pytest.mark.parametrize("penalty", [0.0, 1.0, 3.0])
def test_a_wide_beam_finds_the_best_of_all_translations(penalty: float) -> None:
    logits = table(20)
    limits = torch.arange(20) % LIMIT + 1
    found = search(logits, limits, 30, penalty)
    for sentence, limit, translation in zip(logits, limits.tolist(), found, strict=True):
        assert translation[translation > 0].tolist() == exhaustive(sentence, limit, penalty)[0]


def test_a_beam_of_one_takes_the_most_probable_symbol_each_time() -> None:
    logits = table(20)
    limits = torch.full((20,), LIMIT)
    allowed = torch.tensor([1, END, 4, 5])
    for sentence, translation in zip(logits, search(logits, limits, 1, 1.0), strict=True):
        expected, before, total = [], BEGIN, 0
        while END not in expected:
            place = len(expected)
            logits_here = (sentence[before, place] + torch.sin(total * torch.arange(V)))[allowed]
            total += before
            before = END if place == LIMIT - 1 else int(allowed[logits_here.argmax()])
            expected.append(before)
        assert translation[translation > 0].tolist() == expected


@pytest.mark.parametrize("beam", [1, 2, 3])
def test_a_sentence_is_searched_as_if_it_were_alone(beam: int) -> None:
    logits = table(60, seed=1)
    limits = torch.arange(60) % LIMIT + 1
    together = search(logits, limits, beam, 1.0)
    for place in range(60):
        (alone,) = search(logits[place : place + 1], limits[place : place + 1], beam, 1.0)
        assert together[place][together[place] > 0].tolist() == alone.tolist()
        assert (together[place] == END).sum() == 1


def test_the_search_ends_when_nothing_better_can_come() -> None:
    logits = torch.zeros(3, V, LIMIT, V)
    logits[:, :, :, END] = 20.0
    asked: list[Any] = []

    def counted(*arguments: Any) -> tuple[Tensor, Tensor]:
        asked.append(arguments)
        return step(*arguments)

    found = beam_search(counted, logits, torch.zeros(3, 2, 2, dtype=torch.int64), torch.full((3,), LIMIT), 2, 1.0)
    assert found.tolist() == [[END]] * 3
    assert len(asked) == 1


def test_a_long_translation_is_found_after_a_shorter_one_has_ended() -> None:
    """A search that stops at the first translations that end would miss it; the state adds up to two at most."""
    logits = torch.full((1, V, LIMIT, V), -30.0)
    logits[0, BEGIN, 0, [END, 4]] = torch.tensor([0.2, 0.0])
    logits[0, 4, 1, [END, 5]] = torch.tensor([0.0, 0.1])
    logits[0, 5, 2, 4] = 0.0
    logits[0, 4, 3, END] = 0.0
    assert search(logits, torch.tensor([LIMIT]), 2, 0.0)[0].tolist() == [END]
    assert search(logits, torch.tensor([LIMIT]), 2, 3.0)[0].tolist() == [4, 5, 4, END]


def test_a_beam_of_one_copies_no_state_and_logits_are_changed_in_place() -> None:
    """Keys and values of all places before were copied for each symbol, and all logits to ban two of them."""
    logits, before, given, returned = table(3), torch.zeros(3, 1, 2, dtype=torch.int64), [], []

    def noted(symbols: Tensor, state: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        found, after = step(symbols, state, memory)
        found[:, :, END] = -30.0  # no sentence ends before the limit
        given.append(state)
        returned.append((found, after))
        return found, after

    beam_search(noted, logits, before, torch.full((3,), LIMIT), 1, 1.0)
    assert len(given) == LIMIT
    assert all(state is after for state, (_, after) in zip(given, [(None, before), *returned], strict=False))
    assert all((found[:, :, [PADDING, BEGIN]] == -torch.inf).all() for found, _ in returned)
