"""A judge is taken only where it fits, and what it measures does not depend on batches."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from core.errors import InputError
from core.randomness import generator
from datamodules.batches import ImageBatch
from lightning_modules import DCGAN
from lightning_modules.tasks.judged_generator import NoisePictures
from tests.generated import Brightness, tiny_dcgan
from tests.tiny import TinyDataModule


def judged(data: TinyDataModule, **changes: Any) -> DCGAN:
    """Returns a network with a judge and a trainer that has the data."""
    network = tiny_dcgan(num_classes=5, in_channels=3, image_size=16, judge="run", **changes)
    network._trainer = SimpleNamespace(
        datamodule=data, state=SimpleNamespace(fn="fit"), seed=3, global_rank=0, sanity_checking=False
    )
    return network.eval()


@pytest.fixture(scope="module")
def data() -> TinyDataModule:
    """Pictures, loaded."""
    data = TinyDataModule(normalization="symmetric")
    data.load_once()
    return data


def measured(network: DCGAN, data: TinyDataModule, size: int) -> dict[str, torch.Tensor]:
    """Returns what the judge measures of validation in batches of a size."""
    part = data.splits["val"]
    images = data.normalization(part.images.float()).permute(0, 3, 1, 2)
    network.val_metrics.reset()
    for index in torch.arange(len(part)).split(size):
        batch = ImageBatch(images[index], part.targets[index], index, {})
        with torch.no_grad():
            network.evaluate(batch, network.val_metrics)
    return network.val_metrics.compute()


def test_batches_change_nothing_and_bounds_are_computed_once(data: TinyDataModule) -> None:
    network = judged(data, conditional=True, val_samples=33)
    network.take_judge(Brightness())
    figures = measured(network, data, 40)
    bounds = dict(network.val_metrics.bounds)
    again = measured(network, data, 7)
    assert network.val_metrics.bounds == bounds
    assert len(network.val_metrics.index) > 1  # batches
    assert not network.val_metrics.floor
    for name in figures.keys() - {"discriminator", "generator"}:
        torch.testing.assert_close(figures[name], again[name], atol=1e-3, rtol=1e-3)
    assert bounds["frechet_floor"] < bounds["frechet_ceiling"]
    assert {"kernel", "density", "asked", "entropy_floor"} <= figures.keys()
    network.val_metrics.everything = False
    assert "kernel" not in measured(network, data, 40)


def test_a_sanity_check_leaves_no_bounds(data: TinyDataModule) -> None:
    """They are of fewer samples than an epoch has."""
    network = judged(data, val_samples=33)
    network.take_judge(Brightness())
    network.log = network.log_dict = lambda *_, **__: None
    for network.trainer.sanity_checking in (True, False):
        measured(network, data, 40)
        network.on_validation_epoch_end()
        assert bool(network.val_metrics.bounds) == (not network.trainer.sanity_checking)


def test_a_generator_without_classes_has_no_share_of_those_asked_for(data: TinyDataModule) -> None:
    network = judged(data)
    network.take_judge(Brightness())
    assert "asked" not in measured(network, data, 40)


def test_noise_in_parts_is_that_of_one_draw_and_no_more_than_a_batch_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = torch.randint(0, 256, (40, 5, 7, 3), generator=generator(3, "noise"), dtype=torch.uint8)
    draw, drawn = torch.randint, []

    def count(low: int, high: int, shape: tuple[int, ...], **settings: Any) -> torch.Tensor:
        drawn.append(shape[0])
        return draw(low, high, shape, **settings)

    monkeypatch.setattr(torch, "randint", count)
    noise = NoisePictures(3, (5, 7, 3))
    for places in torch.arange(40).split(7):
        assert torch.equal(noise.at(places), whole[places])
    assert drawn == [7, 7, 7, 7, 7, 5]
    for places in ([1, 5, 9], [12, 10], [0, 39], [2]):  # of one of several processes, and once more from the first
        assert torch.equal(noise.at(torch.tensor(places)), whole[places])


def test_noise_is_drawn_as_far_as_there_are_pictures_and_let_go(
    data: TinyDataModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, asked = judged(data, val_samples=100_000), []
    network.take_judge(Brightness())
    at = NoisePictures.at
    monkeypatch.setattr(NoisePictures, "at", lambda self, places: asked.append((self, places)) or at(self, places))
    measured(network, data, 7)
    assert len({id(noise) for noise, _ in asked}) == 1
    assert sum(len(places) for _, places in asked) == asked[0][0]._drawn == data.sizes["val"]
    network.log = network.log_dict = lambda *_, **__: None
    network.on_validation_epoch_end()
    assert network._noise is None


class Grey(Brightness):
    """A judge of grey pictures."""

    in_channels = 1


class Letters(Brightness):
    """A judge of letters."""

    class_names = ("a", "b", "c", "d", "e")


@pytest.mark.parametrize(
    ("judge", "message"),
    [
        (Grey(), "model.judge run: it reads 1 channels, and pictures have 3"),
        (
            Letters(),
            "model.judge run: it is a judge of a, b, c, d, e, and the data has disc, ring, square, triangle, cross",
        ),
    ],
)
def test_a_judge_of_other_pictures_is_refused(judge: Brightness, message: str, data: TinyDataModule) -> None:
    with pytest.raises(InputError, match=message):
        judged(data).take_judge(judge)


def test_a_run_goes_on_with_its_own_judge(data: TinyDataModule) -> None:
    network, saved = judged(data), {"state_dict": {}}
    network.on_load_checkpoint({"judge": "another"})
    with pytest.raises(InputError, match="until now another one measured this run, of digest another"):
        network.take_judge(Brightness())
    network.on_load_checkpoint({"judge": Brightness.digest})
    network.take_judge(Brightness())
    network._trainer.world_size = 1
    network.on_save_checkpoint(saved)
    assert saved["judge"] == Brightness.digest


@pytest.mark.parametrize(("asked", "told"), [(33, 33), (100_000, None)])
def test_no_more_samples_are_told_than_are_measured(asked: int, told: int | None, data: TinyDataModule) -> None:
    network = judged(data, val_samples=asked, test_samples=asked)
    network.take_judge(Brightness())
    val, test = (told or data.sizes[part] for part in ("val", "test"))
    assert f"; {val} samples in validation, {test} in test," in network.signatures()["frechet"]
    measured(network, data, 40)
    assert sum(len(index) for index in network.val_metrics.index) == val


def test_without_a_judge_nothing_decides() -> None:
    assert tiny_dcgan().monitor is None
    assert tiny_dcgan().signatures() == {}


def test_without_data_of_ours_the_fid_says_nothing_of_it() -> None:
    network = tiny_dcgan(fid=True)
    network.trainer = SimpleNamespace(datamodule=None)
    assert network.signatures() == {}


def test_an_fid_says_what_was_compared(data: TinyDataModule) -> None:
    network = judged(data, fid=True)
    test = data.sizes["test"]
    text = f"{test} samples and the first {test} pictures of the test split, too few for 2,048 features"
    assert network.signatures() == {"fid": text}
    network.take_judge(Brightness())
    assert network.signatures()["fid"] == text
    assert network.signatures()["frechet"] != text
