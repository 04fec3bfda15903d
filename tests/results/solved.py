"""Small problems and their solutions, solved once and shared by the tests."""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy as sp

import pdelsr as pl

X, Y, Z, T = pl.coordinates("x y z t")
SMALL: dict[str, Any] = {"hidden": (8, 8), "points": 60, "weight_scale": 1.0}


def poisson_1d(scale: float = 1.0, **others: Any) -> pl.Problem:
    """-u'' = π² sin πx with u = 0 at both ends."""
    u = pl.unknown("u", X)
    exact = scale * sp.sin(sp.pi * X)
    given = {"reference": exact, **others}
    return pl.Problem(
        "poisson_1d",
        pl.Interval(X, 0, 1),
        [sp.Eq(-u.diff(X, 2), sp.pi**2 * exact)],
        [pl.Dirichlet(u, 0)],
        **given,
    )


def heat_1d() -> pl.Problem:
    """u_t = u_xx, periodic."""
    u = pl.unknown("u", X, T)
    return pl.Problem(
        "heat_1d",
        pl.Interval(X, -1, 1) * pl.TimeInterval(T, 0, 0.1),
        [sp.Eq(u.diff(T), u.diff(X, 2))],
        [pl.Initial(sp.Eq(u, sp.sin(sp.pi * X))), pl.Periodic(u, X)],
        reference=sp.exp(-(sp.pi**2) * T) * sp.sin(sp.pi * X),
    )


def ring_2d() -> pl.Problem:
    """Laplace's equation on a square without a disk, no reference."""
    u = pl.unknown("u", X, Y)
    hole = pl.Disk((X, Y), (0.5, 0.5), 0.2, name="hole")
    return pl.Problem(
        "ring_2d",
        pl.Box((X, Y), (0, 0), (1, 1)) - hole,
        [u.diff(X, 2) + u.diff(Y, 2)],
        [pl.Dirichlet(u, X * Y)],
    )


def system_2d() -> pl.Problem:
    """Two fields: u_x = v, v_y = u, with data on all sides."""
    u, v = pl.unknown("u", X, Y), pl.unknown("v", X, Y)
    exact = sp.exp(X + Y)
    return pl.Problem(
        "system_2d",
        pl.Box((X, Y), (0, 0), (1, 1)),
        [sp.Eq(u.diff(X), v), sp.Eq(v.diff(Y), u)],
        [pl.Dirichlet(u, exact), pl.Dirichlet(v, exact)],
        reference={u: exact, v: exact},
    )


def heat_2d() -> pl.Problem:
    """u_t = Δu on a disk."""
    u = pl.unknown("u", X, Y, T)
    return pl.Problem(
        "heat_disk",
        pl.Disk((X, Y)) * pl.TimeInterval(T, 0, 1),
        [sp.Eq(u.diff(T), u.diff(X, 2) + u.diff(Y, 2) - 3)],
        [pl.Initial(sp.Eq(u, X**2 + Y**2)), pl.Dirichlet(u, 1 + T)],
        reference=X**2 + Y**2 + T,
    )


def poisson_3d() -> pl.Problem:
    """Δu = 6 in a cube."""
    u = pl.unknown("u", X, Y, Z)
    square = X**2 + Y**2 + Z**2
    return pl.Problem(
        "poisson_3d",
        pl.Box((X, Y, Z), (-1, -1, -1), (1, 1, 1)),
        [sp.Eq(sum(u.diff(c, 2) for c in (X, Y, Z)), 6)],
        [pl.Dirichlet(u, square)],
        reference=square,
    )


PROBLEMS = {f.__name__: f for f in (poisson_1d, heat_1d, ring_2d, system_2d, heat_2d, poisson_3d)}


@cache
def solved(name: str, method: str = "lsr", **options: Any) -> pl.Solution:
    """The solution of one of the problems by a small network."""
    return pl.solve(PROBLEMS[name](), method, **{**SMALL, **options})
