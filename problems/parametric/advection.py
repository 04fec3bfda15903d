"""Advection by a random positive velocity a(x).

    s_t + a s_x = 0,    s(x, 0) = sin(πx),    s(0, t) = sin(πt/2)

a = v − min v + 1, v a Gaussian process with an RBF kernel of length 0.2, drawn at 512 points and
interpolated linearly. Both conditions give 0 at the corner, but another slope, so that s has a
kink along the characteristic that starts there.

Source: Wang, Wang and Perdikaris (2021), Science Advances 7, eabi8605.
"""

import numpy as np
import sympy as sp

import pdelsr as pl

x, t = pl.coordinates("x t")
s = pl.unknown("s", x, t)
a = pl.input_function("a", x)


def above_one(v):
    return v - v.min() + 1


def reference(a):
    return pl.reference.advection(a, lambda x: np.sin(np.pi * x), lambda t: np.sin(np.pi * t / 2))


problem = pl.Problem(
    name="advection",
    domain=pl.Interval(x, 0, 1) * pl.TimeInterval(t, 0, 1),
    equations=[sp.Eq(s.diff(t) + a * s.diff(x), 0)],
    conditions=[
        pl.Initial(sp.Eq(s, sp.sin(sp.pi * x))),
        pl.Dirichlet(s, sp.sin(sp.pi * t / 2), on="x=0"),
    ],
    inputs={a: pl.GaussianProcess(length_scale=0.2, nodes=512, transform=above_one)},
    reference=pl.reference.OfInputs(reference),
)
