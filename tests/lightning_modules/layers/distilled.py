"""Weights of the form of a distilled VGG-19."""

import torch


def of_distillation(channels: int = 4) -> dict[str, torch.Tensor]:
    """Returns weights of the form of the small VGG-19 of Collaborative Distillation."""
    names = ["11", "12", "21", "22", "31", "32", "33", "34", "41", "42", "43", "44", "51"]
    tensors = {"conv0.weight": torch.eye(3)[..., None, None].clone(), "conv0.bias": torch.zeros(3)}
    before = 3
    for name in names:
        tensors |= {
            f"conv{name}.weight": torch.randn(channels, before, 3, 3),
            f"conv{name}.bias": torch.zeros(channels),
        }
        before = channels
    return tensors | {"conv11_aux.weight": torch.zeros(8, channels, 1, 1), "conv11_aux.bias": torch.zeros(8)}
