"""Burgers' equation from random periodic initial values a.

    u_t + u u_x = ν u_xx,    u(x, 0) = a(x),    periodic in x,    ν = 0.01

a is drawn from N(0, 625² (−Δ + 25 I)⁻⁴).

Source: Wang, Wang and Perdikaris (2021), Science Advances 7, eabi8605.
"""

import sympy as sp

import pdelsr as pl

x, t = pl.coordinates("x t")
u = pl.unknown("u", x, t)
a = pl.input_function("a", x)
nu = 0.01

problem = pl.Problem(
    name="burgers",
    domain=pl.Interval(x, 0, 1) * pl.TimeInterval(t, 0, 1),
    equations=[sp.Eq(u.diff(t) + u * u.diff(x) - nu * u.diff(x, 2), 0)],
    conditions=[pl.Initial(sp.Eq(u, a)), pl.Periodic(u, x)],
    inputs={a: pl.PeriodicField(sigma=625, tau=5, gamma=4)},
    reference=pl.reference.OfInputs(lambda a: pl.reference.periodic_burgers(a, nu=nu)),
)
