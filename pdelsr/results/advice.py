"""What to do next, for the problem at hand."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from pdelsr.declare import Problem
from pdelsr.declare.regions import OnParts
from pdelsr.declare.system import System
from pdelsr.solvers.method import Method
from pdelsr.solvers.status import Status

SATISFIED = (Status.PRECISION_LIMITED, Status.CONVERGED)
"""Statuses whose general advice is to do nothing."""

NEXT = {
    Status.OUT_OF_TIME: "raise time_limit, or go on with start=",
    Status.MAX_ITERATIONS: "raise max_iterations, or go on with start=",
}
"""What else may help where nothing is solved yet, by what ended the run."""


def advice(
    problem: Problem,
    method: Method,
    status: Status,
    ended: Status | None,
    doubts: Sequence[str] = (),
) -> str:
    """One or two sentences for a user.

    Args:
        problem: that was to be solved.
        method: that ran.
        status: of the run.
        ended: why it stopped.
        doubts: why its error is not known.
    """
    if status is Status.NOT_SOLVED:
        return _unsolved(problem, method, ended)
    if status is Status.NOT_UNIQUE:
        return (
            "The equations hold, and leave a part of the solution open. Add as many conditions or "
            "observations as are open, such as pl.Observations at a point, or a condition for "
            "their size; an equation with an eigenvalue in it may need another coefficient."
        )
    if doubts and status in SATISFIED:
        return f"The residual is small, which does not make the solution right: {doubts[0]}."
    return status.advice


def _evolves_along(system: System) -> sp.Symbol | None:
    """Time, or the only coordinate of a problem whose conditions all stand at one end."""
    if system.domain.time is not None or len(system.coordinates) > 1:
        return system.domain.time
    regions = [s.region for s in system.conditions]
    ends = {part for r in regions if isinstance(r, OnParts) for part in r.parts}
    one_end = len(ends) == 1 and all(isinstance(r, OnParts) for r in regions)
    return next(iter(system.coordinates)) if one_end else None


def _unsolved(problem: Problem, method: Method, ended: Status | None) -> str:
    """The first step has failed already: a larger network would not mend that."""
    ways: list[str] = []
    t = _evolves_along(problem.system)
    if t is not None:
        ways.append(f"take a shorter interval of {t}, and go on from its end")
    if not problem.is_linear:
        if method.name != "ilsr":
            ways.append('take method "ilsr"')
        ways.append("start from the solution of an easier problem (start=), or use hard conditions")
    else:
        ways.append("check signs and conditions, and whether the data balance")
    ways += [NEXT[ended]] if ended in NEXT else []
    return f"The residual is too large for a solution, so this is none: {'; '.join(ways)}."
