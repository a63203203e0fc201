"""What `predict` prints and writes."""

import csv
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from pytorch_lightning import LightningDataModule, LightningModule

from core.errors import InputError
from core.predictions import PredictionTable, as_lines, as_paragraphs, classified, excerpt
from engine.predicting.gathering import checked_pictures, gather, gather_pictures, in_order
from engine.predicting.predictions import SHOWN, check_output, conclude, general_table, report
from tests.pictures import picture
from tests.plain import PlainModule
from tests.tiny import TinyDataModule, tiny_vgg

CLASSES = ("cat", "dog", "bird")


class Painter(LightningModule):
    """A model of another package that makes pictures."""

    predicts_pictures = True


def trainer_of(**changes: object) -> SimpleNamespace:
    """Returns what is asked of a trainer that has predicted."""
    return SimpleNamespace(**{"world_size": 1, "is_global_zero": True, "limit_predict_batches": 1.0} | changes)


@pytest.fixture
def given() -> TinyDataModule:
    """Data with classes, which is to predict three pictures."""
    data = TinyDataModule()
    data.inputs = [str(picture(Path(f"{name}.png"))) for name in "abc"]
    data.input_names()
    return data


def test_the_two_likeliest_classes_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    probabilities = torch.tensor([[0.7, 0.1, 0.2], [0.05, 0.9, 0.05]])
    report(classified("file", ["a.png", "longer.png"], probabilities, CLASSES), None)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0][:3] == ["file", "class", "probability"]
    assert lines[1] == ["a.png", "cat", "0.7000", "bird", "0.2000"]
    assert lines[2][:3] == ["longer.png", "dog", "0.9000"]


def test_the_file_gets_every_row_and_the_screen_the_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    n = SHOWN + 5
    names = [f"test[{i}]" for i in range(n)]
    report(classified("file", names, torch.rand(n, 3), CLASSES), "out.csv")
    output = capsys.readouterr().out
    assert "... and 5 more\n" in output
    report(classified("file", names, torch.rand(n, 3), CLASSES), None)
    assert "... and 5 more; --output FILE.csv writes all\n" in capsys.readouterr().out
    assert f"{n} predictions written to out.csv" in output
    with open("out.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == names
    assert {row["class"] for row in rows} <= set(CLASSES)


def test_a_file_that_cannot_be_written_is_named() -> None:
    with pytest.raises(InputError, match=r"--output nowhere/out.csv: cannot be written"):
        report(PredictionTable(("file",), [("a",)]), "nowhere/out.csv")


def test_an_output_is_written_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("out.csv").write_text("before")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"--output out.csv: cannot be written .*No space left"):
        report(PredictionTable(("file",), [("a",)]), "out.csv")
    assert [path.name for path in Path().iterdir()] == ["out.csv"]
    assert Path("out.csv").read_text() == "before"


def test_a_link_is_replaced_and_not_followed() -> None:
    Path("picture.png").write_bytes(b"pixels")
    Path("out.csv").symlink_to("picture.png")
    Path("other.csv").hardlink_to("picture.png")
    for name in ("out.csv", "other.csv"):
        report(PredictionTable(("file",), [("a",)]), name)
        assert Path(name).read_text().split() == ["file", "a"]
        assert not Path(name).is_symlink()
    assert Path("picture.png").read_bytes() == b"pixels"


def test_a_pipe_gets_the_rows_and_stays_a_pipe() -> None:
    os.mkfifo("out.csv")
    reader = os.open("out.csv", os.O_RDONLY | os.O_NONBLOCK)
    report(PredictionTable(("file",), [("a",)]), "out.csv")
    assert os.read(reader, 99).split() == [b"file", b"a"]
    os.close(reader)
    assert Path("out.csv").is_fifo()


def test_no_cell_is_a_formula_and_every_name_can_be_written() -> None:
    rows = [("=HYPERLINK(1)", "-0.5"), (os.fsdecode(b"\xcc.png"), "@class"), ("\x1b[31m", "+1")]
    report(PredictionTable(("file", "class"), rows), "out.csv")
    with open("out.csv", newline="", encoding="utf-8") as file:
        assert list(csv.reader(file))[1:] == [["'=HYPERLINK(1)", "-0.5"], ["\\xcc.png", "'@class"], ["\x1b[31m", "+1"]]


def test_an_input_is_not_replaced(tmp_path: Path) -> None:
    Path("photos").mkdir()
    Path("photos/a.png").write_bytes(b"pixels")
    Path("link.png").symlink_to("photos/a.png")
    Path("photos/before.csv").write_text("file")
    for output, inputs in (
        ("photos/a.png", ["photos/a.png"]),
        ("photos/a.png", ["photos"]),
        ("link.png", ["x" * 5000, "photos/a.png"]),
        (str(tmp_path / "photos" / "a.png"), ["photos"]),
    ):
        with pytest.raises(InputError, match=f"--output {output}: is among the files that --input"):
            check_output(output, inputs, [".csv"])
    check_output("photos/before.csv", ["photos"], [".csv"])
    check_output("photos/new.png", ["photos"], [".csv", ".png"])


