"""Every option of Lightning's Trainer acts as Lightning documents, or is refused in one line."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from lightning_fabric.plugins import TorchCheckpointIO
from pytorch_lightning import callbacks as lightning_callbacks
from pytorch_lightning.loggers import Logger
from pytorch_lightning.plugins import DoublePrecision
from pytorch_lightning.strategies import DDPStrategy
from torch import Tensor
from torch.nn import BatchNorm2d, SyncBatchNorm
from torch.nn.utils import clip_grad_norm_
from torch.utils.data import DataLoader

from core.errors import InputError
from engine.trainer import Trainer
from tests.plain import PlainData, PlainModule
from tests.tiny import TinyDataModule, tiny_vgg


class Seen(Logger):
    """Notes what it is given."""

    name, version = "seen", 0

    def __init__(self) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {}
        self.steps: list[int] = []

    def log_hyperparams(self, params: Any, *_: Any, **__: Any) -> None:
        """Notes settings."""
        self.settings = dict(params)

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Notes the steps of the points within an epoch."""
        if "train/loss_step" in metrics:
            self.steps.append(step)


class Witness(PlainModule):
    """Notes what happens to it."""

    def __init__(self, name: str = "witness") -> None:
        super().__init__()
        self.save_hyperparameters(logger=False)
        self.batches: list[list[float]] = []  # the sums of an epoch's training batches
        self.validated: list[int] = []  # the step of each validation
        self.validation_batches = self.tested = self.predicted = self.made_loaders = 0
        self.inference: bool | None = None
        self.anomalies = self.deterministic = self.benchmark = False
        self.norms: list[float] = []  # of the gradients with which each step was made
        self.greatest = 0.0  # element of these gradients

    def on_train_epoch_start(self) -> None:
        """Begins an epoch."""
        self.batches.append([])

    def training_step(self, batch: list[Tensor], batch_idx: int) -> dict[str, Any]:
        """Notes the batch."""
        self.batches[-1].append(float(batch[0].sum()))
        self.anomalies = torch.is_anomaly_enabled()
        self.deterministic = torch.are_deterministic_algorithms_enabled()
        self.benchmark = torch.backends.cudnn.benchmark
        return super().training_step(batch, batch_idx)

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Any) -> None:
        """Notes the gradients of the step before."""
        gradients = [p.grad for p in self.parameters() if p.grad is not None]
        if gradients:
            self.norms.append(float(clip_grad_norm_(self.parameters(), 1e9)))
            self.greatest = max(self.greatest, *(float(gradient.abs().max()) for gradient in gradients))
        super().optimizer_zero_grad(epoch, batch_idx, optimizer)

    def on_validation_start(self) -> None:
        """Notes the place of a validation."""
        self.validated.append(self.global_step)

    def validation_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Counts."""
        self.validation_batches += 1
        super().validation_step(batch, batch_idx)

    def test_step(self, batch: list[Tensor], batch_idx: int) -> None:
        """Counts, and notes how it is run."""
        self.tested += 1
        self.inference = torch.is_inference_mode_enabled()

    def predict_step(self, batch: list[Tensor], batch_idx: int) -> Tensor:
        """Counts."""
        self.predicted += 1
        return self.net(batch[0])


class CountedData(PlainData):
    """Five batches to train on, in an order drawn for each epoch; two to validate, three to test and to predict."""

    made = 0

    def train_dataloader(self) -> DataLoader:
        """Returns five batches."""
        self.made += 1
        return DataLoader(self._loader(40).dataset, batch_size=8, shuffle=True)

    def predict_dataloader(self) -> DataLoader:
        """Returns three batches."""
        return self._loader(24)


class StopAtOnce(pl.Callback):
    """Asks for the run's end after the first batch."""

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        """Asks."""
        trainer.should_stop = True


@dataclass
class Run:
    """A fit, with a test and a prediction."""

    trainer: Trainer
    model: Witness
    data: CountedData
    printed: str
    folder: Path

    @property
    def counts(self) -> list[int]:
        """The number of training batches in each epoch."""
        return [len(epoch) for epoch in self.model.batches]


Seeing = dict[str, Callable[[Run], Any]]
LOGGER, QUIET = Seen(), Seen()

