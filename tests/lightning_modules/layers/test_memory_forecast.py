"""The forecast of memory adds up what a run keeps, and refuses what does not fit."""

import pytest
import torch

from core.errors import InputError
from lightning_modules.layers import memory_forecast
from lightning_modules.layers.memory_forecast import BUFFERS, Forecast, check_memory, forecast
from lightning_modules.layers.named_networks import make_feature_network

HALF, GB = 500_000_000, 10**9


def features(tile: int | None, size: tuple[int, int] = (64, 96)) -> int:
    network, _ = make_feature_network("random:vgg16", ["relu2_1"], "max")
    return forecast(network, size, tile, 4, [], ["relu2_1"]).features


def test_a_pass_keeps_every_output_and_what_was_largest_of_four() -> None:
    pixels = 64 * 96
    saved = 4 * (8 * pixels + 8 * pixels + 8 * pixels // 4 + 16 * pixels // 4) + 8 * 8 * pixels // 4
    assert features(None) == saved + BUFFERS * 4 * 8 * pixels + 4 * 16 * pixels // 4  # and the content's features


def test_tiles_take_less_and_a_larger_picture_more() -> None:
    assert features(64, (512, 512)) < features(None, (512, 512)) / 4
    assert features(None, (128, 192)) == 4 * features(None)


def test_lbfgs_keeps_its_history() -> None:
    picture = [torch.nn.Parameter(torch.zeros(3, 10, 10))]
    network, _ = make_feature_network("random:vgg16", ["relu1_1"], "max")
    found = {
        history: forecast(network, (32, 32), None, 4, [torch.optim.LBFGS(picture, history_size=history)], []).optimizer
        for history in (10, 20)
    }
    assert found[20] - found[10] == 2 * 10 * 300 * 4


def test_a_picture_that_does_not_fit_is_refused_with_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_forecast, "available_memory", lambda: GB)
    check_memory(Forecast(HALF, HALF, HALF), (10, 20), None, 512)
    message = r"20x10 takes about 2\.5 GB at most .* and 1\.0 GB are available: give --model\.tile 512, or a smaller"
    with pytest.raises(InputError, match=message):
        check_memory(Forecast(HALF, 2 * GB - HALF, HALF), (10, 20), None, 512)
    with pytest.raises(InputError, match=r"available: give a smaller --data\.long_side"):
        check_memory(Forecast(HALF, 2 * GB, HALF), (10, 20), 256, 512)
