"""Lightning's side of clusters: who starts the processes, and which checkpoint is never taken up."""

import os
from typing import Any

from lightning_fabric.plugins.environments import LightningEnvironment, SLURMEnvironment, TorchElasticEnvironment
from pytorch_lightning.plugins.environments import ClusterEnvironment

from engine.runs.slurm import tasks


def with_cluster(plugins: list[Any]) -> list[Any]:
    """Adds to a trainer's plugins who starts its processes, within a job of SLURM: `srun`, or Lightning itself.

    Lightning takes any process of a job for one of `srun`'s, also in a shell of `salloc` and in a batch script.

    Args:
        plugins: The plugins; a cluster environment among them stays the only one.
    """
    given = any(isinstance(plugin, ClusterEnvironment) for plugin in plugins)
    if given or "SLURM_NTASKS" not in os.environ or TorchElasticEnvironment.detect():
        return plugins
    return [*plugins, SLURMEnvironment(auto_requeue=False) if tasks() > 1 else LightningEnvironment()]
