"""The Allen-Cahn equation: reaction drives u to ±1, weak diffusion keeps narrow layers between.

    u_t - 10⁻⁴ u_xx + 5u³ - 5u = 0,    u(x, 0) = x² cos(πx),    periodic in x

As a periodic function the initial value has a kink at x = ±1, where its slope jumps from -2 to 2;
diffusion rounds it off at once. The reference follows the kink in closed form.

Source: Raissi, Perdikaris and Karniadakis (2019), J. Comput. Phys. 378, 686.
"""

import sympy as sp

import pdelsr as pl

D = sp.Rational(1, 10000)

x, t = pl.coordinates("x t")
u = pl.unknown("u", x, t)
u0 = x**2 * sp.cos(sp.pi * x)

problem = pl.Problem(
    name="allen_cahn_1d",
    domain=pl.Interval(x, -1, 1) * pl.TimeInterval(t, 0, 1),
    equations=[sp.Eq(u.diff(t) - D * u.diff(x, 2) + 5 * u**3 - 5 * u, 0)],
    conditions=[pl.Initial(sp.Eq(u, u0)), pl.Periodic(u, x)],
    reference=pl.reference.allen_cahn(D, 5, u0),
)
