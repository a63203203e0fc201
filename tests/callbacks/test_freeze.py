"""Layers that are kept fixed stay fixed to the last bit, and train when it is their turn."""

import json
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from pytorch_lightning import Callback, LightningModule
from pytorch_lightning.callbacks import EMAWeightAveraging
from torch import nn

from callbacks import Freeze
from core.errors import InputError
from core.files.tensor_files import load_checkpoint
from engine.trainer import Trainer
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg

FIRST_STAGE = ("stages.0.0.weight", "stages.0.1.weight", "stages.0.1.bias")
STATISTICS = ("stages.0.1.running_mean", "stages.0.1.running_var", "stages.0.1.num_batches_tracked")


class Stamps(Callback):
    """Keeps a model's state after each epoch."""

    def __init__(self) -> None:
        self.after: dict[int, dict[str, torch.Tensor]] = {}

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keeps it."""
        self.after[trainer.current_epoch] = {k: v.clone() for k, v in pl_module.state_dict().items()}


class AsOneOfMany(Freeze):
    """Is told that there are two processes, which share the gradients of all layers that ever train."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Fixes layers."""
        super().setup(SimpleNamespace(world_size=2, max_epochs=trainer.max_epochs), pl_module, stage)
        assert all(parameter.requires_grad for parameter in pl_module.parameters())

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fixes layers, or lets them train."""
        super().on_train_epoch_start(trainer, pl_module)
        assert all(parameter.requires_grad for parameter in pl_module.parameters())


def _fit(root: Path, freeze: Freeze, callbacks: tuple[Callback, ...] = (), **settings: object) -> tuple:
    """Returns the trainer, and the state before and after."""
    model = tiny_vgg(optimizer=partial(torch.optim.SGD, lr=0.05, momentum=0.9, weight_decay=0.1))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    trainer = tiny_trainer(root, callbacks=[freeze, *callbacks], logger=False, **settings)
    trainer.fit(model, TinyDataModule())
    return trainer, before, model.state_dict()


def _changed(before: dict, after: dict) -> set[str]:
    return {name for name in before if "_metrics." not in name and not torch.equal(before[name], after[name])}


def _summary(trainer: Trainer) -> dict:
    return json.loads((trainer.run_folder.path / "summary.json").read_text())


def test_nothing_is_fixed_by_default(tmp_path: Path) -> None:
    trainer, before, after = _fit(tmp_path, Freeze())
    assert len(_changed(before, after)) == len([name for name in before if "_metrics." not in name])
    assert _summary(trainer)["model"]["trainable"] == _summary(trainer)["model"]["parameters"]


def test_fixed_layers_keep_weights_and_statistics_even_under_weight_decay(tmp_path: Path) -> None:
    trainer, before, after = _fit(tmp_path, Freeze([r"stages\.0"]))
    changed = _changed(before, after)
    assert not changed & {*FIRST_STAGE, *STATISTICS}
    assert {"stages.1.0.weight", "stages.1.1.running_mean", "classifier.3.weight"} <= changed
    facts = _summary(trainer)["model"]
    assert facts["parameters"] - facts["trainable"] == 3 * 8 * 9 + 2 * 8


def test_a_pattern_matches_from_the_start_of_a_name(tmp_path: Path) -> None:
    _, before, after = _fit(tmp_path, Freeze([r"stages\.\d\.1", "classifier.*bias"]))
    changed = _changed(before, after)
    assert "stages.0.0.weight" in changed
    assert "classifier.3.weight" in changed
    assert not changed & {"stages.0.1.weight", "stages.1.1.running_var", "classifier.3.bias"}


@pytest.mark.parametrize(("devices", "validations_an_epoch"), [(1, 1), (1, 3), (2, 1)])
def test_layers_begin_to_train_in_their_epoch(devices: int, validations_an_epoch: int, tmp_path: Path) -> None:
    stamps = Stamps()
    freeze = (AsOneOfMany if devices > 1 else Freeze)([r"stages\.0"], until_epoch=1)
    interval = 1 / validations_an_epoch
    _, before, _ = _fit(tmp_path, freeze, (stamps,), val_check_interval=interval)
    assert not _changed(before, stamps.after[0]) & {*FIRST_STAGE, *STATISTICS}
    assert _changed(stamps.after[0], stamps.after[1]) >= {*FIRST_STAGE, *STATISTICS}


@pytest.mark.parametrize("devices", [1, 2])
def test_layers_train_until_their_epoch_and_not_after(devices: int, tmp_path: Path) -> None:
    stamps = Stamps()
    freeze = (AsOneOfMany if devices > 1 else Freeze)([r"stages\.0"], from_epoch=1)
    trainer, before, after = _fit(tmp_path, freeze, (stamps,), max_epochs=3)
    assert _changed(before, stamps.after[0]) >= {*FIRST_STAGE, *STATISTICS}
    assert not _changed(stamps.after[0], after) & {*FIRST_STAGE, *STATISTICS}
    assert "stages.1.0.weight" in _changed(stamps.after[0], after)
    assert _summary(trainer)["model"]["trainable"] == _summary(trainer)["model"]["parameters"]


@pytest.mark.parametrize("devices", [1, 2])
def test_a_network_is_freed_from_the_top(devices: int, tmp_path: Path) -> None:
    stamps = Stamps()
    freeze = (AsOneOfMany if devices > 1 else Freeze)(stages={r"stages\.0": 2, "stages": 1})
    trainer, before, _ = _fit(tmp_path, freeze, (stamps,), max_epochs=3)
    first = {name.partition(".")[0] for name in _changed(before, stamps.after[0])}
    assert first == {"classifier"}
    second = {name[:8] for name in _changed(stamps.after[0], stamps.after[1])}
    assert second == {"stages.1", "classifi"}
    assert _changed(stamps.after[1], stamps.after[2]) >= {*FIRST_STAGE, *STATISTICS}
    facts = _summary(trainer)["model"]
    assert facts["trainable"] == (8 * 4 * 4 + 1) * 5


@pytest.mark.parametrize("devices", [1, 2])
def test_a_network_is_fixed_from_the_input_on(devices: int, tmp_path: Path) -> None:
    stamps = Stamps()
    freeze = (AsOneOfMany if devices > 1 else Freeze)(fixed_from={r"stages\.0": 1, "stages": 2})
    trainer, before, _ = _fit(tmp_path, freeze, (stamps,), max_epochs=3)
    assert _changed(before, stamps.after[0]) >= {*FIRST_STAGE, *STATISTICS}
    second = {name[:8] for name in _changed(stamps.after[0], stamps.after[1])}
    assert second == {"stages.1", "classifi"}
    third = {name.partition(".")[0] for name in _changed(stamps.after[1], stamps.after[2])}
    assert third == {"classifier"}
    assert _summary(trainer)["model"]["trainable"] == _summary(trainer)["model"]["parameters"]


def test_each_option_fixes_its_layers(tmp_path: Path) -> None:
    stamps = Stamps()
    rules = {"layers": [r"stages\.1\.0"], "stages": {"stages": 1}, "fixed_from": {r"stages\.0": 2}}
    _, before, _ = _fit(tmp_path, Freeze(**rules), (stamps,), max_epochs=3)
    states = [before, *stamps.after.values()]
    changed = [{name[:10] for name in _changed(*pair)} - {"classifier"} for pair in pairwise(states)]
    assert changed == [set(), {"stages.0.0", "stages.0.1", "stages.1.1"}, {"stages.1.1"}]


def test_averages_of_what_is_never_trained_have_its_bits(tmp_path: Path) -> None:
    freeze = Freeze([r"stages\.0"], statistics=True)
    trainer, before, _ = _fit(tmp_path, freeze, (EMAWeightAveraging(decay=0.9),), max_epochs=1)
    held = load_checkpoint(trainer.run_folder.path / "checkpoints" / "last.ckpt")["state_dict"]
    for name in (*FIRST_STAGE, *STATISTICS, "stages.1.1.running_mean", "stages.1.1.running_var"):
        assert torch.equal(held[name], before[name]), name
    assert not torch.equal(held["stages.1.1.weight"], before["stages.1.1.weight"])


class Tied(nn.Module):
    """Has one weight as its embedding and as its head."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.middle, self.head = nn.Embedding(3, 4), nn.Linear(4, 4), nn.Linear(4, 3)
        self.head.weight = self.embedding.weight


