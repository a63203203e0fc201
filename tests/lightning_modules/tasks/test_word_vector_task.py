"""Word vectors are measured as people measure them: rank correlations, and analogies by the nearest word."""

import pytest
import torch
import torch.nn.functional as F
from lightning_fabric.utilities import move_data_to_device

from core.projection import principal_components
from datamodules.words.batches import AnalogyBatch, QueryBatch, SimilarityBatch, WordListBatch
from lightning_modules import WordVectors
from lightning_modules.tasks.word_map import draw_word_map
from lightning_modules.tasks.word_vector_task import rank_correlation


def test_the_rank_correlation_takes_ties_as_spearman_does() -> None:
    values = torch.tensor([0.1, 0.4, 0.4, 0.9, -0.5])
    others = torch.tensor([1.0, 2.0, 3.0, 3.0, 0.0])
    # ranks 2 3.5 3.5 5 1 and 2 3 4.5 4.5 1
    assert rank_correlation(values, others) == pytest.approx(8.75 / 9.5)
    assert rank_correlation(values, values.exp()) == pytest.approx(1)
    assert rank_correlation(values, torch.ones(5)) == 0
    assert rank_correlation(values[:1], others[:1]) == 0


def test_an_analogy_is_right_if_the_nearest_other_word_is() -> None:
    vectors = F.normalize(torch.tensor([[1.0, 0, 0.1], [1, 1, 0], [0, 0.1, 1], [0, 1, 1], [5, 5, -9]]), dim=1)
    assert WordVectors.answers(vectors, torch.tensor([[0, 1, 2], [1, 0, 3]])).tolist() == [3, 2]


def test_files_are_measured_under_their_names() -> None:
    net = WordVectors(5, width=3)
    with torch.no_grad():
        net.embedding.weight.copy_(torch.tensor([[1.0, 0, 0.1], [1, 1, 0], [0, 0.1, 1], [0, 1, 1], [5, 5, -9]]))
    metrics = net.test_metrics
    pairs = torch.tensor([[0, 1], [2, 3], [0, 4]])
    cosines = net.evaluate(SimilarityBatch("men", pairs, torch.tensor([2.0, 3.0, 1.0]).double()), metrics)
    assert cosines.argsort().tolist() == [2, 0, 1]
    words, kinds = torch.tensor([[0, 1, 2, 3], [0, 1, 2, 4], [1, 0, 3, 2]]), torch.tensor([0, 0, 2])
    net.evaluate(AnalogyBatch("questions", words, kinds, ("a", "b", "c")), metrics)
    assert {name: float(value) for name, value in metrics.compute().items()} == {
        "men": pytest.approx(1, abs=1e-4),
        "questions": pytest.approx(2 / 3),
    }
    (table,) = net.media_after_test(7)
    assert table.rows == [
        ("questions", "a", "1", "2", "0.500"),
        ("questions", "b", "0", "0", "-"),
        ("questions", "c", "1", "1", "1.000"),
    ]
    assert not list(net.media_after_epoch(7, torch.Generator())), "a test is no validation"
    metrics.reset()
    assert not list(net.media_after_test(7))
    metrics.update(torch.tensor(6.0), torch.tensor(4))
    assert {name: float(value) for name, value in metrics.compute().items()} == {"loss": 1.5}


def test_similarities_need_the_vectors_of_their_words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    net = WordVectors(4000, width=50)
    torch.nn.init.normal_(net.embedding.weight)
    words = torch.randint(4000, (20, 2))
    directions = net.directions().detach()
    monkeypatch.setattr(net, "directions", lambda: pytest.fail("of all words"))
    cosines = net.evaluate(SimilarityBatch("pairs", words, torch.arange(20).double()), net.test_metrics)
    assert torch.equal(cosines, (directions[words[:, 0]] * directions[words[:, 1]]).sum(1))


def test_autocast_changes_no_answer() -> None:
    """Cosines of 8 bits tie, and the nearest word is another one."""
    torch.manual_seed(0)
    net = WordVectors(4000, width=50)
    torch.nn.init.normal_(net.embedding.weight)
    words = torch.randint(4000, (200, 4))
    analogies = torch.cat([words[:, :3], net.answers(net.directions(), words[:, :3])[:, None]], 1)
    batches = (
        SimilarityBatch("pairs", words[:, :2], torch.arange(200).double()),
        AnalogyBatch("questions", analogies, words[:, 3], ()),
    )
    query = QueryBatch(words[:, :2], torch.tensor([[1.0, -1.0]]).expand(200, 2))
    found = []
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled), torch.no_grad():
            answers = [net.evaluate(batch, net.test_metrics) for batch in batches]
            found.append([*answers, net.predict_step(query, 0), net.predict_step(WordListBatch(words[:, 0]), 0)])
    torch.testing.assert_close(*found, rtol=0, atol=0)


class OnApple:
    """A tensor on a device that has no float64, as far as it is used here."""

    device = torch.device("mps")

    def __init__(self, tensor: torch.Tensor) -> None:
        self.cpu = lambda: tensor

    def __len__(self) -> int:
        return len(self.cpu())

    def double(self) -> torch.Tensor:
        raise TypeError("no float64")


def test_judgements_reach_a_device_without_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    def to(tensor: torch.Tensor, device: torch.device, **_: object) -> OnApple:
        if tensor.dtype == torch.float64 and device.type == "mps":
            raise TypeError("no float64")
        return OnApple(tensor)

    batch = SimilarityBatch("men", torch.tensor([[0, 1], [2, 3]]), torch.tensor([2.0, 3.0]).double())
    with monkeypatch.context() as apple:
        apple.setattr(torch.Tensor, "to", to)
        moved = move_data_to_device(batch, OnApple.device)
    assert isinstance(moved, SimilarityBatch)
    assert rank_correlation(moved.scores, OnApple(torch.tensor([0.1, 0.2]))) == pytest.approx(1, abs=1e-4)
    assert move_data_to_device(batch, torch.device("cpu")).scores.dtype == torch.float64  # the bits of earlier figures


def test_a_map_shows_every_word_with_any_number_of_them() -> None:
    vectors = F.normalize(torch.randn(14, 5, generator=torch.Generator().manual_seed(0)), dim=1)
    for n in (1, 2, 14):
        (axes,) = draw_word_map(vectors[:n], [f"w{number}$" for number in range(n)]).axes
        assert len(axes.texts) == n


def test_the_main_directions_are_those_of_largest_variance() -> None:
    line = torch.linspace(-1, 1, 9)[:, None] * torch.tensor([[3.0, 4.0, 0.0]]) + 7
    points = principal_components(line)
    torch.testing.assert_close(points[:, 0].abs(), torch.linspace(-5, 5, 9).abs())
    assert points[:, 1].abs().max() < 1e-4
    assert principal_components(line[:1]).tolist() == [[0, 0]]
