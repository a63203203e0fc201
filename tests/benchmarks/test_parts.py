"""Both forms of a part do the same."""

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from benchmarks import parts
from lightning_modules import ModernLeNet5
from lightning_modules.optimizers import newton_schulz, orthogonalize
from tests.tiny import tiny_vgg


@pytest.mark.parametrize("size", [4, 5])
def test_slices_pool_to_the_same_bits(size: int) -> None:
    maps = torch.randn(2, 3, size, size)
    assert torch.equal(parts.pool_by_slices(maps), F.max_pool2d(maps, 2))


def test_a_wide_matrix_is_orthogonalized_alike_by_products_of_the_whole() -> None:
    matrix = torch.randn(4, 60)
    whole = newton_schulz(matrix / matrix.norm(), 3)
    torch.testing.assert_close(whole, orthogonalize(matrix, 3), rtol=1e-4, atol=1e-5)


def test_every_part_in_both_forms_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "vgg", lambda: tiny_vgg(image_size=32, num_classes=10))
    monkeypatch.setattr(parts, "train_elsewhere", lambda kept, figure: 2.0 - kept)
    monkeypatch.setattr(parts, "epoch_end", lambda network, data, saves: 2.0 if saves else 1.0)
    parts.main(["--pairs", "1", "--output", str(tmp_path / "a.json")])
    results = json.loads((tmp_path / "a.json").read_text())["results"]
    assert results.keys() == parts.parts().keys()
    assert results["epoch_end_lenet5"]["first_of_second"]["median"] == 2.0
    assert all(part[form]["median"] > 0 for part in results.values() for form in ("first", "second"))


def test_gradients_are_of_trained_weights_alone() -> None:
    network = ModernLeNet5(10, 1, 28)
    next(network.parameters()).requires_grad_(False)
    parts.with_gradients(network)
    assert next(network.parameters()).grad is None
    assert all(weight.grad is not None for weight in [*network.parameters()][1:])
