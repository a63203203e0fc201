"""The forecast of memory adds up what a run keeps, and refuses what does not fit."""

import pytest
import torch
from torch import Tensor

from core.errors import InputError
from lightning_modules import EfficientNetLite
from lightning_modules.layers import memory_forecast
from lightning_modules.layers.memory_forecast import BUFFERS, Forecast, check_memory, forecast
from lightning_modules.layers.named_networks import make_feature_network
from lightning_modules.style_networks import StepFeatures

HALF, GB = 500_000_000, 10**9


def features(tile: int | None, size: tuple[int, int] = (64, 96)) -> int:
    network, _ = make_feature_network("random:vgg16", ["relu2_1"], "max")
    return forecast(network, size, tile, 4, [], ["relu2_1"]).features


def test_a_pass_keeps_every_output_and_what_was_largest_of_four() -> None:
    pixels = 64 * 96
    saved = 4 * (8 * pixels + 8 * pixels + 8 * pixels // 4 + 16 * pixels // 4) + 8 * 8 * pixels // 4
    assert features(None) == saved + BUFFERS * 4 * 8 * pixels + 4 * 16 * pixels // 4  # and the content's features


@pytest.mark.parametrize("value_bytes", [4, 2])
def test_what_blocks_save_within_them_counts(value_bytes: int) -> None:
    network, saved = StepFeatures(EfficientNetLite(10), ["block4"]), {}

    def note(tensor: Tensor) -> Tensor:
        if tensor.requires_grad:
            saved[tensor.data_ptr()] = tensor.nbytes
        return tensor

    picture = torch.zeros(1, 3, 96, 160, requires_grad=True)
    half = torch.autocast("cpu", torch.bfloat16, enabled=value_bytes == 2)
    with half, torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        outputs = network(picture)
    assert outputs["block4"].requires_grad
    found = forecast(network, (96, 160), None, value_bytes, [], []).features
    assert found == pytest.approx(sum(saved.values()) + BUFFERS * max(saved.values()), rel=0.05)


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
    with pytest.raises(InputError, match=r"available: give a smaller --data\.long_side"):
        check_memory(Forecast(HALF, 2 * GB, HALF), (10, 20), None, None)
    monkeypatch.setattr(memory_forecast, "available_memory", lambda: None)
    check_memory(Forecast(HALF, 2 * GB, HALF), (10, 20), None, None)  # nothing is refused where nothing is known
