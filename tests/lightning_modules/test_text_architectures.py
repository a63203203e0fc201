"""What every text architecture owes: padding changes nothing, all of it learns, and a checkpoint gives it back."""

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import lightning_modules
from core.errors import InputError
from datamodules.batches import TextBatch
from engine.export.formats import FORMATS
from engine.export.parity import BATCHES
from engine.settings.config_files import find_config, read_config
from lightning_modules import BagOfNgrams, TextCNN, TextRNN
from lightning_modules.layers.word_embedding import dense_head
from lightning_modules.tasks.text_classifier import TextClassifier
from tests.exports import FORMAT, NumberedTexts, assert_runs_elsewhere
from tests.networks import (
    assert_a_checkpoint_gives_the_model_back,
    assert_deeper_layers_learn_slower,
    assert_gradients,
    assert_graph,
)

V, K = 30, 4
FORMS: dict[str, tuple[type[TextClassifier], dict[str, object]]] = {
    **{
        f"TextRNN-{cell}-{pooling}{'-both' if both else ''}": (
            TextRNN,
            {"embedding": 6, "hidden": 5, "cell": cell, "pooling": pooling, "bidirectional": both, "layers": layers},
        )
        for (cell, pooling), (both, layers) in zip(
            product(("rnn", "gru", "lstm", "scratch", "peephole"), ("last", "mean", "max", "attention")),
            [(False, 1), (True, 1), (False, 2), (True, 2)] * 5,
            strict=True,
        )
    },
    "TextRNN-mean-and-max": (TextRNN, {"embedding": 6, "hidden": 5, "pooling": "mean_max"}),
    "TextRNN-words-pooled": (TextRNN, {"embedding": 6, "hidden": 5, "pooling": "attention", "pool_words": True}),
    "TextRNN-words-pooled-segments": (
        TextRNN,
        {"embedding": 6, "hidden": 5, "pooling": "mean_max", "pool_words": True, "segment": 3},
    ),
    **{
        f"TextRNN-{cell}-{pooling}-segments": (
            TextRNN,
            {"embedding": 6, "hidden": 5, "cell": cell, "pooling": pooling, "bidirectional": True, "segment": segment},
        )
        for cell, pooling, segment in (
            ("lstm", "mean_max", 5),
            ("gru", "mean", 2),
            ("scratch", "max", 12),
            ("rnn", "attention", 20),
        )
    },
    "TextRNN-segments-dropped": (
        TextRNN,
        {"embedding": 6, "hidden": 5, "pooling": "max", "segment": 3, "segment_dropout": 0.5},
    ),
    "TextRNN-hidden": (TextRNN, {"embedding": 6, "hidden": 5, "head_hidden": 7, "head_dropout": 0.1, "dropout": 0.1}),
    "TextRNN-words-dropped": (TextRNN, {"embedding": 6, "hidden": 5, "embedding_dropout": 0.2}),
    "TextRNN-logistic": (TextRNN, {"embedding": 6, "hidden": 5, "logistic": True, "objective": "squared_error"}),
    "TextRNN-glorot": (TextRNN, {"embedding": 6, "hidden": 5, "initializer": "glorot", "head_initializer": "glorot"}),
    "TextCNN": (TextCNN, {"embedding": 6, "filters": 8}),
    "TextCNN-hidden": (
        TextCNN,
        {"embedding": 6, "filters": 8, "widths": [3], "head_hidden": 9, "initializer": "third"},
    ),
    "BagOfNgrams": (BagOfNgrams, {}),
    "BagOfNgrams-logistic": (BagOfNgrams, {"logistic": True}),
    "BagOfNgrams-naive-Bayes": (BagOfNgrams, {"naive_bayes": True, "dropout": 0.2}),
    "BagOfNgrams-embedding": (BagOfNgrams, {"embedding": 6, "dropout": 0.2}),
    "BagOfNgrams-both": (BagOfNgrams, {"embedding": 6, "naive_bayes": True}),
}


def build(name: str, **changes: object) -> TextClassifier:
    """Returns a form with the same weights every time, as a run would begin with it."""
    torch.manual_seed(0)
    kind, settings = FORMS[name]
    model = kind(num_classes=classes(name), vocab_size=V, **settings | changes)
    for module in model.modules():
        if hasattr(module, "initialize_from_counts"):
            counts = torch.randint(0, 50, (V, classes(name)), generator=torch.Generator().manual_seed(2))
            module.initialize_from_counts(counts.float())
    if (
        isinstance(model, BagOfNgrams) and model.embedding is not None
    ):  # starts at 0, as a linear classifier may, but then nothing reaches below
        torch.nn.init.normal_(model.head.weight)
    return model


