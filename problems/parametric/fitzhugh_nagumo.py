"""A system of reaction and diffusion from two random initial values a and b.

    u_t = D u_xx + u − u³ − v,    v_t = D v_xx + (u − v) / 2,    periodic in x,    D = 0.01

u(x, 0) = a(x) and v(x, 0) = b(x) are independent sums of four waves with random amplitudes.

Source of the equations: FitzHugh (1961), Biophys. J. 1, 445; Nagumo, Arimoto and Yoshizawa (1962),
Proc. IRE 50, 2061.
"""

import numpy as np
import sympy as sp

import pdelsr as pl

x, t = pl.coordinates("x t")
u, v = pl.unknown("u", x, t), pl.unknown("v", x, t)
a, b = pl.input_function("a", x), pl.input_function("b", x)
D = 0.01


def waves(generator):
    k = np.arange(1, 5)
    cosine, sine = generator.normal(size=(2, 4)) / (2 * k**2)

    def values(x):
        angles = 2 * np.pi * np.multiply.outer(x, k)
        return np.cos(angles) @ cosine + np.sin(angles) @ sine

    return values


def reference(a, b):
    return pl.reference.reaction_diffusion([a, b], [D, D], lambda u, v: (u - u**3 - v, (u - v) / 2))


problem = pl.Problem(
    name="fitzhugh_nagumo",
    domain=pl.Interval(x, 0, 1) * pl.TimeInterval(t, 0, 1),
    equations=[
        sp.Eq(u.diff(t), D * u.diff(x, 2) + u - u**3 - v),
        sp.Eq(v.diff(t), D * v.diff(x, 2) + (u - v) / 2),
    ],
    conditions=[
        pl.Initial(sp.Eq(u, a)),
        pl.Initial(sp.Eq(v, b)),
        pl.Periodic(u, x),
        pl.Periodic(v, x),
    ],
    inputs={a: pl.Drawn(waves), b: pl.Drawn(waves)},
    reference=pl.reference.OfInputs(reference),
)
