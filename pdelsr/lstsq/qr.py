"""Least squares by Householder QR, damped at the level of rounding."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdelsr.lstsq.base import LeastSquares, Spectrum, equilibrate, spectrum_of

NESTED = 0.85  # share of the directions in the nested solution
ROUNDED = 30  # times the damping: what rounding leaves of a column that others span, about
PANEL, FEW = 768, 128  # columns of a panel, at most and at least
OPERATIONS = 2e10  # of one call, about, for which the clock has to wait
LARGEST_SVD = 1500  # columns up to which an SVD is cheap beside the factorization


@dataclass(frozen=True)
class QRState:
    """Householder vectors of the stacked matrix, the order of its columns and their lengths."""

    reflectors: Float[Tensor, "nr r"]
    tau: Float[Tensor, " r"]
    order: Int[Tensor, " r"]
    lengths: Float[Tensor, " r"]


@dataclass(frozen=True)
class QR(LeastSquares):
    """QR of the equilibrated A on top of a small multiple of the identity.

        [ A D⁻¹ ]           [ b ]
        [       ] (D y)  =  [   ] ,   D = diag(column lengths)
        [  λ I  ]           [ 0 ]

    The damping λ bounds ‖D y‖, whose rounding errors would otherwise be the floor of the refined
    prediction; it squares no condition number. The columns are put in a random order first, so
    that the leading block of R is the problem in a random part of the directions.

    Args:
        damping: λ in units of the machine epsilon. On Poisson's equation values of 10 to 1000
            gave the smallest errors, and 0 cost a factor of two.
    """

    damping: int | float = 50.0
    name = "qr"

    def init(self, A: Float[Tensor, "n r"]) -> QRState:
        n, r = A.shape
        order = torch.randperm(r, generator=torch.Generator().manual_seed(r)).to(A.device)
        stacked = A.new_zeros(n + r, r)
        torch.index_select(A, 1, order, out=stacked[:n])
        _, lengths = equilibrate(stacked[:n])
        stacked[n:].diagonal().fill_(self.damping * torch.finfo(A.dtype).eps)
        return QRState(*householder(stacked), order, lengths)

    def compute(self, state: QRState, b: Float[Tensor, " n"]) -> Float[Tensor, " r"]:
        return self._solve(state, b, state.order.numel())

    def nested(self, state: QRState, b: Float[Tensor, " n"]) -> Float[Tensor, " r"] | None:
        part = int(NESTED * state.order.numel())
        return self._solve(state, b, part) if part else None

    def rough_rank(self, state: QRState) -> int:
        # In random order, the first columns fill the space. Of those after them only the damping is
        # left on the diagonal, with rounding errors: three to a hundred times as much.
        diagonal = state.reflectors.diagonal().abs()
        rounding = ROUNDED * self.damping * torch.finfo(diagonal.dtype).eps
        return int((diagonal > rounding).sum())

    def root_covariance(self, state: QRState, rows: Float[Tensor, "q r"]) -> Float[Tensor, "q r"]:
        R = state.reflectors[: state.order.numel()].triu()
        scaled = (rows[:, state.order] / state.lengths).T
        return torch.linalg.solve_triangular(R.T, scaled, upper=False).T

    def _solve(self, state: QRState, b: Tensor, part: int) -> Tensor:
        """The solution in the first `part` columns of the order, zero in the others."""
        rows = state.reflectors.shape[0]
        padded = torch.cat([b, b.new_zeros(rows - b.shape[0])])[:, None]
        rotated = torch.ormqr(state.reflectors, state.tau, padded, left=True, transpose=True)
        R = state.reflectors[:part, :part].triu()
        z = torch.linalg.solve_triangular(R, rotated[:part], upper=True)[:, 0]
        y = b.new_zeros(state.order.numel())
        y[state.order[:part]] = z / state.lengths[:part]
        return y

    def spectrum(self, state: QRState) -> Spectrum:
        r = state.reflectors.shape[1]
        R = state.reflectors[:r].triu()
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
    signs = torch.randint(0, 2, R.shape[:1], generator=generator) * 2 - 1
    waves = torch.fft.fft(R * signs.to(R), norm="ortho")
    rotated = waves.real - waves.imag  # the Hartley transform, which is orthogonal
    factor = householder(rotated)[0].triu()
    return householder(factor.T.contiguous())[0].diagonal().abs().sort(descending=True).values


def householder(A: Float[Tensor, "n r"]) -> tuple[Float[Tensor, "n r"], Float[Tensor, " q"]]:
    """Reflectors and their factors as LAPACK's geqrf gives them; A is overwritten.

    By panels of columns, each of which is factored and then applied to the columns right of it.
    Between two pieces Python can look at the clock, while one call for the whole takes tens of
    seconds on large matrices; and no time is lost.
    """
    n, r = A.shape
    count = min(n, r)
    tau = A.new_empty(count)
    width = min(PANEL, max(FEW, int((OPERATIONS / (2 * max(n, 1))) ** 0.5)))
    for start in range(0, count, width):
        stop = min(start + width, count)
        rows, columns = slice(start, n), slice(start, stop)
        panel, tau[columns] = torch.geqrf(A[rows, columns])
        A[rows, columns] = panel
        for left in range(stop, r, width):
            part = slice(left, min(left + width, r))
            A[rows, part] = torch.ormqr(panel, tau[columns], A[rows, part], transpose=True)
    return A, tau
