"""SVHN's files are read as MATLAB wrote them, and others are refused in one line."""

from pathlib import Path

import numpy as np
import pytest
import torch

from core.errors import InputError
from datamodules import SVHNDataModule
from datamodules.svhn import read_digits

scipy_io = pytest.importorskip("scipy.io", reason="SciPy reads MATLAB's files")


def write(path: Path, count: int = 12, **changes: object) -> Path:
    """Writes a file of digits, whose labels are 1 to 10 and again."""
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3, count), dtype=np.uint8)
    labels = (np.arange(count) % 10 + 1).astype(np.uint8)[:, None]
    content = {"X": pixels, "y": labels} | changes
    held = {name: value for name, value in content.items() if value is not None}
    scipy_io.savemat(path, held, do_compression=True)
    return path


def test_label_10_is_digit_0_and_pictures_stand_upright(tmp_path: Path) -> None:
    path = write(tmp_path / "train_32x32.mat")
    digits = read_digits(path)
    assert digits.targets.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]
    expected = scipy_io.loadmat(path)["X"][..., 3]
    assert torch.equal(digits.images[3], torch.from_numpy(expected))
    assert digits.images.shape == (12, 32, 32, 3)


def test_both_parts_are_read_and_validation_is_split_off(tmp_path: Path) -> None:
    write(tmp_path / "train_32x32.mat", 40)
    write(tmp_path / "test_32x32.mat", 20)
    data = SVHNDataModule(str(tmp_path), batch_size=4, val_size=10)
    data.load_once()
    assert data.sizes == {"train": 30, "val": 10, "test": 20}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": None}, "it holds X, where X and y are expected"),
        ({"X": np.zeros((32, 32, 3, 12))}, r"X is double \[32, 32, 3, 12\]"),
        ({"X": np.zeros((12, 32, 32, 3), np.uint8)}, r"X is uint8 \[12, 32, 32, 3\]"),
        ({"y": np.ones((11, 1))}, r"y is double \[11, 1\], where \[12, 1\] is expected"),
        ({"y": np.zeros((12, 1))}, "a label is 0.0 or 0.0, where 1 to 10 are expected"),
        ({"y": np.full((12, 1), 1.5)}, "a label is 1.5 or 1.5"),
        ({"y": np.array([["a"]] * 12, dtype=object)}, r"y is cell \[12, 1\]"),
    ],
)
def test_a_file_with_surprises_is_refused(changes: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_digits(write(tmp_path / "train_32x32.mat", **changes))


@pytest.mark.parametrize("content", [b"", b"no file of MATLAB's at all" * 10, b"MATLAB 5.0 MAT-file" + b"x" * 200])
def test_another_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "train_32x32.mat"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"train_32x32\.mat: .*; delete it and the right one will be downloaded"):
        read_digits(path)


def test_a_file_that_was_cut_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "train_32x32.mat")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match="delete it and the right one will be downloaded"):
        read_digits(path)


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train_32x32.mat").mkdir()
    with pytest.raises(InputError, match="a folder, not a file"):
        read_digits(tmp_path / "train_32x32.mat")


@pytest.mark.usefixtures("tries_network")
def test_a_refused_download_is_one_line(tmp_path: Path) -> None:
    """Tests have no network."""
    with pytest.raises(InputError, match=r"no train_32x32\.mat and no test_32x32\.mat"):
        SVHNDataModule(str(tmp_path)).load_once()
