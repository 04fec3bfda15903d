"""Least squares by the normal equations: fastest, and half the digits."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.lstsq.base import LeastSquares, Spectrum, equilibrate, spectrum_of


class NormalEquationsWarning(UserWarning):
    """The chosen solver squares the condition number."""


@dataclass(frozen=True)
class CholeskyState:
    """The Cholesky factor of the damped normal matrix, the matrix, and its column lengths."""

    factor: Float[Tensor, "r r"]
    A: Float[Tensor, "n r"]
    lengths: Float[Tensor, "r"]


@dataclass(frozen=True)
class Cholesky(LeastSquares):
    """(AᵀA + μ I) y = Aᵀ b with μ just above rounding.

    Note that this squares the condition number: directions whose singular values lie below
    sqrt(epsilon) · σ_max are lost, about 1e-8 in fp64. Good for damped steps, not for digits.

    Args:
        damping: μ in units of r · epsilon, relative to unit columns; raised until AᵀA + μ I is
            positive definite.
    """

    damping: float = 1.0
    name = "cholesky"

    def init(self, A: Float[Tensor, "n r"]) -> CholeskyState:
        warnings.warn(
            "Cholesky squares the condition number: about half of the digits are lost. Use 'qr' "
            "for the final refinement.",
            NormalEquationsWarning,
            stacklevel=2,
        )
        A, lengths = equilibrate(A)
        r = A.shape[1]
        normal = A.T @ A
        damping = self.damping * r * torch.finfo(A.dtype).eps
        while True:
            shifted = normal + damping * torch.eye(r, dtype=A.dtype, device=A.device)
            factor, info = torch.linalg.cholesky_ex(shifted)
            if int(info) == 0 or damping > 1.0:
                return CholeskyState(factor, A, lengths)
            damping *= 10.0

    def compute(self, state: CholeskyState, b: Float[Tensor, "n"]) -> Float[Tensor, "r"]:
        return torch.cholesky_solve((state.A.T @ b)[:, None], state.factor)[:, 0] / state.lengths

    def spectrum(self, state: CholeskyState) -> Spectrum:
        values = torch.linalg.svdvals(state.factor)
        return spectrum_of(values, (values.numel() * torch.finfo(values.dtype).eps) ** 0.5)
