"""Names of code in settings and words are found without importing anything."""

from pathlib import Path

import pytest

from engine.settings.import_paths import import_paths, is_below, names_in_words


def test_names_are_found_with_their_keys() -> None:
    settings = {
        "model": {"class_path": "a.Net", "init_args": {"optimizer": "os.path", "x": [{"class_path": "b.C"}, 1, None]}},
        "trainer": {"callbacks": ["tests.tiny", "no text", "0.1"]},
    }
    found = [
        ("model", "a.Net"),
        ("model.optimizer", "os.path"),
        ("model.x", "b.C"),
        ("trainer.callbacks", "tests.tiny"),
    ]
    assert [*import_paths(settings)] == found


def test_names_are_found_in_words() -> None:
    words = [
        "--model=tests.tiny.Net",
        "--x",
        "os.path",
        "{class_path: a.B}",
        "--y=[os.path, 1]",
        "--z={broken",
        "2000-99-99",
    ]
    assert [*names_in_words(words)] == ["tests.tiny.Net", "os.path", "a.B", "os.path"]


@pytest.mark.parametrize(
    ("name", "inside"),
    [("a" * 300 + ".Net", False), ("inner.Net", True), ("folder.inner.Net", True), ("torch.nn", False)],
)
def test_code_within_a_folder_is_told(name: str, inside: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "inner.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert is_below(name, folder) == inside