def classes(name: str) -> int:
    """Returns the number of classes that the form takes."""
    return 2 if FORMS[name][1].get("logistic") else K


def batch(n: int = 60, classes: int = K) -> TextBatch:
    """Returns documents of 1 to 12 tokens that hold every symbol."""
    rng = torch.Generator().manual_seed(1)
    lengths = torch.randint(1, 13, (n,), generator=rng)
    lengths[:3] = torch.tensor([12, 1, 2])
    tokens = torch.randint(1, V, (n, 12), generator=rng)
    tokens = torch.where(torch.arange(12) < lengths[:, None], tokens, 0)
    return TextBatch(tokens, lengths, (torch.arange(n) % 7 % classes), torch.arange(n))


def test_every_architecture_is_here() -> None:
    known = {name for name in lightning_modules.__all__ if issubclass(getattr(lightning_modules, name), TextClassifier)}
    assert {kind.__name__ for kind, _ in FORMS.values()} == known


@pytest.mark.parametrize("name", FORMS)
def test_padding_changes_no_logit_and_no_gradient(name: str) -> None:
    documents, results = batch(classes=classes(name)), []
    for padding, symbol in ((0, 0), (5, 0), (5, 7)):
        tokens = torch.cat([documents.tokens, torch.zeros(60, padding, dtype=torch.int64)], 1)
        tokens = torch.where(torch.arange(tokens.shape[1]) < documents.lengths[:, None], tokens, symbol)
        model = build(name).eval()
        logits = model(tokens, documents.lengths)
        model.loss(logits, documents.targets).backward()
        results.append([logits, *(p.grad for p in model.parameters())])
    for others in results[1:]:
        for ours, theirs in zip(results[0], others, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FORMS)
def test_a_document_is_classified_alike_alone_and_among_others(name: str) -> None:
    model, documents = build(name).eval(), batch(classes=classes(name))
    together = model(documents.tokens, documents.lengths)
    for row in range(6):
        length = int(documents.lengths[row])
        alone = model(documents.tokens[row : row + 1, :length], documents.lengths[row : row + 1])
        torch.testing.assert_close(alone[0], together[row], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FORMS)
def test_logits_are_finite_and_every_parameter_gets_a_gradient(name: str) -> None:
    model, documents = build(name), batch(classes=classes(name))
    logits, losses = model.training_outputs(documents)
    assert logits.shape == (60, classes(name))
    assert logits.isfinite().all()
    sum(losses.values()).backward()
    assert_gradients(model)


@pytest.mark.parametrize("name", FORMS)
def test_layers_learn_slower_the_further_they_are_from_the_output(name: str) -> None:
    assert_deeper_layers_learn_slower(build(name), batch(classes=classes(name)))


@pytest.mark.parametrize("name", FORMS)
def test_bfloat16_agrees_with_float32(name: str) -> None:
    model, documents = build(name).eval(), batch(classes=classes(name))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rounded = model(documents.tokens, documents.lengths).float()
    expected = model(documents.tokens, documents.lengths)
    assert (rounded - expected).square().mean().sqrt() < 0.1 * expected.std() + 1e-3


@pytest.mark.parametrize("name", [name for name in FORMS if "logistic" not in name])
def test_the_datas_sizes_arrive_and_a_checkpoint_alone_gives_the_model_back(name: str, tmp_path: Path) -> None:
    kind, settings = FORMS[name]
    loaded = assert_a_checkpoint_gives_the_model_back(
        {"class_path": f"lightning_modules.{kind.__name__}", "init_args": settings},
        {"class_path": "tests.tiny_text.TinyDocuments"},
        tmp_path,
    )
    assert loaded.hparams["num_classes"] == 4
    assert loaded.hparams["vocab_size"] == 51


@pytest.mark.parametrize(
    ("config", "words", "parameters"),
    [("cnews_lstm", 77_323, 1_253_146), ("cnews_lstm_scratch", 77_323, 1_244_826), ("cnews_cnn", 77_323, 1_247_898)],
)
def test_the_published_networks_train_as_many_parameters(config: str, words: int, parameters: int) -> None:
    settings = read_config(find_config(f"published/{config}.yaml"))
    kind = {"TextRNN": TextRNN, "TextCNN": TextCNN}[settings["model"]["class_path"].rpartition(".")[2]]
    arguments = {name: value for name, value in settings["model"]["init_args"].items() if name != "optimizer"}
    model = kind(num_classes=10, vocab_size=words, **arguments)
    frozen = settings.get("freeze", {"layers": []})["layers"]
    sizes = [p.numel() for name, p in model.named_parameters() if not any(re.match(f, name) for f in frozen)]
    assert sum(sizes) == parameters


