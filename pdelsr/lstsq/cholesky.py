"""Least squares by the normal equations: fastest, and half the digits."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.errors import warn
from pdelsr.lstsq.base import LeastSquares, Solved, equilibrate
from pdelsr.lstsq.spectrum import Spectrum, spectrum_of
from pdelsr.lstsq.system import System
from pdelsr.processes import Group
from pdelsr.processes.triangles import symmetric_sum


class NormalEquationsWarning(UserWarning):
    """The chosen solver squares the condition number."""


@dataclass(frozen=True)
class CholeskyState:
    """The Cholesky factor of AᵀA + μ I, the matrix, its column lengths, μ, and b."""

    factor: Float[Tensor, "r r"]
    A: Float[Tensor, "n r"]
    lengths: Float[Tensor, " r"]
    damping: float
    b: Float[Tensor, " n"]
    group: Group


@dataclass(frozen=True)
class Cholesky(LeastSquares):
    """(AᵀA + μ I) y = Aᵀ b with μ just above rounding.

    Note that this squares the condition number: directions whose singular values lie below
    sqrt(epsilon) · σ_max are lost, about 1e-8 in fp64. Good for damped steps, not for digits.

    Args:
        damping: μ in units of r · epsilon, relative to unit columns; raised until AᵀA + μ I is
            positive definite.
    """

    damping: int | float = 1.0
    name = "cholesky"
    shares_rows = True

    def numbers(self, n: int | float, r: int) -> int | float:
        return n * r + 4 * r**2

    def init(self, system: System) -> CholeskyState:
        warn(
            "Cholesky squares the condition number: about half of the digits are lost. Use 'qr' "
            "for the final refinement.",
            NormalEquationsWarning,
        )
        group = system.group
        A, b = group.together(system.dense)
        A, lengths = equilibrate(A, group)
        r = A.shape[1]
        normal = symmetric_sum(A.T @ A, group)
        smallest = r * torch.finfo(A.dtype).eps
        damping = float(self.damping * smallest)
        while True:
            shifted = normal + damping * torch.eye(r, dtype=A.dtype, device=A.device)
            factor, info = torch.linalg.cholesky_ex(shifted)
            if int(info) == 0 or damping > 1.0:
                return CholeskyState(factor, A, lengths, damping, b, group)
            damping = max(10.0 * damping, smallest)

    def compute(self, state: CholeskyState, b: Float[Tensor, " n"] | None = None) -> Solved:
        slope = state.group.sum(state.A.T @ (state.b if b is None else b))
        scaled = torch.cholesky_solve(slope[:, None], state.factor)[:, 0]
        return Solved(state.group.agreed(scaled / state.lengths))

    def root_covariance(
        self, state: CholeskyState, rows: Float[Tensor, "q r"]
    ) -> Float[Tensor, "q r"]:
        scaled = (rows / state.lengths).T
        return torch.linalg.solve_triangular(state.factor, scaled, upper=False).T

    def spectrum(self, state: CholeskyState) -> Spectrum:
        values = torch.linalg.svdvals(state.factor)
        rounding = (values.numel() * torch.finfo(values.dtype).eps) ** 0.5
        # The factor has σ² + μ; a direction counts where σ² itself exceeds the damping.
        return spectrum_of(values, max(rounding, (2.0 * state.damping) ** 0.5 / values[0].item()))
