"""Burgers' equation: a sine wave steepens into a front of width about ν.

    u_t + u u_x = ν u_xx,    u(x, 0) = -sin(πx),    periodic in x,    ν = 0.01/π

Another viscosity: `pdelsr solve problems/burgers_1d.py --set nu=0.01`.

The Cole-Hopf transform turns it into the heat equation, which gives the reference.

Source: Basdevant et al. (1986), Comput. Fluids 14, 23; Raissi et al. (2019), J. Comput. Phys.
378, 686.
"""

import sympy as sp

import pdelsr as pl

x, t = pl.coordinates("x t")
u = pl.unknown("u", x, t)
nu = sp.Symbol("nu", positive=True)

problem = pl.Problem(
    name="burgers_1d",
    domain=pl.Interval(x, -1, 1) * pl.TimeInterval(t, 0, 1),
    equations=[sp.Eq(u.diff(t) + u * u.diff(x) - nu * u.diff(x, 2), 0)],
    conditions=[pl.Initial(sp.Eq(u, -sp.sin(sp.pi * x))), pl.Periodic(u, x)],
    parameters={"nu": sp.Rational(1, 100) / sp.pi},
    reference=pl.reference.cole_hopf(nu),
)
