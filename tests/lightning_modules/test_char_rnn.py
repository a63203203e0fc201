"""A language model carries its state through the text, resumes to the bit, and writes what it is asked to."""

import shutil
from math import log
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pytorch_lightning import Callback
from torch import Tensor

from callbacks import NaNGuard, RunCheckpoint
from callbacks.nan_guard import Diverged
from core.errors import InputError
from datamodules.batches import CharacterBatch
from engine.runs.checkpoint_io import load_checkpoint
from engine.runs.run_folder import RunFolder
from lightning_modules import CharRNN
from tests.bits import assert_same_bits
from tests.interruptions import FolderCopies
from tests.networks import assert_gradients
from tests.tiny import tiny_trainer
from tests.tiny_text import TinyCorpus, tiny_char_rnn

CELLS = ("rnn", "gru", "lstm", "scratch", "peephole")


def symbols(*shape: int, vocab_size: int = 9) -> Tensor:
    """Returns symbols at random."""
    return torch.randint(vocab_size, shape, generator=torch.Generator().manual_seed(1))


def small(**settings: Any) -> CharRNN:
    """Returns a model of 9 symbols in evaluation."""
    torch.manual_seed(0)
    return CharRNN(9, **{"hidden": 8, "layers": 1} | settings).eval()


def seeded(seed: int = 0) -> torch.Generator:
    """Returns a source of randomness."""
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("settings", [{}, {"embedding": 5}, {"embedding": 8, "tie_weights": True}, {"layers": 2}])
def test_logits_are_finite_and_every_parameter_gets_a_gradient(cell: str, settings: dict) -> None:
    model = small(cell=cell, **settings)
    logits, state = model(symbols(3, 40))
    assert logits.shape == (3, 40, 9)
    assert len(state) == settings.get("layers", 1)
    F.cross_entropy(logits.flatten(0, 1), symbols(3 * 40)).backward()
    assert_gradients(model)


def test_tied_weights_are_one() -> None:
    model = small(embedding=8, tie_weights=True)
    assert model.head.weight is model.embedding.weight
    assert len(list(model.parameters())) == len(list(small(embedding=8).parameters())) - 1


def test_the_published_network_has_the_published_size_but_for_torchs_second_biases() -> None:
    parameters = sum(p.numel() for p in CharRNN(83, hidden=512, layers=2).parameters())
    assert parameters == 3_362_387 + 2 * 4 * 512


def test_the_text_is_measured_as_a_whole_however_it_is_cut(tmp_path: Path) -> None:
    losses = []
    for steps in (20, 7):
        data, model = TinyCorpus(steps=steps), tiny_char_rnn()
        trainer = tiny_trainer(tmp_path, logger=False)
        trainer.validate(model, data, verbose=False)
        losses.append(float(trainer.callback_metrics["val/loss"]))
        rows = data.splits["val"].symbols.long()
        with torch.no_grad():
            logits, _ = model.eval()(rows[:, :-1])
        expected = F.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        assert losses[-1] == pytest.approx(float(expected), rel=1e-5)
        assert float(trainer.callback_metrics["val/bits"]) == pytest.approx(losses[-1] / log(2))
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def train(folder: Path, *callbacks: Callback, resume: bool = False, **settings: Any) -> dict[str, Any]:
    """Trains two epochs, saving at every second step, and returns the last checkpoint."""
    folder.mkdir(exist_ok=True)
    own = [RunCheckpoint(every_n_train_steps=2), *callbacks]
    trainer = tiny_trainer(
        folder, run_folder=RunFolder(folder), logger=False, callbacks=own, seed=3, gradient_clip_val=1.0
    )
    last = folder / "checkpoints" / "last.ckpt"
    torch.rand(5 if resume else 2)  # where torch's own stream stands must not matter
    trainer.fit(tiny_char_rnn(**settings), TinyCorpus(batch_size=8), ckpt_path=last if resume else None)
    return load_checkpoint(last)


PLUGS = (7, 17, 24)  # steps in whose middle a run is killed


