"""Adam asks for a GPU where there is one, and elsewhere not."""

from pathlib import Path

import pytest
import torch
from torch.optim import SGD, AdamW, Optimizer

from engine.speed.graph_checks import CHECKS, skip_graph_checks
from lightning_modules.alternating import Alternating
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Optimizer]:
    """The optimizers that have asked, once for each time."""
    asked: list[Optimizer] = []
    for check in CHECKS:
        monkeypatch.setattr(Optimizer, check, lambda self: asked.append(self), raising=False)
    return asked


def has(accelerator: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes torch see an accelerator, or none."""
    device = accelerator and torch.device(accelerator)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available=False: device)


@pytest.mark.parametrize(("accelerator", "fast_loop", "steps"), [(None, True, 0), ("cuda", True, 3), (None, False, 3)])
def test_a_step_asks_for_a_gpu_only_where_there_is_one(
    accelerator: str | None,
    fast_loop: bool,
    steps: int,
    asked: list[Optimizer],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    has(accelerator, monkeypatch)
    trainer = tiny_trainer(tmp_path, max_steps=3, fast_loop=fast_loop, logger=False)
    trainer.fit(tiny_vgg(optimizer=AdamW), TinyDataModule())
    assert trainer.optimizer_steps == 3
    assert len(asked) == steps


def test_players_do_not_ask_either(asked: list[Optimizer], monkeypatch: pytest.MonkeyPatch) -> None:
    has(None, monkeypatch)
    module = tiny_vgg()
    parts = {"first": [module.classifier[-1].weight], "second": [module.classifier[-1].bias]}
    players = {"first": AdamW(parts["first"]), "second": SGD(parts["second"])}
    skip_graph_checks([Alternating(players, module)])
    for parameter in (*parts["first"], *parts["second"]):
        parameter.grad = torch.ones_like(parameter)
    players["first"].step()
    assert not asked
    AdamW(parts["first"]).step()  # another's
    assert len(asked) == 1
