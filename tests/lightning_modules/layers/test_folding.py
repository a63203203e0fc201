"""A network without its batch norms gives the same outputs."""

import torch
from torch import nn

from lightning_modules import EfficientNetLite
from lightning_modules.layers.folding import folded


@torch.no_grad()
def test_norms_become_part_of_the_convolutions_before_them() -> None:
    torch.manual_seed(0)
    network = EfficientNetLite(5, image_size=32)
    for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.running_mean.normal_(), norm.running_var.uniform_(0.5, 2), norm.weight.uniform_(0.5, 2)
    images = torch.randn(2, 3, 32, 32)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    made = folded(network)
    assert not [module for module in made.modules() if isinstance(module, nn.BatchNorm2d)]
    assert network.training
    torch.testing.assert_close(made(images), network.eval()(images), rtol=1e-4, atol=1e-4)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@torch.no_grad()
def test_norms_that_stand_elsewhere_stay() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1), nn.ReLU(), nn.BatchNorm2d(4)).eval()
    network[3].running_mean.fill_(1)
    made, images = folded(network), torch.randn(2, 3, 5, 5)
    assert sum(isinstance(module, nn.BatchNorm2d) for module in made) == 2
    assert torch.equal(made(images), network(images))
