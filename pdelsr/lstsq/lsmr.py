"""Least squares by LSMR: no factorization, for matrices too large to factor."""

from __future__ import annotations

from dataclasses import dataclass

import scipy
import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.lstsq.base import LeastSquares, Spectrum, equilibrate, spectrum_of


@dataclass(frozen=True)
class LSMRState:
    """The equilibrated matrix and its column lengths."""

    A: Float[Tensor, "n r"]
    lengths: Float[Tensor, " r"]


@dataclass(frozen=True)
class LSMR(LeastSquares):
    """Golub–Kahan iteration (Fong and Saunders 2011), run on the CPU.

    Its iterations resolve one decade of singular values after another, so ill-conditioned tangent
    systems stop far from the minimum: the paper's Figs. 2c and 4c, and a reason for `QR`.

    Args:
        iterations: at most; None for 4 r.
        tolerance: relative, of LSMR's own stopping tests.
    """

    iterations: int | None = None
    tolerance: int | float = 1e-14
    name = "lsmr"

    def numbers(self, n: int | float, r: int) -> int | float:
        return 2 * n * r

    def init(self, A: Float[Tensor, "n r"]) -> LSMRState:
        A, lengths = equilibrate(A)
        return LSMRState(A, lengths)

    def compute(self, state: LSMRState, b: Float[Tensor, " n"]) -> Float[Tensor, " r"]:
        found = scipy.sparse.linalg.lsmr(
            state.A.double().cpu().numpy(),  # scipy's constants overflow in single precision
            b.double().cpu().numpy(),
            atol=self.tolerance,
            btol=self.tolerance,
            conlim=0,
            maxiter=self.iterations or 4 * state.A.shape[1],
        )
        return torch.as_tensor(found[0], dtype=b.dtype, device=b.device) / state.lengths

    def spectrum(self, state: LSMRState) -> Spectrum:
        values = torch.linalg.svdvals(state.A)
        cut = max(state.A.shape) * torch.finfo(values.dtype).eps
        return spectrum_of(values, cut)
