"""A page shows each picture with its caption; no name and no caption of it is taken for HTML."""

from pathlib import Path

from datamodules.captioned.page import page
from tests.pictures import picture


def test_pictures_are_in_the_page_and_texts_are_escaped() -> None:
    file = picture(Path("elsewhere.png"), (900, 700))
    names, files = ["<b>&.png", "absent.png", "test[0]"], {"<b>&.png": file, "absent.png": Path("absent.png")}
    text = page(names, ["a <script> & more", "nothing", "drawn"], files, [["by <i>people</i>"], [], []]).decode()
    assert text.count("data:image/jpeg;base64,") == 1
    assert "a &lt;script&gt; &amp; more" in text
    assert "&lt;b&gt;&amp;.png" in text
    assert "by &lt;i&gt;people" in text
    assert "<script>& more" not in text
    assert "absent.png" in text
    assert "test[0]" in text
    assert len(text) < 200_000
    assert "3 pictures and their captions" in text
    assert "1 picture and its caption" in page(["a.png"], ["a"], files).decode()
