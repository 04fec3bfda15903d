"""The bending of a square plate that is clamped along its edges.

    ΔΔu = f    on (0, 1)²,    u = 0 and ∂u/∂n = 0 on the boundary

The load f belongs to the deflection u = sin²(πx) sin²(πy).

Source: Timoshenko and Woinowsky-Krieger (1959), Theory of Plates and Shells, section 44.
"""

import sympy as sp

import pdelsr as pl

x, y = pl.coordinates("x y")
u = pl.unknown("u", x, y)


def biharmonic(w):
    """ΔΔw = w_xxxx + 2 w_xxyy + w_yyyy."""
    return w.diff(x, 4) + 2 * w.diff(x, 2, y, 2) + w.diff(y, 4)


exact = sp.sin(sp.pi * x) ** 2 * sp.sin(sp.pi * y) ** 2

problem = pl.Problem(
    name="biharmonic_2d",
    domain=pl.Box((x, y), (0, 0), (1, 1)),
    equations=[sp.Eq(biharmonic(u), biharmonic(exact))],
    conditions=[pl.Dirichlet(u, 0), pl.Neumann(u, 0)],
    reference=exact,
)