def test_a_heads_weights_lie_within_the_range_of_its_initializer() -> None:
    for initializer, bound in (("unit", (3 / 600) ** 0.5), ("glorot", (6 / 601) ** 0.5)):
        layer = dense_head(600, 0, 1, 0.0, initializer)[-1]
        assert 0.97 * bound < float(layer.weight.detach().abs().max()) <= bound
        assert not layer.bias.any()


def test_a_window_counts_where_it_lies_within_the_document() -> None:
    model = TextCNN(2, V, embedding=1, widths=[2], filters=1, dropout=0.0).eval()
    with torch.no_grad():
        model.embedding.table.weight.copy_(torch.arange(V).float()[:, None])
        model.convolutions[0].weight.copy_(torch.tensor([[[1.0, 10.0]]]))
        model.convolutions[0].bias.zero_()
    seen: list[Tensor] = []
    model.head.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    model(torch.tensor([[3, 1, 2, 0], [4, 0, 0, 0]]), torch.tensor([3, 1]))
    assert seen[0].tolist() == [[21.0], [4.0]], "of 3 and 1, and 1 and 2; of a document too short, its only one"


def test_log_count_ratios_are_those_of_the_paper() -> None:
    model = BagOfNgrams(2, 4, naive_bayes=True, logistic=True, smoothing=1.0)
    counts = torch.tensor([[0.0, 0.0], [5.0, 5.0], [3.0, 1.0], [0.0, 4.0]])
    model.naive_bayes.initialize_from_counts(counts)
    p, q = counts[:, 1] + 1, counts[:, 0] + 1
    expected = ((p / p.sum()) / (q / q.sum())).log()
    expected[:2] = 0
    torch.testing.assert_close(model.naive_bayes.log_ratios[:, 0], expected)
    model.naive_bayes.initialize_from_counts(counts.flip(1))
    torch.testing.assert_close(model.naive_bayes.log_ratios[:, 0], expected, msg="what is set stays")


def test_naive_bayes_alone_tells_documents_apart_before_any_training() -> None:
    model = BagOfNgrams(3, V, naive_bayes=True)
    counts = torch.ones(V, 3)
    counts[5, 2] = 40
    model.naive_bayes.initialize_from_counts(counts)
    logits = model(torch.tensor([[5, 6]]), torch.tensor([2]))
    assert logits.argmax() == 2


class Searches(TorchDispatchMode):
    """Counts the searches for what is not zero, for each of which a step on a GPU waits."""

    count = 0

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        kind = function.overloadpacket
        by_mask = kind is torch.ops.aten.index and any(one.dtype == torch.bool for one in arguments[1])
        self.count += by_mask or kind is torch.ops.aten.nonzero
        return function(*arguments, **(options or {}))


def test_a_bag_of_symbols_searches_its_documents_once() -> None:
    with Searches() as searches:
        build("BagOfNgrams-both")(torch.tensor([[5, 6, 0], [7, 8, 9]]), torch.tensor([2, 3]))
    assert searches.count == 1


def test_the_squared_error_is_that_of_the_true_classs_probability() -> None:
    model = build("TextRNN-logistic")
    logits = torch.tensor([[0.0, 1.0], [0.0, -2.0]])
    p = logits[:, 1].sigmoid()
    expected = ((1 - p[0]) ** 2 + p[1] ** 2) / 2
    torch.testing.assert_close(model.loss(logits, torch.tensor([1, 0])), expected)


def test_words_are_dropped_whole_and_in_training_alone() -> None:
    model, documents = build("TextRNN-words-dropped"), batch()
    x = model.embedding(documents.tokens, documents.lengths)
    inside = torch.arange(12) < documents.lengths[:, None]
    dropped = (x == 0).all(2) & inside
    assert 0.1 < dropped.sum() / inside.sum() < 0.3
    assert ((x == 0).any(2) == (x == 0).all(2)).all()
    model.eval()
    assert not ((model.embedding(documents.tokens, documents.lengths) == 0).all(2) & inside).any()


