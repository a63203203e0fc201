"""Which process of a run this is, and who says why all of them end."""

from collections.abc import Callable

import pytest
import torch.distributed
from torch.distributed import HashStore

from core.errors import Interrupted
from core.processes import ranks

TORCHRUN, LIGHTNING = {"RANK": "5", "LOCAL_RANK": "1"}, {"LOCAL_RANK": "1"}
SRUN = {"SLURM_PROCID": "5", "SLURM_LOCALID": "1", "SLURM_STEP_NUM_TASKS": "8"}
SECOND_MACHINE = {"RANK": "4", "LOCAL_RANK": "0"}
SECOND_OF_SLURM = {"SLURM_PROCID": "4", "SLURM_LOCALID": "0", "SLURM_STEP_NUM_TASKS": "8"}
SHELL_OF_SLURM = {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_STEP_NUM_TASKS": "1"}

Launched = Callable[[dict[str, str]], None]


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Launched:
    """Gives this process the environment of one that a launcher has started."""

    def launch(variables: dict[str, str]) -> None:
        for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_STEP_NUM_TASKS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return launch


@pytest.mark.parametrize(
    ("variables", "rank", "local"),
    [
        ({}, 0, 0),
        (TORCHRUN, 5, 1),
        (LIGHTNING, 1, 1),
        (SRUN, 5, 1),
        (SECOND_MACHINE, 4, 0),
        (SHELL_OF_SLURM, 0, 0),
        (SHELL_OF_SLURM | LIGHTNING, 1, 1),
        (SRUN | TORCHRUN | {"RANK": "3"}, 3, 1),
        ({"LOCAL_RANK": "none"}, 0, 0),
    ],
)
def test_the_launcher_says_which_process_this_is(
    variables: dict[str, str], rank: int, local: int, launched: Launched
) -> None:
    launched(variables)
    assert (ranks.launched_rank(), ranks.launched_local_rank()) == (rank, local)


def test_connected_processes_are_numbered_over_all_machines(
    launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lightning starts the processes of each machine without telling them how many the others have."""
    launched(LIGHTNING)
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 3)
    assert ranks.launched_rank() == 3


@pytest.mark.parametrize(
    ("variables", "is_silent"),
    [
        ({}, False), (TORCHRUN, True), (LIGHTNING, True), (SRUN, True), (SECOND_MACHINE, False),
        (SECOND_OF_SLURM, False),
    ],
)  # fmt: skip
def test_before_processes_are_connected_the_first_of_each_machine_speaks(
    variables: dict[str, str], is_silent: bool, launched: Launched
) -> None:
    launched(variables)
    assert ranks.is_told_by_first("model.dropout is 2") == is_silent


@pytest.mark.parametrize(
    ("of_first", "of_second", "is_silent"),
    [("diverged", "diverged", True), ("diverged", "out of memory", False), (None, "out of memory", False)],
)
def test_connected_processes_say_what_the_first_does_not(
    of_first: str | None, of_second: str, is_silent: bool, launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = HashStore()
    monkeypatch.setattr(ranks, "_store", lambda: store)
    monkeypatch.setattr(ranks, "SECONDS", 0.05)
    launched({"LOCAL_RANK": "0"})
    if of_first is not None:
        assert not ranks.is_told_by_first(of_first)
    launched({"LOCAL_RANK": "1"})
    assert ranks.is_told_by_first(of_second) == is_silent


@pytest.mark.parametrize(("ends_all", "is_silent"), [(True, True), (False, False)])
def test_a_first_process_that_still_writes_is_waited_for_where_all_end(
    ends_all: bool, is_silent: bool, launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(HashStore):
        waits = 0

        def wait(self, *arguments: object) -> None:
            self.waits += 1
            if self.waits == ranks.TURNS:
                self.set(ranks.ENDED, "diverged")
            super().wait(*arguments)

    store = Late()
    monkeypatch.setattr(ranks, "_store", lambda: store)
    monkeypatch.setattr(ranks, "SECONDS", 0.001)
    launched({"LOCAL_RANK": "1"})
    assert ranks.is_told_by_first("diverged", ends_all) == is_silent


@pytest.mark.parametrize("end", [torch.distributed.DistNetworkError("failed to recv, got 0 bytes"), Interrupted(15)])
def test_a_first_process_that_has_ended_has_said_why_and_a_signal_ends_the_wait(
    end: BaseException, launched: Launched, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        def wait(self, *_: object) -> None:
            raise end

    monkeypatch.setattr(ranks, "_store", Gone)
    launched({"LOCAL_RANK": "1"})
    assert ranks.is_told_by_first("no validation split")


def test_the_store_is_that_of_connected_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ranks._store() is None
    torch.distributed.init_process_group("gloo", store=HashStore(), rank=0, world_size=1)
    try:
        ranks._store().set("name", "value")
        assert ranks._store().get("name") == b"value"
    finally:
        torch.distributed.destroy_process_group()
