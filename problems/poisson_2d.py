"""Poisson's equation with oscillations that quicken from left to right.

    u_xx + u_yy = f    on (0, 1)²,    u = 0 on the boundary

The source f belongs to the solution u = sin(4πx²) sin(πy).

Source: Cao and Zhang (2026), arXiv 2601.13989.
"""

import sympy as sp

import pdelsr as pl

x, y = pl.coordinates("x y")
u = pl.unknown("u", x, y)

exact = sp.sin(4 * sp.pi * x**2) * sp.sin(sp.pi * y)
f = exact.diff(x, 2) + exact.diff(y, 2)

problem = pl.Problem(
    name="poisson_2d",
    domain=pl.Box((x, y), (0, 0), (1, 1)),
    equations=[sp.Eq(u.diff(x, 2) + u.diff(y, 2), f)],
    conditions=[pl.Dirichlet(u, 0)],
    reference=exact,
)
