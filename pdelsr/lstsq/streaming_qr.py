"""Least squares by QR of one chunk of rows after another, in constant memory."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.lstsq.base import LeastSquares, Solved
from pdelsr.lstsq.nested import Nested
from pdelsr.lstsq.spectrum import Spectrum
from pdelsr.lstsq.system import System
from pdelsr.lstsq.triangle import WAITING, Triangle

FINISHED = 4.5  # r²: memory of the last factorization and its answer


@dataclass(frozen=True)
class StreamingQRState:
    """The triangle of [A b], and the system for products with other vectors."""

    nested: Nested
    system: System


@dataclass(frozen=True)
class StreamingQR(LeastSquares):
    """QR that stacks the next rows on the triangle of the rows so far.

        [ A  b ]
        [ R  z ] = Q [ R' z' ]    (Cao and Zhang 2026, Algorithm S1)

    Memory takes r² numbers, however many rows there are. The triangle holds the solutions in the
    leading k columns for every k, from which a rank is chosen on data. Q is not kept: other
    right-hand sides than that of the system are solved by the seminormal equations RᵀR y = Aᵀb,
    with one step of refinement (Björck 1987, Linear Algebra Appl. 88/89, 31).

    Args:
        equilibrated: whether rounding is relative to each column, or to the longest one. The latter
            suits orthonormal directions in order of importance.
    """

    equilibrated: bool = True
    name = "streaming-qr"
    shares_rows = True
    keeps_leading = True

    def numbers(self, n: int | float, r: int) -> int | float:
        return max(1 + WAITING, FINISHED) * r**2

    def forms_matrix(self, n: int | float, r: int) -> bool:
        return False

    def init(self, system: System) -> StreamingQRState:
        triangle = Triangle(system.shape[1], system.like)

        def streamed() -> None:
            for rows, b in system.chunks():
                triangle.update(rows, b)

        system.group.together(streamed)
        triangle.merge(system.group)
        return StreamingQRState(triangle.finish(self.equilibrated), system)

    def compute(self, state: StreamingQRState, b: Float[Tensor, " n"] | None = None) -> Solved:
        if b is None:
            return Solved(state.nested.solution(state.nested.rank))
        y = state.nested.seminormal(state.system.transpose_times(b))
        rest = state.system.transpose_times(b - state.system.times(y))
        return Solved(state.system.group.agreed(y + state.nested.seminormal(rest)))

    def leading(self, state: StreamingQRState) -> Nested:
        return state.nested

    def left_over(
        self, state: StreamingQRState, b: Float[Tensor, " n"] | None = None
    ) -> float | None:
        if b is not None:
            return None
        nested = state.nested
        return nested.squares(nested.solution(nested.rank)) ** 0.5

    def root_covariance(
        self, state: StreamingQRState, rows: Float[Tensor, "q r"]
    ) -> Float[Tensor, "q r"]:
        return torch.linalg.solve_triangular(state.nested.R.T, rows.T, upper=False).T

    def spectrum(self, state: StreamingQRState) -> Spectrum:
        return state.nested.spectrum(state.nested.rank)
