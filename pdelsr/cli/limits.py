"""Time limits on the code of a problem file outside a run: on reading it and on its reference."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace

from pdelsr.errors import ConditionWarning, ProblemError
from pdelsr.resources.deadline import deadline
from pdelsr.resources.time_is_up import TimeIsUp
from pdelsr.results import Solution
from pdelsr.solvers.state.settings import require_positive

LEAST = 10.0  # seconds: a short limit of a run should not cost a slow but sound reference


def patience(limit: int | float | None) -> float:
    """Seconds that a file or a reference may take: the time limit of the run, but at least ten."""
    if limit is None:
        return math.inf
    require_positive("time_limit", limit)
    return max(limit, LEAST)


def with_errors(solution: Solution, seconds: float) -> tuple[Solution, Exception | None]:
    """The solution with its errors, or without its reference and with the exception it raised."""
    try:
        with deadline(seconds):
            solution.errors  # noqa: B018  # computed once, and kept
    except Exception as error:  # also unforeseen ones: the run is over, and kept
        return _without_reference(solution), error
    except TimeIsUp:
        return _without_reference(solution), ProblemError(
            f"reference of {solution.problem.name}: its values were not there after {seconds:g} s, "
            "so errors are unknown; look for an endless loop in it, or raise --time-limit."
        )
    return solution, None


def _without_reference(solution: Solution) -> Solution:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConditionWarning)  # the problem has warned already
        return replace(solution, problem=replace(solution.problem, reference=None))