# Runs of one epoch unless told otherwise, and by which options what is seen of each.
RUNS: list[tuple[dict[str, Any], Seeing]] = [
    (
        {
            **{"max_epochs": 2, "logger": LOGGER, "log_every_n_steps": 2, "default_root_dir": "other"},
            **{"limit_val_batches": 1, "limit_test_batches": 1, "limit_predict_batches": 1, "num_sanity_val_steps": 1},
            **{"benchmark": True, "detect_anomaly": True, "inference_mode": False},
            **{"profiler": "simple", "enable_model_summary": True, "enable_progress_bar": False},
            **{"gradient_clip_val": 0.25, "reload_dataloaders_every_n_epochs": 1},
        },
        {
            "accelerator": lambda run: run.model.device.type == "cpu",
            "max_epochs": lambda run: run.counts == [5, 5],
            "logger": lambda run: run.trainer.loggers == [LOGGER] and LOGGER.settings == {"name": "witness"},
            "log_every_n_steps": lambda run: LOGGER.steps == [2, 4, 6, 8, 10],
            "default_root_dir": lambda run: len(list(Path("other/runs/witness").iterdir())) == 1,
            "limit_val_batches": lambda run: run.model.validation_batches == 3,
            "limit_test_batches": lambda run: run.model.tested == 1,
            "limit_predict_batches": lambda run: run.model.predicted == 1,
            "num_sanity_val_steps": lambda run: run.model.validated == [0, 5, 10],
            "benchmark": lambda run: run.model.benchmark,
            "detect_anomaly": lambda run: run.model.anomalies,
            "inference_mode": lambda run: run.model.inference is False,
            "profiler": lambda run: "run_training_batch" in run.printed,
            "enable_model_summary": lambda run: "Trainable params" in run.printed,
            "enable_progress_bar": lambda run: "epoch   0/1" in run.printed,
            "gradient_clip_val": lambda run: max(run.model.norms) == pytest.approx(0.25, rel=1e-3),
            "reload_dataloaders_every_n_epochs": lambda run: run.data.made == 2,
            "overfit_batches": lambda run: run.model.batches[0] != run.model.batches[1],
        },
    ),
    (
        {
            **{"max_epochs": 3, "overfit_batches": 2, "precision": "64-true", "enable_checkpointing": False},
            **{"deterministic": True, "logger": QUIET, "log_every_n_steps": 0, "enable_autolog_hparams": False},
            **{"gradient_clip_val": 0.01, "gradient_clip_algorithm": "value"},
        },
        {
            "overfit_batches": lambda run: run.counts == [2, 2, 2] and run.model.batches[0] == run.model.batches[2],
            "precision": lambda run: run.model.dtype == torch.float64,
            "deterministic": lambda run: run.model.deterministic,
            "enable_checkpointing": lambda run: not list(run.folder.rglob("*.ckpt")),
            "log_every_n_steps": lambda run: QUIET.steps == [],
            "enable_autolog_hparams": lambda run: not QUIET.settings,
            "gradient_clip_algorithm": lambda run: (
                run.model.greatest == pytest.approx(0.01) and max(run.model.norms) > 0.011
            ),
            "inference_mode": lambda run: run.model.inference is True,
            "profiler": lambda run: "run_training_batch" not in run.printed,
            "enable_model_summary": lambda run: "Trainable params" not in run.printed,
        },
    ),
    (
        {"min_epochs": 2, "max_epochs": 3, "callbacks": StopAtOnce(), "check_val_every_n_epoch": 2},
        {
            "min_epochs": lambda run: len(run.counts) == 2,
            "callbacks": lambda run: len(run.counts) == 2,
            "check_val_every_n_epoch": lambda run: len(run.model.validated) == 1,
        },
    ),
    (
        {"min_steps": 7, "max_epochs": 3, "callbacks": StopAtOnce()},
        {"min_steps": lambda run: run.counts == [5, 2]},
    ),
    (
        {"max_steps": 3, "val_check_interval": 1},
        {
            "max_steps": lambda run: run.counts == [3],
            "val_check_interval": lambda run: run.model.validated == [1, 2, 3],
        },
    ),
    ({"max_time": timedelta(microseconds=1)}, {"max_time": lambda run: sum(run.counts) <= 1}),
    ({"limit_train_batches": 1}, {"limit_train_batches": lambda run: run.counts == [1]}),
    (
        {"limit_train_batches": 1.0, "limit_val_batches": 0, "val_check_interval": 1.0},
        {
            "limit_train_batches": lambda run: run.counts == [5],
            "limit_val_batches": lambda run: run.model.validated == [],
            "limit_test_batches": lambda run: run.model.tested == 3,
            "limit_predict_batches": lambda run: run.model.predicted == 3,
        },
    ),
    (
        {"val_check_interval": 0.5, "limit_val_batches": 1.0, "plugins": [DoublePrecision()], "precision": "auto"},
        {
            "val_check_interval": lambda run: run.model.validated == [2, 4],
            "limit_val_batches": lambda run: run.model.validation_batches == 4,
            "plugins": lambda run: run.model.dtype == torch.float64,
        },
    ),
    (
        {"check_val_every_n_epoch": None, "val_check_interval": 4, "max_epochs": 2, "accumulate_grad_batches": 2},
        {
            "check_val_every_n_epoch": lambda run: run.model.validated == [2, 4],
            "accumulate_grad_batches": lambda run: run.trainer.global_step == 6,
        },
    ),
    (
        {"fast_dev_run": True},
        {
            "fast_dev_run": lambda run: (
                run.counts == [1] and "nothing is kept" in run.printed and not list(run.folder.iterdir())
            )
        },
    ),
]

