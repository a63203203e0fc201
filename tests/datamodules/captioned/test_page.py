"""A page shows each picture with its caption; no name and no caption of it is taken for HTML."""

from pathlib import Path

from datamodules.captioned.page import page
from tests.pictures import picture


def test_pictures_are_in_the_page_and_texts_are_escaped() -> None:
    name = str(picture(Path("<b>&.png"), (900, 700)))
    text = page([name, "absent.png"], ["a <script> & more", "nothing"], [["by <i>people</i>"], []]).decode()
    assert text.count("data:image/jpeg;base64,") == 1
    assert "a &lt;script&gt; &amp; more" in text
    assert "&lt;b&gt;&amp;.png" in text
    assert "by &lt;i&gt;people" in text
    assert "<script>& more" not in text
    assert "absent.png" in text
    assert len(text) < 200_000
    assert "2 pictures and their captions" in text
    assert "1 picture and its caption" in page([name], ["a"]).decode()
