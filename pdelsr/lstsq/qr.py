"""Least squares by Householder QR, damped at the level of rounding."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.lstsq.base import LeastSquares, Spectrum, equilibrate, spectrum_of


@dataclass(frozen=True)
class QRState:
    """Householder vectors of the stacked matrix, and the column lengths."""

    reflectors: Float[Tensor, "nr r"]
    tau: Float[Tensor, " r"]
    lengths: Float[Tensor, " r"]


@dataclass(frozen=True)
class QR(LeastSquares):
    """QR of the equilibrated A on top of a small multiple of the identity.

        [ A D⁻¹ ]           [ b ]
        [       ] (D y)  =  [   ] ,   D = diag(column lengths)
        [  λ I  ]           [ 0 ]

    The damping λ bounds ‖D y‖, whose rounding errors would otherwise be the floor of the refined
    prediction; it squares no condition number.

    Args:
        damping: λ in units of the machine epsilon. On Poisson's equation values of 10 to 1000
            gave the smallest errors, and 0 cost a factor of two.
    """

    damping: int | float = 50.0
    name = "qr"

    def init(self, A: Float[Tensor, "n r"]) -> QRState:
        A, lengths = equilibrate(A)
        r = A.shape[1]
        damping = self.damping * torch.finfo(A.dtype).eps
        stacked = torch.cat([A, damping * torch.eye(r, dtype=A.dtype, device=A.device)])
        reflectors, tau = torch.geqrf(stacked)
        return QRState(reflectors, tau, lengths)

    def compute(self, state: QRState, b: Float[Tensor, " n"]) -> Float[Tensor, " r"]:
        rows, r = state.reflectors.shape
        padded = torch.cat([b, b.new_zeros(rows - b.shape[0])])[:, None]
        rotated = torch.ormqr(state.reflectors, state.tau, padded, left=True, transpose=True)
        R = state.reflectors[:r]
        y = torch.linalg.solve_triangular(R.triu(), rotated[:r], upper=True)[:, 0]
        return y / state.lengths

    def spectrum(self, state: QRState) -> Spectrum:
        r = state.reflectors.shape[1]
        values = torch.linalg.svdvals(state.reflectors[:r].triu())
        eps = torch.finfo(values.dtype).eps
        # The stack has σ² + λ²; a direction counts where σ itself exceeds the damping.
        return spectrum_of(values, max(2**0.5 * self.damping, r) * eps / values[0].item())
