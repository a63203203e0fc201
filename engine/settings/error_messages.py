"""Summarizes the parser's long messages in one line: the innermost reason, which is the one that matters."""

import re
from dataclasses import dataclass

from engine.settings.trust import OTHER, WAY_OUT

UNION = re.compile(r"Does not validate against any of the Union subtypes Subtypes: \[.*?\] Errors: - ")
KEY = re.compile(r'Parser key "([^"]+)": ')
CLASS_PATH = re.compile(r"Problem with given class_path '([^']+)': ")
CALLABLE = re.compile(r"Type typing\.Callable\[.*?\] expects a function or a callable class: ")
VALUE = re.compile(r"(?:Got value|Given value):(?:| NestedArg\(key='.*?', val='?(.*?)'?\)| (.*?))(?= - |$)")
NESTED = re.compile(r"NestedArg\(key='([\w.]+)'")
WITHOUT_KEYS = re.compile(r"'\w+' object has no attribute 'keys'")
END = re.compile(r"\.? (?:Got value|Given value type):(?: |$)| - Expected a <class 'NoneType'>")
SEVERAL = re.compile(r"Multiple subclasses with name (\w+)\. Give the full class path to avoid ambiguity: ([\w., ]*\w)")
UNKNOWN = (
    re.compile(r"(?P<group>)Option '(?P<option>[^']+)' is not accepted"),
    re.compile(r"(?P<group>)(?i:unrecognized arguments): --(?P<option>[\w.-]+)"),
    re.compile(r"Group '(?P<group>[^']+)' does not accept option '(?P<option>[^']+)'"),
)
NOT_ALLOWED = re.compile(r"Importing '([\w.]+)' is not allowed, denied by the '(\S+)' entry")
STRAY = re.compile(r"(?i)unrecognized arguments: (\S+)")
VALUELESS = re.compile(r"(?:argument )?--([\w.-]+): (?i:expected (?:one|at least one) argument)")
FALLBACK = re.compile(r"Expected a path but|dot import path|^-?$")  # other interpretations that the parser tried
CLASS_NAME = re.compile(r"Expected a dot import path string: [A-Za-z_][\w.]*( -|$)")
TYPES = ((re.compile(r"<class '(?:\w+\.)*(\w+)'>"), r"\1"), (re.compile(r"typing\.Literal\[(.*?)\]"), r"one of \1"))

EXPECTED = "Expected a "  # as the parser words it
NO_OPTION = "there is no such option"
NO_CLASS = "there is no such class"
NO_PLACE = "belongs to no option"
NO_VALUE = "needs a value"
NO_LIST = "expected a list, which is written in brackets"
NO_MAPPING = "expected a mapping such as '{name: value}', with a blank after each colon"
SEARCHED = "in the current folder or among the installed packages"  # where the command finds modules
MISSING = "the config names no "  # what a run needs; other mistakes may be the reason
FOUND_NO_CLASS = re.compile(rf"{NO_CLASS}|No module named|module '[\w.]+' has no attribute|Not a valid subclass")


@dataclass(frozen=True)
class Mistake:
    """What is wrong with one setting.

    Attributes:
        reason: What is wrong, in words.
        key: Dotted key of the setting, or the word that is no setting's; empty if the message names none.
        value: The value that was given, if it is short enough to be shown.
    """

    reason: str
    key: str = ""
    value: str | None = None

    def __str__(self) -> str:
        """Returns the mistake as that of a flag."""
        return self.told(f"--{self.key}" if self.reason != NO_PLACE else self.key)

    def told(self, name: str) -> str:
        """Returns the mistake, with the setting under a name of the caller's."""
        if not self.key:
            return self.reason
        value = "''" if self.value == "" else self.value
        return f"{name}{'' if value is None else f' {value}'}: {self.reason}"

    @property
    def is_unknown_class(self) -> bool:
        """Whether the value names no class of the kind that is needed."""
        return bool(FOUND_NO_CLASS.match(self.reason))