@pytest.mark.parametrize("layer", ["head", "embedding", r"head\.weight"])
@pytest.mark.parametrize("option", ["layers", "stages"])
def test_a_tied_weight_is_known_by_each_of_its_names(layer: str, option: str) -> None:
    model = Tied()
    freeze = Freeze([layer]) if option == "layers" else Freeze(stages={layer: 1})
    freeze.setup(SimpleNamespace(world_size=1, max_epochs=2), model, "fit")
    assert not model.embedding.weight.requires_grad
    assert model.head.bias.requires_grad == (layer != "head")
    assert model.middle.weight.requires_grad


def test_a_run_of_an_earlier_release_tells_which_tied_weights_it_fixes_now(capsys: pytest.CaptureFixture[str]) -> None:
    freeze, trainer = Freeze(["head"]), SimpleNamespace(world_size=1, max_epochs=2, state=SimpleNamespace(fn="fit"))
    freeze.setup(trainer, Tied(), "fit")
    freeze.on_load_checkpoint(trainer, Tied(), {"callbacks": {freeze.state_key: freeze.state_dict()}})
    assert capsys.readouterr().out == ""
    freeze.on_load_checkpoint(trainer, Tied(), {"callbacks": {}})
    assert capsys.readouterr().out.endswith("has not done in this run: embedding.weight\n")
    assert Freeze().state_dict() == {}


