"""Summarizes the parser's long messages in one line: the innermost reason, which is the one that matters."""

import difflib
import re
from collections.abc import Iterable

UNION = re.compile(r"Does not validate against any of the Union subtypes Subtypes: \[.*?\] Errors: - ")
KEY = re.compile(r'Parser key "([^"]+)": ')
CLASS_PATH = re.compile(r"Problem with given class_path '([^']+)': ")
CALLABLE = re.compile(r"Type typing\.Callable\[.*?\] expects a function or a callable class: ")
VALUE = re.compile(r"(?:Got value|Given value): (?:NestedArg\(key='.*?', val='(.*?)'\)|(.*?))(?= - |$)")
END = re.compile(r"\.? (?:Got value|Given value type): | - Expected a <class 'NoneType'>")
SEVERAL = re.compile(r"Multiple subclasses with name (\w+)\. Give the full class path to avoid ambiguity: ([\w., ]*\w)")
FALLBACK = re.compile(r"Expected a path but|dot import path|^-?$")  # other interpretations that the parser tried
TYPES = ((re.compile(r"<class '(?:\w+\.)*(\w+)'>"), r"\1"), (re.compile(r"typing\.Literal\[(.*?)\]"), r"one of \1"))


def summarize_error(message: str, options: Iterable[str] = ()) -> str:
    """Returns the innermost reason of a message in one line, after the option that it is about.

    Args:
        message: Message of jsonargparse or Lightning, of any length.
        options: All options, to suggest the nearest.

    Returns:
        One line.
    """
    text = " ".join(message.split())
    keys = KEY.findall(text)
    if missing := re.match(r"the following arguments are required: \w+\.(\w+)", text):
        return f"the config names no {missing[1]}: it needs {missing[1]}: class_path: ..."
    if unknown := re.match(r"Subcommand '\w+' does not accept option '([\w.]+)'", text):
        return f"{unknown[1]}: there is no such option{_nearest('--' + unknown[1], options)}"
    if not keys:
        unknown = re.match(r"(?i)unrecognized arguments: (--[\w.-]+)", text)
        return f"{unknown[1]}: there is no such option{_nearest(unknown[1], options)}" if unknown else text
    values = VALUE.findall(text)
    # from the outside to the inside, each layer ends where the next begins
    for layer in (UNION, KEY, CLASS_PATH, UNION, KEY, CALLABLE, CLASS_PATH, UNION):
        while match := layer.search(text):
            text = text[match.end() :]
    if several := SEVERAL.search(text):
        return f"--{'.'.join(keys)} {several[1]}: several classes have this name; give one of {several[2]}"
    reasons = [reason for reason in END.split(text)[0].split(" - ") if not FALLBACK.search(reason)]
    reason = (reasons[0] if reasons else "there is no such class").removeprefix("- ").removesuffix(".")
    option = re.match(r"Option '([^']+)' is not accepted|unrecognized arguments: --([\w.]+)", reason)
    if option:
        return f"--{'.'.join([*keys, option[1] or option[2]])}: there is no such option"
    for pattern, replacement in TYPES:
        reason = pattern.sub(replacement, reason)
    value = next((f" {nested or plain}" for nested, plain in values[:1] if "Namespace" not in plain), "")
    reason = (
        re.sub(r" Subclass types expect.*", "", reason)
        .replace("Expected a ", "expected ")
        .replace("Expected an ", "expected ")
    )
    return f"--{'.'.join(keys)}{value}: {reason}"


def _nearest(option: str, options: Iterable[str]) -> str:
    near = difflib.get_close_matches(option, list(options), n=2)
    return f"; did you mean {' or '.join(near)}?" if near else ""
