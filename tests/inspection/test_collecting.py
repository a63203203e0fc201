"""What is kept of each sample that a classifier predicts."""

import pytest
import torch
from torch import Tensor

from callbacks import Views
from datamodules.batches import ImageBatch
from inspection.collecting import Collector
from lightning_modules import MLP


@pytest.mark.parametrize("batches", [1, 2])
def test_features_are_of_the_picture_itself_and_not_of_its_last_view(batches: int) -> None:
    torch.manual_seed(0)
    model = MLP(num_classes=3, in_channels=1, image_size=4).eval()
    pictures = torch.rand(4, 1, 4, 4)
    rows = torch.arange(4)

    def features(views: Views | None) -> Tensor:
        model.views = None if views is None else views.of
        collector = Collector()
        collector.on_predict_start(None, model)
        for part in rows.chunk(batches):
            batch = ImageBatch(pictures[part], torch.zeros(len(part), dtype=torch.int64), part, {})
            collector.on_predict_batch_start(None, model, batch, 0)
            with torch.no_grad():
                outputs = model.predict_step(batch, 0)
            collector.on_predict_batch_end(None, model, outputs, batch, 0)
        collector.on_predict_end(None, model)
        return collector.samples().features

    plain = features(None)
    assert plain.shape[0] == 4
    assert plain.std() > 0
    assert torch.equal(features(Views(flip=True, shift=1)), plain)
