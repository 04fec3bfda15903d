"""Small problems, small options, and measurements that were made up."""

from __future__ import annotations

from typing import Any

import sympy as sp

import pdelsr as pl
from pdelsr.benchmark.suite import Measurement

X, T = pl.coordinates("x t")
SMALL: dict[str, Any] = {
    **{"hidden": (8, 8), "weight_scale": 1.0, "points": 60, "rank": 40, "max_iterations": 2},
    **{"adam_steps": 20, "lbfgs_steps": 40, "inner_steps": 20, "alignment_steps": 5},
}


def rod() -> pl.Problem:
    """−u'' = π² sin πx, steady."""
    u = pl.unknown("u", X)
    exact = sp.sin(sp.pi * X)
    equation = sp.Eq(-u.diff(X, 2), sp.pi**2 * exact)
    return pl.Problem(
        "rod", pl.Interval(X, 0, 1), [equation], [pl.Dirichlet(u, 0)], reference=exact
    )


def decay() -> pl.Problem:
    """u_t = u_xx / 10, with time and without a block "dirichlet u"."""
    u = pl.unknown("u", X, T)
    exact = sp.exp(-(sp.pi**2) * T / 10) * sp.sin(sp.pi * X)
    return pl.Problem(
        "decay",
        pl.Interval(X, -1, 1) * pl.TimeInterval(T, 0, 1),
        [u.diff(T) - u.diff(X, 2) / 10],
        [pl.Initial(sp.Eq(u, sp.sin(sp.pi * X))), pl.Periodic(u, X)],
        reference=exact,
    )


def column() -> pl.Problem:
    """−u'' + u³ = f, nonlinear, steady, and without a block "dirichlet u"."""
    u = pl.unknown("u", X)
    exact = sp.sin(sp.pi * X)
    equation = sp.Eq(-u.diff(X, 2) + u**3, sp.pi**2 * exact + exact**3)
    conditions = [pl.Condition(sp.Eq(u, 0))]
    return pl.Problem("column", pl.Interval(X, 0, 1), [equation], conditions, reference=exact)


def measured(
    method: str, seed: int, error: float, estimate: float | None = None, problem: str = "rod"
) -> Measurement:
    """A measurement whose error falls tenfold in every second."""
    curve = ((1.0, 10 * error), (2.0, error))
    return Measurement(problem, method, seed, 2.0, error, 1e-3, "completed", 10**8, curve, estimate)
