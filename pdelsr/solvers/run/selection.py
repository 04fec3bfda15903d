"""The choice of the best among the assessed states of a run."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.solvers.run.assessed import Assessed

logger: logging.Logger = logging.getLogger(__name__)

DOUBTLESS = 2.5  # standard errors of a difference that leave little doubt of its sign
CLEAR = 0.6  # ratio of residuals near the floor that leaves little doubt which error is smaller
BEYOND_ROUNDING = 0.25  # the same for residuals down to rounding


@dataclass
class Selection:
    """The assessed states of a run; keeps the best one, and alone decides which that is.

    Args:
        best: the best state so far, with its refinement and the points on which it was found.
        objectives: ‖f‖ on the held-out points of all states, in order.
        tolerance: on the largest held-out root mean square of a block.
    """

    best: Assessed | None = None
    objectives: list[float] = field(default_factory=list)
    tolerance: int | float = 0.0

    @property
    def is_met(self) -> bool:
        """Whether the best state is within the tolerance."""
        return self.best is not None and self._meets(self.best)

    def offer(self, new: Assessed, floor: float, rounding: float = 0.0) -> bool:
        """Record a state; return whether it is now the best one.

        A state within the tolerance is better than one outside, and a state that is not finite is
        never better. Of two refined states of the run, the better one has a smaller residual at the
        held-out points beyond doubt, see `is_doubtless`. Of other states, such as networks in
        training, it is simply the one with the smaller residual. Near the floor the residual does
        not measure the error: the rest is rounding of two fits, which differ by chance. Once the
        best state is near the floor, another one replaces it only if its residual is at most 0.6
        times as large (a quarter at rounding), or if it is the smallest so far and an earlier state
        was already below the best.

        Args:
            new: the state.
            floor: ‖f‖ below which a residual says little about the error.
            rounding: ‖f‖ below which it is down to rounding.
        """
        before, best = self.objectives[:], self.best
        self.objectives.append(new.objective)
        if best is None or self._replaces(new, best, before, floor, rounding):
            self.best = new
            return True
        if new.objective < best.objective:
            logger.info(
                "held-out %.1e after %.1e may be chance: the state of iteration %d is kept",
                new.objective,
                best.objective,
                best.iteration,
            )
        return False

    def _meets(self, state: Assessed) -> bool:
        return state.largest_rms <= self.tolerance

    def _replaces(
        self, new: Assessed, best: Assessed, before: list[float], floor: float, rounding: float
    ) -> bool:
        if self._meets(new) != self._meets(best):
            return self._meets(new)
        clear = CLEAR if best.objective > rounding else BEYOND_ROUNDING
        return self._is_better(new, best, before, floor, clear)

    def _is_better(
        self, new: Assessed, best: Assessed, before: list[float], floor: float, clear: float
    ) -> bool:
        refined = new.candidate.delta is not None and best.candidate.delta is not None
        if not refined or not best.iteration:
            return new.objective < best.objective
        if best.objective > floor:
            return math.isfinite(new.objective) and is_doubtless(new, best)
        confirmed = new.objective < min(before) < best.objective
        return confirmed or new.objective <= clear * best.objective


def is_doubtless(new: Assessed, best: Assessed) -> bool:
    """Whether the residual of one state is smaller by more than chance allows.

        Σ d_i > 2.5 (Σ d_i²)^½ ,   d_i = s_i² (F_i(best)² − F_i(new)²)

    Both states have the same held-out points, so their common part cancels. No doubt is left if the
    residual is nowhere larger. If the sum leaves the sign open, the same test is made with s_i
    |F_i|: next to a corner a few large residuals can be all of ‖f‖, and say nothing about the error
    elsewhere. On an L-shaped domain the mean of |F| fell with the error through all of eight
    iterations, while ‖f‖ rose by half.
    """
    assert best.squares is not None
    assert new.squares is not None
    if bool((new.squares <= best.squares).all()):  # with few points the certainty is never large
        return bool((new.squares < best.squares).any())
    by_squares = certainty(best.squares - new.squares)
    if abs(by_squares) > DOUBTLESS:
        return by_squares > 0
    return certainty(best.squares.sqrt() - new.squares.sqrt()) > DOUBTLESS


def certainty(gains: Float[Tensor, " n"]) -> float:
    """The sum of independent numbers in its standard errors; 0 if all of them vanish."""
    size = torch.linalg.vector_norm(gains)
    return (gains.sum() / size).item() if size > 0 else 0.0
