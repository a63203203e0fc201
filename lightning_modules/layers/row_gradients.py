"""Losses whose gradients are computed with them, for tables of which a step touches few rows."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lightning_modules.layers.side_by_side import side_by_side


class RowOrder(NamedTuple):
    """Rows of a gradient, put in order.

    Attributes:
        rows: Numbers of the different rows, ascending, int64 [U].
        places: Where the gradient has them, one row after the other, int64 [N].
        begins: Where each row begins among the places, int64 [U].
    """

    rows: Tensor
    places: Tensor
    begins: Tensor

    @classmethod
    def of(cls, rows: Tensor) -> "RowOrder":
        """Orders numbers of rows, int64 [N], on a CPU."""
        bits = max(1, len(rows) - 1).bit_length()
        keys = (rows << bits).numpy() + np.arange(len(rows))
        keys.sort()  # several times as fast as torch's
        keys = torch.from_numpy(keys)
        found, lengths = (keys >> bits).unique_consecutive(return_counts=True)
        return cls(found, keys & ((1 << bits) - 1), lengths.cumsum(0) - lengths)


class RowGradient(NamedTuple):
    """The gradient of some rows of a table.

    Attributes:
        rows: Numbers of the rows, int64 [N]; one that stands there several times gets the sum.
        values: Their gradients, [N, D].
        counts: Number of pairs of words in each, float [N].
        order: The rows in order, if that is known already.
    """

    rows: Tensor
    values: Tensor
    counts: Tensor
    order: RowOrder | None = None

    def in_order(self) -> "RowGradient":
        """Orders the rows beforehand; the values need not be known yet."""
        return self if self.rows.device.type != "cpu" else self._replace(order=RowOrder.of(self.rows))

    def capped(self, size: int, cap: float) -> "RowGradient":
        """Scales the gradient of each row with more pairs than `cap` as if it had as many; may change `values`.

        Many pairs of one step are computed from the same vectors. Their sum, taken as one step, overshoots for a word
        that is in thousands of pairs. On a CPU the gradients of a row are added up, for less to be added to the table.

        Args:
            size: Number of rows of the table.
            cap: Most pairs of a row whose gradients are added up.
        """
        totals = self.counts.new_zeros(size).index_add_(0, self.rows, self.counts)
        if self.rows.device.type != "cpu":
            self.values.mul_((cap / totals).clamp_(max=1)[self.rows, None])
            return self
        rows, places, begins = self.order or RowOrder.of(self.rows)
        totals = totals.index_select(0, rows)
        sums = F.embedding_bag(places, self.values, begins, mode="sum")
        return RowGradient(rows, sums.mul_((cap / totals).clamp_(max=1)[:, None]), totals)


def capped(gradients: Sequence[tuple[Tensor, RowGradient]], cap: float) -> list[tuple[Tensor, RowGradient]]:
    """Returns tables [V, D], each with the gradient of its rows, in which no row has more than `cap` pairs."""
    tasks = [partial(gradient.capped, len(table), cap) for table, gradient in gradients]
    return [
        (table, gradient)
        for (table, _), gradient in zip(gradients, side_by_side(tasks, gradients[0][0].device), strict=True)
    ]


class WithGradients(torch.autograd.Function):
    """Passes a loss on, whose gradients with respect to tables are given; they are sparse."""

    @staticmethod
    def forward(ctx: Any, loss: Tensor, times: int, tables: int, *given: Any) -> Tensor:
        """Returns the loss.

        Args:
            ctx: Keeps what the backward pass needs.
            loss: The loss.
            times: What the gradients are multiplied by.
            tables: Number of tables.
            given: The tables [V, D], and a RowGradient of each.
        """
        ctx.shapes = [table.shape for table in given[:tables]]
        ctx.gradients, ctx.times = given[tables:], times
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple:
        """Returns the gradients of the tables."""
        sparse, gradient = [], gradient * ctx.times
        is_one = gradient.device.type == "cpu" and float(gradient) == 1  # the usual case, which saves a pass
        for number, (shape, given) in enumerate(zip(ctx.shapes, ctx.gradients, strict=True)):
            if not ctx.needs_input_grad[3 + number]:
                sparse.append(None)
                continue
            values = given.values if is_one else given.values * gradient
            sparse.append(torch.sparse_coo_tensor(given.rows[None], values, shape, check_invariants=False))
        return None, None, None, *sparse, *(None for _ in ctx.gradients)


def note_order(table: Tensor) -> None:
    """Tells the optimizer where the rows of a sparse gradient are in order, which is then added several times as fast.

    Autograd does not keep what it was told of a gradient.
    """
    gradient = table.grad
    if gradient is not None and gradient.is_sparse and gradient.device.type == "cpu":
        gradient._coalesced_(bool((gradient._indices()[0].diff() > 0).all()))


def with_gradients(loss: Tensor, gradients: list[tuple[Tensor, RowGradient]], times: int = 1) -> Tensor:
    """Returns a loss whose backward pass gives tables these gradients.

    Args:
        loss: The loss, computed without a graph.
        gradients: Tables [V, D], each with the gradient of its rows.
        times: What the gradients are multiplied by, and not the loss.
    """
    tables, rows = zip(*gradients, strict=True)
    return WithGradients.apply(loss, times, len(tables), *tables, *rows)