@pytest.mark.parametrize("name", ["out.csv", "out.CSV", "out", "out.abc"])
def test_a_file_of_predictions_ends_as_one_of_their_forms(name: str) -> None:
    check_output(name, [], [".csv", ".abc"])
    with pytest.raises(InputError, match=r"--output out\.mp3: there is no such form .* in \.csv or \.abc"):
        check_output("out.mp3", [], [".csv", ".abc"])


@pytest.mark.parametrize(
    ("form", "content"), [(as_lines, b"one two\nthree\n\n"), (as_paragraphs, b"one\ntwo\n\nthree\n\n\n")]
)
def test_texts_are_written_line_by_line_or_as_they_stand(form: Callable, content: bytes) -> None:
    texts = ["one\ntwo", "three", ""]
    table = PredictionTable(("text", "written"), [("", text) for text in texts], forms={".txt": lambda: form(texts)})
    report(table, "out.txt")
    assert Path("out.txt").read_bytes() == content


def test_a_long_text_is_shown_in_part_and_written_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    text = "one\ntwo " * 40
    report(PredictionTable(("text", "class"), [(text, "good")], "excerpts"), "out.csv")
    line = capsys.readouterr().out.splitlines()[1]
    assert line.startswith("one two one two")
    assert "...  good" in line
    assert len(line) < 80
    with open("out.csv", newline="", encoding="utf-8") as file:
        assert next(csv.DictReader(file))["text"] == text
    assert excerpt("short") == "short"


def test_prose_is_shown_as_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    report(PredictionTable(("prime", "text"), [("a", "a b\n  c")], "last_column"), None)
    assert capsys.readouterr().out == "a b\n  c\n\n"


def test_batches_are_joined_in_order() -> None:
    parts = [torch.rand(4, 3), torch.rand(2, 3)]
    assert torch.equal(gather(parts, 1), torch.cat(parts))


def test_what_was_predicted_in_another_order_is_put_into_its_own() -> None:
    rows = torch.rand(5, 3)
    places = torch.tensor([8, 0, 4, 2, 6])  # of the samples of one of two processes
    (found,) = in_order([rows[:3], rows[3:]], places)
    assert torch.equal(found, rows[[1, 3, 2, 4, 0]])
    less = [rows[:3]]
    assert in_order(less, places) is less, "no row for each sample, which is refused later"


