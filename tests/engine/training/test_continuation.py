"""A run goes on in Python with what makes it this run, and is refused with anything else before it is changed."""

import re
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from pytorch_lightning import LightningModule
from torch.optim.lr_scheduler import LRScheduler

from core.errors import InputError
from datamodules.images.augmentation import Augmentation
from engine.runs.run_folder import RunFolder
from engine.settings.config_files import read_config
from engine.trainer import Trainer
from engine.training.continuation import check_settings
from engine.training.python_runs import python_origin
from lightning_modules import VGG, CharRNN
from lightning_modules.schedules import WarmupCosine
from tests.bits import assert_same_bits
from tests.plain import PlainData, PlainModule
from tests.tiny import TinyDataModule, tiny_trainer, tiny_vgg
from tests.tiny_text import TinyCorpus

SGD = partial(torch.optim.SGD, lr=0.03, momentum=0.8)
SHORT = {"limit_val_batches": 0, "logger": False}


def warm(optimizer: torch.optim.Optimizer) -> WarmupCosine:
    """Returns the schedule of that run."""
    return WarmupCosine(optimizer, warmup=0.2)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps from Python, with a schedule and a seed of its own."""
    trainer = tiny_trainer(tmp_path_factory.mktemp("begun"), **SHORT, max_steps=2, seed=7)
    trainer.fit(tiny_vgg(optimizer=SGD, lr_scheduler=warm), TinyDataModule(batch_size=20))
    return trainer.run_folder.path


@pytest.mark.parametrize(
    ("model", "data", "settings", "refusal"),
    [
        ({}, {}, {}, None),
        ({"optimizer": partial(torch.optim.SGD, lr=0.01)}, {"eval_batch_size": 8}, {"max_epochs": 9}, None),
        ({"dropout": 0.5}, {}, {}, "model.dropout is 0.5: this run has 0.2, and cannot change it; make it as"),
        ({}, {"augmentation": Augmentation(flip="random")}, {}, "data.augmentation.flip is random: this run has none"),
        ({"lr_scheduler": None}, {}, {}, "model.lr_scheduler is None: this run has lightning_modules.schedules.Warmup"),
        ({"lr_scheduler": WarmupCosine}, {}, {}, "model.lr_scheduler.warmup is "),
        ({}, {}, {"gradient_clip_val": 0.5}, "trainer.gradient_clip_val is 0.5: this run has None"),
        (None, {}, {}, "model.optimizer.lr is 0.05: this run has 0.03, and this model was made without an optimizer"),
    ],
    ids=["same", "free", "model", "data", "lost schedule", "schedule", "trainer", "lost optimizer"],
)
def test_a_run_that_goes_on_in_python_keeps_what_makes_it_this_run(
    model: dict | None, data: dict, settings: dict, refusal: str | None, begun: Path, tmp_path: Path
) -> None:
    """Other settings trained on, and replaced its config."""
    run = shutil.copytree(begun, tmp_path / "run")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    if model is None:
        network = VGG.load_from_checkpoint(run / "checkpoints" / "last.ckpt", lr_scheduler=warm)
    else:
        network = tiny_vgg(**{"optimizer": SGD, "lr_scheduler": warm} | model)
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    trainer = tiny_trainer(tmp_path, **SHORT | {"max_steps": 2, "seed": 7} | settings)
    with nullcontext() if refusal is None else pytest.raises(InputError, match=f"^{re.escape(refusal)}"):
        trainer.fit(network, TinyDataModule(**{"batch_size": 20} | data), ckpt_path=run)
    assert {path: path.read_bytes() for path in before} == before, "nothing is left to do, or it is refused"
    if refusal is not None and "optimi" not in refusal and "lr_sch" not in refusal:
        assert_same_bits(network.state_dict(), weights)
        trainer.fit(network, TinyDataModule(batch_size=20))
        assert (trainer.optimizer_steps, trainer.run_folder.path != run) == (2, True), "a new run, from its beginning"


@pytest.mark.parametrize("dropout", [0.2, 0.3])
def test_a_run_of_the_command_goes_on_in_python_with_its_settings(
    dropout: float, finished_run: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = finished_run()
    augmentation = Augmentation(flip="random", crop_padding=2, cutout=4, brightness=20, contrast=(0.8, 1.2))
    network = tiny_vgg(dropout=dropout, optimizer=SGD, lr_scheduler=WarmupCosine)
    trainer = Trainer(accelerator="cpu", devices=1, precision="32-true", max_epochs=3, seed=42)
    with nullcontext() if dropout == 0.2 else pytest.raises(InputError, match=r"^model\.dropout is 0\.3: this run has"):
        trainer.fit(network, TinyDataModule(augmentation=augmentation), ckpt_path=run)
    assert ("nothing is left to do" in capsys.readouterr().out) == (dropout == 0.2)


def test_a_class_within_a_function_on_loaders_goes_on(tmp_path: Path) -> None:
    class Local(PlainModule):
        """A network as a notebook has it in a function."""

    data = PlainData()
    data.prepare_data()
    data.setup("fit")
    run = None
    for steps in (1, 2):
        trainer = tiny_trainer(tmp_path, max_steps=steps, logger=False)
        trainer.fit(Local(), data.train_dataloader(), ckpt_path=run)
        assert trainer.optimizer_steps == steps
        run = trainer.run_folder.path


@pytest.mark.parametrize("kind", [PlainModule, VGG])
def test_runs_of_the_command_go_on_without_arguments_and_with_the_default_optimizer(
    kind: type, command: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    """The command records no arguments where a class has none, and the name of the function that is the default."""
    plain = kind is PlainModule
    network = ("--model.widths", "[8, 8]", "--model.convolutions", "[1, 1]", "--model.dropout", 0.2)
    words = ("tests.plain.PlainData",) if plain else ("tests.tiny.TinyDataModule", *network)
    device = ("--trainer.accelerator", "cpu", "--trainer.devices", 1, "--trainer.precision", "32-true")
    short = ("--trainer.max_steps", 1, "--trainer.limit_val_batches", 0, "--trainer.logger", "false")
    run, name = tmp_path / "run", "tests.plain.PlainModule" if plain else "lightning_modules.VGG"
    code, _, errors = command("fit", "--model", name, "--data", *words, *device, *short, "--run_dir", run)
    assert code == 0, errors
    model, data = (PlainModule(), PlainData()) if plain else (tiny_vgg(), TinyDataModule())
    trainer = tiny_trainer(tmp_path, **SHORT, max_epochs=None, max_steps=2, seed=42)
    trainer.fit(model, data, ckpt_path=run)
    assert trainer.optimizer_steps == 2
    if not plain:  # and the optimizer is known from now on
        assert isinstance(read_config(run / "config.yaml")["model"]["init_args"]["optimizer"], dict)


def about_to_go_on(run: Path, model: LightningModule, data: Any, **settings: Any) -> Trainer:
    """Returns a trainer that has set up model and data, and is about to take up a run."""
    trainer = tiny_trainer(run.parent, **settings, logger=False)
    trainer.strategy._lightning_module, trainer.datamodule = model, data
    if not (run / "config.yaml").exists():
        run.mkdir()
        (run / "config.yaml").write_text(python_origin(trainer, None).config_text)
    trainer.run_folder, trainer.takes_up_run, trainer.state.fn = RunFolder(run), True, "fit"
    return trainer


@pytest.mark.parametrize("checkpoint", [{}, {"state_dict": {}}])
def test_a_run_without_a_checkpoint_has_its_seed_from_the_trainer(checkpoint: dict, tmp_path: Path) -> None:
    """It began again under another seed."""
    about_to_go_on(tmp_path / "run", tiny_vgg(), TinyDataModule(), seed=7)
    refused = pytest.raises(InputError, match=r"^seed_everything is 0: this run has 7, .* give Trainer\(seed=7\), or")
    with nullcontext() if checkpoint else refused:
        check_settings(about_to_go_on(tmp_path / "run", tiny_vgg(), TinyDataModule()), checkpoint)
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text()) | {"seed_everything": False}
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump(config))
    check_settings(about_to_go_on(tmp_path / "run", tiny_vgg(), TinyDataModule(), seed=3), checkpoint)


def test_a_runs_own_vocabulary_may_be_named(tmp_path: Path) -> None:
    """A message tells the user to."""
    run, data = tmp_path / "run", TinyCorpus()
    data.load_once()
    about_to_go_on(run, CharRNN(9), data)
    data.save_beside(run)
    given = about_to_go_on(run, CharRNN(9), TinyCorpus(vocabulary=str(run / "vocabulary.json")))
    check_settings(given, {})
    (run / "vocabulary.json").unlink()
    with pytest.raises(InputError, match=r"^data\.vocabulary is "):
        check_settings(given, {})


class Picks(PlainModule):
    """A module that saves what it has made of its argument."""

    def __init__(self, lr: float | None = None) -> None:
        lr = lr or 0.1
        super().__init__()
        self.save_hyperparameters()


def test_an_argument_that_a_module_has_saved_alike_is_the_runs_own(tmp_path: Path) -> None:
    """The command records what was given, and Python knows what is saved."""
    run, saved = tmp_path / "run", {"hyper_parameters": {"lr": 0.1}}
    about_to_go_on(run, Picks(), PlainData())
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace("lr: 0.1", "lr: null"))
    check_settings(about_to_go_on(run, Picks(), PlainData()), saved)
    with pytest.raises(InputError, match=r"^model\.lr is 0\.2: this run has None"):
        check_settings(about_to_go_on(run, Picks(0.2), PlainData()), saved)


class OwnOptimizer(VGG):
    """A network that makes its optimizer and its schedule itself."""

    def __init__(self, rate: int, **settings: Any) -> None:
        super().__init__(**settings)

    def configure_optimizers(self) -> dict:
        """Returns them, without a look at what was given."""
        optimizer = torch.optim.SGD(self.parameters(), lr=self.hparams["rate"] / 100)
        return {
            "optimizer": optimizer,
            "lr_scheduler": torch.optim.lr_scheduler.StepLR(optimizer, self.hparams["rate"]),
        }


class Falling(LRScheduler):
    """A schedule that changes an attribute with the name of its argument, as that of other packages does."""

    def __init__(self, optimizer: torch.optim.Optimizer, most: float = 0.1, last_epoch: int = -1) -> None:
        self.most = most
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        """Returns the rates of this step."""
        self.most *= 0.9 if self.last_epoch else 1
        return [self.most for _ in self.base_lrs]


def test_an_optimizer_that_a_network_makes_itself_may_change(tmp_path: Path) -> None:
    """It was refused as one that the model was made without."""
    run = None
    settings = {"num_classes": 5, "image_size": 16, "widths": [8], "convolutions": [1]}
    for steps in (1, 2):
        network = OwnOptimizer(rate=1, **settings)
        network.hparams["rate"] = steps  # what no argument tells
        trainer = tiny_trainer(tmp_path, **SHORT, max_steps=steps)
        trainer.fit(network, TinyDataModule(), ckpt_path=run)
        assert trainer.optimizer_steps == steps
        run = trainer.run_folder.path


def test_a_schedule_is_described_as_it_was_made(tmp_path: Path) -> None:
    """The second resume compared with the state of the first."""
    run = None
    for steps in (2, 3, 4):
        trainer = tiny_trainer(tmp_path, **SHORT, max_steps=steps)
        trainer.fit(tiny_vgg(optimizer=SGD, lr_scheduler=Falling), TinyDataModule(), ckpt_path=run)
        assert trainer.optimizer_steps == steps
        run = trainer.run_folder.path
        schedule = read_config(run / "config.yaml")["model"]["init_args"]["lr_scheduler"]
        assert schedule["init_args"]["most"] == 0.1
