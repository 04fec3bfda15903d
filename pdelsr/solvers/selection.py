"""Which of the assessed states of a run is the best one."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from pdelsr.solvers.candidate import Assessed

DOUBTLESS = 2.0  # standard errors of a mean difference that leave little doubt of its sign
CLEAR = 0.6  # ratio of two residuals near the floor that leaves little doubt which error is smaller


@dataclass
class Selection:
    """The assessed states of a run, of which the best one is kept.

    Args:
        best: the best state so far.
        objectives: ‖f‖ on the held-out points of all states, in order.
    """

    best: Assessed | None = None
    objectives: list[float] = field(default_factory=list)

    def offer(self, new: Assessed, floor: float) -> bool:
        """Take note of a state; whether it is the best one now.

        A state with a larger residual is never better. Of two refined states of the run, the one
        with the smaller residual is better where their difference, taken at every held-out point,
        is larger than its standard error allows chance to make it.

        Near the floor the residual is no measure of the error: what is left are the rounding errors
        of two fits, which differ by chance. There a state is better only where its residual is at
        most 0.6 times as large, or where it is the smallest so far and another state had a smaller
        one than the best already.

        Args:
            new: the state.
            floor: ‖f‖ below which a residual says little of the error.
        """
        before, best = self.objectives[:], self.best
        self.objectives.append(new.objective)
        if best is not None and not self._is_better(new, best, before, floor):
            return False
        self.best = new
        return True

    def _is_better(
        self, new: Assessed, best: Assessed, before: list[float], floor: float
    ) -> bool:
        if not new.objective < best.objective:
            return False
        refined = new.candidate.delta is not None and best.candidate.delta is not None
        if not refined or not best.iteration:
            return True
        if new.objective > floor:
            return is_doubtless(new, best)
        confirmed = new.objective < min(before) < best.objective
        return confirmed or new.objective <= CLEAR * best.objective


def is_doubtless(new: Assessed, best: Assessed) -> bool:
    """Whether the residual of one state is smaller by more than chance allows.

        Σ d_i > 2 (Σ d_i²)^½ ,   d_i = s_i² (F_i(best)² − F_i(new)²)

    Both states have the same held-out points, so that what is common to them cancels: a few points
    with large residuals, next to a corner say, do not hide a gain at all others.
    """
    if best.squares is None or new.squares is None:
        return True
    gains = best.squares - new.squares
    return bool(gains.sum() > DOUBTLESS * torch.linalg.vector_norm(gains))

