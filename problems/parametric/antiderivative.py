"""The antiderivative of a random function a.

    s' = a,    s(0) = 0,    x in [0, 1]

a is a Gaussian process with an RBF kernel of length 0.2.

Source: Wang, Wang and Perdikaris (2021), Science Advances 7, eabi8605.
"""

import sympy as sp

import pdelsr as pl

x = pl.coordinates("x")
s = pl.unknown("s", x)
a = pl.input_function("a", x)

problem = pl.Problem(
    name="antiderivative",
    domain=pl.Interval(x, 0, 1),
    equations=[sp.Eq(s.diff(x), a)],
    conditions=[pl.Dirichlet(s, 0, on="x=0")],
    inputs={a: pl.GaussianProcess(length_scale=0.2)},
    reference=pl.reference.OfInputs(pl.reference.antiderivative),
)
