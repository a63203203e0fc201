"""A look at a network leaves no trace in it."""

from contextlib import nullcontext
from types import SimpleNamespace

import torch

from callbacks.probe import looking_at
from datamodules.batches import CharacterBatch, ImageBatch
from tests.bits import assert_same_bits
from tests.tiny import tiny_vgg
from tests.tiny_text import tiny_char_rnn

TRAINER = SimpleNamespace(seed=0, precision_plugin=SimpleNamespace(forward_context=nullcontext))


def test_mode_buffers_and_random_numbers_are_put_back() -> None:
    model = tiny_vgg().train()
    model.stages.eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    images = torch.randn(4, 3, 16, 16)
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    with torch.no_grad(), looking_at(TRAINER, model):
        assert not model.training
        loss = model.losses(ImageBatch(images, torch.arange(4), torch.arange(4), {}))["classification"]
        assert loss.requires_grad
        first = torch.rand(2)
        model.train()(images)  # as a network does that looks at itself in training
    assert torch.equal(torch.rand(3), expected)
    assert [module.training for module in model.modules()] == modes
    assert_same_bits(dict(model.state_dict()), before)
    with looking_at(TRAINER, model):
        assert torch.equal(torch.rand(2), first), "every look sees the same random numbers"


def test_what_is_carried_is_put_back() -> None:
    model = tiny_char_rnn()
    model.carried = carried = [(torch.ones(1),)]
    with looking_at(TRAINER, model):
        assert model.carried is None
        model.losses(CharacterBatch(torch.zeros(2, 3, dtype=torch.int64), fresh=False))
    assert model.carried is carried
