"""The Helmholtz equation with a source four times as fast in y as in x.

    u_xx + u_yy + k² u = f    on (-1, 1)²,    u = 0 on the boundary,    k = 1

The source f belongs to the solution u = sin(πx) sin(4πy). The operator has no null space: the
square resonates at k² = (π/2)² (m² + n²), from k² = 4.93 on.

Source: Wang, Teng and Perdikaris (2021), SIAM J. Sci. Comput. 43, A3055.
"""

import sympy as sp

import pdelsr as pl

k = 1

x, y = pl.coordinates("x y")
u = pl.unknown("u", x, y)

exact = sp.sin(sp.pi * x) * sp.sin(4 * sp.pi * y)
f = exact.diff(x, 2) + exact.diff(y, 2) + k**2 * exact

problem = pl.Problem(
    name="helmholtz_2d",
    domain=pl.Box((x, y), (-1, -1), (1, 1)),
    equations=[sp.Eq(u.diff(x, 2) + u.diff(y, 2) + k**2 * u, f)],
    conditions=[pl.Dirichlet(u, 0)],
    reference=exact,
)
