"""The wave equation on a string that is fixed at both ends and released at rest.

    u_tt = c² u_xx    on (0, 1),    u = 0 at the ends,    c = 2
    u(x, 0) = sin(πx) + ½ sin(4πx),    u_t(x, 0) = 0

The fundamental and its fourth harmonic swing at their own frequencies.

Source: Wang, Yu and Perdikaris (2022), J. Comput. Phys. 449, 110768.
"""

import sympy as sp

import pdelsr as pl

c = 2

x, t = pl.coordinates("x t")
u = pl.unknown("u", x, t)


def mode(n):
    """A standing wave."""
    return sp.sin(n * sp.pi * x) * sp.cos(n * c * sp.pi * t)


exact = mode(1) + mode(4) / 2

problem = pl.Problem(
    name="wave_1d",
    domain=pl.Interval(x, 0, 1) * pl.TimeInterval(t, 0, 1),
    equations=[sp.Eq(u.diff(t, 2), c**2 * u.diff(x, 2))],
    conditions=[
        pl.Initial(sp.Eq(u, exact.subs(t, 0))),
        pl.Initial(sp.Eq(u.diff(t), 0)),
        pl.Dirichlet(u, 0),
    ],
    reference=exact,
)
