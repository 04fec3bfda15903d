"""Advice on what to do next, for the problem at hand."""

from __future__ import annotations

import sympy as sp

from pdelsr.declare import Problem
from pdelsr.declare.regions import OnParts
from pdelsr.declare.system import System
from pdelsr.results.error_estimate import UNREFINED, ErrorEstimate
from pdelsr.results.uniqueness import levels_of
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.status import Status

SATISFIED = (Status.PRECISION_LIMITED, Status.CONVERGED)
"""Statuses whose general advice is to do nothing."""

STEPS = {"pinn": "adam_steps or lbfgs_steps"}
"""The options that limit the iterations of a method, if not max_iterations."""


def advice(
    problem: Problem,
    method: Method,
    status: Status,
    ended: Status | None,
    estimate: ErrorEstimate,
    hard: bool,
    limited: bool = False,
) -> str:
    """One or two sentences for a user, and two more for each unknown whose level is open.

    Args:
        problem: the problem of the run.
        method: of the run.
        status: of the run.
        ended: why the run stopped.
        estimate: of the error.
        hard: whether conditions hold exactly, or were asked to.
        limited: whether the user set max_iterations.
    """
    if estimate.doubts == (UNREFINED,):
        return "This is the network without the refinement."
    if estimate.few_points and status is Status.NOT_SOLVED:
        return f"The points leave the solution open: {estimate.doubts[0]}."
    if status is Status.NOT_SOLVED:
        return _unsolved(problem, method, ended, hard, limited)
    if status is Status.NOT_UNIQUE and not estimate.holds:
        return (
            "The equations do not hold, and leave a part of the solution open: data that do not "
            "balance, such as a force at a resonance, have no solution. Check the data, then add "
            "as many conditions as are open."
        )
    if status is Status.NOT_UNIQUE:
        return (
            "The equations hold, and leave a part of the solution open. Add as many conditions or "
            "observations as are open, such as pl.Observations at a point, or a condition for "
            "their size; an equation with an eigenvalue in it may need another coefficient."
        )
    told = status.advice
    if estimate.doubts and status in SATISFIED:
        small = "The tolerance is met" if status is Status.CONVERGED else "The residual is small"
        told = f"{small}, which does not make the solution right: {estimate.doubts[0]}."
    return " ".join([told, *_arbitrary(problem)]) if status is not Status.DIVERGED else told


def _arbitrary(problem: Problem) -> list[str]:
    """The open parts of the unknowns, and what fixes them."""
    return [
        f"{level.u} is known up to {level.text}, which is arbitrary. {level.remedy}."
        for level in levels_of(problem)
    ]


def _evolves_along(system: System) -> sp.Symbol | None:
    """Time, or the only coordinate if all conditions are at one end of it."""
    if system.domain.time is not None or len(system.coordinates) > 1:
        return system.domain.time
    regions = [s.region for s in system.conditions]
    ends = {part for r in regions if isinstance(r, OnParts) for part in r.parts}
    one_end = len(ends) == 1 and all(isinstance(r, OnParts) for r in regions)
    return next(iter(system.coordinates)) if one_end else None


def _unsolved(
    problem: Problem, method: Method, ended: Status | None, hard: bool, limited: bool
) -> str:
    """Advice if the first step failed already, so that a larger network would not help.

    Data that do not balance come first: no method solves a linear problem with such data.
    """
    levels = levels_of(problem)
    ways = [f"check whether the data balance, {level.balance}" for level in levels[:1]]
    if levels and problem.is_linear:
        ways[0] += ", without which there is no solution; then check signs and conditions"
    elif problem.is_linear:
        ways.append("check signs and conditions, and whether the data balance")
    t = _evolves_along(problem.system)
    if t is not None:
        ways.append(f"take a shorter interval of {t}, and go on from its end")
    if method.name != "ilsr" and not (levels and problem.is_linear):
        ways.append('take method "ilsr"')
    if not problem.is_linear:
        ways.append("start from the solution of an easier problem (start=)")
        if not hard:
            ways.append("use hard conditions (hard=True)")
    if ended is Status.OUT_OF_TIME:
        ways.append("raise time_limit, or go on with start=")
    if ended is Status.MAX_ITERATIONS:
        most = "max_iterations" if limited else STEPS.get(method.name, "max_iterations")
        ways.append(f"raise {most}, or go on with start=")
    return f"The residual is too large for a solution, so this is none: {'; '.join(ways)}."