MEETING = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500", "NODE_RANK": "0"}

# What is seen of a Trainer that is only built.
BUILT: list[tuple[str, dict[str, Any], Callable[[Trainer], Any]]] = [
    ("strategy", {"strategy": "ddp"}, lambda trainer: isinstance(trainer.strategy, DDPStrategy)),
    ("devices", {"devices": 2}, lambda trainer: trainer.world_size == 2),
    ("num_nodes", {"num_nodes": 2}, lambda trainer: trainer.world_size == 2),
    (
        "use_distributed_sampler",
        {"use_distributed_sampler": False, "devices": 2},
        lambda trainer: not trainer._data_connector._requires_distributed_sampler(DataLoader([1, 2])),
    ),
    (
        "sync_batchnorm",
        {"sync_batchnorm": True, "devices": 2},
        lambda trainer: isinstance(trainer.strategy._layer_sync.apply(BatchNorm2d(3)), SyncBatchNorm),
    ),
]

# Every refused value, with what the line says.
REFUSED: list[tuple[str, Any, str]] = [
    ("accelerator", "tpu", "torch_xla"),
    ("strategy", "ddp_spawn", "or ddp"),
    ("strategy", "nix", "ddp"),
    ("devices", 0, "devices"),
    ("devices", 100_000, "--trainer.devices 100000: as many processes for "),
    ("num_nodes", 0, "at least 1 is needed"),
    ("num_nodes", 2, "MASTER_ADDR"),
    ("precision", "17", "32-true"),
    ("callbacks", lightning_callbacks.BatchSizeFinder(), "--data.batch_size"),
    ("fast_dev_run", -1, "at least 0 is needed"),
    ("max_epochs", 0, "at least 1 is needed, or -1 for no end"),
    ("max_epochs", -5, "at least 1 is needed, or -1 for no end"),
    ("min_epochs", -5, "at least 0 is needed"),
    ("min_epochs", 5, "more than --trainer.max_epochs 1"),
    ("max_steps", 0, "at least 1 is needed, or -1 for no end"),
    ("min_steps", -1, "at least 0 is needed"),
    *(("max_time", value, "DD:HH:MM:SS") for value in ({"seconds": -3}, "00:00:00:00", "nonsense", {"nix": 3}, "::::")),
    *(
        (f"limit_{part}_batches", value, "a share of them")
        for part in ("train", "val", "test", "predict")
        for value in (-1, 1.5, float("nan"), float("inf"))
    ),
    ("limit_train_batches", 0, "above 0"),
    ("overfit_batches", -1, "a share of them"),
    ("overfit_batches", 1.5, "a share of them"),
    ("val_check_interval", 0, "above 0"),
    ("val_check_interval", -0.5, "above 0"),
    ("val_check_interval", 1.5, "above 0"),
    ("val_check_interval", "00:00:00:01", "differ from run to run"),
    ("check_val_every_n_epoch", 0, "at least 1 is needed"),
    ("check_val_every_n_epoch", -1, "at least 1 is needed"),
    ("num_sanity_val_steps", -7, "at least 0 is needed, or -1 for all batches"),
    ("log_every_n_steps", -1, "at least 0 is needed"),
    ("accumulate_grad_batches", 0, "at least 1 is needed"),
    ("gradient_clip_val", -1.0, "at least 0 is needed"),
    ("gradient_clip_val", float("nan"), "at least 0 is needed"),
    ("gradient_clip_algorithm", "value", "--trainer.gradient_clip_val"),
    ("profiler", "nix", "simple"),
    ("barebones", True, "every run has a record"),
    ("plugins", [TorchCheckpointIO()], "CheckpointIO"),
    ("reload_dataloaders_every_n_epochs", -1, "at least 0 is needed"),
    ("model_registry", "nix", "--weights"),
]


