"""Least squares by Householder QR, damped at the level of rounding."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdelsr.lstsq.base import LeastSquares, Solved, equilibrate
from pdelsr.lstsq.block_qr import Householder, factored
from pdelsr.lstsq.spectrum import Spectrum, spectrum_of
from pdelsr.lstsq.system import System

PART = 0.85  # share of the directions in a partial solution
ROUNDED = 30  # times the damping: about what rounding leaves of a column that others span
COPIED_ROWS = 256  # that are copied at once
LARGEST_SVD = 800  # columns up to which an SVD is cheap beside the factorization


@dataclass(frozen=True)
class QRState:
    """Factors of the stacked matrix, the order of its columns, their lengths, and b."""

    factors: Householder
    order: Int[Tensor, " r"]
    lengths: Float[Tensor, " r"]
    b: Float[Tensor, " n"]


@dataclass(frozen=True)
class QR(LeastSquares):
    """QR of the equilibrated A on top of a small multiple of the identity.

        [ A D⁻¹ ]           [ b ]
        [       ] (D y)  =  [   ] ,   D = diag(column lengths)
        [  λ I  ]           [ 0 ]

    The damping λ bounds ‖D y‖, whose rounding errors would otherwise be the floor of the refined
    prediction; it does not square the condition number. The columns are first put in a random
    order, so the leading block of R is the problem in a random part of the directions.

    Args:
        damping: λ in units of the machine epsilon. On Poisson's equation values of 10 to 1000
            gave the smallest errors, and 0 cost a factor of two.
    """

    damping: int | float = 50.0
    name = "qr"

    def numbers(self, n: int | float, r: int) -> int | float:
        return max(2 * n * r + 2 * r**2, n * r + 8 * r**2)  # the latter for the spectrum

    def init(self, system: System) -> QRState:
        A, b = system.dense()
        n, r = A.shape
        generator = torch.Generator().manual_seed(r)
        order = torch.randperm(r, generator=generator, device="cpu").to(A.device)
        stacked = A.new_zeros(r, n + r).T  # the columns of a panel are contiguous
        for rows, place in zip(A.split(COPIED_ROWS), stacked[:n].split(COPIED_ROWS), strict=True):
            torch.index_select(rows.T, 0, order, out=place.T)
        del A
        _, lengths = equilibrate(stacked[:n])
        stacked[n:].diagonal().fill_(self.damping * torch.finfo(stacked.dtype).eps)
        return QRState(factored(stacked, trapezoid=r), order, lengths, b)

    def compute(self, state: QRState, b: Float[Tensor, " n"] | None = None) -> Solved:
        return Solved(self._solve(state, b, state.order.numel()), self._rough_rank(state))

    def in_part(
        self, state: QRState, b: Float[Tensor, " n"] | None = None
    ) -> Float[Tensor, " r"] | None:
        part = int(PART * state.order.numel())
        return self._solve(state, b, part) if part else None

    def _rough_rank(self, state: QRState) -> int:
        # In random order, the first columns span the space. The later ones leave only the damping
        # on the diagonal, with rounding errors: three to a hundred times as much.
        diagonal = state.factors.reflectors.diagonal().abs()
        rounding = ROUNDED * self.damping * torch.finfo(diagonal.dtype).eps
        return int((diagonal > rounding).sum())

    def root_covariance(self, state: QRState, rows: Float[Tensor, "q r"]) -> Float[Tensor, "q r"]:
        R = state.factors.R
        scaled = (rows[:, state.order] / state.lengths).T
        return torch.linalg.solve_triangular(R.T, scaled, upper=False).T

    def left_over(self, state: QRState, b: Float[Tensor, " n"] | None = None) -> float:
        b = state.b if b is None else b
        padded = torch.cat([b, b.new_zeros(len(state.factors.reflectors) - len(b))])
        rest = state.factors.rotated(padded)[state.order.numel() :]
        return torch.linalg.vector_norm(rest).item()

    def _solve(self, state: QRState, b: Tensor | None, part: int) -> Tensor:
        """The solution in the first `part` columns of the order, zero in the others."""
        b = state.b if b is None else b
        reflectors = state.factors.reflectors
        padded = torch.cat([b, b.new_zeros(len(reflectors) - len(b))])
        rotated = state.factors.rotated(padded)[:part, None]
        z = torch.linalg.solve_triangular(reflectors[:part, :part], rotated, upper=True)[:, 0]
        y = b.new_zeros(state.order.numel())
        y[state.order[:part]] = z / state.lengths[:part]
        return y

    def spectrum(self, state: QRState) -> Spectrum:
        R = state.factors.R
        r = len(R)
        values = torch.linalg.svdvals(R) if r <= LARGEST_SVD else estimated_values(R)
        eps = torch.finfo(values.dtype).eps
        # The stack has σ² + λ²; a direction counts where σ itself exceeds the damping.
        return spectrum_of(values, max(2**0.5 * self.damping, r) * eps / values[0].item())


def estimated_values(R: Float[Tensor, "r r"]) -> Float[Tensor, " r"]:
    """Singular values of a large matrix, each within a small factor, at a fraction of an SVD.

    Two QR factorizations in a row bring them out on the diagonal (Stewart 1999, SIAM J. Sci.
    Comput. 20, 1336); a random rotation of the columns takes the place of the pivots.
    """
    generator = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, R.shape[:1], generator=generator, device="cpu") * 2 - 1
    waves = torch.fft.fft(R * signs.to(R), norm="ortho")
    rotated = waves.real - waves.imag  # the Hartley transform, which is orthogonal
    once = factored(factored(rotated).R.T)
    return once.reflectors.diagonal().abs().sort(descending=True).values
