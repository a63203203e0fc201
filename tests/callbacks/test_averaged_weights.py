"""Averages lie where the weights do, unless another device was asked for."""

from pathlib import Path

import pytest
from pytorch_lightning.callbacks import EMAWeightAveraging

from callbacks import AveragedWeights
from tests.tiny import tiny_trainer, tiny_vgg


@pytest.mark.parametrize(("given", "expected"), [(None, "meta"), ("cpu", "cpu")])
def test_averages_follow_the_model_to_its_device(given: str | None, expected: str, tmp_path: Path) -> None:
    averaging = EMAWeightAveraging(device=given)
    trainer, model = tiny_trainer(tmp_path, callbacks=[averaging]), tiny_vgg()
    averaging.setup(trainer, model, "fit")  # when Lightning has not moved the model yet
    model.to("meta")  # stands for a GPU
    (moving,) = (callback for callback in trainer.callbacks if isinstance(callback, AveragedWeights))
    moving.on_fit_start(trainer, model)
    averages = averaging._average_model
    assert {one.device.type for one in (*averages.parameters(), *averages.buffers())} == {expected}
