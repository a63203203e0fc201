"""Mistakes in the options of a tool are one line with a way out, also where other words are for another command."""

import re

import pytest

from core.errors import InputError
from core.terminal.one_line_parser import OneLineParser


def make_parser() -> OneLineParser:
    """Returns the parser of a tool with an option and a word."""
    parser = OneLineParser("python cli.py tool", allow_abbrev=False)
    parser.add_argument("what")
    parser.add_argument("--format")
    parser.add_argument("--kind", choices=("graph", "weights"))
    return parser


@pytest.mark.parametrize("option", ["--fromat", "--formt", "--Format", "--formats", "--fromat=onnx"])
def test_a_mistyped_option_is_told_before_the_words_of_another_command_are_read(option: str) -> None:
    reason = f"{option.partition('=')[0]}: there is no such option; did you mean --format?"
    for parse in (make_parser().parse_known_args, make_parser().parse_args):
        with pytest.raises(InputError, match=re.escape(reason)):
            parse([option, "onnx"])


def test_options_of_another_command_are_left_to_it() -> None:
    others = ["--data.format", "x", "--model.fromat=1", "--information", "--trust"]
    arguments, left = make_parser().parse_known_args(["a", "--format", "onnx", *others])
    assert (arguments.what, arguments.format) == ("a", "onnx")
    assert left == others


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "tool needs what; 'python cli.py tool --help' explains"),
        (["a", "b"], "b: one word too many; 'python cli.py tool --help' lists what tool takes"),
        (["a", ""], "'': one word too many; 'python cli.py tool --help' lists what tool takes"),
        (["a", "", "b"], "'': one word too many; 'python cli.py tool --help' lists what tool takes"),
        (
            ["a", "--colour", "b"],
            "--colour: there is no such option; 'python cli.py tool --help' lists what tool takes",
        ),
        (["a", "--format"], "--format: expected one argument"),
        (["a", "--kind", "grap"], "--kind grap: expected graph or weights; did you mean graph?"),
        (["a", "--kind", "allweights"], "--kind allweights: expected graph or weights; did you mean weights?"),
        (["a", "--kind", ""], "--kind : expected graph or weights"),
    ],
)
def test_every_mistake_is_one_line(words: list[str], reason: str) -> None:
    with pytest.raises(InputError) as error:
        make_parser().parse_args(words)
    assert str(error.value) == reason
