"""QR of a matrix that arrives in blocks of rows, in memory that does not grow with them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.lstsq.base import Spectrum, spectrum_of

ROUNDING = 50  # times epsilon and the longest column: damping of all columns
NOISE = 1000  # times the same: a column of which less is left is noise
BUFFER = 2  # times r rows wait before a factorization, so that most of its work is new


class StreamingQR:
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

    def finish(self) -> Nested:
        """The triangle of all rows so far, damped.

        The columns keep their lengths, which for orthonormal directions mean something: one that is
        rounding noise beside the longest must not be fitted with. So all are damped at the level
        of rounding, and those that the columns before them leave nothing of, as in a null space
        of A, so much that their unknowns vanish.
        """
        self._reduce()
        R, z = self._stack[: self.rank, :-1].clone(), self._stack[: self.rank, -1]
        longest = torch.linalg.vector_norm(R, dim=0).max().item() or 1.0
        epsilon = torch.finfo(R.dtype).eps
        noise = NOISE * epsilon * longest
        levels = torch.full_like(z, ROUNDING * epsilon * longest)
        levels[R.diagonal().abs() <= noise] = longest
        stacked = torch.cat([R, levels.diag()])
        augmented = torch.cat([stacked, torch.cat([z, z.new_zeros(self.rank)])[:, None]], dim=1)
        triangle = torch.linalg.qr(augmented, mode="r").R
        rest = math.hypot(self._stack[self.rank, -1].item(), triangle[self.rank, -1].item())
        return Nested(triangle[: self.rank, :-1], triangle[: self.rank, -1], R, levels, noise, rest)

    def _reduce(self) -> None:
        triangle = torch.linalg.qr(self._stack[: self._filled], mode="r").R
        self._filled = triangle.shape[0]
        self._stack[: self._filled] = triangle
        self._stack[self._filled :] = 0


@dataclass(frozen=True)
class Nested:
    """The solutions of a least-squares problem in its first k columns, for every k.

    Args:
        R: triangle of the damped columns.
        z: the rotated right-hand side.
        undamped: the triangle without damping.
        levels: of the damping, for every column.
        noise: singular values below are rounding.
        rest: of the right-hand side, ‖[b; 0] − [A; levels] y‖ at the solution y in all columns.
    """

    R: Float[Tensor, "r r"]
    z: Float[Tensor, " r"]
    undamped: Float[Tensor, "r r"]
    levels: Float[Tensor, " r"]
    noise: float
    rest: float

    @property
    def rank(self) -> int:
        """r, all columns."""
        return self.z.numel()

    def solution(self, k: int) -> Float[Tensor, " k"]:
        """The k unknowns of the problem in the first k columns."""
        return torch.linalg.solve_triangular(self.R[:k, :k], self.z[:k, None], upper=True)[:, 0]

    def padded(self, k: int) -> Float[Tensor, " r"]:
        """The same with zeros for the other columns."""
        return torch.nn.functional.pad(self.solution(k), (0, self.rank - k))

    def squares(self, y: Float[Tensor, " r"]) -> float:
        """‖A y − b‖² = ‖R y − z‖² + rest² − ‖levels y‖², at least the rounding of b."""
        damped = (self.R @ y - self.z).square().sum().item() + self.rest**2
        length = self.z.square().sum().item() + self.rest**2
        floor = torch.finfo(y.dtype).eps ** 2 * length
        return max(damped - (self.levels * y).square().sum().item(), floor)

    def spectrum(self, k: int) -> Spectrum:
        """Singular values of the first k columns."""
        values = torch.linalg.svdvals(self.undamped[:k, :k])
        largest = max(values[0].item(), torch.finfo(values.dtype).tiny)
        return spectrum_of(values, max(self.noise / largest, k * torch.finfo(values.dtype).eps))
