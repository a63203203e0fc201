"""ABC is read as people write it, and tidied into one form."""

from fractions import Fraction

import pytest

from datamodules.tunes.notation import NoTune, Tune
from datamodules.tunes.reading import read_tune

HEADER = "X:1\nT:A tune\nM:4/4\nL:1/8\nK:G\n"


def body(text: str, header: str = HEADER) -> str:
    """Returns the tidied body."""
    return "".join(read_tune(header + text).body)


def test_a_tune_as_the_collection_has_it() -> None:
    tune = read_tune(
        "X: 1\nT:A and A's Waltz\n% Nottingham Music Database\nS:Mick Peat\nM:3/4\nL:1/4\nK:G\n"
        'e|:"G"d2B|"D"A3/2B/2c|\nM:2/4\n"F"B=F|\\\nM:3/4\n [1 "G"G2e:| [2"G"G2z||\n'
    )
    assert (tune.title, tune.metre, tune.unit, tune.key) == ("A and A's Waltz", "3/4", Fraction(1, 4), "G")
    assert tune.text == ('M:3/4\nL:1/4\nK:G\ne|:"G"d2B|"D"A3/2B/2c|[M:2/4]"F"B=F|[M:3/4][1"G"G2e:|[2"G"G2z||')
    assert read_tune(tune.text).body == tune.body, "tidied tunes stay as they are"


@pytest.mark.parametrize(
    ("written", "tidied"),
    [
        ("A>B c<d", "A3/2B/2c/2d3/2"),
        ("A>>B", "A7/4B/4"),
        ("A2>B2", "A3B"),
        ("A/ B// C/2", "A/2B/4C/2"),
        ("(3ABc (AB) {g}A !trill!B ~c .d", "(3ABcABABcd"),
        ("[CE]2 [C2E2]3 [c2 a2 ] [A-c-]", "[CE]2[CE]6[ca]2[Ac]-"),
        ("A|1B:|2c|]", "A|[1B:|[2c|]"),
        ("A:||:B|: || |:c::d", "A::B|:c::d"),
        ("|A|||B[|c", "A||B|c"),
        ("Z|A", "z8|A"),
        ("Z2|A", "z8|z8|A"),
        ("Z|A8|[M:3/4]A6", "z8|A8|[M:3/4]A6"),
        ("Z2|A8|[L:1/16]A16", "z8|z8|A8|A8"),
        ("[M:3/4]Z2|A6", "[M:3/4]z6|z6|A6"),
        ('"Am "A "^slowly"B "D/f+"c', '"Am"AB"D/f+"c'),
        ("A % a comment\nw: some words\nB", "AB"),
        ("AB[L:1/4]AB", "ABA2B2"),
        ("A-\\\nA x2 y", "A-Az2"),
        ("[K:Amin]A [M:C|]B", "[K:Am]A[M:2/2]B"),
        ("[A-c-]2|[A-c-]/>B", "[Ac]2-|[Ac]3/4-B/2"),
        ("\n  \nAB|\n% a comment\nc|\n\nA dance in the key of G\n", "AB|c|"),  # then free text
        ("e:|f", "e:|f"),
    ],
)
def test_what_can_be_written_in_several_ways_has_one(written: str, tidied: str) -> None:
    assert body(written) == tidied


@pytest.mark.parametrize(
    ("metre", "unit"), [("2/4", "1/16"), ("3/4", "1/8"), ("6/8", "1/8"), ("C", "1/8"), ("", "1/8")]
)
def test_the_unit_follows_from_the_metre_unless_it_is_given(metre: str, unit: str) -> None:
    assert read_tune(f"M:{metre}\nK:C\nA").unit == Fraction(unit)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("X:1\nT:No key\nABC", "music before the key field K:"),
        ("X:1\nT:No key", "no key field K:"),
        ("X:1\nK:C\n", "no notes"),
        ("X:1\nK:C\nz4", "no notes"),
        ("X:1\nK:C\n2A", "the duration 2 without a note"),
        ("X:1\nK:C\nA0", "a note of length 0"),
        ("X:1\nK:C\nA1/0", "a note of length 1/0"),
        ("X:1\nK:C\nA999", "a note of length 999"),
        ("X:1\nK:C\n>A", "broken rhythm > without notes"),
        ("X:1\nK:C\nV:1\nA\nV:2\nB", r"several voices \(V:\)"),
        ("X:1\nK:C\nA & B", "several voices"),
        ("X:1\nK:C\nA #", "'#', which is no music"),
        ("X:1\nM:4/5\nK:C\nA", "the metre '4/5'"),
        ("X:1\nM:0/4\nK:C\nA", "the metre '0/4'"),
        ("X:1\nL:0/4\nK:C\nA", "the unit L:0/4"),
    ],
)
def test_what_is_no_tune_says_why(text: str, why: str) -> None:
    with pytest.raises(NoTune, match=why):
        read_tune(text)


def test_a_tune_is_its_text() -> None:
    tune = Tune("6/8", Fraction(1, 8), "G", ("A", "2", "|"), "Title")
    assert tune.text == "M:6/8\nL:1/8\nK:G\nA2|"
    assert tune.tokens == ("M:6/8\n", "L:1/8\n", "K:G\n", "A", "2", "|")
