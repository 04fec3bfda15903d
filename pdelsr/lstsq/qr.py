"""Least squares by Householder QR, damped at the level of rounding."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdelsr.lstsq.base import LeastSquares, Solved, equilibrate
from pdelsr.lstsq.block_qr import PANEL, factored
from pdelsr.lstsq.spectrum import Spectrum, spectrum_of
from pdelsr.lstsq.system import System
from pdelsr.lstsq.tree_qr import TreeQR, tree_factored

PART = 0.85  # share of the directions in a partial solution
ROUNDED = 30  # times the damping: about what rounding leaves of a column that others span
COPIED_ROWS = 256  # that are copied at once
LARGEST_SVD = 800  # columns up to which an SVD is cheap beside the factorization


@dataclass(frozen=True)
class QRState:
    """Factors of the stacked matrix, the order of its columns, their lengths, and b."""

    factors: TreeQR
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
    shares_rows = True

    def numbers(self, n: int | float, r: int) -> int | float:
        return n * (r + min(r, PANEL)) + 8 * r**2  # the latter for the spectrum

    def init(self, system: System) -> QRState:
        group, (n, r), like = system.group, system.shape, system.like
        generator = torch.Generator().manual_seed(r)
        order = torch.randperm(r, generator=generator, device="cpu").to(like.device)
        # λ I below the rows of one process, and zeros where there are fewer rows than columns
        below = r if group.is_first else max(r - n, 0)

        def formed() -> tuple[Tensor, Tensor]:
            stacked = like.new_zeros(r, n + below).T  # the columns of a panel are contiguous
            b, start = like.new_empty(n), 0
            for rows, part in system.chunks():
                b[start : start + len(part)] = part
                for some in rows.split(COPIED_ROWS):
                    place = stacked[start : start + len(some)]
                    torch.index_select(some.T, 0, order, out=place.T)
                    start += len(some)
            return stacked, b

        stacked, b = group.together(formed)
        _, lengths = equilibrate(stacked[:n], group)
        if group.is_first:
            stacked[n:].diagonal().fill_(self.damping * torch.finfo(stacked.dtype).eps)
        factors = tree_factored(stacked, group, trapezoid=r if group.is_first else 0)
        return QRState(factors, order, lengths, b)

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
        diagonal = state.factors.R.diagonal().abs()
        rounding = ROUNDED * self.damping * torch.finfo(diagonal.dtype).eps
        return int((diagonal > rounding).sum())

    def root_covariance(self, state: QRState, rows: Float[Tensor, "q r"]) -> Float[Tensor, "q r"]:
        R = state.factors.R
        scaled = (rows[:, state.order] / state.lengths).T
        return torch.linalg.solve_triangular(R.T, scaled, upper=False).T

    def left_over(self, state: QRState, b: Float[Tensor, " n"] | None = None) -> float:
        return state.factors.rotated(state.b if b is None else b)[1]

    def _solve(self, state: QRState, b: Tensor | None, part: int) -> Tensor:
        """The solution in the first `part` columns of the order, zero in the others."""
        rotated, _ = state.factors.rotated(state.b if b is None else b)
        R = state.factors.R[:part, :part]
        z = torch.linalg.solve_triangular(R, rotated[:part, None], upper=True)[:, 0]
        y = z.new_zeros(state.order.numel())
        y[state.order[:part]] = z / state.lengths[:part]
        return state.factors.group.agreed(y)

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
