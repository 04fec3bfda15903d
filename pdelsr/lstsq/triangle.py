"""The triangle of a matrix that arrives in blocks of rows, in constant memory."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.lstsq.block_qr import PANEL, factored
from pdelsr.lstsq.nested import Nested
from pdelsr.processes import Group
from pdelsr.processes.triangles import agreed_triangle, pairs, receive_triangle, send_triangle

ROUNDING = 50  # times epsilon and the longest column: damping of all columns
NOISE = 1000  # times the same: a column with a smaller rest is noise
WAITING = 1.0  # times r rows wait before a factorization, whose panels should be tall


class Triangle:
    """min_y ‖A y − b‖ from blocks of [A b]: the triangle of one is stacked below the next.

        [ A  b ]
        [ R  z ] = Q [ R' z' ]    (Cao and Zhang 2026, Algorithm S1)

    Reflections leave out the zeros of the triangle below, so that n rows cost 2 n r² operations,
    as much as a factorization of all rows at once.

    Args:
        rank: r, columns of A.
        like: a tensor of the dtype and device of A.
    """

    def __init__(self, rank: int, like: Tensor) -> None:
        self.rank: int = rank
        self.rows: int = 0
        self._room = max(PANEL, round(WAITING * rank))
        self._stack = like.new_zeros(self._room + rank + 1, rank + 1)  # waiting rows, and [R z]
        self._waiting = 0

    def update(self, A: Float[Tensor, "n r"], b: Float[Tensor, " n"]) -> None:
        """Take more rows."""
        self.rows += A.shape[0]
        start = 0
        while start < A.shape[0]:
            stop = self._room - self._waiting  # rows wait right above the triangle
            part = slice(start, start + stop)
            taken = len(b[part])
            place = slice(stop - taken, stop)
            self._stack[place, :-1], self._stack[place, -1] = A[part], b[part]
            self._waiting += taken
            start += taken
            if self._waiting == self._room:
                self._reduce()

    def merge(self, group: Group) -> None:
        """Merge the triangles of several processes in a tree; all of them get the result.

        A merge moves (r + 1) (r + 2) / 2 numbers, and takes the triangle as r + 1 more rows.
        """
        if group.size == 1:
            return
        group.together(self._reduce)
        triangle = self._stack[self._room :]
        error: BaseException | None = None
        for source, target in pairs(group.size):
            if group.rank == source:
                send_triangle(triangle, target, group)
            elif group.rank == target:
                other = receive_triangle(triangle, source, group)
                try:  # the others go on to the end of the tree, and hear of an error there
                    self.update(other[:, :-1], other[:, -1])
                    self._reduce()
                except (MemoryError, RuntimeError) as raised:
                    error = error or raised
        group.settle(error)
        triangle.copy_(agreed_triangle(triangle, group))

    def finish(self, equilibrated: bool = False) -> Nested:
        """The triangle of all rows, damped; nothing can be added afterwards.

        All columns are damped at the level of rounding. Columns that the earlier ones span, as in a
        null space of A, are damped so much that their unknowns vanish.

        Args:
            equilibrated: whether rounding is relative to each column. Otherwise it is relative to
                the longest one: for orthonormal directions lengths mean something, and a column
                that is noise relative to the longest must not be fitted.
        """
        self._reduce()
        r = self.rank
        R = self._stack[self._room :].clone()
        self._stack = R.new_empty(0, r + 1)
        lengths = torch.linalg.vector_norm(R[:r, :r], dim=0)
        scales = torch.where(lengths > 0, lengths, 1.0) if equilibrated else R.new_ones(r)
        longest = (lengths / scales).max().item() or 1.0
        epsilon = torch.finfo(R.dtype).eps
        noise = NOISE * epsilon * longest
        levels = ROUNDING * epsilon * longest * scales
        short = R.diagonal()[:r].abs() <= noise * scales
        levels = torch.where(short, longest * scales, levels)
        damped = torch.cat([R, torch.nn.functional.pad(levels, (0, 1)).diag()])
        found = factored(damped, trapezoid=r + 1).reflectors[: r + 1].triu()
        rest = abs(found[r, r].item())
        return Nested(found[:r, :r], found[:r, r], R[:r, :r], levels, scales, noise, rest)

    def _reduce(self) -> None:
        """Fold the waiting rows into the triangle, which moves back below them."""
        waiting, size = self._waiting, self.rank + 1
        if not waiting:
            return
        first = self._room - waiting
        factored(self._stack[first:], trapezoid=size)
        for stop in range(size, 0, -waiting):  # from below, as the places may overlap
            start = max(0, stop - waiting)
            rows = self._stack[first + start : first + stop].triu(start)
            self._stack[self._room + start : self._room + stop] = rows
        self._waiting = 0
