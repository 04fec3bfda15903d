"""The triangle of a matrix that arrives in blocks of rows, in constant memory."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.lstsq.block_qr import factored
from pdelsr.lstsq.nested import Nested

ROUNDING = 50  # times epsilon and the longest column: damping of all columns
NOISE = 1000  # times the same: a column with a smaller rest is noise
BUFFER = 2  # times r rows wait before a factorization, so that most of its work is new


class Triangle:
    """min_y ‖A y − b‖ from blocks of [A b]: the triangle of one is stacked on the next.

        [ R  z ]
        [ A  b ] = Q [ R' z' ]    (Cao and Zhang 2026, Algorithm S1)

    Args:
        rank: r, columns of A.
        like: a tensor of the dtype and device of A.
    """

    def __init__(self, rank: int, like: Tensor) -> None:
        self.rank: int = rank
        self.rows: int = 0
        self._stack = like.new_zeros((1 + BUFFER) * (rank + 1), rank + 1)
        self._filled = 0

    def update(self, A: Float[Tensor, "n r"], b: Float[Tensor, " n"]) -> None:
        """Take more rows."""
        self.rows += A.shape[0]
        start = 0
        while start < A.shape[0]:
            room = self._stack.shape[0] - self._filled
            part = slice(start, start + room)
            taken = len(b[part])
            place = slice(self._filled, self._filled + taken)
            self._stack[place, :-1], self._stack[place, -1] = A[part], b[part]
            self._filled += taken
            start += taken
            if self._filled == self._stack.shape[0]:
                self._reduce()

    def finish(self, equilibrated: bool = False) -> Nested:
        """The triangle of all rows so far, damped.

        All columns are damped at the level of rounding. Columns that the earlier ones span, as in a
        null space of A, are damped so much that their unknowns vanish.

        Args:
            equilibrated: whether rounding is relative to each column. Otherwise it is relative to
                the longest one: for orthonormal directions lengths mean something, and a column
                that is noise relative to the longest must not be fitted.
        """
        self._reduce()
        R, z = self._stack[: self.rank, :-1].clone(), self._stack[: self.rank, -1]
        lengths = torch.linalg.vector_norm(R, dim=0)
        scales = torch.where(lengths > 0, lengths, 1.0) if equilibrated else torch.ones_like(z)
        longest = (lengths / scales).max().item() or 1.0
        epsilon = torch.finfo(R.dtype).eps
        noise = NOISE * epsilon * longest
        levels = ROUNDING * epsilon * longest * scales
        levels = torch.where(R.diagonal().abs() <= noise * scales, longest * scales, levels)
        stacked = torch.cat([R, levels.diag()])
        augmented = torch.cat([stacked, torch.cat([z, z.new_zeros(self.rank)])[:, None]], dim=1)
        triangle = factored(augmented).R
        rest = math.hypot(self._stack[self.rank, -1].item(), triangle[self.rank, -1].item())
        return Nested(
            triangle[: self.rank, :-1], triangle[: self.rank, -1], R, levels, scales, noise, rest
        )

    def _reduce(self) -> None:
        triangle = factored(self._stack[: self._filled]).R
        self._filled = triangle.shape[0]
        self._stack[: self._filled] = triangle
        self._stack[self._filled :] = 0
