"""What is made up is the same every time, and needs more than counting."""

import re

import torch

from datamodules.text.synthetic import DIGITS, synthetic_corpus, synthetic_documents


def test_sentences_follow_from_the_seed_and_keep_their_rules() -> None:
    text = synthetic_corpus(20_000, seed=1)
    assert text == synthetic_corpus(20_000, seed=1) != synthetic_corpus(20_000, seed=2)
    assert 20_000 <= len(text) < 20_300
    assert text.isascii()
    for a, b, total in re.findall(r"(\w+) and (\w+) is (\w+)\.", text):
        assert DIGITS.index(a) + DIGITS.index(b) == DIGITS.index(total)
    speakers = re.findall(r"(?:^|\. )(\w+) (?:sees|hears|meets|calls|helps|finds) [^.\"]*, says (\w+)\.", text)
    assert len(speakers) > 50
    assert all(first == last for first, last in speakers)
    opened: list[str] = []
    for sign in re.sub(r"[^][(){}]", "", text):
        if sign in "([{":
            opened.append(sign)
        else:
            assert opened.pop() + sign in ("()", "[]", "{}")
    assert not opened


def test_counting_words_tells_documents_apart_only_in_part_and_pairs_nearly() -> None:
    texts, labels = synthetic_documents(2000, 4, seed=1)
    assert (texts, labels) == synthetic_documents(2000, 4, seed=1)
    targets = torch.tensor(labels)
    assert targets.bincount().min() > 400

    def accuracy(n: int) -> float:
        """Of naive Bayes on groups of n words, half of the documents to learn from and half to be classified."""
        groups = []
        for text in texts:
            words = text.split()
            groups.append({" ".join(words[i : i + n]) for i in range(len(words) - n + 1)})
        numbers = {group: number for number, group in enumerate(sorted(set().union(*groups)))}
        table = torch.zeros(len(texts), len(numbers))
        for row, document in enumerate(groups):
            table[row, [numbers[group] for group in document]] = 1
        counts = torch.stack([table[:1000][targets[:1000] == label].sum(0) for label in range(4)]) + 1
        scores = table[1000:] @ (counts / counts.sum(1, keepdim=True)).log().T
        return float((scores.argmax(1) == targets[1000:]).float().mean())

    words, pairs = accuracy(1), accuracy(2)
    assert 0.4 < words < 0.75
    assert words + 0.1 < pairs < 0.99
