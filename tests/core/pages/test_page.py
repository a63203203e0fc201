"""Pages are complete, and nothing in them is taken for HTML or runs but their own scripts."""

import base64
import hashlib
import json
import math
import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from core.pages.page import PLACE, as_data, policy, render
from tests.browser import open_page

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\"'\u202e\x1b[31m"
TEMPLATE = """\
{% extends "base.html" %}
{% import "parts.html" as parts %}
{% block main %}
<p id="name">{{ name }}</p>
{{ parts.command(name) }}
{{ parts.picture("data:image/png;base64,AA==", name) }}
{{ parts.table(["a", name], [[name, "2"]], [1]) }}
<script type="application/json">{{ content|as_data }}</script>
{% endblock %}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """A template that shows a name wherever one can stand."""
    path = tmp_path / "template.html"
    path.write_text(TEMPLATE)
    return path


def test_names_are_shown_and_never_taken_for_html(template: Path) -> None:
    text = render(template, HOSTILE, name=HOSTILE, content={HOSTILE: [HOSTILE, math.nan, 1.5]})
    own = {(PLACE / "base.js").read_text()}
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert {*scripts} == own
    assert "<img src=x" not in text
    assert "alert(1)&lt;/script&gt;" in text
    assert "\u202e" not in text
    assert "\x1b" not in text
    (data,) = re.findall(r'<script type="application/json">(.*?)</script>', text, re.DOTALL)
    (values,) = json.loads(data).values()
    assert values == [HOSTILE.replace("\u202e", "\\u202e").replace("\x1b", "\\x1b"), None, 1.5]


def test_the_policy_allows_the_pages_own_scripts_alone(template: Path, tmp_path: Path) -> None:
    script = tmp_path / "own.js"
    script.write_text("document.title = 'é';\n")
    text = render(template, "a", scripts=[script], name="a", content={})
    (rule,) = re.findall(r'Content-Security-Policy" content="(.*?)"', text)
    rule = rule.replace("&#39;", "'")
    bodies = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    sums = {f"'sha256-{base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()}'" for body in bodies}
    assert len(sums) == 2
    assert {*re.search(r"script-src ([^;]*);", rule)[1].split()} == sums
    assert "default-src 'none'" in rule
    assert "connect-src 'none'" in rule
    assert "connect-src 'self'" in policy([], sends=True)


def test_what_an_escape_would_miss_the_policy_stops(template: Path, tmp_path: Path) -> None:
    """Each is seen by the browser on a page without the policy."""
    text = render(template, "a", name=Markup(HOSTILE.replace("src=x", "src=https://evil.example/a.png")), content={})
    page = tmp_path / "page.html"
    (tmp_path / "safe").mkdir()
    page.write_text(re.sub(r"alert\(\d\)", "document.body.dataset.hit=1", text))
    rule = page.read_text().partition('<meta http-equiv="Content-Security-Policy"')
    opened = open_page(page, tmp_path / "safe")
    assert "data-hit" not in opened.dom
    assert opened.requests == []
    assert any("Content Security Policy" in line for line in opened.messages)

    (tmp_path / "unsafe").mkdir()
    page.write_text(rule[0] + rule[2].partition(">")[2])
    opened = open_page(page, tmp_path / "unsafe")
    assert 'data-hit="1"' in opened.dom
    assert opened.requests == ["https://evil.example/a.png"]


def test_what_is_not_given_is_an_error(template: Path) -> None:
    with pytest.raises(UndefinedError, match="name"):
        render(template, "a", content={})


def test_data_hold_no_markup() -> None:
    text = as_data({"a": ["<!--", "&amp;", -math.inf, True, None]})
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"a": ["<!--", "&amp;", None, True, None]}