def test_norms_that_train_can_keep_their_statistics(tmp_path: Path) -> None:
    _, before, after = _fit(tmp_path, Freeze(statistics=True), val_check_interval=0.5)
    changed = _changed(before, after)
    assert {"stages.0.1.weight", "stages.1.1.bias"} <= changed
    assert not {name for name in changed if "running" in name or "tracked" in name}


def test_processes_share_no_gradients_of_layers_that_never_train() -> None:
    model = tiny_vgg()
    Freeze([r"stages\.0"]).setup(SimpleNamespace(world_size=2, max_epochs=2), model, "fit")
    assert {name for name, one in model.named_parameters() if not one.requires_grad} == {*FIRST_STAGE}


def test_layers_cannot_be_fixed_both_before_and_after() -> None:
    with pytest.raises(InputError, match="give one of them; null takes back what a config gives"):
        Freeze(["stages"], until_epoch=1, from_epoch=2)


@pytest.mark.parametrize("epochs", [{}, {"until_epoch": 1}, {"from_epoch": 1}])
def test_something_has_to_be_left_to_train(epochs: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing is left to train"):
        _fit(tmp_path, Freeze(["stages", "classifier"], **epochs))


def test_some_layer_trains_in_the_first_epoch(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--freeze: nothing is left to train in epoch 0"):
        _fit(tmp_path, Freeze(["classifier"], from_epoch=0, stages={"stages": 1}))
    with pytest.raises(InputError, match=r"--freeze.stages stages -1: epochs count from 0"):
        Freeze(stages={"stages": -1})
    with pytest.raises(InputError, match=r"--freeze.stages tail: matches none of stages.0.0"):
        _fit(tmp_path, Freeze(stages={"tail": 1}))


def test_some_layer_trains_in_the_last_epoch(tmp_path: Path) -> None:
    for rules in ({"fixed_from": {"classifier": 2, "stages": 1}}, {"stages": {"st": 9}, "fixed_from": {"cl": 2}}):
        with pytest.raises(InputError, match="--freeze: nothing is left to train in epoch 2"):
            _fit(tmp_path, Freeze(**rules), max_epochs=3)
    _fit(tmp_path, Freeze(fixed_from={"classifier": 2, "stages": 1}), max_epochs=2)
    with pytest.raises(InputError, match=r"--freeze.fixed_from stages -1: epochs count from 0"):
        Freeze(fixed_from={"stages": -1})
    with pytest.raises(InputError, match=r"--freeze.fixed_from tail: matches none of stages.0.0"):
        _fit(tmp_path, Freeze(fixed_from={"tail": 1}))


@pytest.mark.parametrize("option", ["stages", "fixed_from"])
def test_a_pattern_that_another_hides_is_refused(option: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"--freeze.{option} st: a pattern before it matches the same layers: put it"):
        _fit(tmp_path, Freeze(**{option: {"stages": 1, "st": 2}}))


def test_a_pattern_may_be_a_number(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--freeze.fixed_from 1: matches none of"):
        _fit(tmp_path, Freeze(fixed_from={1: 2}))


@pytest.mark.parametrize("name", ["until_epoch", "from_epoch"])
def test_epochs_are_not_negative(name: str) -> None:
    with pytest.raises(InputError, match=f"--freeze.{name} -1: epochs count from 0"):
        Freeze(["stages"], **{name: -1})


@pytest.mark.parametrize(
    ("pattern", "reason"), [("features", "matches none of stages.0.0, stages.0.1"), ("(", "no regular expression")]
)
def test_a_pattern_that_cannot_be_meant_is_named(pattern: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=reason) as caught:
        _fit(tmp_path, Freeze([pattern]))
    assert f"--freeze.layers {pattern}" in str(caught.value)


def test_a_resumed_run_keeps_its_layers_fixed(tmp_path: Path) -> None:
    trainer, before, _ = _fit(tmp_path, Freeze([r"stages\.0"]), max_epochs=2, max_steps=3)
    model = tiny_vgg(optimizer=partial(torch.optim.SGD, lr=0.05, momentum=0.9, weight_decay=0.1))
    resumed = tiny_trainer(tmp_path, max_epochs=2, callbacks=[Freeze([r"stages\.0"])], logger=False)
    resumed.fit(model, TinyDataModule(), ckpt_path=trainer.run_folder.path / "checkpoints" / "last.ckpt")
    assert not _changed(before, model.state_dict()) & {*FIRST_STAGE, *STATISTICS}


@pytest.mark.parametrize(
    "rules",
    [{"stages": {r"stages\.0": 2, "stages": 1}, "statistics": True}, {"fixed_from": {r"stages\.0": 1, "stages": 2}}],
    ids=["freed", "fixed"],
)
@pytest.mark.parametrize("steps", [3, 6, 9], ids=["first epoch", "an epoch's end", "second epoch"])
def test_a_resumed_run_frees_and_fixes_its_layers_as_the_whole_one(steps: int, rules: dict, tmp_path: Path) -> None:
    """Lightning's `BaseFinetuning` freezes all layers anew (its issue 21901), and moves fixed statistics (15062)."""
    trainer, _, whole = _fit(tmp_path / "whole", Freeze(**rules), max_epochs=3)
    of_whole = _summary(trainer)["model"]
    cut, _, _ = _fit(tmp_path / "cut", Freeze(**rules), max_epochs=3, max_steps=steps)
    model = tiny_vgg(optimizer=partial(torch.optim.SGD, lr=0.05, momentum=0.9, weight_decay=0.1))
    resumed = tiny_trainer(tmp_path, max_epochs=3, callbacks=[Freeze(**rules)], logger=False)
    resumed.fit(model, TinyDataModule(), ckpt_path=cut.run_folder.path)
    assert not _changed(whole, model.state_dict())
    assert _summary(resumed)["model"] == of_whole


def test_a_fixed_layer_without_statistics_stays_in_training_mode() -> None:
    model = LightningModule()
    model.recurrent, model.norm, model.head = torch.nn.LSTM(2, 2), torch.nn.BatchNorm1d(2), torch.nn.Linear(2, 2)
    freeze, trainer = Freeze(["recurrent", "norm"]), SimpleNamespace(world_size=1, current_epoch=0, max_epochs=1)
    freeze.setup(trainer, model, "fit")
    freeze.on_train_start(trainer, model)
    assert model.recurrent.training  # else cuDNN refuses the gradients of what comes before
    assert not model.norm.training
