"""Tasks run in threads give what they give one after the other, and torch has its threads back afterwards."""

import threading
from collections.abc import Iterator

import pytest
import torch

from lightning_modules.layers.side_by_side import side_by_side


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Gives torch two threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_tasks_are_shared_by_threads_of_one_thread_each() -> None:
    meet = threading.Barrier(2, timeout=60)  # two tasks that wait for each other end only side by side

    def task() -> tuple[int, int, bool]:
        meet.wait()
        return threading.get_ident(), torch.get_num_threads(), torch.is_grad_enabled()

    (one, *of_one), (other, *of_other) = side_by_side([task, task])
    assert one != other
    assert of_one == of_other == [1, False]
    assert torch.get_num_threads() == 2
    assert torch.is_grad_enabled()


@pytest.mark.usefixtures("two_threads")
def test_results_are_in_the_order_of_the_tasks() -> None:
    assert side_by_side([lambda place=place: place**2 for place in range(20)]) == [place**2 for place in range(20)]
    assert side_by_side([]) == []


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("place", [0, 1])
def test_an_error_is_raised_once_no_task_runs_any_more(place: int) -> None:
    running, meet = [], threading.Barrier(2, timeout=60)

    def task(number: int) -> None:
        running.append(number)
        meet.wait()
        if number == place:
            raise ValueError(f"task {number}")
        running.remove(number)

    with pytest.raises(ValueError, match=f"task {place}"):
        side_by_side([lambda: task(0), lambda: task(1)])
    assert running == [place]
    assert torch.get_num_threads() == 2


def test_with_one_thread_tasks_follow_each_other_here() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    assert side_by_side([threading.get_ident] * 3) == [threading.get_ident()] * 3
    torch.set_num_threads(before)
