"""Every strategy of Lightning's trains with all that a run has, or is refused in one line."""

from pathlib import Path

import pytest
import torch
from pytorch_lightning.strategies import (
    DDPStrategy,
    DeepSpeedStrategy,
    FSDPStrategy,
    ModelParallelStrategy,
    SingleDeviceStrategy,
    StrategyRegistry,
)

from core.errors import InputError
from engine.settings.strategies import REFUSED, check_strategy
from engine.trainer import Trainer
from tests.tiny import TinyDataModule, tiny_vgg

ON_CPU = {"accelerator": "cpu", "max_epochs": 1}
# name: devices, and where it is seen to train
TRAINED = {
    "single_device": (1, "here, and as `auto` everywhere"),
    "ddp": (2, "tests/test_ddp.py"),
    "ddp_find_unused_parameters_true": (2, "tests/test_ddp.py"),
    "ddp_find_unused_parameters_false": (2, "tests/test_ddp.py"),
}


@pytest.mark.parametrize("name", StrategyRegistry.available_strategies())
def test_a_strategy_is_run_or_refused(name: str) -> None:
    if name in TRAINED:
        devices, _ = TRAINED[name]
        assert Trainer(strategy=name, devices=devices, **ON_CPU).world_size == devices
        return
    with pytest.raises(InputError) as refusal:
        Trainer(strategy=name, devices=2, **ON_CPU)
    line = str(refusal.value)
    assert line.startswith(f"--trainer.strategy {name}: ")
    assert line.endswith("use auto (one device alone, several by ddp) or ddp")
    assert "\n" not in line


def test_every_reason_is_of_a_strategy() -> None:
    names = StrategyRegistry.available_strategies()
    assert [name for name in REFUSED if not any(other.startswith(name) for other in names)] == []


@pytest.mark.parametrize("kind", [FSDPStrategy, ModelParallelStrategy, DeepSpeedStrategy])
def test_a_strategy_of_these_classes_is_refused(kind: type) -> None:
    strategy = kind.__new__(kind)  # whose constructor may need packages
    with pytest.raises(InputError, match=f"--trainer.strategy {kind.__name__}: exact resume and record need"):
        check_strategy(strategy)


def test_a_class_of_ones_own_may_be_ddp() -> None:
    class Own(DDPStrategy):
        pass

    assert Trainer(strategy=Own(find_unused_parameters=True), devices=2, **ON_CPU).world_size == 2
    with pytest.raises(InputError, match="processes by 'spawn' give back nothing"):
        Trainer(strategy=Own(start_method="spawn"), devices=2, **ON_CPU)


@pytest.mark.parametrize(
    ("strategy", "devices", "reason"),
    [
        ("single_device", 2, "--trainer.strategy single_device: uses one cpu device, 2 are asked for"),
        (SingleDeviceStrategy(torch.device("meta")), 1, "uses one meta device, cpu is asked for"),
    ],
)
def test_one_device_is_the_one_asked_for(strategy: object, devices: int, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        Trainer(strategy=strategy, devices=devices, **ON_CPU)


def test_batch_norms_that_cannot_take_the_whole_batch_are_told_before_training() -> None:
    """What takes it is torch's, and of GPUs alone: the first step failed."""
    trainer = Trainer(sync_batchnorm=True, devices=2, **ON_CPU)
    with pytest.raises(InputError, match=r"--trainer\.sync_batchnorm True: .* on GPUs only; on several CPUs"):
        trainer.fit(tiny_vgg(), TinyDataModule())
    assert not Path("runs").exists()
    Trainer(sync_batchnorm=True, devices=1, logger=False, max_steps=1, **ON_CPU).fit(tiny_vgg(), TinyDataModule())
