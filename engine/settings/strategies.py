"""How several devices share a run: Lightning's strategies that keep what a run has, and why others do not."""

import os
from typing import Any

import pytorch_lightning as pl
from lightning_fabric.plugins.environments import LightningEnvironment
from pytorch_lightning.strategies import DDPStrategy, DeepSpeedStrategy, SingleDeviceStrategy
from pytorch_lightning.strategies.launchers.multiprocessing import _MultiProcessingLauncher

from core.errors import InputError

KEPT = "auto (one device alone, several by ddp) or ddp"

# Why strategies are refused, by the beginnings of their names.
REFUSED = {
    "deepspeed": "its checkpoints are folders of parts, from which a run does not resume exactly",
    "fsdp": "it divides weights and checkpoints among the devices; guard, record and resume need them whole",
    **dict.fromkeys(("ddp_spawn", "ddp_fork", "ddp_notebook"), "its processes give back nothing that they learn"),
    **dict.fromkeys(("xla", "single_xla", "single_tpu"), "TPUs have not been tried"),
}


def check_strategy(strategy: Any) -> None:
    """Checks that a run with this strategy has all that a run has, such as an exact resume.

    Args:
        strategy: Lightning's name of it, or the strategy; an unknown name is left to Lightning.

    Raises:
        InputError: It has not.
    """
    if isinstance(strategy, str):
        reason = next((reason for name, reason in REFUSED.items() if strategy.lower().startswith(name)), None)
        if reason is not None:
            raise InputError(f"--trainer.strategy {strategy}: {reason}; use {KEPT}")
    elif not isinstance(strategy, SingleDeviceStrategy | DDPStrategy) or isinstance(strategy, DeepSpeedStrategy):
        name = type(strategy).__name__
        raise InputError(f"--trainer.strategy {name}: exact resume and record need DDPStrategy; use {KEPT}")


def check_processes(trainer: pl.Trainer) -> None:
    """Checks that the processes of a run can start and find each other.

    Raises:
        InputError: They cannot.
    """
    strategy = trainer.strategy
    if isinstance(strategy.launcher, _MultiProcessingLauncher):  # by an argument of DDPStrategy, or within a notebook
        raise InputError(
            f"--trainer.strategy: processes by '{strategy.launcher._start_method}' give back nothing that they learn; "
            "use ddp, or one device in a notebook (--trainer.devices 1)"
        )
    connector = trainer._accelerator_connector
    devices, nodes = connector._parallel_devices, connector._num_nodes_flag  # as asked for
    if isinstance(strategy, SingleDeviceStrategy):
        kind, asked = strategy.root_device.type, devices[0].type
        if len(devices) * nodes > 1 or kind != asked:
            wanted = f"{len(devices) * nodes} are asked for" if kind == asked else f"{asked} is asked for"
            name = strategy.strategy_name
            raise InputError(f"--trainer.strategy {name}: uses one {kind} device, {wanted}; use {KEPT}")
        return
    # nodes that know no common address would wait for each other for ever
    needed = {"MASTER_ADDR", "MASTER_PORT", "NODE_RANK"}
    alone = isinstance(strategy.cluster_environment, LightningEnvironment) and not needed <= set(os.environ)
    if nodes > 1 and alone:
        raise InputError(
            f"--trainer.num_nodes {nodes}: the nodes cannot find each other; start the command by torchrun "
            "or Slurm, or set MASTER_ADDR, MASTER_PORT and NODE_RANK on each"
        )


def check_batch_norms(trainer: pl.Trainer) -> None:
    """Checks that batch norms can take the whole batch of several devices, where they are to; torch has none for CPUs.

    Raises:
        InputError: They cannot: torch would say so in the first step.
    """
    takes_all = trainer._accelerator_connector._layer_sync is not None
    if takes_all and trainer.world_size > 1 and trainer.strategy.root_device.type == "cpu":
        raise InputError(
            "--trainer.sync_batchnorm True: torch synchronizes batch norms on GPUs only; on several CPUs leave it out"
        )
