"""The report of a refinement on its reduced system."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize import Directions
from pdelsr.solvers.refinement.sensitivity import Sensitivity


@dataclass(frozen=True)
class RankReport:
    """The reduced system of a refinement.

    Args:
        rank: r, directions of the subspace.
        effective_rank: directions above rounding; None if there was no time to measure it, or if
            the solver does not tell.
        condition: of the column-equilibrated system; None likewise.
        singular_values: of the column-equilibrated system, in falling order; empty if they are not
            known.
        basis_values: singular values from which the basis was built, if any.
        directions: V.
        y: the reduced unknowns; the refined predictor is q + J V y.
        limit: why the rank was not raised further, if it was chosen.
        nested: δ in a part of the directions only, if the solver offers it.
        sensitivity: how far the solution moves for a small residual, if the solver tells.
        solver_ended: how the solver of the last reduced system ended, if before its own tolerance.
    """

    rank: int
    effective_rank: int | None
    condition: float | None
    singular_values: Float[Tensor, " s"]
    basis_values: Float[Tensor, " k"] | None = None
    directions: Directions | None = None
    y: Float[Tensor, " r"] | None = None
    nested: Float[Tensor, " m"] | None = None
    limit: str | None = None
    sensitivity: Sensitivity | None = None
    solver_ended: str | None = None
