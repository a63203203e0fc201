"""Sampled captions are weighed by how much more they score than the picture's other samples."""

from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from core.errors import InputError
from datamodules.batches import CaptionBatch
from datamodules.text.special_symbols import BEGIN, END, PADDING, UNKNOWN
from lightning_modules import Captioner
from lightning_modules.tasks.sequence_writer import shifted
from tests.stages import prepared
from tests.tiny_captions import TinyCaptions

pytest.importorskip("sacrebleu", reason="the extra `text` is not installed")

V, N, K = 12, 4, 3


def model(**settings: object) -> Captioner:
    """Returns a small network whose captions end after some symbols."""
    torch.manual_seed(0)
    small = {"network": "convnet", "frozen": False, "hidden": 6, "embedding": 6, "length": 7, "samples": K}
    return Captioner(V, 16, **small | settings)


def images() -> Tensor:
    """Returns pictures."""
    return torch.randn(N, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def test_samples_are_captions_without_marks_but_for_their_ends() -> None:
    net = model().train()
    sampled = net.sample(images())
    assert sampled.shape[:2] == (N, K)
    assert net.training
    for caption in sampled.flatten(0, 1).tolist():
        length = caption.index(END) + 1 if END in caption else len(caption)
        assert not {PADDING, UNKNOWN, BEGIN} & set(caption[:length])
        assert not any(caption[length:])
    assert len({tuple(caption) for caption in sampled.flatten(0, 1).tolist()}) > N
    torch.manual_seed(3)
    again = net.sample(images())
    torch.manual_seed(3)
    assert torch.equal(again, net.sample(images()))


def test_symbols_that_are_never_written_are_sent_to_the_device_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """They were for each symbol, and a GPU was waited for."""
    net, made, made_by_torch = model().train(), [], torch.tensor
    monkeypatch.setattr(
        torch, "tensor", lambda *given, **settings: made.append(given) or made_by_torch(*given, **settings)
    )
    assert net.sample(images()).shape[2] > 1
    assert made == [((PADDING, UNKNOWN, BEGIN),)]


def test_the_loss_is_the_mean_over_symbols_weighed_by_what_a_caption_scores_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = model().eval()
    sampled = net.sample(images())
    rewards = torch.rand(N, K, generator=torch.Generator().manual_seed(2))
    monkeypatch.setattr(net, "sample", lambda _: sampled)
    monkeypatch.setattr(net, "_rewards", lambda *_: rewards)
    captions = torch.full((N, 1, 1), END)
    batch = CaptionBatch(images(), captions, torch.ones(N, 1, dtype=torch.int64), torch.ones(()), torch.arange(N), {})
    both = SimpleNamespace(reduce=lambda symbols, reduce_op: symbols + {"mean": 6}[reduce_op])  # 12 of another process
    net._trainer, net._first_step = SimpleNamespace(strategy=both, optimizer_steps=0), 0
    loss = net.training_step(batch, 0)
    del net._trainer.strategy  # one process alone asks for the losses, and would wait for others in vain
    (alone,) = net.losses(batch).values()
    allowed = [symbol for symbol in range(V) if symbol not in (PADDING, UNKNOWN, BEGIN)]  # that a sample is drawn of
    total, symbols = torch.zeros(()), 6
    for place in range(N):
        for k in range(K):
            caption = sampled[place, k][sampled[place, k] > 0][None]
            others = (rewards[place].sum() - rewards[place, k]) / (K - 1)
            logits = net.logits(net.outputs(net.encode(images()[place : place + 1]), shifted(caption)))
            drawn = torch.tensor([allowed.index(symbol) for symbol in caption[0].tolist()])
            total += (rewards[place, k] - others) * F.cross_entropy(logits[0, :, allowed], drawn, reduction="sum")
            symbols += caption.shape[1]
    torch.testing.assert_close(loss, total / symbols)
    torch.testing.assert_close(alone, total / (symbols - 6))


def test_a_caption_of_people_scores_more_than_one_that_breaks_off_or_is_of_another_picture() -> None:
    data = prepared(TinyCaptions())
    net = model(rewarded=0.5)
    net._trainer = SimpleNamespace(
        datamodule=data, estimated_stepping_batches=10, lr_scheduler_configs=[], num_val_batches=[]
    )
    net.on_train_start()
    whole = data.splits["train"].captions[:2, :1].long()
    index = torch.arange(2)
    rewards = net._rewards(whole, index)
    assert (rewards > net._rewards(whole.masked_fill(whole == END, 0), index)).all()
    assert (rewards > net._rewards(whole, index + 5)).all()


def test_the_last_part_of_a_run_is_rewarded() -> None:
    net = model(rewarded=0.25)
    data = prepared(TinyCaptions())
    net._trainer = SimpleNamespace(
        datamodule=data, estimated_stepping_batches=100, lr_scheduler_configs=[], optimizer_steps=74, num_val_batches=[]
    )
    assert not net.is_rewarded, "before training begins"
    net.on_train_start()
    assert not net.is_rewarded
    net._trainer.optimizer_steps = 75
    assert net.is_rewarded
    net._trainer.estimated_stepping_batches = float("inf")
    with pytest.raises(InputError, match="a run of a known length"):
        net.on_train_start()


@pytest.mark.parametrize("settings", [{"rewarded": 1.5}, {"samples": 1}, {"rewarded": -0.1}])
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(InputError, match=f"model.{next(iter(settings))} is"):
        model(**settings)
