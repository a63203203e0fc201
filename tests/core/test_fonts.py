"""Figures have letters of every script, and no warnings of letters that no font has."""

import warnings
from pathlib import Path

import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure as MatplotlibFigure

from core import fonts
from core.media import Figure
from core.media_files import encode


def drawn(title: str) -> MatplotlibFigure:
    """Draws a figure with a title, and returns it."""
    figure = MatplotlibFigure(figsize=(2, 1), dpi=50)
    figure.suptitle(title)
    encode(Figure(name="title", step=0, figure=figure))
    return figure


@pytest.mark.usefixtures("rendered")
@pytest.mark.parametrize("title", ["新闻标题", "ニュース", "뉴스", "ข่าว", "𝄞", "Ähre, ωmega, щука"])
def test_letters_that_no_font_has_warn_of_nothing(title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "installed", lambda: ())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn(title)


@pytest.mark.usefixtures("rendered")
def test_what_to_install_is_said_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(fonts, "installed", lambda: ())
    fonts._say_what_to_install.cache_clear()
    for title in ("News", "新闻", "标题", "ข่าว"):
        drawn(title)
    first, second = capsys.readouterr().out.splitlines()
    assert "Chinese, Japanese or Korean letters" in first
    assert first.endswith("install Noto Sans CJK (Debian, Ubuntu: apt install fonts-noto-cjk)")
    assert "fonts-noto)" in second


def test_other_warnings_are_passed_on() -> None:
    with pytest.warns(UserWarning, match="other"), fonts.all_letters(MatplotlibFigure()):
        warnings.warn("other", UserWarning, stacklevel=1)


def test_a_font_that_is_newer_than_matplotlibs_list_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = font_manager.fontManager.ttflist
    (font,) = {one.fname for one in listed if one.name == "STIXGeneral" and one.style == "normal" and one.weight == 400}
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [one for one in listed if one.name != "STIXGeneral"])
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [__file__, font])
    monkeypatch.setattr(fonts, "WIDE", ("STIXGeneral",))
    assert fonts.installed.__wrapped__() == ("STIXGeneral",)


def test_a_font_that_has_them_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (name,) = {font.name for font in font_manager.fontManager.ttflist if font.name == "DejaVu Sans Mono"}
    monkeypatch.setattr(fonts, "WIDE", ("No Such Font", name))
    monkeypatch.setattr(fonts, "installed", fonts.installed.__wrapped__)
    chinese, latin = (drawn(title)._suptitle.get_fontfamily() for title in ("新闻", "News"))
    assert chinese == [*latin, name], "what is written in Latin letters looks as before"
