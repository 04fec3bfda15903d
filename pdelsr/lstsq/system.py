"""The linear systems of least squares: A and b, as a whole, in chunks of rows, or by products."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.processes import ALONE, Group

BLOCK = 2**30  # bytes of the rows that are multiplied with others
CHUNK = 4096  # rows of a matrix that is in memory anyway


class NotFiniteError(ArithmeticError):
    """An entry of A or b is not finite, so there is nothing to solve."""


class System(ABC):
    """min_y ‖A y − b‖ with A (n, r), dense, in chunks, or by products.

    A direct solver forms A by `dense`, and may overwrite it. A solver that reads every row once
    takes `chunks`, and an iterative one `times` and `transpose_times`: neither ever holds the
    matrix.

    The rows may be spread over processes. Then `shape`, `b`, `chunks` and `times` are those of the
    rows of this process, and `transpose_times` is a sum over the rows of all; see `group`.

    Raises:
        NotFiniteError: from any of these, if an entry is not finite.
    """

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """n and r."""

    @property
    @abstractmethod
    def like(self) -> Tensor:
        """A tensor of the dtype and on the device of A."""

    @property
    @abstractmethod
    def b(self) -> Float[Tensor, " n"]:
        """The right-hand side."""

    @property
    def group(self) -> Group:
        """The processes over which the rows are spread; a single one by default."""
        return ALONE

    @abstractmethod
    def chunks(self) -> Iterator[tuple[Float[Tensor, "c r"], Float[Tensor, " c"]]]:
        """Rows of A with their entries of b, in order."""

    @abstractmethod
    def times(self, y: Float[Tensor, " r"]) -> Float[Tensor, " n"]:
        """A y."""

    @abstractmethod
    def transpose_times(self, w: Float[Tensor, " n"]) -> Float[Tensor, " r"]:
        """Aᵀ w."""

    def dense(self) -> tuple[Float[Tensor, "n r"], Float[Tensor, " n"]]:
        """A and b, which belong to the caller."""
        n, r = self.shape
        A, b, start = self.like.new_empty(n, r), self.like.new_empty(n), 0
        for rows, part in self.chunks():
            place = slice(start, start + len(part))
            A[place], b[place], start = rows, part, place.stop
        return A, b

    def outer(self) -> Float[Tensor, "n n"]:
        """A Aᵀ; of A, two blocks of rows are held at once, and all of it where it is small."""
        n, r = self.shape
        most = max(1, BLOCK // max(1, r * self.like.element_size()))
        K = self.like.new_empty(n, n)
        for rows, block in self._blocks(most, n):
            K[rows, rows] = block @ block.T
            for columns, others in self._blocks(most, rows.start):
                K[rows, columns] = block @ others.T
                K[columns, rows] = K[rows, columns].T
        return K

    def _blocks(self, most: int, stop: int) -> Iterator[tuple[slice, Float[Tensor, "c r"]]]:
        """Blocks of so many rows, up to a row, and where they stand; each overwrites the last."""
        if not stop:
            return
        block = self.like.new_empty(min(most, stop), self.shape[1])
        start = filled = 0
        for rows in self.rows_in_order():
            while len(rows):
                part = rows[: min(len(block), stop - start) - filled]
                block[filled : filled + len(part)] = part
                filled, rows = filled + len(part), rows[len(part) :]
                if filled == len(block) or start + filled == stop:
                    yield slice(start, start + filled), block[:filled]
                    start, filled = start + filled, 0
                if start == stop:
                    return

    def rows_in_order(self) -> Iterator[Float[Tensor, "c r"]]:
        """Rows of A, the same at every call."""
        return (rows for rows, _ in self.chunks())

    def column_lengths(self) -> Float[Tensor, " r"]:
        """‖A e_j‖ of every column, 1 where it vanishes."""
        squares = self.like.new_zeros(self.shape[1])
        for rows, _ in self.chunks():
            squares += rows.square().sum(dim=0)
        lengths = squares.sqrt()
        return torch.where(lengths == 0, torch.ones_like(lengths), lengths)


@dataclass(frozen=True, eq=False)
class MatrixSystem(System):
    """A matrix in memory, and a right-hand side.

    Args:
        A: (n, r); a direct solver may overwrite it.
        right_side: b, (n,); None for zero.
    """

    A: Float[Tensor, "n r"]
    right_side: Float[Tensor, " n"] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        n, r = self.A.shape
        return n, r

    @property
    def like(self) -> Tensor:
        return self.A

    @property
    def b(self) -> Float[Tensor, " n"]:
        if self.right_side is None:
            return self.A.new_zeros(len(self.A))
        return self.right_side

    def dense(self) -> tuple[Float[Tensor, "n r"], Float[Tensor, " n"]]:
        return self.A, self.b

    def chunks(self) -> Iterator[tuple[Float[Tensor, "c r"], Float[Tensor, " c"]]]:
        yield from zip(self.A.split(CHUNK), self.b.split(CHUNK), strict=True)

    def outer(self) -> Float[Tensor, "n n"]:
        return self.A @ self.A.T

    def times(self, y: Float[Tensor, " r"]) -> Float[Tensor, " n"]:
        return self.A @ y

    def transpose_times(self, w: Float[Tensor, " n"]) -> Float[Tensor, " r"]:
        return self.A.T @ w


def require_finite(A: Tensor, b: Tensor) -> None:
    """Refuse rows with an entry that is not finite.

    Raises:
        NotFiniteError: there is one.
    """
    if not (torch.isfinite(A).all() and torch.isfinite(b).all()):
        raise NotFiniteError("an entry of the linear system is not finite")
