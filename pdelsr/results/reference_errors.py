"""A solution against its reference at any points, even where the reference has no value."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np
from jaxtyping import Float, Int

from pdelsr.declare import Problem
from pdelsr.declare.coverage import open_levels
from pdelsr.errors import PdelsrError, ReferenceWarning, warn
from pdelsr.results.accuracy import UnknownError, heldout_points
from pdelsr.results.base import BaseSolution
from pdelsr.results.levels import OpenPart, nothing_open, open_part

TRIES = 2000  # calls of a reference without a value at some of the points
FRUITLESS = 7  # halvings of a box without a value in either half
LEVEL_POINTS = 10_000  # on which open parts are measured, as the errors are


@dataclass(frozen=True)
class Comparison:
    """Reference and error of every unknown at points, NaN where the reference has no value.

    Args:
        reference: u_ref.
        error: u − u_ref, less the part that the equations leave open.
    """

    reference: Float[np.ndarray, "n k"]
    error: Float[np.ndarray, "n k"]


def compared(
    solution: BaseSolution, points: Float[np.ndarray, "n d"], values: Float[np.ndarray, "n k"]
) -> Comparison | None:
    """Values of the solution at points against the reference; None without a reference."""
    if solution.problem.reference is None:
        return None
    reference = known_reference(solution.problem, points)
    error = values.astype(np.float64) - reference - open_difference(solution).at(points)
    return Comparison(reference, error)


def open_difference(solution: BaseSolution) -> OpenPart:
    """The part of u − u_ref that the equations leave open, measured all over the domain.

    A slice would not do: along a line through time every error is a function of time.
    """
    problem = solution.problem
    if not open_levels(problem.system):
        return nothing_open(problem)
    points, reference = where_known(problem, heldout_points(problem, LEVEL_POINTS, seed=0))
    return open_part(problem, points, values_of(solution, points) - reference)


def values_of(solution: BaseSolution, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
    """Every unknown at points, one column each."""
    found = solution.predict(points)
    columns = [found[name] for name in solution.names] if isinstance(found, dict) else [found]
    return np.stack(columns, axis=1).astype(np.float64)


def known_errors(solution: BaseSolution) -> dict[str, UnknownError]:
    """`Solution.errors`; also empty if the reference fails, which the summary reports."""
    try:
        return solution.errors
    except PdelsrError:
        return {}


def known_reference(problem: Problem, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
    """The values of the reference, NaN at points where it has none.

    It may be infinite at a corner, or refuse points outside of its data. Such points are found by
    halving boxes of points in which it fails, first boxes next to values. The boxes that remain
    when halving does not help, or after `TRIES` calls, count as failing.

    Warns:
        ReferenceWarning: it has no value at some points; says at how many, and why.
    """
    try:
        return problem.reference_values(points)
    except PdelsrError as error:
        values = _piece_by_piece(problem, points)
        missing = int((~np.isfinite(values).all(axis=1)).sum())
        warn(
            f"the reference of {problem.name} is left out at {missing:,} of {len(points):,} "
            f"points, where it has no value: {error}",
            ReferenceWarning,
        )
        return values


def where_known(
    problem: Problem, points: Float[np.ndarray, "n d"]
) -> tuple[Float[np.ndarray, "p d"], Float[np.ndarray, "p k"]]:
    """The points at which the reference has a value, and its values there."""
    reference = known_reference(problem, points)
    known = np.isfinite(reference).all(axis=1)
    return points[known], reference[known]


def _piece_by_piece(problem: Problem, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
    """The values box by box."""
    values = np.full((len(points), len(problem.unknowns)), np.nan)
    count, tries = itertools.count(), 0
    waiting = [(0, next(count), np.arange(len(points)))]  # boxes in which it fails
    while waiting and tries < TRIES:
        fruitless, _, box = heappop(waiting)
        halves = _halves(points, box)
        failing = [half for half in halves if not _has_values(problem, points, half, values)]
        tries += len(halves)
        fruitless = fruitless + 1 if len(failing) == len(halves) else 0
        if fruitless <= FRUITLESS:
            for half in failing:
                heappush(waiting, (fruitless, next(count), half))
    return values


def _has_values(
    problem: Problem,
    points: Float[np.ndarray, "n d"],
    part: Int[np.ndarray, " p"],
    values: Float[np.ndarray, "n k"],
) -> bool:
    """Whether the reference has values at all the given points; if so, store them."""
    try:
        values[part] = problem.reference_values(points[part])
    except PdelsrError:
        return False
    return True


def _halves(
    points: Float[np.ndarray, "n d"], part: Int[np.ndarray, " p"]
) -> list[Int[np.ndarray, " _"]]:
    """The points on either side of the middle of their box; none if it is one point."""
    box = points[part]
    low, high = box.min(axis=0), box.max(axis=0)
    whole = np.ptp(points, axis=0)
    axis = int(np.argmax((high - low) / np.where(whole > 0, whole, 1.0)))
    if not low[axis] < high[axis]:
        return []
    below = box[:, axis] < low[axis] + (high[axis] - low[axis]) / 2
    return [half for half in (part[below], part[~below]) if len(half)]
