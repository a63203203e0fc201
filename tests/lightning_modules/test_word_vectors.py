"""Every objective's own gradient is that of its loss, and a network of each kind learns a language of known classes."""

from collections.abc import Callable
from contextlib import nullcontext
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import InputError
from datamodules.words.batches import QueryBatch, WordBatch, WordListBatch
from lightning_modules import WordVectors
from lightning_modules.layers.huffman import huffman_ways

V, D, N = 40, 6, 150
KINDS = list(product(("skip_gram", "cbow"), ("negative_sampling", "hierarchical_softmax"), ((), (2, 3))))


def piece(radius: int = 3) -> WordBatch:
    """Returns a piece of documents of 1 to 30 words."""
    rng = torch.Generator().manual_seed(3)
    words = torch.randint(V, (N,), generator=rng)
    radii = torch.randint(1, radius + 1, (N,), generator=rng)
    begins = torch.tensor([0, 1, 2, 30, 31, 60, 90, 149, N])
    lengths = begins.diff()
    here = torch.arange(N)
    left = torch.minimum(radii, here - begins[:-1].repeat_interleave(lengths))
    right = torch.minimum(radii, begins[1:].repeat_interleave(lengths) - 1 - here)
    return WordBatch.of(words, left, right)


def model(**settings: Any) -> WordVectors:
    """Returns a network in double precision whose tables are not zero, and that knows its words."""
    torch.manual_seed(0)
    net = WordVectors(V, width=D, shared=7, negatives=3, **{"cap": 1e9, "ngram_buckets": 20} | settings).double()
    for table in (net.embedding, net.context):
        torch.nn.init.normal_(table.weight, std=0.7)
    net.learn_vocabulary([f"w{number * 7}x" for number in range(V)], torch.arange(V, 0, -1))
    return net


def pairs_of(batch: WordBatch) -> list[tuple[int, int]]:
    """Lists the places of all pairs, one by one."""
    left, right = batch.left.tolist(), batch.right.tolist()
    return [(i, j) for i in range(N) for j in range(i - left[i], i + right[i] + 1) if j != i]


