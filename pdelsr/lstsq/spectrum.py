"""Singular values of a reduced system, effective rank and condition."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Spectrum:
    """Singular values of the column-equilibrated matrix, effective rank and condition.

    Args:
        singular_values: in falling order.
        effective_rank: how many stand above rounding (or above the solver's own cut).
        condition: largest over smallest.
    """

    singular_values: Float[Tensor, " r"]
    effective_rank: int
    condition: float


def spectrum_of(singular_values: Tensor, cut: int | float) -> Spectrum:
    """Rank above `cut` · σ_max, and σ_max / σ_min."""
    largest, smallest = singular_values[0].item(), singular_values[-1].item()
    rank = int((singular_values > cut * largest).sum())
    return Spectrum(singular_values, rank, largest / smallest if smallest > 0 else float("inf"))
