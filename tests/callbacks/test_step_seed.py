"""What a step draws depends on where the step is, not on what was drawn before."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning_fabric.utilities.distributed import DistributedSamplerWrapper
from pytorch_lightning import Callback
from pytorch_lightning.strategies import DDPStrategy
from torch.optim import SGD
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader, SubsetRandomSampler

from callbacks import RunCheckpoint
from callbacks.step_seed import StepSeed
from core.errors import InputError
from engine.trainer import Trainer
from tests.foreign.other_package.data import Pictures, pictures
from tests.foreign.other_package.models import Net
from tests.interruptions import PulledPlug, PullPlug
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg


class Draw(Callback):
    """Draws some numbers in every step, and wastes some between them."""

    def __init__(self, waste: int = 0) -> None:
        self.waste = waste
        self.drawn: list[float] = []

    def on_before_backward(self, *_: object) -> None:
        self.drawn.append(torch.rand(1).item())

    def on_train_batch_end(self, *_: object) -> None:
        torch.rand(self.waste)


def _draw(root: Path, waste: int = 0, seed: int = 0, **settings: object) -> list[float]:
    draw = Draw(waste)
    trainer: Trainer = tiny_trainer(root, logger=False, callbacks=[draw], seed=seed, **settings)
    trainer.fit(tiny_vgg(), TinyDataModule())
    return draw.drawn


def test_every_step_draws_other_numbers(tmp_path: Path) -> None:
    assert len(set(_draw(tmp_path))) == 12


@pytest.mark.parametrize("settings", [{"waste": 7}, {"limit_val_batches": 0}, {"val_check_interval": 2}])
def test_what_else_is_drawn_changes_nothing(settings: dict[str, object], tmp_path: Path) -> None:
    assert _draw(tmp_path, **settings) == _draw(tmp_path)


def test_the_seed_changes_every_draw(tmp_path: Path) -> None:
    assert not set(_draw(tmp_path, seed=1)) & set(_draw(tmp_path))


class KeepsPlace:
    """A loader of another package that keeps its place itself."""

    def __init__(self) -> None:
        self.epoch = self.place = 0
        self.loaded = 0

    def __len__(self) -> int:
        return 5

    def __iter__(self) -> Iterator[list[torch.Tensor]]:
        images, targets = pictures(40, 0).tensors
        order = torch.randperm(40, generator=torch.Generator().manual_seed(self.epoch)).split(8)
        for place in range(self.place, 5):
            self.epoch, self.place = (self.epoch, place + 1) if place < 4 else (self.epoch + 1, 0)
            yield [images[order[place]], targets[order[place]]]

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self.epoch, "place": self.place}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.loaded += 1
        self.epoch, self.place = state["epoch"], state["place"]


class Scheduled(Net):
    """A network whose schedule asks for the run's length."""

    def configure_optimizers(self) -> Any:
        optimizer = SGD(self.parameters(), lr=self.lr, momentum=0.9)
        schedule = OneCycleLR(optimizer, self.lr, self.trainer.estimated_stepping_batches)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _train(root: Path, kind: type[Net], loader: KeepsPlace, ckpt_path: Path | None = None, **settings: Any) -> Any:
    torch.manual_seed(0)
    model = kind()
    tiny_trainer(root, max_epochs=3, **settings).fit(model, loader, ckpt_path=ckpt_path)
    return model.state_dict()


@pytest.mark.parametrize("kind", [Net, Scheduled])
def test_a_loader_that_keeps_its_place_resumes_there(kind: type[Net], tmp_path: Path) -> None:
    """Lightning sets up loaders before it restores their states, if a schedule asks for the run's length."""
    whole = _train(tmp_path / "whole", kind, KeepsPlace())
    callbacks = [RunCheckpoint(every_n_train_steps=3), PullPlug(8)]
    with pytest.raises(PulledPlug):
        _train(tmp_path / "part", kind, KeepsPlace(), callbacks=callbacks)
    (checkpoint,) = (tmp_path / "part").rglob("last.ckpt")
    assert torch.load(checkpoint, weights_only=True)["global_step"] == 6  # the second epoch has begun
    loader = KeepsPlace()
    resumed = _train(tmp_path / "part", kind, loader, checkpoint)
    assert loader.loaded == 1
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


