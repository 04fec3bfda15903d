"""The Korteweg-de Vries equation: a cosine steepens and breaks up into solitons.

    u_t + u u_x + δ u_xxx = 0,    u(x, 0) = cos(πx),    periodic in x,    δ = 0.0025

Source: Zabusky and Kruskal (1965), Phys. Rev. Lett. 15, 240; in this form Raissi, Perdikaris and
Karniadakis (2019), J. Comput. Phys. 378, 686.
"""

import sympy as sp

import pdelsr as pl

delta = sp.Rational(1, 400)

x, t = pl.coordinates("x t")
u = pl.unknown("u", x, t)
u0 = sp.cos(sp.pi * x)

problem = pl.Problem(
    name="kdv_1d",
    domain=pl.Interval(x, -1, 1) * pl.TimeInterval(t, 0, 1),
    equations=[sp.Eq(u.diff(t) + u * u.diff(x) + delta * u.diff(x, 3), 0)],
    conditions=[pl.Initial(sp.Eq(u, u0)), pl.Periodic(u, x)],
    reference=pl.reference.kdv(1, delta, u0),
)
