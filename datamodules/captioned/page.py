"""A page of pictures with captions, which holds small copies of the pictures and needs no other file."""

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment
from PIL import Image, ImageOps

from core.printable import printable

SIDE = 320  # pixels of the longer side of a small copy
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Captions</title>
<style>
body { font: 16px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
main { display: grid; gap: 1.5rem; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); }
figure { margin: 0; }
img { max-width: 100%; }
figcaption p { margin: .3rem 0; }
small, li { color: #555; font-size: .85rem; overflow-wrap: anywhere; }
ul { margin: 0; padding-left: 1.1rem; }
</style>
<h1>{{ rows|length }} pictures and their captions</h1>
<main>
{% for row in rows %}<figure>
{% if row.picture %}<img src="{{ row.picture }}" alt="{{ row.caption }}">{% endif %}
<figcaption><p>{{ row.caption }}</p>
{% if row.references %}<ul>{% for text in row.references %}<li>{{ text }}</li>{% endfor %}</ul>{% endif %}
<small>{{ row.name }}</small></figcaption></figure>
{% endfor %}</main>
</html>
"""


def page(names: Sequence[str], captions: Sequence[str], references: Sequence[Sequence[str]] | None = None) -> bytes:
    """Returns a page of HTML.

    Args:
        names: Files of the pictures; one that cannot be read is only named.
        captions: Caption of each.
        references: Captions by people, of each.
    """
    rows = [
        {
            "name": printable(name),
            "picture": _small_copy(Path(name)),
            "caption": caption,
            "references": [] if references is None else references[place],
        }
        for place, (name, caption) in enumerate(zip(names, captions, strict=True))
    ]
    return Environment(autoescape=True).from_string(PAGE).render(rows=rows).encode()


def _small_copy(path: Path) -> str:
    """Returns a small JPEG of a picture as a data URL; an empty text if it cannot be read."""
    try:
        with Image.open(path) as picture:
            picture.draft("RGB", (SIDE, SIDE))
            small = ImageOps.exif_transpose(picture).convert("RGB")
            small.thumbnail((SIDE, SIDE))
    except Exception:  # decoders raise many types of errors
        return ""
    file = io.BytesIO()
    small.save(file, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
