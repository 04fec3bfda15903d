"""Newton's method in the tangent space: linearize, solve, step, on a problem or on data alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pdelsr.lstsq import LeastSquares, NotFiniteError, Solved
from pdelsr.lstsq.nested import Nested
from pdelsr.solvers.refinement.reduced import Place, Reduced


@dataclass(frozen=True)
class Linearization:
    """One linear problem of a search, while its factors are there.

    Args:
        place: where it was made.
        state: of the solver.
        solved: its solution.
    """

    place: Place
    state: object
    solved: Solved


@dataclass(frozen=True)
class Family:
    """The solutions in the leading directions, of the linearization whose step was the last one.

    Args:
        nested: the solutions.
        base: y where it was made.
        share: of the step from there that was taken.
    """

    nested: Nested
    base: Tensor
    share: float


class Observer:
    """Is told of the linear problems of a search, while their factors are there; looks at none."""

    def factored(self, now: Linearization) -> None:
        """A linear problem was solved, and the step comes next."""

    def ended(self, now: Linearization, place: Place, converged: bool) -> None:
        """The search has ended.

        Args:
            now: the last linear problem.
            place: where the search stands.
            converged: whether the steps have come to their end, rather than being cut short.
        """


@dataclass
class NewtonSearch:
    """min_y ‖f(q + J V y)‖ by Gauss–Newton; what it has reached outlives an interruption.

    Args:
        reduced: f as a function of y.
        solver: of the linear problems.
        place: where it stands.
        observer: looks at the linear problems.

    Attributes:
        taken: steps so far.
        cut: whether it was stopped between two steps.
        solved: the solution of the last linearization.
        family: solutions in the leading directions, where the solver has them.
    """

    reduced: Reduced
    solver: LeastSquares
    place: Place
    observer: Observer = field(default_factory=Observer)

    def __post_init__(self) -> None:
        self.taken: int = 0
        self.cut: bool = False
        self.solved: Solved | None = None
        self.family: Family | None = None

    def run(self, most: int, stop: Callable[[], bool] = lambda: False) -> None:
        """Take steps until they help no more.

        Args:
            most: linearizations.
            stop: asked between steps, whether the time is up.
        """
        for count in range(1, most + 1):
            now = self.linearized()
            if now is None:
                return
            self.observer.factored(now)
            before, moved = self.place.size, self._step(now, count, alone=most == 1)
            last = not moved or self.taken == most
            if not last:
                self.place = self.reduced.corrected(self.place, self.solver, now.state, stop)
            slow = self.place.size > self.reduced.slow * before
            last = last or self.reduced.is_linear
            self.cut = not (last or slow) and stop()
            if last or slow or self.cut:
                self.observer.ended(now, self.place, self.reduced.is_linear or slow)
                return
            del now  # its factors, before the next matrix is made

    @property
    def rough_rank(self) -> int | None:
        """About the effective rank of the last linearization; None where it is not known."""
        return None if self.solved is None else self.solved.rank

    def linearized(self) -> Linearization | None:
        """The linear problem at the place, solved; None where it is not finite."""
        try:
            state = self.solver.init(self.place.system())
            solved = self.solver.compute(state)
        except NotFiniteError:
            return None
        if not torch.isfinite(solved.solution).all():
            return None
        self.solved = solved
        return Linearization(self.place, state, solved)

    def _step(self, now: Linearization, count: int, alone: bool) -> bool:
        """Take the step of a linearization; whether there was one."""

        def left_over() -> float | None:
            return self.solver.left_over(now.state)

        found = self.reduced.step(now.place, now.solved.solution, left_over, alone)
        nested = self.solver.leading(now.state)
        if nested is not None and (found is not None or self.family is None):
            self.family = Family(nested, now.place.y, found.share if found else 0.0)
        if found is not None:
            self.place, self.taken = found.to, count
        return found is not None
