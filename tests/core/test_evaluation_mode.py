"""A model is put into evaluation for a while, and comes back as it was."""

import pytest
from torch import nn

from core.evaluation_mode import evaluation_mode


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
