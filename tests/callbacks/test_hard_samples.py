"""Epochs of the hardest samples."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pytorch_lightning import Callback

from callbacks import HardSamples
from callbacks.hard_samples import STATE
from core.errors import InputError
from datamodules.base.selection import Selection
from datamodules.images.augmentation import Augmentation
from tests.contract.data import Points
from tests.interruptions import PulledPlug, PullPlug
from tests.plain import PlainData, PlainModule
from tests.tiny import TINY_CONFIG, TinyDataModule, tiny_trainer, tiny_vgg

ALTERNATING = Augmentation(flip="alternating")


class ByHand(Callback):
    """Keeps the samples of every epoch, and the losses of all by a forward pass of its own, before each step."""

    def __init__(self) -> None:
        self.epochs: list[list[int]] = []
        self.losses = torch.full((240,), torch.inf)
        self.before: list[torch.Tensor] = []  # losses at the start of each epoch

    def on_train_epoch_start(self, *_: object) -> None:
        """Starts an epoch."""
        self.epochs.append([])
        self.before.append(self.losses.clone())

    def on_train_batch_start(self, _: object, model: torch.nn.Module, batch: tuple, batch_idx: int) -> None:
        """Keeps what a batch has."""
        self.epochs[-1] += batch.index.tolist()
        with torch.no_grad():
            rows = model.logits(batch)
        for place, logits, target in zip(batch.index, rows, batch.targets, strict=True):
            self.losses[place] = -logits.log_softmax(0)[target]


def test_epochs_have_a_share_of_all_samples_and_then_the_hardest(tmp_path: Path) -> None:
    by_hand, data = ByHand(), TinyDataModule()
    trainer = tiny_trainer(tmp_path, callbacks=[HardSamples(0.5, from_epoch=2), by_hand], max_epochs=4)
    trainer.fit(tiny_vgg(batch_norm=False, dropout=0.0), data)  # whose logits are those of every forward pass
    first, second, *later = by_hand.epochs
    assert sorted(first + second) == list(range(240))
    assert trainer.num_training_batches == 3
    for epoch, before in zip(later, by_hand.before[2:], strict=True):
        assert len(epoch) == len(set(epoch)) == 120
        assert set(epoch) == set(before.argsort(descending=True)[:120].tolist())
    assert later[0] != later[1]
    again = tiny_trainer(tmp_path, max_epochs=1)
    again.fit(tiny_vgg(), data)
    assert again.num_training_batches == 6  # all samples in another run


def test_a_run_that_fails_leaves_the_data_all_its_samples(tmp_path: Path) -> None:
    data = TinyDataModule()
    trainer = tiny_trainer(tmp_path, callbacks=[HardSamples(0.5, 1), PullPlug(2)])
    with pytest.raises(PulledPlug):
        trainer.fit(tiny_vgg(), data)
    assert trainer.num_training_batches == 3
    assert data.selection is None


def test_each_image_is_mirrored_every_second_time_that_it_is_seen(tmp_path: Path) -> None:
    flips: dict[int, list[bool]] = {}

    class Flips(Callback):
        """Keeps whether an image was mirrored, whenever it was seen."""

        def on_train_batch_end(self, trainer: object, _: object, outputs: dict, batch: tuple, batch_idx: int) -> None:
            """Compares the batch with the images as they are."""
            data = trainer.datamodule
            plain = data.normalization(data.splits["train"].images[batch.index].float()).permute(0, 3, 1, 2)
            for place, image, own in zip(batch.index.tolist(), batch.images, plain, strict=True):
                flips.setdefault(place, []).append(not torch.equal(image, own))

    data = TinyDataModule(augmentation=ALTERNATING)
    trainer = tiny_trainer(tmp_path, callbacks=[HardSamples(0.5, from_epoch=4), Flips()], max_epochs=8)
    trainer.fit(tiny_vgg(), data)
    images = data.splits["train"].images
    checked = 0
    for place, mirrored in flips.items():
        if not torch.equal(images[place], images[place].flip(1)):
            assert all(one != other for one, other in pairwise(mirrored))
            checked += len(mirrored) > 2
    assert checked > 50


def test_the_whole_share_from_no_epoch_on_changes_no_bit(tmp_path: Path) -> None:
    models = [tiny_vgg(), tiny_vgg()]
    for model, callbacks in zip(models, ([], [HardSamples(1.0, from_epoch=9)]), strict=True):
        tiny_trainer(tmp_path, callbacks=callbacks, seed=3).fit(model, TinyDataModule(augmentation=ALTERNATING))
    for one, other in zip(models[0].state_dict().values(), models[1].state_dict().values(), strict=True):
        assert torch.equal(one, other)


UNFIT = [
    (PlainModule, PlainData, "HardSamples: PlainModule has no loss of each sample; leave it out"),
    (PlainModule, TinyDataModule, "HardSamples: PlainModule has no loss of each sample; leave it out"),
    (tiny_vgg, PlainData, "HardSamples: PlainData does not choose samples of classes; leave it out"),
    (tiny_vgg, Points, "HardSamples: Points does not choose samples of classes; leave it out"),
    (
        tiny_vgg,
        lambda: PlainData().train_dataloader(),
        "HardSamples: loaders do not choose samples; give a data module, or leave it out",
    ),
]


@pytest.mark.parametrize(
    ("model", "data", "line"), UNFIT, ids=["both", "model", "data module", "without classes", "loaders"]
)
def test_what_has_no_loss_of_each_sample_is_refused(model: Callable, data: Callable, line: str, tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, callbacks=[HardSamples(0.5, 1)])
    with pytest.raises(InputError, match=f"^{line}$"):
        trainer.fit(model(), data())


def test_a_second_one_is_refused(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, callbacks=[HardSamples(0.5, 1), HardSamples(0.6, 1)])
    with pytest.raises(InputError, match=r"^HardSamples: given twice; leave one out$"):
        trainer.fit(tiny_vgg(), TinyDataModule())


def test_a_share_loses_no_sample_to_rounding() -> None:
    hard_samples, data = HardSamples(0.7, 1), TinyDataModule()
    data.splits = {"train": range(45_000)}
    device = SimpleNamespace(root_device="cpu")
    trainer = SimpleNamespace(datamodule=data, callbacks=[hard_samples], overfit_batches=0, strategy=device)
    hard_samples.setup(trainer, tiny_vgg(), "fit")
    assert data.selection.size == 31_500


REFUSED = [
    ({"share": 0.0, "from_epoch": 1}, {}, "HardSamples: share is 0: more than 0 and at most 1 is needed"),
    ({"share": 1.5, "from_epoch": 1}, {}, "HardSamples: share is 1.5"),
    ({"share": 0.5, "from_epoch": -1}, {}, "HardSamples: from_epoch is -1: at least 0 is needed"),
    ({"share": 0.1, "from_epoch": 1}, {}, "share 0.1 of 240 training images is less than a batch of 40; give a larger"),
    ({"share": 0.5, "from_epoch": 1}, {"overfit_batches": 2}, "has the same batches in every epoch; leave one out"),
]


@pytest.mark.parametrize(("arguments", "trainer", "line"), REFUSED, ids=[line for *_, line in REFUSED])
def test_what_cannot_be_is_refused_in_one_line(arguments: dict, trainer: dict, line: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=line) as caught:
        tiny_trainer(tmp_path, callbacks=[HardSamples(**arguments)], **trainer).fit(tiny_vgg(), TinyDataModule())
    assert "\n" not in str(caught.value)


def test_a_config_asks_for_it_and_its_run_is_measured_and_continued(tmp_path: Path, command: Callable) -> None:
    asked = (
        "  max_epochs: 2\n  callbacks: [{class_path: callbacks.HardSamples, init_args: {share: 0.5, from_epoch: 1}}]\n"
    )
    (tmp_path / "mine.yaml").write_text(TINY_CONFIG.replace("  max_epochs: 3\n", asked))
    assert command("fit", "--config", "mine.yaml", "--run_dir", "run")[0] == 0
    for arguments in (("test",), ("fit", "--trainer.max_epochs", 3)):
        code, _, errors = command(*arguments, "--ckpt_path", "run")
        assert code == 0, errors


def kept() -> dict[str, Any]:
    """Returns the state of 5 of 10 samples."""
    selection = Selection(10, 5, 1)
    selection.choose(0, 0)
    return selection.state_dict()


def taken_up(state: Any) -> Selection:
    """Returns a selection of 5 of 10 samples that goes on with a state."""
    selection = Selection(10, 5, 1)
    data, fits = SimpleNamespace(selection=selection, unit="images"), SimpleNamespace(fn="fit")
    trainer = SimpleNamespace(datamodule=data, state=fits, ckpt_path="last.ckpt")
    HardSamples(0.5, 1).on_load_checkpoint(trainer, tiny_vgg(), {STATE: state})
    return selection


DAMAGED = {
    "no state": lambda: [],
    "no order": lambda: kept() | {"order": None},
    "a list": lambda: kept() | {"order": [0, 1, 2, 3, 4]},
    "numbers of another kind": lambda: kept() | {"seen": torch.zeros(10)},
    "two dimensions": lambda: kept() | {"losses": torch.rand(10, 1)},
    "too few losses": lambda: kept() | {"losses": torch.rand(9)},
    "no epoch": lambda: kept() | {"from_epoch": torch.zeros(2)},
}


@pytest.mark.parametrize("state", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_state_is_one_line(state: Callable) -> None:
    with pytest.raises(InputError, match=r"^last\.ckpt: a damaged checkpoint: hard_samples holds something else"):
        taken_up(state())


def test_a_state_of_other_data_is_one_line() -> None:
    others = {"seen": torch.zeros(8, dtype=torch.int32), "losses": torch.zeros(8)}
    with pytest.raises(InputError, match=r"^HardSamples: training images: 10 now, and this run has 8; go on with its"):
        taken_up(kept() | others)


def test_an_older_state_does_not_know_the_first_epoch_of_the_hardest() -> None:
    state = kept()
    del state["from_epoch"]
    assert taken_up(state).order.tolist() == state["order"].tolist()