@pytest.mark.parametrize("pooling", ["mean", "max", "attention"])
def test_segments_are_read_apart_and_pooled_together(pooling: str) -> None:
    settings = {"embedding": 6, "hidden": 5, "pooling": pooling, "bidirectional": True}
    torch.manual_seed(0)
    cut = TextRNN(K, V, segment=4, **settings).eval()
    whole = TextRNN(K, V, **settings).eval()
    whole.load_state_dict(cut.state_dict())
    documents = batch()
    short = documents.lengths <= 4
    logits = cut(documents.tokens, documents.lengths)
    torch.testing.assert_close(logits[short], whole(documents.tokens, documents.lengths)[short])
    assert not torch.allclose(logits[~short], whole(documents.tokens, documents.lengths)[~short])

    pieces = [documents.tokens[:1, :4], documents.tokens[:1, 4:8], documents.tokens[:1, 8:12]]  # of the first document
    outputs = [whole.recurrent.encode(whole.embedding(x, torch.tensor([4])), torch.tensor([4]))[0] for x in pieces]
    together = whole.pool(torch.cat(outputs, 1), torch.ones(1, 12, 1, dtype=torch.bool))
    torch.testing.assert_close(logits[:1], whole.head(together))


def test_words_are_pooled_beside_the_outputs() -> None:
    model, documents = build("TextRNN-words-pooled-segments").eval(), batch()
    seen: list[Tensor] = []
    model.head.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    model(documents.tokens, documents.lengths)
    means, maxima = seen[0].unflatten(1, (2, 5 + 6)).unbind(1)
    for row, length in enumerate(documents.lengths.tolist()):
        words = model.embedding.table(documents.tokens[row, :length])
        torch.testing.assert_close(means[row, 5:], words.mean(0))
        torch.testing.assert_close(maxima[row, 5:], words.amax(0))


def test_segments_are_left_out_in_training_alone() -> None:
    model, documents = build("TextRNN-segments-dropped"), batch()
    read: list[Tensor] = []
    model.embedding.register_forward_pre_hook(lambda module, arguments: read.append(arguments[1]))
    outputs = [model(documents.tokens, documents.lengths) for _ in range(2)]
    assert [len(sizes) for sizes in read] == [2 * 60] * 2, "two of four segments"
    assert not torch.equal(*outputs)
    model.eval()
    assert torch.equal(*(model(documents.tokens, documents.lengths) for _ in range(2)))
    assert int(read[-1].sum()) == int(documents.lengths.sum()), "every symbol"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: TextRNN(3, V, segment=-1), "model.segment is -1"),
        (lambda: TextRNN(3, V, segment=5), "model.pooling is last: model.segment needs"),
        (lambda: TextRNN(3, V, pool_words=True), "model.pooling is last: model.pool_words needs"),
        (lambda: TextRNN(3, V, segment=5, pooling="max", segment_dropout=1.0), "model.segment_dropout is 1"),
        (lambda: TextRNN(3, V, pooling="max", segment_dropout=0.5), "model.segment_dropout: a document is one segment"),
        (lambda: TextCNN(2, V, widths=[]), r"model.widths is \[\]"),
        (lambda: TextRNN(3, V, logistic=True), "the data has 3; --model.logistic false "),
        (lambda: TextRNN(3, V, objective="squared_error", label_smoothing=0.1), "model.label_smoothing is 0.1"),
        (lambda: TextRNN(3, V, embedding_dropout=1.0), "model.embedding_dropout is 1"),
        (lambda: BagOfNgrams(3, V, dropout=1.0), "model.dropout is 1"),
        (lambda: BagOfNgrams(3, V, smoothing=0.0), "model.smoothing is 0"),
        (lambda: BagOfNgrams(3, V, embedding=-1), "model.embedding is -1"),
    ],
)
def test_settings_that_do_not_go_together_are_errors(make: Callable, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()


@pytest.mark.parametrize("name", FORMS)
def test_its_graph_leads_from_the_batch_to_the_loss(name: str) -> None:
    assert_graph(build(name), batch(n=3, classes=classes(name)))


@pytest.mark.parametrize("name", FORMS)
def test_it_runs_without_this_project(name: str) -> None:
    form = build(name).eval().export_form(NumberedTexts(V, classes(name)))
    settings = FORMS[name][1]
    if FORMAT == "torchscript" and settings.get("cell") in ("scratch", "peephole") and "segment" not in settings:
        with pytest.raises(AssertionError, match="fails on a batch of 1"):  # a trace has so many steps as the example
            assert_runs_elsewhere(form)
    else:
        assert_runs_elsewhere(form)


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_file_is_compared_on_documents_of_one_segment_and_of_more(format_name: str) -> None:
    settings = {"embedding": 6, "hidden": 5, "pooling": "mean_max", "bidirectional": True, "pool_words": True}
    form = TextRNN(K, V, segment=60, **settings).eval().export_form(NumberedTexts(V, K))
    lengths = [int(form.examples(n, torch.Generator())[1].max()) for n in BATCHES]
    assert min(lengths) <= 60 < max(lengths)
    assert_runs_elsewhere(form, format_name)
