"""Pictures in one folder a class are divided file by file, by lists or in folds; without such folders it is said so."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from pytorch_lightning import Trainer

from core.errors import InputError
from datamodules import ClassFoldersDataModule, FlowersDataModule
from datamodules.base import shared_data
from tests.pictures import numbered_pictures, picture
from tests.stages import prepared

Kind = type[ClassFoldersDataModule]
Load = Callable[..., ClassFoldersDataModule]
CLASSES = {"daisy": 20, "roses": 30, "tulips": 50}
FIT = """\
model: {class_path: lightning_modules.MLP, init_args: {widths: [8]}}
trainer: {accelerator: cpu, devices: 1, precision: 32-true, max_epochs: 1, logger: false}
"""


@pytest.fixture(params=[ClassFoldersDataModule, FlowersDataModule])
def kind(request: pytest.FixtureRequest) -> Kind:
    """The data module of any pictures, and the flowers', which divides in the same way."""
    return request.param


@pytest.fixture
def load(kind: Kind) -> Load:
    """Returns the pictures of a folder, divided."""

    def load(root: Path, **settings: object) -> ClassFoldersDataModule:
        data = kind(**{"data_dir": str(root), "image_size": 8, "batch_size": 10} | settings)
        data.load_once()
        return data

    return load


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A hundred pictures, each of which shows its number, in three classes."""
    return numbered_pictures(tmp_path / "pictures", CLASSES)


def numbers(data: ClassFoldersDataModule, part: str) -> list[int]:
    """Returns which pictures a part has."""
    return data.splits[part].images[:, 0, 0, 0].tolist()


def test_a_folder_of_classes_is_divided_in_proportion(load: Load, root: Path) -> None:
    data = load(root)
    assert data.class_names == tuple(CLASSES)
    assert data.sizes == {"train": 80, "val": 10, "test": 10}
    assert sorted(sum((numbers(data, part) for part in data.splits), [])) == list(range(100))
    for part, per_class in (("train", [16, 24, 40]), ("val", [2, 3, 5]), ("test", [2, 3, 5])):
        split = data.splits[part]
        assert split.targets.bincount().tolist() == per_class
        expected = [sum(number >= edge for edge in (20, 50)) for number in numbers(data, part)]
        assert split.targets.tolist() == expected


def test_without_test_pictures_it_is_said_what_makes_them_some(load: Load, root: Path) -> None:
    reason = "no test pictures; data.test_size sets some aside; validate measures the validation split$"
    with pytest.raises(InputError, match=reason):
        load(root, test_size=0).setup("test")
    names = sorted(path.relative_to(root).as_posix() for path in root.glob("*/*"))
    (root / "train.txt").write_text("\n".join(names))
    with pytest.raises(InputError, match=r"no test pictures; .*pictures/test\.txt names them$"):
        load(root, lists=str(root)).setup("test")


def test_a_split_is_the_seeds(load: Load, root: Path) -> None:
    tests = {seed: numbers(load(root, split_seed=seed), "test") for seed in (0, 1)}
    assert tests[0] == numbers(load(root), "test") != tests[1]
    assert len(list(root.glob("*.cache.safetensors"))) == 1  # decoded once for all


def test_a_run_may_have_the_split_of_its_seed(load: Load, kind: Kind, root: Path, trainer: Trainer) -> None:
    trainer.seed = 1
    data = kind(str(root), image_size=8, split_seed=None)
    prepared(data, "fit", trainer)
    assert numbers(data, "test") == numbers(load(root, split_seed=1), "test")


def test_a_run_of_another_seed_divides_the_pictures_anew(load: Load, kind: Kind, root: Path) -> None:
    """A second trainer had the division of the first; a measurement keeps that of the run before it."""
    data = kind(str(root), image_size=8, split_seed=None)
    digests = {}
    for seed, stage in ((1, "fit"), (2, "fit"), (5, "test"), (1, "fit")):
        data.trainer = SimpleNamespace(seed=seed, world_size=1, state=SimpleNamespace(fn=stage))
        data.load_once()
        expected = 2 if stage == "test" else seed
        assert numbers(data, "test") == numbers(load(root, split_seed=expected), "test")
        assert digests.setdefault(expected, data.facts()) == data.facts()
    assert digests[1] != digests[2]


def test_what_the_seed_of_a_run_divides_is_not_loaded_for_all(
    kind: Kind, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_data, "_loaded", {})
    kind(str(root), image_size=8, split_seed=None).load_for_all()
    tests = {}
    for seed in (1, 2):
        data = kind(str(root), image_size=8, split_seed=None)
        data.trainer = SimpleNamespace(seed=seed, world_size=1)
        data.load_once()
        assert data.split_seed == seed
        tests[seed] = numbers(data, "test")
    assert tests[1] != tests[2]
    kind(str(root), image_size=8, split_seed=1).load_for_all()
    assert len(shared_data._loaded) == 1


def test_every_picture_is_in_the_test_of_one_fold(load: Load, root: Path) -> None:
    folds = [load(root, fold=fold, folds=4) for fold in (1, 2, 3, 4)]
    assert sorted(sum((numbers(data, "test") for data in folds), [])) == list(range(100))
    for data in folds:
        assert data.sizes == {"train": 65, "val": 10, "test": 25}
        assert not {*numbers(data, "test")} & {*numbers(data, "val"), *numbers(data, "train")}


def test_lists_name_the_pictures_of_each_part(load: Load, root: Path, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "train.txt").write_text("daisy/1.jpg\nroses/20.png\n\ntulips/60\nroses/21\n")
    (lists / "test.txt").write_text("tulips/99\n")
    data = load(root, lists=str(lists), batch_size=2)
    assert [sorted(numbers(data, part)) for part in ("train", "val", "test")] == [[1, 20, 21, 60], [], [99]]
    for text, reason in (("tulips/99\n", "stands in test.txt already"), ("tulips/7\n", "tulips/7 is no picture in")):
        (lists / "val.txt").write_text("daisy/2\n")
        (lists / "test.txt").write_text("tulips/99\n")
        (lists / ("train.txt" if "99" in text else "val.txt")).write_text(text + "daisy/3\nroses/22\ntulips/61\n")
        with pytest.raises(InputError, match=reason if "99" not in text else "tulips/99 stands in train.txt already"):
            load(root, lists=str(lists))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_lists_may_begin_with_a_byte_order_mark(encoding: str, load: Load, root: Path, tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("daisy/1.jpg\nroses/20.png\ntulips/60\n", encoding)
    assert sorted(numbers(load(root, lists=str(tmp_path), batch_size=2), "train")) == [1, 20, 60]
    (tmp_path / "train.txt").write_text("daisy/1.jpg\ndaisy/2.jpg\ntulips/60\n", encoding)
    with pytest.raises(InputError, match=r"train\.txt: a class has none left to train on"):
        load(root, lists=str(tmp_path))
    (tmp_path / "train.txt").write_bytes(b"daisy/\xe9.jpg\n")
    with pytest.raises(InputError, match=r"train\.txt: not UTF-8"):
        load(root, lists=str(tmp_path))


def test_lists_name_pictures_exactly_before_by_stems(load: Load, root: Path, tmp_path: Path) -> None:
    for name, grey in (("x.1.png", 101), ("x.2.png", 102), ("1.jpg", 103)):
        Image.fromarray(np.full((10, 12, 3), grey, np.uint8)).save(root / "daisy" / name)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "train.txt").write_text("daisy/x.1\ndaisy/1.png\nroses/20\ntulips/60\n")
    (tmp_path / "lists" / "test.txt").write_text("daisy/x.2\ndaisy/1.jpg\n")
    data = load(root, lists=str(tmp_path / "lists"), batch_size=2)
    assert [sorted(numbers(data, part)) for part in ("train", "test")] == [[1, 20, 60, 101], [102, 103]]
    (tmp_path / "lists" / "test.txt").write_text("daisy/1\n")
    with pytest.raises(InputError, match=r"daisy/1 could be daisy/1\.(jpg|png) or daisy/1\..* give its ending, too"):
        load(root, lists=str(tmp_path / "lists"))


def test_fewer_training_pictures_are_among_more(load: Load, root: Path) -> None:
    parts = {n: load(root, per_class=n, batch_size=3) for n in (1, 5, 30)}
    assert [data.sizes["train"] for data in parts.values()] == [3, 15, 16 + 24 + 30]
    assert {*numbers(parts[1], "train")} < {*numbers(parts[5], "train")} < {*numbers(parts[30], "train")}
    assert all(numbers(data, "test") == numbers(parts[1], "test") for data in parts.values())
    assert parts[5].mean != parts[30].mean  # of the pictures that are trained on


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fold": 2}, "give both, such as --data.fold 2 --data.folds 5, or none"),
        ({"fold": 5, "folds": 4}, "data.fold is 5: there are 1 to 4"),
        ({"fold": 1, "folds": 101}, "data.folds is 101: more than the 100 pictures"),
        ({"fold": 1, "folds": 2, "test_size": 3}, "of a cross-validation the fold is the test"),
        ({"lists": "lists", "val_size": 3}, "they say what is in each part"),
        ({"val_size": 60, "test_size": 40}, "60 \\+ 40 of 100 pictures leave none"),
        ({"val_size": 50, "test_size": 49}, "a class has none left to train on"),
        ({"per_class": 0}, "data.per_class is 0: at least 1 is needed"),
        ({"lists": "nowhere"}, "nowhere/train.txt: cannot be read"),
    ],
)
def test_what_cannot_be_is_one_line(load: Load, settings: dict, message: str, root: Path) -> None:
    with pytest.raises(InputError, match=message) as caught:
        load(root, **settings)
    assert "\n" not in str(caught.value)


def test_a_folder_that_has_parts_is_read_as_they_are(load: Load, root: Path) -> None:
    for name in CLASSES:
        shutil.move(root / name, root / "train" / name)
    data = load(root)
    assert data.sizes == {"train": 90, "val": 10, "test": 0}
    with pytest.raises(InputError, match="has a folder train, which says what to train on; leave test_size, fold"):
        load(root, per_class=3)


def test_what_stands_beside_the_classes_is_counted(load: Load, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "LICENSE.txt").write_text("free")
    (root / "models").mkdir()
    assert load(root).class_names == tuple(CLASSES)
    said = capsys.readouterr().out
    assert f"folders without pictures in {root}: 1 (models)" in said
    assert f"files beside the class folders in {root}: 1 (LICENSE.txt)" in said


def test_one_picture_is_no_data_set(kind: Kind, tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png")
    with pytest.raises(InputError, match=r"at least two folders, one a class, are needed, not 1 \(a\)"):
        kind(str(tmp_path))
    picture(tmp_path / "b" / "1.png")
    with pytest.raises(InputError, match=r"its pictures are in no folder; they belong in one folder a class"):
        kind(str(tmp_path / "b"))


def test_a_class_of_broken_files_alone_is_named_by_its_folder(load: Load, root: Path) -> None:
    for path in (root / "roses").iterdir():
        path.write_bytes(b"")
    with pytest.raises(InputError, match=f"^{root / 'roses'}: none of its pictures can be read"):
        load(root, skip_corrupt=True)


def test_other_classes_than_the_networks_are_named_with_their_folder(load: Load, kind: Kind, root: Path) -> None:
    state = {"class_names": list(load(root).class_names), "split_seed": 0}
    (root / "daisy").rename(root / "lilies")
    with pytest.raises(InputError, match=f"^{root}: has the classes lilies, roses, tulips, where the network was"):
        kind(str(root), image_size=8).load_state_dict(state)


def test_grey_transparent_and_small_pictures_are_read(load: Load, root: Path) -> None:
    picture(root / "daisy" / "grey.png", (3, 2), mode="L")
    Image.new("RGBA", (40, 5), (9, 9, 9, 0)).save(root / "roses" / "clear.png")
    data = load(root, test_size=0, val_size=0)
    assert data.sizes["train"] == 102
    whole = data.splits["train"].images
    assert (whole == 255).flatten(1).all(1).sum() == 1  # transparent is white


def test_synthetic_pictures_need_no_folder(load: Load) -> None:
    data = load(Path("nowhere"), source="synthetic", image_size=16)
    assert data.sizes == {"train": 200, "val": 25, "test": 25}
    assert data.num_classes == len(data.class_names) == len(data.splits["train"].targets.unique()) == 5


def test_drawn_grey_pictures_tell_negatives_by_their_mean(load: Load, tmp_path: Path) -> None:
    data = load(Path("nowhere"), source="synthetic", image_size=16, in_channels=1, normalization="symmetric")
    assert 0 < data.mean[0] < 1
    data.trainer = SimpleNamespace(world_size=1)
    data.inputs = [str(picture(tmp_path / "a.png", mode="L"))]
    data.read_inputs().images[[0]]
    assert data.notes_on_inputs() == []


# What only the flowers' data module does otherwise: it fetches them


def test_the_classes_are_those_of_the_folder_itself(root: Path) -> None:
    """A folder of the archive's name is a class like any other."""
    for number in range(10):
        picture(root / "flower_photos" / f"{number}.png")
    data = ClassFoldersDataModule(str(root), image_size=8)
    assert data.class_names == ("daisy", "flower_photos", "roses", "tulips")


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (None, "{root}: no such folder"),
        ([], "{root}: no class folders in it; pictures belong in <class>/*, one folder a class"),
        (["cat", "dog"], "{root}: no pictures in cat, dog; pictures belong in <class>/*, one folder a class"),
    ],
)
def test_without_class_folders_nothing_is_fetched(folders: list[str] | None, message: str, tmp_path: Path) -> None:
    root = tmp_path / "mine"
    for name in ["", *folders] if folders is not None else []:
        (root / name).mkdir(parents=True, exist_ok=True)
    with pytest.raises(InputError) as caught:
        ClassFoldersDataModule(str(root))
    assert str(caught.value) == f"--data.data_dir {message.format(root=root)}"
    assert not list(tmp_path.rglob("*.tgz*"))


def test_pictures_of_ones_own_are_learned_tested_and_predicted(root: Path, tmp_path: Path, command: Callable) -> None:
    (tmp_path / "mine.yaml").write_text(FIT)
    data = ("--data", "datamodules.ClassFoldersDataModule", "--data.image_size", 8, "--data.batch_size", 8)
    fit = ("fit", "--config", tmp_path / "mine.yaml", *data, "--run_dir", tmp_path / "run", "--data.data_dir")
    code, _, errors = command(*fit, tmp_path / "misspelled")
    assert (code, errors) == (2, f"error: --data.data_dir {tmp_path / 'misspelled'}: no such folder\n")
    code, said, errors = command(*fit, root)
    assert code == 0, errors
    assert "80 training, 10 validation, 10 test images" in said
    code, said, errors = command("test", "--ckpt_path", tmp_path / "run")
    assert code == 0, errors
    assert "test/acc" in said
    words = ("predict", "--ckpt_path", tmp_path / "run", "--input", root / "roses", "--output", tmp_path / "out.csv")
    code, _, errors = command(*words)
    assert code == 0, errors
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 1 + CLASSES["roses"]
