"""Pictures are found in a fixed order, decoded whatever their mode, and named when they cannot be."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.errors import InputError
from datamodules.base.cache import fingerprint
from datamodules.images.image_files import (
    bits_in_use,
    class_files,
    class_folders,
    decode,
    find_pictures,
    read_pictures,
)
from tests.pictures import deep_png, picture, tiff


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of twenty pictures, some of them with the same file names."""
    for name in ("cat", "dog"):
        for number in range(20):
            picture(tmp_path / "train" / name / f"{number if number < 10 else f'{name}{number}'}.png")
    return tmp_path / "train"


def test_class_files_come_in_a_fixed_order_that_mixes_the_classes(folder: Path) -> None:
    files = class_files(folder, ("cat", "dog"))
    assert len(set(files)) == 40
    assert all(path.parent.name == ("cat", "dog")[number] for path, number in files)
    first = [number for _, number in files[:20]]
    assert 5 <= sum(first) <= 15
    assert class_files(folder, ("cat", "dog")) == files


def test_the_order_depends_on_names_and_not_on_the_folder(folder: Path) -> None:
    before = [path.name for path, _ in class_files(folder, ("cat", "dog"))]
    moved = folder.rename(folder.with_name("elsewhere"))
    assert [path.name for path, _ in class_files(moved, ("cat", "dog"))] == before


def test_hidden_files_and_folders_are_no_pictures(folder: Path) -> None:
    (folder / "cat" / ".DS_Store").write_bytes(b"x")
    (folder / "cat" / "more").mkdir()
    assert len(class_files(folder, ("cat", "dog"))) == 40


def test_class_folders_are_listed_by_name_without_files_and_hidden_ones(folder: Path) -> None:
    (folder / ".thumbnails").mkdir()
    (folder / "bird").mkdir()
    (folder / "ant.txt").write_text("no class")
    assert class_folders(folder) == {name: folder / name for name in ("bird", "cat", "dog")}
    with pytest.raises(InputError, match=r"nowhere: cannot be read"):
        class_folders(folder / "nowhere")


def test_a_missing_class_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match=r"train: class folder 'bird' is missing"):
        class_files(folder, ("cat", "bird"))


def test_an_empty_class_is_named(folder: Path) -> None:
    (folder / "bird").mkdir()
    with pytest.raises(InputError, match=r"bird: no pictures"):
        class_files(folder, ("cat", "bird"))


def test_a_class_that_is_a_file_is_named(folder: Path) -> None:
    (folder / "bird").write_text("no folder")
    with pytest.raises(InputError, match=r"bird: cannot be read"):
        class_files(folder, ("cat", "bird"))


def test_the_fingerprint_changes_with_any_file(folder: Path) -> None:
    paths = [path for path, _ in class_files(folder, ("cat", "dog"))]
    before = fingerprint(paths, folder)
    assert fingerprint(paths, folder) == before
    assert fingerprint(paths[1:], folder) != before
    os.utime(paths[5], ns=(1, 1))
    touched = fingerprint(paths, folder)
    assert touched != before
    paths[5].write_bytes(b"longer" * 1000)
    os.utime(paths[5], ns=(1, 1))
    assert fingerprint(paths, folder) not in (before, touched)


def test_the_fingerprint_does_not_depend_on_how_the_folder_is_called(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    relative = Path(folder.name)
    paths = [[path for path, _ in class_files(root, ("cat", "dog"))] for root in (folder, relative)]
    assert fingerprint(paths[0], folder) == fingerprint(paths[1], relative)


def test_the_fingerprint_of_a_copy_is_the_same_but_for_its_times(folder: Path) -> None:
    paths = [path for path, _ in class_files(folder, ("cat", "dog"))]
    before = fingerprint(paths, folder, times=False)
    os.utime(paths[5], ns=(1, 1))
    assert fingerprint(paths, folder, times=False) == before
    paths[5].write_bytes(b"longer" * 1000)
    assert fingerprint(paths, folder, times=False) != before


def test_decode_gives_the_pixels_in_order(tmp_path: Path) -> None:
    paths = [picture(tmp_path / f"{seed}.png", seed=seed) for seed in range(5)]
    images = decode(paths, 8, 3)
    assert images.shape == (5, 8, 8, 3)
    for path, image in zip(paths, images.numpy(), strict=True):
        np.testing.assert_array_equal(image, np.asarray(Image.open(path)))


@pytest.mark.parametrize(("mode", "channels"), [("RGB", 1), ("L", 3), ("RGB", 3), ("L", 1)])
def test_decode_converts_between_grey_and_colour(tmp_path: Path, mode: str, channels: int) -> None:
    path = picture(tmp_path / "a.png", mode=mode)
    image = decode([path], 8, channels)[0].numpy()
    expected = np.asarray(Image.open(path).convert("L" if channels == 1 else "RGB"))
    np.testing.assert_array_equal(image, expected.reshape(8, 8, channels))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("name", "byte_order"), [("a.png", "<"), ("a.tif", "<"), ("a.tif", ">")])
