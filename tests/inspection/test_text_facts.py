"""What is true at each place of a text."""

import torch

from inspection.text_facts import facts_of

TEXT = list('He said "no (not 1)".\nI go.')


def test_facts_of_a_text() -> None:
    facts = {name: values[0].tolist() for name, values in facts_of([TEXT]).items()}

    def places(fact: str) -> str:
        return "".join(one for one, holds in zip(TEXT, facts[fact], strict=True) if holds)

    assert places('within "quotes"') == '"no (not 1)'
    assert places("within brackets") == "(not 1"
    assert places("is a capital") == "HI"
    assert places("is a digit") == "1"
    assert places("before a digit") == " "
    assert places("is an end of a line") == "\n"
    assert facts["place in the line"][-5:] == [1, 2, 3, 4, 5]
    assert facts["place in the word"][:4] == [1, 2, 0, 1]
    assert facts["place in the sentence"][-1] == 0


def test_facts_that_never_differ_are_left_out() -> None:
    facts = facts_of([list("abab"), list("baba")])
    assert "is a digit" not in facts
    assert "is an end of a line" not in facts
    assert facts["is 'a'"].tolist() == [[1, 0, 1, 0], [0, 1, 0, 1]]
    assert all(values.dtype == torch.float32 and values.shape == (2, 4) for values in facts.values())
