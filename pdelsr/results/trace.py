"""The error history of a run: its best state after every outer iteration, measured at the end.

During the run only θ and δ of the best states are kept; their errors are computed afterwards, so
the measurement does not change the seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from pdelsr.declare import Problem
from pdelsr.errors import SettingsError
from pdelsr.results.accuracy import errors_of, heldout_points, largest_error
from pdelsr.results.reference_errors import values_of
from pdelsr.results.solution import Solution
from pdelsr.solvers.run.selection import Selection
from pdelsr.solvers.state.candidate import Candidate
from pdelsr.solvers.state.history import Record

POINTS = 10_000  # of the error, as in `Solution.errors`


@dataclass(frozen=True)
class Snapshot:
    """The best state at one time.

    Args:
        seconds: on the clock of the run.
        candidate: the state.
    """

    seconds: float
    candidate: Candidate


class Trace:
    """Listens to a run, and keeps its best states.

    "Best" is the run's own choice, by the held-out residual: the error of the best state may rise a
    little while the residual falls.

    Args:
        problem: its reference is evaluated at once, so that a failure costs no run.

    Raises:
        SettingsError: the problem has no reference.
    """

    def __init__(self, problem: Problem) -> None:
        if problem.reference is None:
            raise SettingsError(
                f"track_errors is set, but {problem.name} has no reference: leave it out, or give "
                "Problem(reference=…)."
            )
        self.points: Float[np.ndarray, "n d"] = heldout_points(problem, POINTS, seed=0)
        self.reference: Float[np.ndarray, "n k"] = problem.reference_values(self.points)
        self.snapshots: list[Snapshot] = []

    def listener(self, selection: Selection) -> Callable[[Record], None]:
        """A listener that keeps the best state of a run after every iteration.

        Args:
            selection: holds the best state.
        """

        def keep(record: Record) -> None:
            best = selection.best
            if record.heldout is not None and best is not None:
                self.snapshots.append(Snapshot(record.seconds, best.candidate))

        return keep

    def finished(self, solution: Solution) -> Solution:
        """The solution of the run, with its error history."""
        final, errors = solution.candidate, {}
        for candidate in {id(s.candidate): s.candidate for s in self.snapshots}.values():
            candidate.move_network()
            state = replace(solution, network=candidate.network, delta=candidate.delta)
            errors[id(candidate)] = self._largest_error(state)
        final.move_network()
        history = tuple((s.seconds, errors[id(s.candidate)]) for s in self.snapshots)
        return replace(solution, error_history=history)

    def _largest_error(self, state: Solution) -> float:
        values = values_of(state, self.points)
        errors = errors_of(state.problem, self.points, values, self.reference)
        return largest_error(errors).relative_l2


def largest(values: Iterable[float]) -> float:
    """The largest of some numbers; infinite if one is NaN, 0 if there are none."""
    return max((v if math.isfinite(v) else math.inf for v in values), default=0.0)