def test_every_option_of_the_trainer_is_tried() -> None:
    """A new option of Lightning's is to be looked at before it is offered."""
    tried = {option for _, seeing in RUNS for option in seeing} | {option for option, *_ in [*BUILT, *REFUSED]}
    assert tried == set(inspect.signature(pl.Trainer.__init__).parameters) - {"self"}


@pytest.fixture
def _settings_of_torch() -> Iterator[None]:
    before = torch.backends.cudnn.benchmark
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = before


@pytest.mark.parametrize(("settings", "seeing"), RUNS, ids=["-".join(settings)[:60] for settings, _ in RUNS])
@pytest.mark.usefixtures("_settings_of_torch")
def test_options_act(
    settings: dict[str, Any], seeing: Seeing, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = {"accelerator": "cpu", "devices": 1, "precision": "32-true", "logger": False, "default_root_dir": tmp_path}
    if "max_steps" not in settings:
        common["max_epochs"] = 1
    trainer, model, data = Trainer(**common | settings), Witness(), CountedData()
    trainer.fit(model, data)
    trainer.test(model, data, verbose=False)
    trainer.predict(model, data)
    run = Run(trainer, model, data, capsys.readouterr().out, tmp_path)
    assert [option for option, seen in seeing.items() if not seen(run)] == []


@pytest.mark.parametrize(("option", "settings", "seen"), BUILT, ids=[option for option, *_ in BUILT])
def test_an_option_of_several_processes_acts(
    option: str, settings: dict[str, Any], seen: Callable[[Trainer], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in MEETING.items():
        monkeypatch.setenv(name, value)
    assert seen(Trainer(**{"accelerator": "cpu", "devices": 1} | settings)), option


@pytest.mark.parametrize(("option", "value", "reason"), REFUSED)
def test_an_option_is_refused(option: str, value: Any, reason: str) -> None:
    settings = {"accelerator": "cpu", "devices": 1, "max_epochs": 1, option: value}
    with pytest.raises(InputError) as refusal:
        Trainer(**settings)
    line = str(refusal.value)
    assert line.startswith(f"--trainer.{option}")
    assert reason in line
    assert "\n" not in line


def test_overfitting_repeats_the_batches_of_our_own_loaders(tmp_path: Path) -> None:
    """They drew new ones for each epoch, since Lightning can stop only torch's own loaders from shuffling."""

    class Sums(pl.Callback):
        sums: list[float] = []

        def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, *_: Any) -> None:
            self.sums.append(float(batch.images.sum()))

    sums = Sums()
    settings = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False}
    Trainer(callbacks=sums, max_epochs=3, overfit_batches=2, **settings).fit(tiny_vgg(), TinyDataModule())
    assert sums.sums[:2] * 3 == sums.sums
    assert sums.sums[0] != sums.sums[1]


@pytest.mark.parametrize("monitor", ["val/nothing", "test/acc"])
@pytest.mark.parametrize("kind", [lightning_callbacks.EarlyStopping, lightning_callbacks.ModelCheckpoint])
def test_a_callback_that_monitors_nothing_is_refused_at_once(kind: type, monitor: str) -> None:
    """It looked for its metric after an epoch."""
    trainer = Trainer(accelerator="cpu", max_epochs=1, callbacks=kind(monitor=monitor))
    with pytest.raises(InputError, match=f"--trainer.callbacks {kind.__name__}: monitor {monitor}"):
        trainer.fit(tiny_vgg(), TinyDataModule())
    assert not Path("runs").exists()


def test_a_refused_callback_is_refused_by_the_command_too(config: Path, command: Callable[..., tuple]) -> None:
    """A default that is a device could not be written down, which was said in place of the reason."""
    averaging = ("--trainer.callbacks+", "pytorch_lightning.callbacks.StochasticWeightAveraging")
    code, _, errors = command("fit", "--config", config, *averaging, "--trainer.callbacks.swa_lrs", 0.1)
    assert code == 2
    assert "--trainer.callbacks StochasticWeightAveraging: its averages would reach no checkpoint" in errors