def test_grey_of_sixteen_bits_gives_its_high_byte(tmp_path: Path, name: str, byte_order: str, channels: int) -> None:
    bright = np.random.default_rng(0).integers(0, 2**16, (8, 8)).astype(f"{byte_order}u2")
    Image.fromarray(bright).save(tmp_path / name)
    with Image.open(tmp_path / name) as written:
        assert written.mode == ("I;16B" if byte_order == ">" else "I;16")
    image = decode([tmp_path / name], 8, channels)[0].numpy()
    np.testing.assert_array_equal(image, np.repeat((bright >> 8)[..., None], channels, axis=2))


def test_a_picture_of_another_size_is_an_error_that_names_both(tmp_path: Path) -> None:
    path = picture(tmp_path / "wide.png", size=(10, 8))
    with pytest.raises(InputError, match=r"wide\.png: 10x8 pixels, where 8x8 are expected"):
        decode([path], 8, 3)


def test_decode_scales_and_cuts_out_the_middle_where_asked(tmp_path: Path) -> None:
    wide, right = picture(tmp_path / "wide.png", size=(30, 20)), picture(tmp_path / "right.png")
    images = decode([wide, right], 8, 3, resize=True).numpy()
    middle = Image.open(wide).resize((12, 8), Image.Resampling.BICUBIC).crop((2, 0, 10, 8))
    np.testing.assert_array_equal(images[0], np.asarray(middle))
    np.testing.assert_array_equal(images[1], np.asarray(Image.open(right)))


@pytest.mark.parametrize("size", [(300, 100), (100, 300), (100, 100), (101, 100)])
@pytest.mark.parametrize("name", ["disc.png", "disc.jpg"])
def test_nothing_is_distorted_or_moved(tmp_path: Path, size: tuple[int, int], name: str) -> None:
    canvas = Image.new("L", size)
    x, y = size[0] / 2, size[1] / 2
    ImageDraw.Draw(canvas).ellipse((x - 25, y - 25, x + 25, y + 25), fill=255)
    canvas.save(tmp_path / name)
    image = decode([tmp_path / name], 16, 1, resize=True)[0, ..., 0].float() / 255
    assert image.sum() == pytest.approx(np.pi * 4**2, rel=0.05)  # a radius of 25 in 100 is one of 4 in 16
    for turned in (image.flip(0), image.flip(1), image.T):
        assert (image - turned).abs().max() < 0.2


def test_a_large_photo_is_decoded_small_and_looks_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    photo = Image.fromarray(rng.integers(0, 256, (16, 20, 3), dtype=np.uint8)).resize((200, 160))
    photo.save(tmp_path / "photo.jpg", quality=95)
    photo.save(tmp_path / "photo.png")
    images = decode([tmp_path / "photo.jpg", tmp_path / "photo.png"], 32, 3, resize=True).int()
    assert 0 < (images[0] - images[1]).abs().max() < 12


def test_a_photo_is_turned_the_way_up_that_its_camera_noted(tmp_path: Path) -> None:
    canvas = Image.new("L", (8, 8))
    canvas.putpixel((0, 0), 255)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn right by a quarter
    canvas.save(tmp_path / "a.png", exif=exif)
    image = decode([tmp_path / "a.png"], 8, 1)[0, ..., 0]
    assert image.nonzero().tolist() == [[0, 7]]


