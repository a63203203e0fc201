"""A model is put into evaluation for a while, and comes back as it was."""

import pytest
import torch
from torch import nn

from core.evaluation_mode import evaluation_mode, gradients_in_evaluation


@pytest.mark.parametrize("fails", [False, True])
def test_each_module_gets_the_mode_back_that_it_had(fails: bool) -> None:
    model = nn.Sequential(nn.Dropout(), nn.Linear(1, 1)).train()
    model[0].eval()  # one that is not like the others
    try:
        with evaluation_mode(model):
            assert not any(module.training for module in model.modules())
            if fails:
                raise KeyError
    except KeyError:
        pass
    assert [module.training for module in model.modules()] == [True, False, True]


def test_gradients_come_from_an_evaluated_model_within_inference() -> None:
    model = nn.Sequential(nn.LSTM(1, 1), nn.Identity()).train()
    with torch.inference_mode(), gradients_in_evaluation(model):
        assert not model.training
        assert not torch.backends.cudnn.enabled  # which refuses gradients of recurrent layers in this mode
        x = torch.ones(1, 1, requires_grad=True)
        (gradient,) = torch.autograd.grad(model[0](x)[0].sum(), x)
    assert gradient.shape == (1, 1)
    assert model.training
    assert torch.backends.cudnn.enabled
