"""The page on which a network is tried."""

from pathlib import Path
from typing import Any

from core.pages.page import render

PLACE = Path(__file__).parent
TITLES = {"pictures": "What is in a picture?", "documents": "What is a text about?", "symbols": "A network that writes"}
COMMANDS = {
    "pictures": "curl --data-binary @PICTURE.png {url}/api/predict",
    "documents": """curl --json '{{"texts": ["one text", "another"]}}' {url}/api/predict""",
    "symbols": """curl --no-buffer --json '{{"prime": "The ", "length": 200, "stream": true}}' {url}/api/predict""",
}


def make_page(about: dict[str, Any], url: str) -> str:
    """Returns the page.

    Args:
        about: What the network is and takes.
        url: Where the page is.
    """
    kind = about["kind"]
    command = COMMANDS[kind].format(url=url)
    scripts = [PLACE / "page.js"]
    return render(PLACE / "page.html", TITLES[kind], scripts=scripts, sends=True, about=about, command=command)
