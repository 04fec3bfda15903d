"""Diffusion and reaction with a random source a(x).

    s_t = D s_xx + k s² + a(x),    s = 0 at t = 0, x = 0 and x = 1,    D = k = 0.01

a is a Gaussian process with an RBF kernel of length 0.2.

Source: Wang, Wang and Perdikaris (2021), Science Advances 7, eabi8605.
"""

import sympy as sp

import pdelsr as pl

x, t = pl.coordinates("x t")
s = pl.unknown("s", x, t)
a = pl.input_function("a", x)
D = k = 0.01

problem = pl.Problem(
    name="diffusion_reaction",
    domain=pl.Interval(x, 0, 1) * pl.TimeInterval(t, 0, 1),
    equations=[sp.Eq(s.diff(t) - D * s.diff(x, 2) - k * s**2, a)],
    conditions=[pl.Initial(sp.Eq(s, 0)), pl.Dirichlet(s, 0)],
    inputs={a: pl.GaussianProcess(length_scale=0.2)},
    reference=pl.reference.OfInputs(pl.reference.diffusion_reaction),
)