@pytest.mark.parametrize("n", [6, 7])
def test_the_parts_of_several_ranks_are_interleaved(n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = torch.rand(n, 3)

    def all_gather(parts: list, mine: torch.Tensor) -> None:
        parts[:] = [whole[0::2], whole[1::2]]

    monkeypatch.setattr(torch.distributed, "all_gather_object", all_gather)
    assert torch.equal(gather([whole[0::2]], 2), whole)


@pytest.mark.parametrize(("shares", "complete"), [((4, 1), 3), ((1, 3), 2), ((2, 0), 1), ((0, 2), 0)])
def test_a_limit_that_leaves_more_samples_to_one_rank_predicts_the_first_of_all(
    shares: tuple[int, int], complete: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = torch.rand(8, 3)
    rows = [whole[rank::2][:n] for rank, n in enumerate(shares)]
    parts = rows
    monkeypatch.setattr("engine.predicting.gathering.gathered", lambda mine, world_size: parts)
    assert torch.equal(gather([rows[0]], 2), whole[:complete])
    parts = [list(part) for part in rows]
    assert all(map(torch.equal, gather_pictures([rows[0]], 2), whole[:complete]))
    assert len(gather_pictures([rows[0]], 2)) == complete


def test_no_process_ends_with_an_error_before_the_first_has_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.distributed, "all_gather_object", lambda *_: None)  # each has as much
    monkeypatch.setattr("engine.predicting.predictions.gather_unread", lambda *_: {1: "b.png: broken picture"})
    written: list[bool] = []
    strategy = SimpleNamespace(barrier=lambda: written.append(Path("out.csv").exists()))
    trainer = SimpleNamespace(world_size=2, is_global_zero=True, strategy=strategy)
    datamodule = TinyDataModule()
    datamodule.load_once()
    with pytest.raises(InputError, match=r"^1 of 2 inputs cannot be read"):
        conclude(trainer, tiny_vgg(), datamodule, [torch.rand(1, 5)], "out.csv")
    assert written == [True]


def test_the_command_classifies_the_test_set_and_files(
    config: Path, tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    assert command("fit", "--config", config, "--run_dir", "run", "--trainer.max_epochs", 1)[0] == 0
    code, output, errors = command("predict", "--ckpt_path", "run", "--output", "all.csv")
    assert code == 0, errors
    assert "50 predictions written" in output
    assert len(Path("all.csv").read_text().splitlines()) == 51

    Image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    code, output, errors = command("predict", "--ckpt_path", "run", "--input", "red.png")
    assert code == 0, errors
    assert [line.split()[0] for line in output.splitlines()] == ["file", "red.png"]


def test_a_name_with_a_bare_carriage_return_stays_one_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    report(classified("file", ["a\rb.png", "c.png"], torch.rand(2, 3), CLASSES), "out.csv")
    with open("out.csv", newline="", encoding="utf-8") as file:
        assert [row[0] for row in csv.reader(file)] == ["file", "a\rb.png", "c.png"]


def test_rows_of_another_model_are_named_as_far_as_there_are_any() -> None:
    rows = [torch.zeros(2, 3)]
    assert [row[0] for row in general_table(rows, "Model", ["a", "b", "c"], limited=True).rows] == ["a", "b"]
    for names, limited in ((["a"], True), (["a"], False), (["a", "b", "c"], False)):  # means of batches, for example
        with pytest.raises(InputError, match=rf"Model\.predict_step returns 2 rows for {len(names)} samples, not one"):
            general_table(rows, "Model", names, limited)


def test_rows_of_several_lengths_are_refused() -> None:
    rows = [torch.zeros(2, 3), torch.zeros(2, 4)]
    with pytest.raises(InputError, match=r"Model\.predict_step returns rows of 3 and of 4 numbers; each needs as many"):
        general_table(rows, "Model")


@pytest.mark.parametrize(
    ("outputs", "found"),
    [([torch.zeros(2, 3), torch.zeros(2, 4)], "rows of 3 and of 4 numbers"), ([(0.5, 0.5)], "tuple"), ([], "nothing")],
)
def test_what_a_classifier_predicts_is_checked_as_well(outputs: list, found: str) -> None:
    trainer = trainer_of()
    datamodule = TinyDataModule()
    datamodule.load_once()
    with pytest.raises(InputError, match=rf"VGG\.predict_step returns {found}"):
        conclude(trainer, tiny_vgg(), datamodule, outputs, None)


def test_pictures_are_written_whatever_data_they_are_made_of(given: TinyDataModule) -> None:
    made = torch.arange(3, dtype=torch.uint8)[:, None, None, None].expand(3, 4, 6, 3)
    conclude(trainer_of(), Painter(), given, [made[:2], made[2:]], "painted")
    shown = {path.name: Image.open(path).getpixel((0, 0))[0] for path in Path("painted").iterdir()}
    assert shown == {"a.png": 0, "b.png": 1, "c.png": 2}
    conclude(trainer_of(), Painter(), LightningDataModule(), [[made[:1]], [made[1:2]]], "of_two_loaders")
    assert {path.name for path in Path("of_two_loaders").iterdir()} == {"0.png", "1.png"}


def test_pictures_of_data_with_classes_are_made_on_several_devices(
    given: TinyDataModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    def all_gather(parts: list, mine: list | dict) -> None:
        parts[:] = [mine, type(mine)()]

    monkeypatch.setattr(torch.distributed, "all_gather_object", all_gather)
    made = torch.zeros(1, 4, 6, 3, dtype=torch.uint8)
    conclude(trainer_of(world_size=2), Painter(), given, [made], "painted.png")
    assert Path("painted.png").exists()
    with pytest.raises(InputError, match=r"predict: PlainModule predicts on one device here; give --trainer.devices 1"):
        conclude(trainer_of(world_size=2), PlainModule(), given, [torch.zeros(3, 2)], None)


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (torch.zeros(2, 4, 4, 3), r"float32 \[2, 4, 4, 3\]"),
        (torch.zeros(2, 3, 4, 4, dtype=torch.uint8), r"uint8 \[2, 3, 4, 4\]"),
        ((), "tuple"),
    ],
)
def test_what_is_no_picture_is_told(made: object, found: str) -> None:
    with pytest.raises(InputError, match=rf"^Model\.predict_step returns {found}; predict writes pictures, uint8 \["):
        checked_pictures([made], "Model")


def test_a_model_of_another_package_predicts_nothing_of_what_cannot_be_read(
    given: TinyDataModule, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [torch.rand(2, 5), torch.rand(1, 5)]
    given.unread = {1: "b.png: broken picture"}
    given.input_notes = ["note     two of the names"]
    with pytest.raises(InputError, match=r"^1 of 3 inputs cannot be read: b\.png: broken picture$"):
        conclude(trainer_of(), PlainModule(), given, rows, "out.csv")
    with open("out.csv", newline="", encoding="utf-8") as file:
        assert [row[0] for row in csv.reader(file)] == ["sample", "a.png", "c.png"]
    assert "note     two of the names\n" in capsys.readouterr().out
    given.unread = dict.fromkeys(range(3), "broken")
    with pytest.raises(InputError, match=r"^3 of 3 inputs cannot be read"):
        conclude(trainer_of(), PlainModule(), given, rows, "none.csv")
    assert not Path("none.csv").exists()


def test_what_cannot_be_read_behind_a_limit_is_left_alone(given: TinyDataModule) -> None:
    given.unread = {2: "c.png: broken picture"}
    for model in (PlainModule(), tiny_vgg()):
        conclude(trainer_of(limit_predict_batches=1), model, given, [torch.rand(2, 5)], "out.csv")
        assert len(Path("out.csv").read_text().splitlines()) == 3
