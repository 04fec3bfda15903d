"""A state with its quality on held-out points."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize import StackedResidual
from pdelsr.solvers.refinement.report import RankReport
from pdelsr.solvers.state.candidate import Candidate

RESOLVED = 0.25  # power of epsilon, times the parts: smaller terms are differences of the parts
NOISE = 50  # epsilons of the parts that a refinement leaves, by the damping of `QR`


@dataclass(frozen=True)
class Assessed:
    """A candidate with its quality on held-out points.

    Args:
        candidate: the state.
        objective: norm of the weighted stacked residual on held-out points.
        rms: the root mean square of every block there, unweighted.
        iteration: when it was found.
        terms: norm of the sizes of the terms of f there.
        parts: the same for the network, which the refined predictor corrects.
        squares: (n,), the weighted squared residual at every held-out point; their sum is the
            square of the objective. None if nothing was measured.
        report: of the refinement that found it, if any.
        training: the points on which it was found; None for the first state of a run.
    """

    candidate: Candidate
    objective: float
    rms: Mapping[str, float]
    iteration: int
    squares: Float[Tensor, " n"] | None = None
    terms: float = 0.0
    parts: float = 0.0
    report: RankReport | None = None
    training: StackedResidual | None = None

    def rounding(self, eps: float, power: float) -> float:
        """The given power of epsilon times the terms, at least the rounding errors of the parts.

        If the terms vanish at the solution, as in Laplace's equation for u = x, they are
        differences of the parts, and no residual is below the rounding errors of these.

        Args:
            eps: of the dtype.
            power: between 0 and 1.
        """
        return max(eps**power * self.terms, NOISE * eps * self.parts)

    def resolved_terms(self, eps: float) -> float:
        """The terms; at least the fourth root of epsilon times the parts, which cancel in them.

        Args:
            eps: of the dtype.
        """
        return max(self.terms, eps**RESOLVED * self.parts)

    @property
    def largest_rms(self) -> float:
        """The largest root mean square of a block; infinite if one is not finite."""
        return max(self.rms.values()) if math.isfinite(self.objective) else math.inf
