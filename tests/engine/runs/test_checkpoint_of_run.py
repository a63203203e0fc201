"""What a run needs of a checkpoint, and what is said of one that lacks it."""

from pathlib import Path
from typing import Any

import pytest
import torch

from core.errors import InputError
from engine.runs.checkpoint_of_run import check_checkpoint_fits, read_run_checkpoint
from tests.tiny import tiny_vgg


@pytest.mark.parametrize("missing", ["state_dict", "pytorch-lightning_version", "optimizer_states"])
def test_a_checkpoint_that_lacks_something_is_refused(missing: str, tmp_path: Path) -> None:
    keys = ("state_dict", "pytorch-lightning_version", "optimizer_states", "lr_schedulers", "loops", "callbacks")
    torch.save({key: {} for key in (*keys, "global_step") if key != missing}, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match=f"it lacks {missing}"):
        read_run_checkpoint(tmp_path / "a.ckpt", to_continue=True)


def test_a_checkpoint_of_another_network_is_refused_by_its_first_difference() -> None:
    checkpoint = {"state_dict": tiny_vgg().state_dict()}
    check_checkpoint_fits(tiny_vgg(), checkpoint, Path("a.ckpt"))
    with pytest.raises(InputError, match=r"stages\.0\.0\.weight is \[8, 3, 3, 3\] there and \[4, 3, 3, 3\] in VGG"):
        check_checkpoint_fits(tiny_vgg(widths=[4, 8]), checkpoint, Path("a.ckpt"))
    with pytest.raises(InputError, match=r"stages\.2\.0\.weight is nothing there"):
        check_checkpoint_fits(tiny_vgg(widths=[8, 8, 8], convolutions=[1, 1, 1]), checkpoint, Path("a.ckpt"))


def whole_checkpoint() -> dict[str, Any]:
    """The least that a checkpoint of a run holds."""
    return {
        "state_dict": {"weight": torch.ones(2)},
        "pytorch-lightning_version": "2.6.1",
        "optimizer_states": [{}],
        "lr_schedulers": [],
        "loops": {"fit_loop": {}},
        "callbacks": {"A": {}},
        "epoch": 1,
        "global_step": 10,
    }


@pytest.mark.parametrize("wrong", [None, 3, "x", [], ["x"], {"a": 1}, True, torch.ones(1)], ids=str)
@pytest.mark.parametrize("key", whole_checkpoint())
def test_a_checkpoint_with_something_else_in_place_of_a_part_is_refused(
    key: str, wrong: object, tmp_path: Path
) -> None:
    right = {"optimizer_states": list, "lr_schedulers": list, "epoch": int, "global_step": int}.get(key)
    if right is not None and isinstance(wrong, right) and wrong in ([], 3):
        return
    torch.save(whole_checkpoint() | {key: wrong}, tmp_path / "a.ckpt")
    with pytest.raises(InputError, match=r"a\.ckpt: a damaged checkpoint: "):
        read_run_checkpoint(tmp_path / "a.ckpt", to_continue=True)


def test_the_whole_checkpoint_beside_a_damaged_one_is_named(tmp_path: Path) -> None:
    torch.save(whole_checkpoint(), tmp_path / "best.ckpt")
    (tmp_path / "last.ckpt").write_bytes(b"cut off")
    with pytest.raises(
        InputError, match=r"last\.ckpt: no checkpoint.*; best\.ckpt beside it is whole: --ckpt_path .*best"
    ):
        read_run_checkpoint(tmp_path / "last.ckpt", to_continue=True)
    (tmp_path / "best.ckpt").write_bytes(b"cut off, too")
    with pytest.raises(InputError, match=r"last\.ckpt: no checkpoint[^;]*$"):
        read_run_checkpoint(tmp_path / "last.ckpt", to_continue=True)
