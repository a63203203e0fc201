"""Classes with too little to learn from are counted and named before training; a checkpoint keeps all names."""

import pytest
import torch

from core.errors import InputError
from datamodules import CIFAR10DataModule
from datamodules.base.classification import learned_classes
from datamodules.base.data_module import DataModule
from datamodules.images.splits import ClassifiedImages
from tests.tiny import TinyDataModule

NOTE = "note     "


class Counted(TinyDataModule):
    """Pictures of which so many are of each class.

    Args:
        counts: How many.
    """

    def __init__(self, counts: tuple[int, ...]) -> None:
        self.counts = counts
        super().__init__(batch_size=2, val_size=0)

    def synthesize(self) -> dict[str, ClassifiedImages]:
        """Returns empty pictures."""
        targets = torch.tensor([number for number, count in enumerate(self.counts) for _ in range(count)])
        pictures = ClassifiedImages(torch.zeros(len(targets), 16, 16, 3, dtype=torch.uint8), targets)
        return {"train": pictures, "test": pictures}


@pytest.mark.parametrize(
    ("counts", "note"),
    [
        ((2, 2, 3, 2, 9), ""),
        ((2, 1, 3, 2, 9), "1 of 5 classes has a single training image (ring): "),
        ((1, 2, 1, 1, 1), "4 of 5 classes have a single training image (disc, square, triangle, ...): "),
        ((3, 1, 0, 1, 0), "2 of 5 classes have a single training image (ring, triangle), 2 of 5 classes have no "),
    ],
)
def test_classes_with_one_picture_or_none_are_counted(
    counts: tuple[int, ...], note: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Counted(counts).setup("fit")
    printed = capsys.readouterr().out
    assert printed.startswith(NOTE + note) if note else not printed
    Counted(counts).setup("test")
    assert not capsys.readouterr().out


def test_a_checkpoint_keeps_the_class_names_and_refuses_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DataModule, "state_dict", lambda self: {"batch": 0})
    data = CIFAR10DataModule(source="synthetic", classes=["cat", "deer"])
    state = data.state_dict()
    assert learned_classes({"state_dict": {}, "CIFAR10DataModule": state}) == data.class_names
    told = rf"{', '.join(data.class_names[::-1])}, where the network was trained with {', '.join(data.class_names)}"
    with pytest.raises(InputError, match=f"has the classes {told}"):
        CIFAR10DataModule(source="synthetic", classes=["deer", "cat"]).load_state_dict(state)


@pytest.mark.parametrize("content", [{}, {"class_names": ["a"]}, {"Data": {"class_names": "ab"}}, {"Data": [1]}])
def test_a_checkpoint_that_names_no_classes_has_none(content: dict) -> None:
    assert learned_classes(content) == ()
