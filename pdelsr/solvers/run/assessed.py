"""A state, and how good it is on held-out points."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize import StackedResidual
from pdelsr.solvers.refinement.report import RankReport
from pdelsr.solvers.state.candidate import Candidate

RESOLVED = 0.25  # power of epsilon, times the parts: terms below it are differences of these
NOISE = 50  # epsilons of the parts, that a refinement leaves; the damping of `QR`


@dataclass(frozen=True)
class Assessed:
    """A candidate and how good it is on held-out points.

    Args:
        candidate: the state.
        objective: norm of the weighted stacked residual on held-out points.
        rms: the root mean square of every block there, unweighted.
        iteration: when it was found.
        terms: norm of the sizes of the terms that f adds up there.
        parts: the same of the network, of which the refined predictor is a correction.
        squares: (n,), the weighted squared residual at every held-out point; their sum is the
            square of the objective. None where nothing was measured.
        report: of the refinement that found it, if one did.
        training: the points that it was found on; None for the state that a run begins from.
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
        """That power of epsilon times the terms; at least what rounding leaves of the parts.

        Where the terms vanish at the solution, as those of Laplace's equation for u = x, they are
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
        """Of the blocks; infinite where one of them is not finite."""
        return max(self.rms.values()) if math.isfinite(self.objective) else math.inf