def plain_loss(net: WordVectors, batch: WordBatch, noise: Tensor | None, width: int) -> Tensor:
    """Returns the loss as the papers write it, pair by pair, for autograd."""
    inputs, outputs = net._inputs_of(batch.words), net.context.weight
    pairs, total = pairs_of(batch), inputs.new_zeros(())
    if net.architecture == "cbow":
        of_place = {i: [j for k, j in pairs if k == i] for i in range(N)}
        asked = [(torch.stack([inputs[j] for j in places]).mean(0), i, i) for i, places in of_place.items() if places]
    elif net.objective == "negative_sampling":
        asked = [(inputs[i], j, i) for i, j in pairs]
    else:  # a word is found from each word in its window
        asked = [(inputs[j], i, i) for i, j in pairs]
    ways = huffman_ways(torch.arange(V, 0, -1)) if noise is None else None
    for vector, target, place in asked:
        word = batch.words[target]
        if ways is not None:
            length = int((ways.signs[word] != 0).sum())
            scores = outputs[ways.nodes[word, :length]] @ vector * ways.signs[word, :length]
            total = total - F.logsigmoid(scores).sum()
        else:
            total = total - F.logsigmoid(vector @ outputs[word])
            false = outputs[noise[place // width]] @ vector
            total = total - F.logsigmoid(-false).sum() * net.negatives / net.shared
    return total


@pytest.mark.parametrize(("architecture", "objective", "ngrams"), KINDS)
def test_the_gradient_is_that_of_the_loss(architecture: Any, objective: Any, ngrams: Any) -> None:
    net, batch = model(architecture=architecture, objective=objective, ngrams=ngrams), piece()
    torch.manual_seed(5)
    loss = net.losses(batch)[objective]
    loss.backward()
    found = [table.weight.grad.to_dense() for table in (net.embedding, net.context)]
    assert all(table.weight.grad.is_sparse for table in (net.embedding, net.context))
    net.zero_grad()
    torch.manual_seed(5)
    width = 64 - 2 * 3
    noise = net._noise.draw(-(-N // width), net.shared, net.device) if objective == "negative_sampling" else None
    plain = plain_loss(net, batch, noise, width)
    plain.backward()
    torch.testing.assert_close(loss, plain)
    for table, gradient in zip((net.embedding, net.context), found, strict=True):
        torch.testing.assert_close(gradient, table.weight.grad.to_dense())


@pytest.mark.parametrize(("processes", "several"), [(1, 4), (2, 1), (2, 3)])
def test_accumulated_batches_and_those_of_processes_are_added_up(processes: int, several: int) -> None:
    """Lightning divides the loss of each batch by their number, and DDP gradients by that of processes."""
    batch, parts, gradients, losses = piece(), processes * several, [], []
    for sizes, cap in (((1, 1), 1e9), ((processes, several), 1e9), ((1, 1), 3.0), ((processes, several), 3.0 * parts)):
        net = model(cap=cap)
        net._trainer = SimpleNamespace(world_size=sizes[0], accumulate_grad_batches=sizes[1])
        torch.manual_seed(5)
        loss = net._training_loss(batch)[0]
        losses.append(loss.item())
        (loss / (sizes[0] * sizes[1])).backward()
        gradients.append(net.context.weight.grad.to_dense())
    torch.testing.assert_close(gradients[0], gradients[1])
    torch.testing.assert_close(gradients[2], gradients[3])  # a step has the cap, of which each batch has its part
    assert gradients[2].abs().sum() < gradients[0].abs().sum()
    assert len({*losses}) == 1


@pytest.mark.parametrize("architecture", ["skip_gram", "cbow"])
@pytest.mark.parametrize("objective", ["negative_sampling", "hierarchical_softmax"])
def test_the_loss_of_confident_mistakes_is_right_in_float32(architecture: Any, objective: Any) -> None:
    """One minus the probability of noise was 0 from a product of 17 on, and cost 69 nats."""
    net, batch = model(architecture=architecture, objective=objective).float(), piece()
    for table in (net.embedding, net.context):
        torch.nn.init.normal_(table.weight, std=2.0)
    torch.manual_seed(5)
    loss = net.losses(batch)[objective]
    torch.manual_seed(5)
    width = 64 - 2 * 3
    noise = net._noise.draw(-(-N // width), net.shared, net.device) if objective == "negative_sampling" else None
    torch.testing.assert_close(loss.detach(), plain_loss(net, batch, noise, width).detach(), rtol=1e-4, atol=0)


def test_the_gradient_of_a_word_in_many_pairs_is_scaled_to_the_cap() -> None:
    batch = piece()
    gradients = {}
    for cap in (1e9, 12.0):
        net = model(cap=cap)
        torch.manual_seed(5)
        net.losses(batch)["negative_sampling"].backward()
        gradients[cap] = net.embedding.weight.grad.to_dense()
    pairs = torch.zeros(V).index_add_(0, batch.words, (batch.left + batch.right).float())
    assert (pairs > 12).any()
    assert (pairs < 12).any()
    torch.testing.assert_close(gradients[12.0], gradients[1e9] * (12 / pairs).clamp(max=1).double()[:, None])


@pytest.mark.parametrize("settings", [{}, {"architecture": "cbow"}, {"ngrams": (2, 3)}])
def test_threads_share_a_step(settings: dict[str, Any]) -> None:
    found, before = [], torch.get_num_threads()
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        net = model(cap=12.0, **settings)
        torch.manual_seed(5)
        loss = net.losses(piece())["negative_sampling"]
        loss.backward()
        gradients = [table.weight.grad for table in (net.embedding, net.context)]
        net.on_after_backward()
        assert all(gradient.is_coalesced() for gradient in gradients)
        assert all((gradient.indices().diff() > 0).all() for gradient in gradients)  # each row once, in order
        found.append([loss.detach(), *(gradient.to_dense() for gradient in gradients)])
    torch.set_num_threads(before)
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=1e-12, atol=1e-12)


def test_where_the_groups_of_words_begin_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was for the whole vocabulary, twice in each step."""
    net, lengths, cumsum = model(ngrams=(2, 3)), [], Tensor.cumsum
    monkeypatch.setattr(Tensor, "cumsum", lambda tensor, dim: lengths.append(len(tensor)) or cumsum(tensor, dim))
    vectors = net._parts.vectors(net.embedding.weight, torch.tensor([5, 31, 5]))
    assert lengths
    assert V not in lengths
    for place, number in enumerate((5, 31, 5)):
        rows = torch.tensor([number, *net._parts.rows_of_parts(f"w{number * 7}x")])
        torch.testing.assert_close(vectors[place], net.embedding.weight[rows].sum(0) / len(rows) ** 0.5)


def test_added_gradients_are_not_taken_for_ordered_ones() -> None:
    net = model()
    for _ in range(2):
        net.losses(piece())["negative_sampling"].backward()
        net.on_after_backward()
    gradient = net.embedding.weight.grad
    rows, values = gradient._indices()[0], gradient._values()
    torch.testing.assert_close(gradient.to_dense(), torch.zeros_like(net.embedding.weight).index_add(0, rows, values))
    assert gradient.is_coalesced() == bool((gradient._indices()[0].diff() > 0).all())


def test_the_loss_is_that_of_a_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    """With tables of zeros every decision is a half: 1 + 3 of them a pair."""
    net, batch = WordVectors(V, width=D, negatives=3), piece()
    net.learn_vocabulary([], torch.ones(V))
    net.training_step(batch, 0)
    assert net.train_metrics.so_far()["loss"] == pytest.approx(4 * torch.tensor(2.0).log().item(), rel=1e-5)
    assert int(net.train_metrics.count) == len(pairs_of(batch))


def test_a_piece_without_pairs_has_no_loss() -> None:
    zero = torch.zeros(3, dtype=torch.int64)
    for words in (zero, zero[:0]):
        net = model()
        loss = net.losses(WordBatch.of(words, zero[: len(words)], zero[: len(words)]))["negative_sampling"]
        loss.backward()
        assert loss == 0
        assert net.embedding.weight.grad.to_dense().abs().sum() == 0


def test_the_sampled_softmax_counts_a_word_once_in_a_window() -> None:
    net = WordVectors(V, width=D, objective="sampled_softmax", negatives=20, context_std=0.1, embedding_range=1.0)
    words = torch.tensor([5, 6, 6, 7])
    loss, _, number = net._training_loss(WordBatch.of(words, torch.tensor([0, 1, 2, 3]), torch.tensor([3, 2, 1, 0])))
    assert int(number) == 2 + 3 + 3 + 2  # 6 stands twice
    loss.backward()
    assert not net.embedding.weight.grad.is_sparse
    assert net.bias.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0}, "model.width is 0: at least 1 is needed"),
        ({"ngrams": [3]}, r"model.ngrams is \[3\]: a least and a greatest length"),
        ({"cap": 0}, "model.cap is 0: more than 0 is needed"),
        (
            {"objective": "sampled_softmax", "negatives": V},
            f"model.negatives is {V}: at least 1 and at most {V - 1}",
        ),
        ({"objective": "sampled_softmax", "architecture": "cbow"}, "it is for skip-grams of whole words"),
        ({"add_outputs": True, "objective": "hierarchical_softmax"}, "has no output vectors of words"),
        ({"neighbours": 0}, "model.neighbours is 0: at least 1 is needed"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        WordVectors(V, **settings)


def test_sparse_gradients_are_not_clipped() -> None:
    net = WordVectors(V)
    with pytest.raises(InputError, match=r"model\.cap bounds them"):
        net.configure_gradient_clipping(None, gradient_clip_val=1.0, gradient_clip_algorithm=None)


@pytest.mark.parametrize(
    ("objective", "stage", "devices", "kind", "is_refused"),
    [
        ("negative_sampling", "fit", 2, "cuda", True),
        ("hierarchical_softmax", "fit", 2, "cuda", True),
        ("sampled_softmax", "fit", 2, "cuda", False),
        ("negative_sampling", "fit", 2, "cpu", False),
        ("negative_sampling", "fit", 1, "cuda", False),
        ("negative_sampling", "predict", 2, "cuda", False),
    ],
)
def test_several_gpus_are_refused_where_gradients_are_sparse(
    objective: str, stage: str, devices: int, kind: str, is_refused: bool
) -> None:
    """NCCL adds up dense tensors only."""
    net = WordVectors(V, objective=objective)
    strategy = SimpleNamespace(root_device=torch.device(kind))
    net._trainer = SimpleNamespace(world_size=devices, strategy=strategy, datamodule=None)
    reason = r"--trainer\.devices: several GPUs cannot add up sparse" if is_refused else "needs words and their counts"
    with pytest.raises(InputError, match=reason) if stage == "fit" else nullcontext():
        net.setup(stage)


def test_momentum_is_refused_where_gradients_are_sparse() -> None:
    assert isinstance(WordVectors(V).configure_optimizers(), torch.optim.SGD)
    with pytest.raises(InputError, match=r"model\.optimizer\.momentum: gradients are sparse"):
        WordVectors(V, optimizer=lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9)).configure_optimizers()


def placed(net: WordVectors, vectors: dict[int, list[float]]) -> WordVectors:
    """Sets the vectors of some words, and those of all others to an axis of their own."""
    with torch.no_grad():
        net.embedding.weight.zero_()[:, -1] = 1.0
        for word, vector in vectors.items():
            net.embedding.weight[word] = torch.tensor(vector)
    return net


def test_the_nearest_words_of_a_sum_are_none_of_its_own() -> None:
    net = placed(WordVectors(5, width=3, neighbours=2), {0: [1, 0, 0], 1: [1, 1, 0], 2: [0, 1, 0], 3: [-2, 1, 0]})
    batch = QueryBatch(torch.tensor([[1, 0], [2, 0]]), torch.tensor([[1.0, -1.0], [1.0, 0.0]]))
    near = net.predict_step(batch, 0)
    # 1 - 0 points up and slightly back, as 2 does more than 3; 2 alone lies between 1 and 3
    assert near[0, :, 0].tolist() == [2, 3]
    assert set(near[1, :, 0].tolist()) == {1, 3}
    assert near[1, 0, 1].item() == pytest.approx(0.5**0.5)


def test_vectors_are_those_of_the_table() -> None:
    net = WordVectors(5, width=3)
    words = torch.tensor([4, 0])
    torch.testing.assert_close(net.predict_step(WordListBatch(words), 0), net.embedding.weight[words])
    assert net(words[:, None]).shape == (2, 1, 3)
    both = WordVectors(5, width=3, add_outputs=True, context_std=1.0)
    torch.testing.assert_close(both(words), both.embedding.weight[words] + both.context.weight[words])


@pytest.mark.parametrize("settings", [{}, {"architecture": "cbow"}, {"objective": "hierarchical_softmax"}])
def test_neighbours_of_a_class_become_similar(settings: dict[str, Any], made_text: Callable[..., Any]) -> None:
    batch, classes = made_text()
    torch.manual_seed(0)
    net = WordVectors(len(classes), width=8, shared=16, cap=10, **settings)
    net.learn_vocabulary([], torch.ones(len(classes)))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        next(iter(net.losses(batch).values())).backward()
        optimizer.step()
    directions = net.directions().detach()
    cosines = directions @ directions.T
    same = classes[:, None] == classes
    assert cosines[same].mean() > cosines[~same].mean() + 0.2


@pytest.fixture
def made_text() -> Callable[..., Any]:
    """Returns a piece of runs of words of one of three classes, and the class of each word."""

    def make() -> tuple[WordBatch, Tensor]:
        rng = torch.Generator().manual_seed(1)
        runs = torch.randint(3, (100, 1), generator=rng)
        words = (runs * 6 + torch.randint(6, (100, 10), generator=rng)).flatten()
        place = torch.arange(len(words)) % 10
        return WordBatch.of(words, place.clamp(max=3), (9 - place).clamp(max=3)), torch.arange(18) // 6

    return make


def test_a_step_takes_no_value_off_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU it would wait for each."""
    batch = piece()
    assert batch.radius == 3
    monkeypatch.setattr(Tensor, "__int__", lambda _: pytest.fail("it waits"))
    assert torch.isfinite(model().losses(batch)["negative_sampling"])
