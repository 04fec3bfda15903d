"""The contract of least-squares solvers: factor once, solve for any right-hand side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Spectrum:
    """Singular values of the column-equilibrated matrix, and what they say.

    Args:
        singular_values: in falling order; empty where the solver does not know them.
        effective_rank: how many stand above rounding (or above the solver's own cut).
        condition: largest over smallest.
    """

    singular_values: Float[Tensor, " r"]
    effective_rank: int
    condition: float


class LeastSquares(ABC):
    """Solves min_y ‖A y − b‖ for a dense A (n, r)."""

    name: str

    def numbers(self, n: int | float, r: int) -> int | float:
        """How many numbers are alive at once for A (n, r), by which a run estimates its memory.

        Those of a direct solver here, which holds A and its factors.
        """
        return 2 * n * r + 2 * r**2

    @abstractmethod
    def init(self, A: Float[Tensor, "n r"]) -> Any:
        """Factor A (which may be overwritten) into a state."""

    @abstractmethod
    def compute(self, state: Any, b: Float[Tensor, " n"]) -> Float[Tensor, " r"]:
        """The solution y for one right-hand side."""

    def nested(self, state: Any, b: Float[Tensor, " n"]) -> Float[Tensor, " r"] | None:
        """The solution in a part of the directions, where the factors give it at no cost.

        Its distance from the full solution tells how far both may be from the truth.
        """
        return None

    def rough_rank(self, state: Any) -> int | None:
        """About the effective rank, at no cost; None where the factors do not show it."""
        return None

    def left_over(self, state: Any, b: Float[Tensor, " n"]) -> float | None:
        """‖A y − b‖ of the solution y, without A; None where the factors do not tell it."""
        return None

    def root_covariance(
        self, state: Any, rows: Float[Tensor, "q r"]
    ) -> Float[Tensor, "q s"] | None:
        """X with X Xᵀ = rows (AᵀA)⁻¹ rowsᵀ, what lies below rounding being taken at rounding.

        The largest singular value is how much larger than A y the values `rows` · y can be: how far
        the solution moves for a residual of norm one. None where the solver has no factors to tell.
        """
        return None

    @abstractmethod
    def spectrum(self, state: Any) -> Spectrum:
        """Effective rank and condition number of the factored matrix."""


def equilibrate(A: Float[Tensor, "n r"]) -> tuple[Float[Tensor, "n r"], Float[Tensor, " r"]]:
    """Scale the columns of A to unit length, in place; zero columns stay.

    Tangent directions differ by many orders of magnitude; a cut by rounding is only meaningful
    between columns of one length.
    """
    lengths = torch.linalg.vector_norm(A, dim=0)
    lengths = torch.where(lengths > 0, lengths, torch.ones_like(lengths))
    return A.div_(lengths), lengths


def spectrum_of(singular_values: Tensor, cut: int | float) -> Spectrum:
    """Rank above `cut` · σ_max, and σ_max / σ_min."""
    largest, smallest = singular_values[0].item(), singular_values[-1].item()
    rank = int((singular_values > cut * largest).sum())
    return Spectrum(singular_values, rank, largest / smallest if smallest > 0 else float("inf"))
