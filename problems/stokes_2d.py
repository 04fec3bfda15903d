"""Stokes flow in a closed box, driven by a body force.

    -Δu + p_x = f,    -Δv + p_y = g,    u_x + v_y = 0    on (0, 1)²
    u = v = 0 on the walls,    p = 0 in the centre

The stream function ψ = sin²(πx) sin²(πy) / π gives one vortex, u = ψ_y and v = -ψ_x, and the
pressure is p = cos(πx) sin(πy). The walls leave p open up to a constant, which one value fixes.

Source: Quarteroni and Valli (1994), Numerical Approximation of PDEs, chapter 9.
"""

import sympy as sp

import pdelsr as pl

x, y = pl.coordinates("x y")
u, v, p = (pl.unknown(name, x, y) for name in ("u", "v", "p"))

psi = sp.sin(sp.pi * x) ** 2 * sp.sin(sp.pi * y) ** 2 / sp.pi
exact = {u: psi.diff(y), v: -psi.diff(x), p: sp.cos(sp.pi * x) * sp.sin(sp.pi * y)}


def force(w, p, s):
    """The momentum equation of the velocity component w along the coordinate s."""
    return -w.diff(x, 2) - w.diff(y, 2) + p.diff(s)


problem = pl.Problem(
    name="stokes_2d",
    domain=pl.Box((x, y), (0, 0), (1, 1)),
    unknowns=(u, v, p),
    equations=[
        sp.Eq(force(u, p, x), force(exact[u], exact[p], x)),
        sp.Eq(force(v, p, y), force(exact[v], exact[p], y)),
        sp.Eq(u.diff(x) + v.diff(y), 0),
    ],
    conditions=[
        pl.Dirichlet(u, 0),
        pl.Dirichlet(v, 0),
        pl.Observations(p, points=[(0.5, 0.5)], values=[0]),
    ],
    reference=exact,
)
