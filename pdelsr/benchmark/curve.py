"""A run with its error against time: the best state after every outer iteration.

During the run only θ and δ of the best state are kept, which costs nothing; their errors are
computed after it. The seconds are therefore those of a run that nobody watches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from pdelsr.declare import Problem
from pdelsr.results import Solution
from pdelsr.results.accuracy import error_of, heldout_points
from pdelsr.solve import prepared, run_prepared, settled
from pdelsr.solvers.candidate import Candidate
from pdelsr.solvers.history import Record
from pdelsr.solvers.method import Method
from pdelsr.solvers.registry import parse_options

POINTS = 10_000  # that the error is measured on, as `Solution.errors` does

Curve = tuple[tuple[float, float], ...]
"""(seconds, relative L2 error) of the best state after every outer iteration."""


@dataclass(frozen=True)
class Snapshot:
    """The best state at one time.

    Args:
        seconds: on the clock of the run.
        candidate: the state.
    """

    seconds: float
    candidate: Candidate


@dataclass(frozen=True)
class TracedRun:
    """A solution, and how its error fell."""

    solution: Solution
    curve: Curve


def solve_with_curve(problem: Problem, method: Method, **options: Any) -> TracedRun:
    """`solve`, with the error against time.

    "Best" is what the run itself takes for it, by the held-out residual: the error of the best
    state may rise a little where the residual falls.

    Args:
        problem: with a reference.
        method: with its options.
        **options: of every run.
    """
    chosen, settings = parse_options(method, options)
    settings = settled(chosen, settings)
    context = prepared(problem, chosen, settings)
    snapshots: list[Snapshot] = []

    def keep(record: Record) -> None:
        if record.heldout is not None:
            snapshots.append(Snapshot(record.seconds, context.best.candidate))

    context.listener = keep
    solution = run_prepared(problem, chosen, settings, context)
    return TracedRun(solution, error_curve(solution, snapshots))


def error_curve(solution: Solution, snapshots: Sequence[Snapshot]) -> Curve:
    """The largest relative L2 error over the unknowns, at every snapshot."""
    points = heldout_points(solution.problem, POINTS, seed=0)
    reference = solution.problem.reference_values(points)
    final, errors = solution.candidate, {}
    for candidate in {id(s.candidate): s.candidate for s in snapshots}.values():
        candidate.predictor()  # sets the network's parameters
        state = replace(solution, network=candidate.network, delta=candidate.delta)
        errors[id(candidate)] = _largest_error(state, points, reference)
    final.predictor()
    return tuple((s.seconds, errors[id(s.candidate)]) for s in snapshots)


def _largest_error(
    state: Solution, points: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "n k"]
) -> float:
    found = state.predict(points)
    columns = found if isinstance(found, dict) else {state.names[0]: found}
    return largest(
        error_of(columns[name], reference[:, i]).relative_l2 for i, name in enumerate(state.names)
    )


def largest(values: Any) -> float:
    """The largest of some numbers, infinite where one is not a number; 0 where there is none."""
    return max((v if math.isfinite(v) else math.inf for v in values), default=0.0)
