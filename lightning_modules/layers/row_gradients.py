"""Losses whose gradients are computed with them, for tables of which a step touches few rows."""

from typing import Any, NamedTuple

import torch
from torch import Tensor


class RowGradient(NamedTuple):
    """The gradient of some rows of a table.

    Attributes:
        rows: Numbers of the rows, int64 [N]; one that stands there several times gets the sum.
        values: Their gradients, [N, D].
        counts: Number of pairs of words in each, float [N].
    """

    rows: Tensor
    values: Tensor
    counts: Tensor

    def capped(self, size: int, cap: float) -> "RowGradient":
        """Scales the gradient of each row with more pairs than `cap` as if it had as many; changes `values`.

        Many pairs of one step are computed from the same vectors. Their sum, taken as one step, overshoots for a word
        that is in thousands of pairs.

        Args:
            size: Number of rows of the table.
            cap: Most pairs of a row whose gradients are added up.
        """
        totals = self.counts.new_zeros(size).index_add_(0, self.rows, self.counts)
        self.values.mul_((cap / totals).clamp_(max=1)[self.rows, None])
        return self


class WithGradients(torch.autograd.Function):
    """Passes a loss on, whose gradients with respect to tables are given; they are sparse."""

    @staticmethod
    def forward(ctx: Any, loss: Tensor, tables: int, *given: Any) -> Tensor:
        """Returns the loss.

        Args:
            ctx: Keeps what the backward pass needs.
            loss: The loss.
            tables: Number of tables.
            given: The tables [V, D], and a RowGradient of each.
        """
        ctx.shapes = [table.shape for table in given[:tables]]
        ctx.gradients = given[tables:]
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple:
        """Returns the gradients of the tables."""
        sparse = []
        is_one = gradient.device.type == "cpu" and float(gradient) == 1  # the usual case, which saves a pass
        for number, (shape, given) in enumerate(zip(ctx.shapes, ctx.gradients, strict=True)):
            if not ctx.needs_input_grad[2 + number]:
                sparse.append(None)
                continue
            values = given.values if is_one else given.values * gradient
            sparse.append(torch.sparse_coo_tensor(given.rows[None], values, shape, check_invariants=False))
        return None, None, *sparse, *(None for _ in ctx.gradients)


def with_gradients(loss: Tensor, gradients: list[tuple[Tensor, RowGradient]]) -> Tensor:
    """Returns a loss whose backward pass gives tables these gradients.

    Args:
        loss: The loss, computed without a graph.
        gradients: Tables [V, D], each with the gradient of its rows.
    """
    tables, rows = zip(*gradients, strict=True)
    return WithGradients.apply(loss, len(tables), *tables, *rows)
