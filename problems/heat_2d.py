"""The heat equation on a square plate whose edges are kept cold.

    u_t = κ (u_xx + u_yy)    on (0, 1)²,    u = 0 on the boundary,    κ = 1/10

Each mode sin(mπx) sin(nπy) decays at its own rate κπ² (m² + n²); the solution has two of them.

Source: Evans (2010), Partial Differential Equations, section 4.1.
"""

import sympy as sp

import pdelsr as pl

kappa = sp.Rational(1, 10)

x, y, t = pl.coordinates("x y t")
u = pl.unknown("u", x, y, t)


def mode(m, n):
    """One solution by separation of variables."""
    decay = sp.exp(-kappa * sp.pi**2 * (m**2 + n**2) * t)
    return sp.sin(m * sp.pi * x) * sp.sin(n * sp.pi * y) * decay


exact = mode(1, 1) + mode(2, 3) / 2

problem = pl.Problem(
    name="heat_2d",
    domain=pl.Box((x, y), (0, 0), (1, 1)) * pl.TimeInterval(t, 0, 1),
    equations=[sp.Eq(u.diff(t), kappa * (u.diff(x, 2) + u.diff(y, 2)))],
    conditions=[pl.Initial(sp.Eq(u, exact.subs(t, 0))), pl.Dirichlet(u, 0)],
    reference=exact,
)