@pytest.fixture(scope="module", params=["gru", "lstm"])
def uninterrupted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path, dict[str, Any]]:
    """The cell, the folder and the last checkpoint of a run without an interruption; copies are in the folder."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    copies = FolderCopies({plug: folder / f"cut-{plug}" for plug in PLUGS})
    return request.param, folder, train(folder / "whole", copies, cell=request.param)


@pytest.mark.parametrize("plug", PLUGS)
def test_a_run_that_goes_on_carries_the_state_and_ends_with_the_same_bits(
    tmp_path: Path, uninterrupted: tuple[str, Path, dict[str, Any]], plug: int
) -> None:
    cell, folder, whole = uninterrupted
    assert whole["global_step"] == 2 * 16
    shutil.copytree(folder / f"cut-{plug}", tmp_path / "cut")
    resumed = train(tmp_path / "cut", resume=True, cell=cell)
    counted = {"loops"}  # what was begun, too
    assert resumed.keys() == whole.keys()
    assert_same_bits(*({key: run[key] for key in run.keys() - counted} for run in (resumed, whole)))
    assert (tmp_path / "cut" / "samples.txt").read_text() == (folder / "whole" / "samples.txt").read_text()
    assert (tmp_path / "cut" / "gradient_flow.png").exists()


def test_the_state_is_carried_from_batch_to_batch_and_empty_at_the_texts_beginning(tmp_path: Path) -> None:
    class Spy(CharRNN):
        met: list[bool] = []

        def forward(self, symbols: Tensor, state: Any = None, marks: Any = None) -> Any:
            if self.training:
                self.met.append(state is not None)
            return super().forward(symbols, state)

    torch.manual_seed(0)
    model = Spy(TinyCorpus().vocab_size, hidden=4, layers=1)
    tiny_trainer(tmp_path, logger=False).fit(model, TinyCorpus())
    assert model.met == ([False] + [True] * 32) * 2
    assert not any(tensor.requires_grad for layer in model.carried for tensor in layer)


def test_rows_that_are_reset_begin_with_the_zero_state_and_the_others_go_on() -> None:
    model, batch = small(reset=0.5), CharacterBatch(symbols(40, 8), fresh=False)
    model.training_step(CharacterBatch(symbols(40, 8), fresh=True), 0)
    before = [tensor.clone() for tensor in model.carried[0]]
    model.training_step(batch, 1)
    with torch.no_grad():
        begun, gone_on = (model(batch.inputs, state)[1][0][0] for state in (None, [tuple(before)]))
    is_begun = torch.isclose(model.carried[0][0], begun).all(1)
    assert torch.equal(is_begun, ~torch.isclose(model.carried[0][0], gone_on).all(1))
    assert 5 < int(is_begun.sum()) < 35
    with pytest.raises(InputError, match=r"model.reset is 1.5: a probability is needed"):
        small(reset=1.5)


def test_losses_are_those_of_the_step_and_leave_state_and_metrics_alone() -> None:
    model = small()
    first, second = (CharacterBatch(symbols(3, 8), fresh) for fresh in (True, False))
    model.training_step(first, 0)
    state, count = model.carried, int(model.train_metrics.count)
    losses = model.losses(second)
    assert list(losses) == ["cross_entropy"]
    assert not torch.equal(losses["cross_entropy"], model.losses(first)["cross_entropy"]), "one reads on from the state"
    assert model.carried is state
    assert int(model.train_metrics.count) == count
    assert torch.equal(losses["cross_entropy"], model.training_step(second, 1))


def test_a_replayed_step_begins_with_the_state_that_it_had(tmp_path: Path) -> None:
    class Spoiled(CharRNN):
        states: list[Tensor] = []

        def training_step(self, batch: Any, batch_idx: int) -> Tensor:
            if self.carried is not None:
                self.states.append(self.carried[0][0].clone())
            loss = super().training_step(batch, batch_idx)
            return loss * torch.nan if batch_idx == 4 else loss

        def losses(self, batch: Any) -> dict[str, Tensor]:
            self.states.append(self.carried[0][0].clone())
            return super().losses(batch)

    torch.manual_seed(0)
    model = Spoiled(TinyCorpus().vocab_size, hidden=4, layers=1)
    with pytest.raises(Diverged, match="step 4"):
        tiny_trainer(tmp_path, logger=False, callbacks=[NaNGuard()]).fit(model, TinyCorpus())
    assert torch.equal(model.states[-1], model.states[-2]), "the replay's, and the step's own"


def test_the_same_seed_writes_the_same_text_and_another_another() -> None:
    model = small()
    first, again, other = (model.write(symbols(1, 5), 60, seeded(seed)) for seed in (0, 0, 1))
    assert first.shape == (1, 60)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_long_beginning_is_read_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    model = small(temperature=0.0)
    text, read = symbols(2, 50), []
    whole = model.write(text, 8, seeded())
    monkeypatch.setattr("lightning_modules.tasks.language_model.PIECE", 7)
    model.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0].shape[1]))
    assert torch.equal(model.write(text, 8, seeded()), whole)
    assert max(read) == 7
    assert sum(read[:8]) == 50


def test_without_heat_the_likeliest_symbol_is_always_taken() -> None:
    model = small(temperature=0.0)
    text = symbols(1, 5)
    written = model.write(text, 8, seeded())
    for _ in range(8):
        logits, _ = model(text)
        text = torch.cat([text, logits[:, -1:].argmax(2)], 1)
    assert torch.equal(written, text[:, 5:])


def test_the_gradient_by_distance_is_that_of_each_input() -> None:
    model, text = small(cell="rnn"), symbols(2, 7)
    norms = model.gradient_norms(text)
    assert norms.shape == (6,)
    x = F.one_hot(text[:, :-1], 9).float().requires_grad_()
    outputs, _ = model.recurrent(x)
    assert all(parameter.grad is None for parameter in model.parameters()), "nothing is left for an optimizer"
    F.cross_entropy(model.head(outputs[:, -1]), text[:, -1], reduction="sum").backward()
    torch.testing.assert_close(norms[0], x.grad[:, -1].norm(dim=1).mean())
    torch.testing.assert_close(norms[5], x.grad[:, 0].norm(dim=1).mean())


def test_a_plain_networks_gradient_vanishes_and_an_lstms_with_open_gates_does_not() -> None:
    text = symbols(4, 60)
    plain = small(cell="rnn").gradient_norms(text)
    lstm = small(cell="lstm", forget_bias=5.0).gradient_norms(text)
    assert plain[50] / plain[0] < 1e-6
    assert lstm[50] / lstm[0] > 1e-3


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"temperature": -1.0}, "temperature is -1"),
        ({"top_p": 0.0}, "top_p is 0"),
        ({"top_k": -1}, "top_k is -1"),
        ({"length": 0}, "length is 0"),
        ({"dropout": 1.0}, "dropout is 1"),
        ({"tie_weights": True}, "tie_weights: the embedding is 0 wide and a layer 8; set model.embedding to 8"),
    ],
)
def test_settings_out_of_range_are_errors(settings: dict, said: str) -> None:
    with pytest.raises(InputError, match=f"model.{said}"):
        small(**settings)


def test_any_number_of_devices_writes_the_same_texts() -> None:
    """Each reads every so many of the beginnings."""
    model = small(length=12)

    def written(world_size: int) -> list[list[int]]:
        texts = {}
        for rank in range(world_size):
            model._trainer = SimpleNamespace(seed=5, world_size=world_size, global_rank=rank, datamodule=None)
            for number, place in enumerate(range(rank, 6, world_size)):
                texts[place] = model.predict_step(CharacterBatch(symbols(1, 3), True), number)[0].tolist()
        return [texts[place] for place in range(6)]

    assert written(1) == written(2) == written(3)
    assert len({*map(tuple, written(1))}) > 1
