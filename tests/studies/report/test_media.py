"""What the runs drew and wrote is in the page, as far as there is room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from studies.report import media as module
from studies.report.groups import Group, group
from studies.report.media import media
from studies.report.metrics import Metrics
from studies.report.reported import find_runs
from tests.pictures import picture
from tests.studies.report.folders import make_run


def _groups(folder: Path) -> list[Group]:
    runs, study = find_runs([str(folder)])
    return group(runs, study, Metrics.of(runs, study, None, None))


def test_runs_stand_side_by_side_for_each_medium_the_best_first(tmp_path: Path) -> None:
    for number, reached in enumerate((0.5, 0.9)):
        make_run(tmp_path / str(number), lr=number + 1.0, accuracies=(reached,), pictures=True)
    picture(tmp_path / "0" / "curves.png")
    picture(tmp_path / "0" / "tensorboard" / "a.png")
    picture(tmp_path / "0" / "drawn" / "a.png")
    found = media(_groups(tmp_path))
    assert [medium.name for medium in found] == ["confusion.png", "drawn/a.png", "samples.txt", "mistakes.csv"]
    confusion, drawn, samples, mistakes = found
    assert [one.run for one in confusion.shown] == ["lr=2", "lr=1"]
    assert all(one.picture.startswith("data:image/") for one in confusion.shown)
    assert [one.run for one in drawn.shown] == ["lr=1"]
    assert samples.shown[0].text == "=== epoch 0\nwritten\n"
    assert (mistakes.shown[0].header, mistakes.shown[0].rows) == (["input", "guess"], [["1", "2"]])


def test_a_folder_that_cannot_be_read_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path / "a")
    for folder in ("", "closed", "drawn"):
        picture(run / folder / "a.png")
    groups, read = _groups(tmp_path), Path.iterdir

    def refused(path: Path) -> Iterator[Path]:
        if path.name == "closed":
            raise PermissionError
        return read(path)

    monkeypatch.setattr(Path, "iterdir", refused)
    assert [medium.name for medium in media(groups)] == ["a.png", "drawn/a.png"]


def test_what_is_long_is_cut_and_said(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a")
    (run / "samples.txt").write_text("a" * 5000 + "end")
    (run / "mistakes.csv").write_text("n\n" + "".join(f"{number}\n" for number in range(100)))
    (run / "broken.png").write_text("no picture")
    (run / "sound.wav").write_bytes(b"RIFF")
    sound, samples, mistakes = media(_groups(tmp_path))
    assert sound.shown[0].sound == "data:audio/wav;base64,UklGRg=="
    assert samples.shown[0].text.endswith("end")
    assert samples.shown[0].note == "the last 4,000 characters"
    assert len(mistakes.shown[0].rows) == 12
    assert mistakes.shown[0].note == "the first 12 of 100 rows"


def test_of_a_large_file_the_end_and_no_false_number_of_rows_is_shown(tmp_path: Path) -> None:
    """What stood behind its first million characters was left out, and not counted."""
    run = make_run(tmp_path / "a")
    (run / "samples.txt").write_text("ä" * 1_100_000 + "𝄞" * 4500 + "end", encoding="utf-8")
    (run / "few.txt").write_text("𝄞" * 4000, encoding="utf-8")
    (run / "mistakes.csv").write_text("number,text\n" + "".join(f"{number},{'x' * 40}\n" for number in range(50_000)))
    few, samples, mistakes = media(_groups(tmp_path))
    assert samples.shown[0].text == "𝄞" * 3997 + "end"
    assert samples.shown[0].note == "the last 4,000 characters"
    assert (few.shown[0].text, few.shown[0].note) == ("𝄞" * 4000, "")
    assert [row[0] for row in mistakes.shown[0].rows] == [str(number) for number in range(12)]
    assert mistakes.shown[0].note == "the first 12 rows"


def test_the_page_stays_small_whatever_the_runs_drew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        run = make_run(tmp_path / str(number), lr=number + 1.0)
        picture(run / "a.png", (500, 500), seed=number)
    (whole,) = media(_groups(tmp_path))
    assert len(whole.shown) == 4
    monkeypatch.setattr(module, "MOST_BYTES", 2 * len(whole.shown[0].picture) + 1000)
    (medium,) = media(_groups(tmp_path))
    assert (len(medium.shown), medium.left_out) == (2, 2)
    monkeypatch.setattr(module, "MOST_PICTURES", 1)
    assert len(media(_groups(tmp_path))[0].shown) == 1


def test_what_a_link_leads_to_elsewhere_is_in_no_page(tmp_path: Path) -> None:
    """A stranger's run could have had any file of a machine shown to others."""
    run = make_run(tmp_path / "runs" / "a")
    (tmp_path / "secret").mkdir()
    for name in ("key.txt", "photo.png"):
        (tmp_path / "secret" / name).write_text("a key")
        (run / name).symlink_to(tmp_path / "secret" / name)
    (run / "drawn").symlink_to(tmp_path / "secret")
    (run / "samples.txt").write_text("written")
    (run / "latest.txt").symlink_to("samples.txt")
    assert [medium.name for medium in media(_groups(tmp_path / "runs"))] == ["latest.txt", "samples.txt"]
