"""Darcy flow with a random permeability exp(a) and a random source f.

    q = −exp(a) ∇p,    ∇·q = f,    p = 0 on the boundary of the unit square

a and f are independent Gaussian processes with an RBF kernel of length 0.3. The equations are of
first order, with the flux q = (qx, qy) as unknowns, so that a is not differentiated.
"""

import numpy as np
import sympy as sp

import pdelsr as pl

x, y = pl.coordinates("x y")
p, qx, qy = (pl.unknown(name, x, y) for name in ("p", "qx", "qy"))
a, f = pl.input_function("a", x, y), pl.input_function("f", x, y)
field = pl.GaussianProcess(length_scale=0.3, interval=((0, 1), (0, 1)))


def reference(a, f):
    return pl.reference.darcy(lambda x, y: np.exp(a(x, y)), f)


problem = pl.Problem(
    name="darcy",
    domain=pl.Box((x, y), (0, 0), (1, 1)),
    equations=[
        sp.Eq(qx + sp.exp(a) * p.diff(x), 0),
        sp.Eq(qy + sp.exp(a) * p.diff(y), 0),
        sp.Eq(qx.diff(x) + qy.diff(y), f),
    ],
    conditions=[pl.Dirichlet(p, 0)],
    unknowns=[p, qx, qy],
    inputs={a: field, f: field},
    reference=pl.reference.OfInputs(reference),
)
