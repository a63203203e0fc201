"""Epochs of the hardest samples."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Callback

from callbacks import HardSamples
from core.errors import InputError
from datamodules.images.augmentation import Augmentation
from tests.plain import PlainData, PlainModule
from tests.tiny import TINY_CONFIG, TinyDataModule, tiny_trainer, tiny_vgg

ALTERNATING = Augmentation(flip="alternating")


class ByHand(Callback):
    """Keeps the samples of every epoch, and the losses of all by the network's own logits."""

    def __init__(self) -> None:
        self.epochs: list[list[int]] = []
        self.losses = torch.full((240,), torch.inf)
        self.before: list[torch.Tensor] = []  # losses at the start of each epoch

    def on_train_epoch_start(self, *_: object) -> None:
        """Starts an epoch."""
        self.epochs.append([])
        self.before.append(self.losses.clone())

    def on_train_batch_end(
        self, _: object, model: torch.nn.Module, outputs: dict, batch: tuple, batch_idx: int
    ) -> None:
        """Keeps what a batch has."""
        self.epochs[-1] += batch.index.tolist()
        for place, logits, target in zip(batch.index, model.trained_logits, batch.targets, strict=True):
            self.losses[place] = -logits.log_softmax(0)[target]


def test_epochs_have_a_share_of_all_samples_and_then_the_hardest(tmp_path: Path) -> None:
    by_hand, data = ByHand(), TinyDataModule()
    trainer = tiny_trainer(tmp_path, callbacks=[HardSamples(0.5, from_epoch=2), by_hand], max_epochs=4)
    trainer.fit(tiny_vgg(), data)
    first, second, *later = by_hand.epochs
    assert sorted(first + second) == list(range(240))
    assert trainer.num_training_batches == 3
    for epoch, before in zip(later, by_hand.before[2:], strict=True):
        assert len(epoch) == len(set(epoch)) == 120
        assert set(epoch) == set(before.argsort(descending=True)[:120].tolist())
    assert later[0] != later[1]
    assert len(TinyDataModule.loader(data, "train", 40, 0)) == 6  # all again in another run


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


def test_what_has_no_loss_of_each_sample_is_refused(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, callbacks=[HardSamples(0.5, 1)])
    with pytest.raises(InputError, match="HardSamples: PlainModule has no loss of each sample; leave it out"):
        trainer.fit(PlainModule(), PlainData())


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
