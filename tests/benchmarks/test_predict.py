"""Both ways to predict give the same probabilities."""

from torch.testing import assert_close

from benchmarks.predict import Case
from tests.tiny import TinyDataModule, tiny_vgg


def test_both_ways_predict_the_same() -> None:
    case = Case(tiny_vgg, TinyDataModule(), 40)
    assert case.raw() > 0
    assert case.ours() > 0
    assert case.probabilities.shape == (40, 5)
    assert_close(case.probabilities, case.expected)
