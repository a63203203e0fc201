"""Training begins only with layers that have what they start from."""

from collections.abc import Callable

import pytest
import torch

from core.errors import InputError
from lightning_modules import BagOfNgrams
from lightning_modules.tasks.task import Task
from tests.tiny import tiny_vgg

MODELS: dict[str, Callable[[], Task]] = {
    "whitening.0": lambda: tiny_vgg(whiten=True),
    "naive_bayes": lambda: BagOfNgrams(2, 9, naive_bayes=True),
    "embedding": lambda: BagOfNgrams(2, 9, embedding=3, embeddings="vectors.txt"),
}
GIVEN: dict[str, Callable[[Task], object]] = {
    "whitening.0": lambda model: model.whitening[0].initialize_from(torch.rand(50, 3, 16, 16)),
    "naive_bayes": lambda model: model.naive_bayes.initialize_from_counts(torch.ones(9, 2)),
    "embedding": lambda model: model.load_state_dict(MODELS["embedding"]().state_dict()),
}


@pytest.mark.parametrize("layer", MODELS)
def test_a_layer_that_has_seen_no_training_data_is_refused(layer: str) -> None:
    """Loaders, or Lightning's own trainer, left it as it was: a network without input, or without word vectors."""
    model = MODELS[layer]()
    with pytest.raises(InputError, match=rf"^{layer} starts from the training data, .*from engine\.trainer import"):
        model.on_train_start()
    GIVEN[layer](model)
    with pytest.raises(RuntimeError, match="not attached to a `Trainer`"):  # which is asked next
        model.on_train_start()


def test_layers_that_start_from_nothing_are_not_asked() -> None:
    for model in (tiny_vgg(), BagOfNgrams(2, 9), BagOfNgrams(2, 9, embedding=3)):
        with pytest.raises(RuntimeError, match="not attached to a `Trainer`"):
            model.on_train_start()
