"""Media after fit: how far back a network learns from, before and after training; measuring it changes nothing."""

import math
from pathlib import Path

import pytest
import torch
from PIL import Image

from callbacks import FitMedia
from callbacks.media.gradient_flow import REACH, draw_gradient_flow, measure_gradient_flow, reach
from core.summary import figures, read_summary
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg
from tests.tiny_text import TinyCorpus, tiny_char_rnn


@pytest.mark.usefixtures("rendered")
def test_a_language_models_picture_is_drawn_with_both_curves(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, logger=False, max_epochs=1)
    trainer.fit(tiny_char_rnn(), TinyCorpus())
    with Image.open(trainer.run_folder.path / "gradient_flow.png") as picture:
        assert min(picture.size) > 100
    norms = trainer.builtin(FitMedia).norms
    assert list(norms) == ["before training", "after training"]
    assert all(values.shape == (20,) and (values > 0).all() for values in norms.values())
    assert not torch.equal(*norms.values())
    summary = read_summary(trainer.run_folder.path / "summary.json")
    assert figures(summary)["train/gradient_reach"] == reach(norms["after training"])
    assert summary["measures"][REACH.name] == {"better": "max", "unit": "steps back", "digits": 0}


@pytest.mark.parametrize(("norms", "steps"), [([4.0, 1.0, 0.004, 0.003, 1.0], 3), ([1.0, 0.5], 2), ([1.0, 0.0], 1)])
def test_a_gradient_reaches_back_to_where_less_than_a_thousandth_is_left(norms: list[float], steps: int) -> None:
    assert reach(torch.tensor(norms)) == steps


def test_a_line_of_the_picture_ends_where_next_to_nothing_is_left() -> None:
    (axes,) = draw_gradient_flow({"after training": torch.tensor([2.0, 1.0, 1e-11, 1e-13, 0.0])}).axes
    assert axes.lines[0].get_ydata().tolist() == pytest.approx([1.0, 0.5, 5e-12, math.nan, math.nan], nan_ok=True)


def test_a_run_that_goes_on_keeps_what_was_measured_at_its_beginning() -> None:
    first, second = FitMedia(), FitMedia()
    first.norms["before training"] = torch.arange(3.0)
    second.load_state_dict(first.state_dict())
    assert torch.equal(second.norms["before training"], torch.arange(3.0))


def test_measuring_changes_no_weight_no_gradient_no_mode_and_no_randomness(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, logger=False)
    model, data = tiny_char_rnn(), TinyCorpus()
    data.setup("fit")
    model.recurrent.dropout.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    drawn = torch.random.get_rng_state()
    assert measure_gradient_flow(trainer, model, data).shape == (20,)
    assert torch.equal(torch.random.get_rng_state(), drawn)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert model.training
    assert not model.recurrent.dropout.training


def test_other_networks_have_no_such_picture(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, logger=False, max_epochs=1)
    trainer.fit(tiny_vgg(), TinyDataModule())
    assert not (trainer.run_folder.path / "gradient_flow.png").exists()
    assert REACH.name not in read_summary(trainer.run_folder.path / "summary.json")["measures"]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_resumed_run_is_not_measured_as_a_beginning(tmp_path: Path, accumulate: int) -> None:
    trainer = tiny_trainer(tmp_path, logger=False, max_epochs=1, accumulate_grad_batches=accumulate)
    trainer.fit(tiny_char_rnn(), TinyCorpus())
    first = trainer.builtin(FitMedia).norms["before training"]
    path = trainer.run_folder.path / "checkpoints" / "last.ckpt"
    again = tiny_trainer(tmp_path / "more", logger=False, max_epochs=2, accumulate_grad_batches=accumulate)
    (tmp_path / "more").mkdir()
    again.fit(tiny_char_rnn(), TinyCorpus(), ckpt_path=path)
    assert torch.equal(again.builtin(FitMedia).norms["before training"], first)
    # of the network that has been trained further
    summary = read_summary(again.run_folder.path / "summary.json")
    assert figures(summary)["train/gradient_reach"] == reach(again.builtin(FitMedia).norms["after training"])