def find_mistake(message: str) -> Mistake:
    """Returns the innermost reason of a message, and the setting that it is about.

    Args:
        message: Message of jsonargparse or Lightning, of any length.
    """
    text = " ".join(message.split())
    if missing := re.match(r"the following arguments are required: (\w+)", text):
        return Mistake(f"{MISSING}{missing[1]}: it needs {missing[1]}: class_path: ...")
    keys = KEY.findall(text)
    if not keys:
        return _without_key(text)
    if denied := NOT_ALLOWED.search(text):
        of_python = "is what Python has for running commands, handling files and the like, and never part of a run"
        reason = f"{OTHER}; {WAY_OUT}" if denied[2] == "*" else of_python
        return Mistake(reason, ".".join(dict.fromkeys(keys)), denied[1])
    keys = [key for key, before in zip(keys, ["", *keys], strict=False) if key != before]
    key, inner = ".".join(keys), _innermost(text)
    if several := SEVERAL.search(inner):
        return Mistake(f"several classes have this name; give one of {several[2]}", key, several[1])
    # settings below a class are no value of its own
    shown = next((nested or plain for nested, plain in VALUE.findall(text)[:1]), None)
    value = None if shown is None or "Namespace" in shown else shown
    reason = _reason(inner)
    if "Unable to load config" in reason or WITHOUT_KEYS.search(reason):
        nested = NESTED.search(inner)
        return Mistake(NO_MAPPING, f"{key}.{nested[1]}" if nested else key, value)
    if unknown := _unknown_option(reason):
        return Mistake(NO_OPTION, ".".join([*keys, unknown]))
    mistake = Mistake(_in_our_words(reason), key, value)
    listed = CLASS_PATH.findall(text) if mistake.is_unknown_class and (shown or "").startswith("[") else []
    return Mistake(mistake.reason, key, listed[-1]) if listed else mistake


def _without_key(text: str) -> Mistake:
    """Returns the mistake of a message that names no setting's key."""
    if unknown := _unknown_option(text):
        return Mistake(NO_OPTION, unknown)
    if stray := STRAY.match(text):
        return Mistake(NO_PLACE, stray[1])
    if valueless := VALUELESS.match(text):
        return Mistake(NO_VALUE, valueless[1])
    return Mistake(text.removeprefix("argument "))


def _innermost(text: str) -> str:
    """Returns what is left of a message within its layers: each, from the outside, ends where the next begins."""
    for layer in (UNION, KEY, CLASS_PATH, UNION, KEY, CALLABLE, CLASS_PATH, UNION):
        while match := layer.search(text):
            text = text[match.end() :]
    return text


def _reason(text: str) -> str:
    """Returns the reason that an innermost message gives; of several types that a value may have, all of them."""
    if CLASS_NAME.search(text):  # in place of a list of classes or of nothing, which it is like in no way
        return NO_CLASS
    reasons = [reason for reason in END.split(text)[0].split(" - ") if not FALLBACK.search(reason)]
    reason = (reasons[0] if reasons else NO_CLASS).removeprefix("- ").removesuffix(".")
    if not reason.startswith(EXPECTED):
        return reason
    others = [other.removeprefix(EXPECTED) for other in reasons[1:] if other.startswith(EXPECTED)]
    return " or ".join([reason, *others])


def _in_our_words(reason: str) -> str:
    """Returns a reason of the parser as this project words it."""
    for pattern, replacement in TYPES:
        reason = pattern.sub(replacement, reason)
    reason = re.sub(r" Subclass types expect.*", "", reason)
    reason = re.sub(r"^(No module named '[\w.]+')$", rf"\1 {SEARCHED}", reason)
    reason = reason.replace(EXPECTED, "expected ").replace("Expected an ", "expected ")
    return {"expected list": NO_LIST, "expected dict": NO_MAPPING}.get(reason, reason)


def _unknown_option(reason: str) -> str:
    """Returns the dotted name of the option that a message says does not exist; empty if it says something else."""
    for pattern in UNKNOWN:
        if unknown := pattern.match(reason):
            return ".".join(part for part in (unknown["group"], unknown["option"]) if part)
    return ""


def summarize_error(message: str) -> str:
    """Returns the innermost reason of a message in one line, after the option that it is about.

    Args:
        message: Message of jsonargparse or Lightning, of any length.
    """
    return str(find_mistake(message))
