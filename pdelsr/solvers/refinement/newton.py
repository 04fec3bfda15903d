"""Newton's method in the tangent space, on a problem or on data: linearize, solve, step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.lstsq import LeastSquares, NotFiniteError, Solved
from pdelsr.lstsq.nested import Nested
from pdelsr.solvers.refinement.reduced import Place, Reduced


@dataclass(frozen=True)
class Linearization:
    """One linear problem of a search, with its factors.

    Args:
        place: of the linearization.
        state: of the solver.
        solved: its solution.
    """

    place: Place
    state: object
    solved: Solved


@dataclass(frozen=True)
class Leading:
    """The solutions in the leading directions, from the linearization of the last step.

    Args:
        nested: the solutions.
        base: y of the linearization.
        share: of the step from there that was taken, from 0 to 1.
    """

    nested: Nested
    base: Tensor
    share: float

    def at(self, k: int, damping: float = 0.0) -> Float[Tensor, " r"]:
        """y after that share of the step in the first k directions, damped or not."""
        found = self.nested.damped(k, [damping])[:, 0] if damping else self.nested.padded(k)
        return self.base + self.share * (found - self.base)


class Observer:
    """Receives the linear problems of a search with their factors; this base class ignores them."""

    def factored(self, now: Linearization) -> None:
        """Called when a linear problem is solved, before its step."""

    def ended(self, now: Linearization, place: Place, converged: bool) -> None:
        """Called when the search ends.

        Args:
            now: the last linear problem.
            place: where the search stands.
            converged: whether the steps came to their end, rather than being cut short.
        """


@dataclass
class NewtonSearch:
    """min_y ‖f(q + J V y)‖ by Gauss–Newton; the place reached survives an interruption.

    Args:
        reduced: f as a function of y.
        solver: of the linear problems.
        place: where the search stands.
        observer: receives the linear problems.

    Attributes:
        taken: steps so far.
        cut: whether the search was stopped between two steps.
        solved: the solution of the last linearization.
        leading: solutions in the leading directions, if the solver has them.
    """

    reduced: Reduced
    solver: LeastSquares
    place: Place
    observer: Observer = field(default_factory=Observer)

    def __post_init__(self) -> None:
        self.taken: int = 0
        self.cut: bool = False
        self.solved: Solved | None = None
        self.leading: Leading | None = None

    def run(self, most: int, stop: Callable[[], bool] = lambda: False) -> None:
        """Take steps until they no longer help.

        Args:
            most: largest number of linearizations.
            stop: called between steps; True if the time is up.
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
            del now  # free its factors before the next matrix

    @property
    def rough_rank(self) -> int | None:
        """The approximate effective rank of the last linearization; None if unknown."""
        return None if self.solved is None else self.solved.rank

    def linearized(self) -> Linearization | None:
        """The solved linear problem at the place; None if it is not finite."""
        try:
            state = self.solver.init(self.place.system())
            solved = self.solver.compute(state)
        except NotFiniteError:
            return None
        self._require_solution(solved)
        if not torch.isfinite(solved.solution).all():
            return None
        self.solved = solved
        return Linearization(self.place, state, solved)

    def _require_solution(self, solved: object) -> None:
        """Refuse what is no solution; the solver may be a user's.

        Raises:
            SettingsError: it is none.
        """
        name, y = f"{type(self.solver).__name__}.compute", self.place.y
        if not isinstance(solved, Solved):
            raise SettingsError(f"{name} gives {type(solved).__name__}: expected Solved(y).")
        found = solved.solution
        if not isinstance(found, Tensor) or found.shape != y.shape or found.dtype != y.dtype:
            what = type(found).__name__
            if isinstance(found, Tensor):
                what = f"a solution of shape {tuple(found.shape)} in {found.dtype}"
            raise SettingsError(f"{name} gives {what}: expected ({len(y)},) in {y.dtype}.")

    def _step(self, now: Linearization, count: int, alone: bool) -> bool:
        """Take the step of a linearization; return whether there was one."""

        def left_over() -> float | None:
            return self.solver.left_over(now.state)

        found = self.reduced.step(now.place, now.solved.solution, left_over, alone)
        nested = self.solver.leading(now.state)
        if nested is not None and (found is not None or self.leading is None):
            self.leading = Leading(nested, now.place.y, found.share if found else 0.0)
        if found is not None:
            self.place, self.taken = found.to, count
        return found is not None
