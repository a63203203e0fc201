"""Makes a page of a Jinja2 template that extends `base.html`, in the project's one style, light and dark.

Whatever comes from outside (names, settings, texts) is shown and never taken for HTML: every value is escaped, and
beside that a policy in the page's head lets the browser run the page's own scripts alone and load nothing.
"""

import base64
import hashlib
import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from core.pages.charts import packed_plotly, plotly
from core.terminal.printable import printable

PLACE = Path(__file__).parent


def render(
    template: Path,
    title: str,
    *,
    scripts: Sequence[Path] = (),
    charts: bool = False,
    sends: bool = False,
    **content: Any,
) -> str:
    """Returns a page.

    A template fills the blocks `style`, `lead` and `main` of `base.html`, and may import the macros of `parts.html`.

    Args:
        template: File of the template; it may include others of its folder.
        title: Title of the page.
        scripts: Files of JavaScript that run at the page's end, in this order.
        charts: Whether the page draws charts, by `Charts` of `charts.js`.
        sends: Whether its scripts may send requests to where the page came from, as those of a server's page do.
        content: What the template shows. Texts are escaped, numbers that JSON does not have become null.

    Raises:
        InputError: It draws charts, and Plotly is not installed.
        UndefinedError: The template names what is not there.
    """
    own = [PLACE / "base.js", *([PLACE / "charts.js"] if charts else []), *scripts]
    texts = [file.read_text(encoding="utf-8") for file in own]
    allowed = [*texts, *([plotly()] if charts else [])]
    return (
        _environment(template.parent)
        .get_template(template.name)
        .render(
            content,
            title=title,
            policy=policy(allowed, sends),
            style_sheet=Markup((PLACE / "style.css").read_text(encoding="utf-8")),
            page_scripts=[Markup(text) for text in texts],
            packed_plotly=packed_plotly() if charts else None,
        )
    )


def policy(scripts: Sequence[str], sends: bool = False) -> str:
    """Returns the policy by which a browser runs these scripts alone, and loads nothing.

    Args:
        scripts: Texts of the scripts.
        sends: Whether requests to the page's own server are allowed.
    """
    sums = " ".join(f"'sha256-{_digest(text)}'" for text in scripts)
    own = "'self'" if sends else "'none'"
    return (
        f"default-src 'none'; script-src {sums}; style-src 'unsafe-inline'; img-src data: blob:; "
        f"media-src data: blob:; connect-src {own}; form-action {own}; base-uri 'none'"
    )


def as_data(content: Any) -> Markup:
    """Returns content as JSON that stands in a page's `<script type="application/json">`, whatever is in its texts.

    NaN and infinities, which JSON does not have, become null.
    """
    text = json.dumps(_plain(content), allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {printable(str(key)): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return printable(value) if isinstance(value, str) else value


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment(folder: Path) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder), FileSystemLoader(PLACE)]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["as_data"] = as_data
    return environment


def _shown(value: Any) -> Any:
    """Returns a value as a page shows it: characters that would reorder or hide what follows are spelled out."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
