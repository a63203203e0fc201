"""Several processes as one run: they begin at the same place, and one that is lost ends the others with a line."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from lightning_fabric.plugins.environments import LightningEnvironment
from lightning_fabric.utilities.distributed import _init_dist_connection
from pytorch_lightning import Trainer
from pytorch_lightning.strategies import DDPStrategy
from torch import distributed

from callbacks import RunCheckpoint
from core.errors import InputError, LostPeer
from core.processes.peers import SILENCE, lost_peer, watch_connections
from core.processes.rendezvous import fresh_store, wait_for_rank_zero
from core.terminal.printable import shown_path
from engine.runs.launchers import by_torchrun


def meet(trainer: Trainer) -> None:
    """Connects the processes that torchrun has started, also where it has started others before; else Lightning does.

    Lightning starts the others of a machine when the first is ready to be reached.

    Raises:
        LostPeer: One does not come.
    """
    strategy = trainer.strategy
    if not isinstance(strategy, DDPStrategy) or distributed.is_initialized():
        return
    wait, rank, size = strategy._timeout, trainer.global_rank, trainer.world_size
    if not by_torchrun():
        cluster = strategy.cluster_environment
        is_ready = isinstance(cluster, LightningEnvironment) and strategy.node_rank == 0
        if rank:
            wait_for_rank_zero(cluster.main_address, cluster.main_port, SILENCE if is_ready else wait.total_seconds())
        return
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    is_host = rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    store = distributed.TCPStore(address, port, size, is_host, wait, multi_tenant=True)
    part = fresh_store(store, rank, size, wait.total_seconds())
    device = None if strategy.root_device.type == "cpu" else strategy.root_device
    backend = strategy._get_process_group_backend()
    _init_dist_connection(strategy.cluster_environment, backend, rank, size, store=part, timeout=wait, device_id=device)


def begin_together(trainer: Trainer) -> None:
    """Makes sure of the other processes of a run before it trains or measures; does nothing for one process alone.

    Raises:
        InputError: The processes do not go on from the same checkpoint.
    """
    if trainer.world_size == 1:
        return
    watch_connections()
    mine = trainer.current_epoch, trainer.global_step
    first = trainer.strategy.broadcast(mine)
    if not trainer.strategy.reduce_boolean_decision(mine == first, all=True):
        raise InputError(
            f"the processes of this run found different checkpoints (epoch {first[0]}, step {first[1]} on the first, "
            f"epoch {mine[0]}, step {mine[1]} on this machine): its folder has to be on a disk that all machines share"
        )


@contextmanager
def lost_peers(trainer: Trainer) -> Iterator[None]:
    """Says that another process was lost, and how the run goes on, in place of what the connection reports.

    Raises:
        LostPeer: Another process was lost.
    """
    try:
        yield
    except RuntimeError as error:
        reason = lost_peer(error)
        if reason is None:
            raise
        checkpoints: RunCheckpoint = trainer.checkpoint_callback
        goes_on = trainer.state.fn == "fit" and checkpoints.has_saved(trainer)
        way_on = f"; fit --ckpt_path {shown_path(trainer.run_folder.path)} goes on" if goes_on else ""
        raise LostPeer(
            f"another process of this run has ended, or its machine does not answer ({reason}){way_on}"
        ) from error
