"""Poisson's equation in five dimensions.

    Δu = f    on (0, 1)⁵,    u = Σ cos(πx_i) on the boundary

The source f = -π² Σ cos(πx_i) belongs to the solution u = Σ cos(πx_i).

Source: Dangel, Müller and Zeinhofer (2024), NeurIPS, arXiv 2405.15603.
"""

import sympy as sp

import pdelsr as pl

xs = pl.coordinates("x1 x2 x3 x4 x5")
u = pl.unknown("u", *xs)

exact = sum(sp.cos(sp.pi * x) for x in xs)
f = -(sp.pi**2) * exact

problem = pl.Problem(
    name="poisson_5d",
    domain=pl.Box(xs, (0, 0, 0, 0, 0), (1, 1, 1, 1, 1)),
    equations=[sp.Eq(sum(u.diff(x, 2) for x in xs), f)],
    # no pl.Dirichlet: its hard form would extend the data into the cube, to the solution itself
    conditions=[pl.Condition(sp.Eq(u, exact))],
    reference=exact,
)
