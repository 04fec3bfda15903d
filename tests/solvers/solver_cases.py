"""Small problems, and contexts of methods on them."""

from __future__ import annotations

from typing import Any

import sympy as sp

import pdelsr as pl
from pdelsr.solvers.prepare import prepare
from pdelsr.solvers.request import Request
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.method import Method

X, Y, T = pl.coordinates("x y t")
SMALL: dict[str, Any] = {"hidden": (8, 8), "points": 60, "weight_scale": 1.0}


def poisson(sign: int = -1, **others: Any) -> pl.Problem:
    """± u'' = ± π² sin πx."""
    u = pl.unknown("u", X)
    exact = sp.sin(sp.pi * X)
    equation = sp.Eq(sign * u.diff(X, 2), sign * exact.diff(X, 2))
    domain, conditions = pl.Interval(X, 0, 1), [pl.Dirichlet(u, 0)]
    return pl.Problem("poisson", domain, [equation], conditions, reference=exact, **others)


def poisson_2d(sign: int = -1) -> pl.Problem:
    """± Δu = 1 on the unit square."""
    u = pl.unknown("u", X, Y)
    equation = sign * (u.diff(X, 2) + u.diff(Y, 2)) - 1
    return pl.Problem("square", pl.Box((X, Y), (0, 0), (1, 1)), [equation], [pl.Dirichlet(u, 0)])


def heat(sign: int = 1) -> pl.Problem:
    """± (u_t − u_xx / 10) = 0."""
    u = pl.unknown("u", X, T)
    return pl.Problem(
        "heat",
        pl.Interval(X, 0, 1) * pl.TimeInterval(T, 0, 1),
        [sign * (u.diff(T) - u.diff(X, 2) / 10)],
        [pl.Initial(sp.Eq(u, sp.sin(sp.pi * X))), pl.Dirichlet(u, 0)],
        reference=sp.exp(-(sp.pi**2) * T / 10) * sp.sin(sp.pi * X),
    )


def cubic(**others: Any) -> pl.Problem:
    """−u'' + u³ = f with u = sin πx, nonlinear."""
    u = pl.unknown("u", X)
    exact = sp.sin(sp.pi * X)
    equation = sp.Eq(-u.diff(X, 2) + 5 * u**3, sp.pi**2 * exact + 5 * exact**3)
    domain, conditions = pl.Interval(X, 0, 1), [pl.Dirichlet(u, 0)]
    return pl.Problem("cubic", domain, [equation], conditions, reference=exact, **others)


def burgers() -> pl.Problem:
    """Viscous Burgers with a mild front."""
    u = pl.unknown("u", X, T)
    return pl.Problem(
        "burgers",
        pl.Interval(X, -1, 1) * pl.TimeInterval(T, 0, 1),
        [u.diff(T) + u * u.diff(X) - u.diff(X, 2) / 10],
        [pl.Initial(sp.Eq(u, -sp.sin(sp.pi * X))), pl.Periodic(u, X)],
    )


def system() -> pl.Problem:
    """u' = v, v' = −u."""
    u, v = pl.unknown("u", X), pl.unknown("v", X)
    return pl.Problem(
        "system",
        pl.Interval(X, 0, 1),
        [sp.Eq(u.diff(X), v), sp.Eq(v.diff(X), -u)],
        [pl.Dirichlet(u, 0, on=sp.Eq(X, 0)), pl.Dirichlet(v, 1, on=sp.Eq(X, 0))],
        reference={u: sp.sin(X), v: sp.cos(X)},
    )


def never_finite() -> pl.Problem:
    """The square root of a field that has both signs."""
    u = pl.unknown("u", X)
    equation = sp.Eq(u.diff(X) + sp.sqrt(u - 5), 0)
    return pl.Problem("root", pl.Interval(X, 0, 1), [equation], [pl.Dirichlet(u, 0)])


def started(problem: pl.Problem, method: str | Method = "lsr", **options: Any) -> Context:
    """The context of a method before its first step."""
    return prepare(Request.of(problem, method, {**SMALL, **options}).job())
