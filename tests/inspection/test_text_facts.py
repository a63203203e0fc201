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


def test_places_are_told_in_what_a_text_has() -> None:
    without = facts_of([list("one two three four five"), list("six seven eight nine te")])
    assert {name for name in without if name.startswith("place")} == {"place in the word"}
    seldom = facts_of([list("a text of a line."), list("and one\nline. Its"), list("end. It comes now")])
    assert {name for name in seldom if name.startswith("place")} == {"place in the word", "place in the sentence"}
    assert {name for name in facts_of([["do", "re", "mi"]]) if name.startswith("place")} == set()


def test_facts_of_a_text_without_blanks() -> None:
    text = list("他说：「你好（2）。」我走！为什么？是；好")  # noqa: RUF001
    facts = {name: values[0].tolist() for name, values in facts_of([text]).items()}
    ends = [text[place - 1] for place in range(1, len(text)) if facts["place in the sentence"][place] == 1]
    assert "".join(ends) == "。！？；"  # noqa: RUF001
    assert not {"place in the line", "place in the word"} & facts.keys()
    assert max(facts["within brackets"]) == 2


def test_facts_that_never_differ_are_left_out() -> None:
    facts = facts_of([list("abab"), list("baba")])
    assert "is a digit" not in facts
    assert "is an end of a line" not in facts
    assert facts["is 'a'"].tolist() == [[1, 0, 1, 0], [0, 1, 0, 1]]
    assert all(values.dtype == torch.float32 and values.shape == (2, 4) for values in facts.values())
