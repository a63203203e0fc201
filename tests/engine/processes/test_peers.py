"""Processes of one run; `tests/test_ddp.py` has real ones that are killed."""

import socket
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from core.errors import InputError, LostPeer
from engine.processes.peers import begin_together, lost_peers, meet
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


class Strategy(SimpleNamespace):
    """The first process is at step 12, in epoch 2."""

    def broadcast(self, place: tuple[int, int]) -> tuple[int, int]:
        """Returns where the first is."""
        return 2, 12

    def reduce_boolean_decision(self, decision: bool, **_: bool) -> bool:
        """Returns what this process says."""
        return decision


@pytest.mark.parametrize("agree", [True, False])
def test_processes_that_found_different_checkpoints_do_not_train(agree: bool) -> None:
    """On one machine the run's folder may be another, or an old state of it."""
    steps = 12 if agree else 8
    trainer = SimpleNamespace(world_size=2, strategy=Strategy(), current_epoch=2, global_step=steps)
    if agree:
        begin_together(trainer)
        return
    with pytest.raises(InputError, match="epoch 2, step 12 on the first, epoch 2, step 8 on this machine"):
        begin_together(trainer)


def test_a_process_whose_first_one_has_ended_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waited for half an hour inside of torch, deaf to signals."""
    monkeypatch.setattr("engine.processes.peers.SILENCE", 0.1)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        for name, value in (("MASTER_PORT", closed.getsockname()[1]), ("LOCAL_RANK", 1), ("MASTER_ADDR", "127.0.0.1")):
            monkeypatch.setenv(name, str(value))
        trainer = tiny_trainer(tmp_path, devices=2, strategy="ddp")
        assert trainer.global_rank == 1
        with pytest.raises(LostPeer, match="the first process of this run has ended, or does not answer"):
            meet(trainer)


@pytest.mark.parametrize("saved", [True, False])
def test_a_loss_says_how_the_run_goes_on_if_it_can(
    saved: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = tiny_trainer(tmp_path, max_steps=1, logger=False)
    if saved:
        trainer.fit(tiny_vgg(), TinyDataModule())
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    with pytest.raises(LostPeer) as loss, lost_peers(trainer):
        raise RuntimeError("pair.cc:534] Connection closed by peer [127.0.0.1]:36445")
    line = str(loss.value)
    assert line.startswith("another process of this run has ended, or its machine does not answer (connection closed")
    assert ("; fit --ckpt_path runs/vgg/" in line) == saved


def test_other_errors_stay_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="shapes"), lost_peers(tiny_trainer(tmp_path)):
        raise RuntimeError("shapes")


def test_an_error_of_another_process_than_the_first_is_told(
    config: Path, command: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first loses its peer, and does not know why."""

    def fails(*_: object) -> None:
        raise OSError("disk on fire")

    monkeypatch.setattr(TinyDataModule, "synthesize", fails)
    for rank, told in (("1", "error: process 1: OSError: disk on fire"), ("0", "error: OSError: disk on fire")):
        monkeypatch.setenv("LOCAL_RANK", rank)
        code, _, errors = command("fit", "--config", config, "--run_dir", f"run{rank}", "--trainer.max_steps", 1)
        assert code == 1
        assert errors.startswith(told)