def test_broken_pictures_come_as_errors_among_the_others(tmp_path: Path) -> None:
    paths = [picture(tmp_path / f"{seed}.png", seed=seed) for seed in range(5)]
    paths[3].write_bytes(b"text")
    results = list(read_pictures(paths, 8, 3, resize=False))
    assert [isinstance(result, InputError) for result in results] == [False, False, False, True, False]
    np.testing.assert_array_equal(results[4].pixels, np.asarray(Image.open(paths[4])))


def test_pictures_come_in_order_however_many_are_decoded_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datamodules.images.image_files.AHEAD", 1)
    paths = [picture(tmp_path / f"{seed}.png", seed=seed) for seed in range(5)]
    for path, result in zip(paths, read_pictures(paths, 8, 3, resize=False, threads=2), strict=True):
        np.testing.assert_array_equal(result.pixels, np.asarray(Image.open(path)))


def test_few_pictures_are_decoded_ahead_of_the_one_that_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []
    monkeypatch.setattr("datamodules.images.image_files.read_picture", lambda path, *_: begun.append(path))
    pictures = read_pictures([tmp_path / str(number) for number in range(100)], 8, 3, resize=False, threads=2)
    next(pictures)
    assert len(begun) <= 9
    pictures.close()
    assert len(begun) <= 9


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "no picture that can be read"), (b"text" * 99, "no picture that can be read"), (None, "broken picture")],
    ids=["empty", "text", "truncated"],
)
def test_a_file_that_cannot_be_decoded_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    good, bad = picture(tmp_path / "good.png", (40, 40)), picture(tmp_path / "bad.png", (40, 40))
    bad.write_bytes(bad.read_bytes()[:2000] if content is None else content)
    with pytest.raises(InputError, match=rf"bad\.png: {reason}"):
        decode([good, bad], 40, 3)


def test_find_pictures_lists_files_as_given_and_folders_to_the_bottom(tmp_path: Path) -> None:
    single = picture(tmp_path / "z.png")
    folder = tmp_path / "folder"
    inside = [picture(folder / "a.PNG"), picture(folder / "deep" / "b.bmp"), picture(folder / "deep" / "c.png")]
    (folder / "notes.txt").write_text("no picture")
    (folder / "shot.heic").write_text("no picture")
    (folder / "deep" / "name").write_text("no ending")
    (folder / "deep" / "._c.png").write_text("left by macOS")
    (folder / "deep" / "gone.png").symlink_to("nowhere")
    (folder / "deep" / "round").symlink_to("..")
    (folder / ".hidden").mkdir()
    picture(folder / ".hidden" / "d.png")
    found, lines = find_pictures([str(single), str(folder)])
    assert found == [single, *inside]
    assert sorted(lines) == [
        f"skipped  files that are no pictures by their names in {folder}: 3 (notes.txt, shot.heic, deep/name)",
        f"skipped  hidden files in {folder}: 2 (.hidden, deep/._c.png)",
        f"skipped  linked folders in {folder}: 1 (deep/round)",
        f"skipped  links to nothing in {folder}: 1 (deep/gone.png)",
    ]
    assert find_pictures([]) == ([], [])


def test_find_pictures_names_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"nowhere: no such file or folder"):
        find_pictures([str(tmp_path / "nowhere")])
    with pytest.raises(InputError, match=r"empty: no pictures in this folder"):
        find_pictures([str(tmp_path / "empty")])
    with pytest.raises(InputError, match=r"--input: the name is empty"):
        find_pictures([""])


def test_pillow_opens_only_pictures_that_may_have_sixteen_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [picture(tmp_path / f"{ending}.{ending}") for ending in ("png", "jpg", "webp", "gif", "bmp")]
    (tmp_path / "none.png").write_text("hello")
    values = np.full((8, 8), 1023, np.uint16)
    deep = [deep_png(tmp_path / "deep.jpg", values), tiff(tmp_path / "deep.tif", values)]  # whatever their names are
    assert bits_in_use([*others, *deep, tmp_path / "none.png", tmp_path / "absent.png"]) == (2, 10)
    monkeypatch.setattr("datamodules.images.picture.open_picture", lambda *_: pytest.fail("it was opened"))
    assert bits_in_use(others) == (0, 16)
