"""Poisson's equation on a square with three round holes: a value outside, a flux on the holes.

    u_xx + u_yy = f    on the square (-1, 1)² without the disks
    u = 0 on the edges of the square,    ∂u/∂n = g on the rims of the holes

Source and flux belong to the solution u = exp(x + y/2) sin(πx) sin(πy); n points into the holes.
"""

import sympy as sp

import pdelsr as pl

x, y = pl.coordinates("x y")
u = pl.unknown("u", x, y)

square = pl.Box((x, y), (-1, -1), (1, 1))
holes = [
    pl.Disk((x, y), (-0.4, 0.45), 0.3, name="hole 1"),
    pl.Disk((x, y), (0.5, 0.3), 0.25, name="hole 2"),
    pl.Disk((x, y), (0.1, -0.45), 0.35, name="hole 3"),
]

exact = sp.exp(x + y / 2) * sp.sin(sp.pi * x) * sp.sin(sp.pi * y)
f = exact.diff(x, 2) + exact.diff(y, 2)
g = pl.normal(x) * exact.diff(x) + pl.normal(y) * exact.diff(y)

problem = pl.Problem(
    name="poisson_holes_2d",
    domain=square - holes[0] - holes[1] - holes[2],
    equations=[sp.Eq(u.diff(x, 2) + u.diff(y, 2), f)],
    conditions=[
        pl.Dirichlet(u, 0, on=["x=-1", "x=1", "y=-1", "y=1"]),
        pl.Neumann(u, g, on=["hole 1", "hole 2", "hole 3"]),
    ],
    reference=exact,
)