AGAIN = "reads its earlier batches again; they are the same if the data set draws from torch, NumPy or random only"
FIGURES = "has training figures of the batches after it only"


@pytest.mark.parametrize(
    ("own_model", "own_data", "said"),
    [
        (True, True, None),
        (True, False, f"a resume within an epoch {AGAIN}"),
        (False, True, f"a resume within an epoch {FIGURES}"),
        (False, False, f"a resume within an epoch {AGAIN}; it {FIGURES}"),
    ],
)
def test_what_a_resume_within_an_epoch_does_otherwise_is_said(
    own_model: bool, own_data: bool, said: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = TinyDataModule() if own_data else Pictures()
    tiny_trainer(tmp_path, max_epochs=1).fit(tiny_vgg() if own_model else Net(), data)
    notes = [line for line in capsys.readouterr().out.splitlines() if "a resume within" in line]
    assert notes == ([] if said is None else [f"note     {said}"])


def test_the_processes_of_a_run_see_each_sample_of_another_packages_sampler_once() -> None:
    seen = []
    for rank in range(2):
        sampler = DistributedSamplerWrapper(SubsetRandomSampler(range(20)), num_replicas=2, rank=rank, shuffle=False)
        loaders = SimpleNamespace(flattened=[DataLoader(range(20), 2, sampler=sampler)])
        progress = SimpleNamespace(current=SimpleNamespace(ready=0))
        loop = SimpleNamespace(_combined_loader=loaders, epoch_loop=SimpleNamespace(batch_progress=progress))
        trainer = SimpleNamespace(seed=0, current_epoch=0, global_rank=rank, world_size=2, fit_loop=loop)
        StepSeed().on_train_epoch_start(trainer, None)
        (loader,) = loaders.flattened
        seen += torch.cat(list(loader)).tolist()
    assert sorted(seen) == list(range(20))


@pytest.mark.parametrize("place", ["within an epoch", "at its end"])
@pytest.mark.parametrize("before", [1, 2, None])
def test_loaders_of_others_go_on_within_an_epoch_with_as_many_processes_alone(
    before: int | None, place: str, tmp_path: Path
) -> None:
    """Each process counts its own batches; checkpoints of earlier releases do not say how many there were."""
    callbacks = [RunCheckpoint(every_n_train_steps=3), PullPlug(4)] if place == "within an epoch" else []
    trainer = tiny_trainer(tmp_path, max_epochs=1, callbacks=callbacks)
    with pytest.raises(PulledPlug) if callbacks else nullcontext():
        trainer.fit(Net(), Pictures())
    (last,) = tmp_path.rglob("last.ckpt")
    checkpoint = torch.load(last, weights_only=True)
    assert checkpoint["loader_processes"] == 1
    checkpoint["loader_processes"] = before
    torch.save(checkpoint, last)
    again = tiny_trainer(tmp_path, max_epochs=2)
    reason = r"on 2 processes, not on 1; .* resumed there on the same number$"
    is_refused = before == 2 and bool(callbacks)
    with pytest.raises(InputError, match=reason) if is_refused else nullcontext():
        again.fit(Net(), Pictures(), ckpt_path=last)


def test_the_processes_of_a_run_validate_each_sample_of_another_packages_sampler_once() -> None:
    seen = []
    for rank in range(2):
        sampler = DistributedSamplerWrapper(SubsetRandomSampler(range(20)), num_replicas=2, rank=rank, shuffle=False)
        trainer = SimpleNamespace(seed=0, world_size=2, evaluating=True, strategy=DDPStrategy())
        StepSeed().setup(trainer, None, "fit")
        loader = trainer.strategy.process_dataloader(DataLoader(range(20), 2, sampler=sampler))
        loader.sampler.set_epoch(1)
        torch.manual_seed(rank)  # as what a step draws
        seen += torch.cat(list(loader)).tolist()
        assert torch.initial_seed() == rank
    assert sorted(seen) == list(range(20))
