"""Least squares by a truncated singular value decomposition."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.lstsq.base import LeastSquares, Solved, equilibrate
from pdelsr.lstsq.spectrum import Spectrum, spectrum_of
from pdelsr.lstsq.system import System
from pdelsr.lstsq.tree_qr import TreeQR, tree_factored


@dataclass(frozen=True)
class SVDState:
    """Thin SVD A D⁻¹ = Q U Σ Wᵀ, cut at the effective rank, the column lengths, and b.

    Args:
        factors: of A D⁻¹ = Q R, whose triangle is R = U Σ Wᵀ.
        U: (r, k).
        values: Σ before the cut.
        Wt: (k, r).
        lengths: D.
        b: right-hand side.
        largest: max(n, r).
    """

    factors: TreeQR
    U: Float[Tensor, "r k"]
    values: Float[Tensor, " s"]
    Wt: Float[Tensor, "k r"]
    lengths: Float[Tensor, " r"]
    b: Float[Tensor, " n"]
    largest: int


@dataclass(frozen=True)
class TruncatedSVD(LeastSquares):
    """Minimum-norm solution in the singular directions above a cut.

    The most robust choice for rank-deficient systems, at several times the cost of `QR`.

    Args:
        cut: singular values below cut · σ_max are dropped; None for max(n, r) · epsilon.
    """

    cut: int | float | None = None
    name = "svd"
    shares_rows = True

    def numbers(self, n: int | float, r: int) -> int | float:
        return 2 * n * r + 8 * r**2

    def init(self, system: System) -> SVDState:
        group = system.group
        A, b = group.together(system.dense)
        n, r = A.shape
        A, lengths = equilibrate(A, group)
        stacked = A.new_zeros(r, max(n, r)).T  # the columns of a panel are contiguous
        stacked[:n] = A
        del A
        factors = tree_factored(stacked, group)
        U, values, Wt = torch.linalg.svd(factors.R, full_matrices=False)
        largest = max(sum(group.counts(n)), r)
        cut = largest * torch.finfo(values.dtype).eps if self.cut is None else self.cut
        rank = spectrum_of(values, cut).effective_rank
        return SVDState(factors, U[:, :rank], values, Wt[:rank], lengths, b, largest)

    def compute(self, state: SVDState, b: Float[Tensor, " n"] | None = None) -> Solved:
        rank = state.Wt.shape[0]
        along = state.U.T @ state.factors.rotated(state.b if b is None else b)[0]
        y = state.Wt.T @ (along / state.values[:rank])
        found = state.factors.group.agreed(y / state.lengths)
        return Solved(found, rank, self.spectrum(state).condition)

    def root_covariance(self, state: SVDState, rows: Float[Tensor, "q r"]) -> Float[Tensor, "q s"]:
        scaled, values = rows / state.lengths, state.values[: state.Wt.shape[0]]
        kept = scaled @ state.Wt.T
        if len(values) == scaled.shape[1]:
            return kept / values
        left_out = scaled - kept @ state.Wt
        eps = torch.finfo(values.dtype).eps
        cut = (state.largest * eps if self.cut is None else self.cut) * state.values.amax()
        return torch.cat([kept / values, left_out / cut], dim=1)

    def left_over(self, state: SVDState, b: Float[Tensor, " n"] | None = None) -> float:
        z, rest = state.factors.rotated(state.b if b is None else b)
        missed = torch.linalg.vector_norm(z - state.U @ (state.U.T @ z)).item()
        return math.hypot(missed, rest)

    def spectrum(self, state: SVDState) -> Spectrum:
        found = spectrum_of(state.values, 0.0)
        return Spectrum(found.singular_values, state.Wt.shape[0], found.condition)
