"""Exponential time differencing, fourth-order Runge-Kutta (ETDRK4), for v' = L v + N(v, t)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex

CONTOUR_POINTS = 64

Nonlinear = Callable[[Complex[np.ndarray, "*n m"], float], Complex[np.ndarray, "*n m"]]


@dataclass(frozen=True)
class Coefficients:
    """The functions of hL that one step of length h needs, L diagonal.

        full = exp(hL),  half = exp(hL/2),  q = h (exp(z/2) - 1) / z
        f1 = h (-4 - z + e^z (4 - 3z + z²)) / z³
        f2 = h (2 + z + e^z (z - 2)) / z³
        f3 = h (-4 - 3z - z² + e^z (4 - z)) / z³,   z = hL

    Source: Cox and Matthews (2002), J. Comput. Phys. 176, 430, equations 26-29.
    """

    h: float
    full: Complex[np.ndarray, " m"]
    half: Complex[np.ndarray, " m"]
    q: Complex[np.ndarray, " m"]
    f1: Complex[np.ndarray, " m"]
    f2: Complex[np.ndarray, " m"]
    f3: Complex[np.ndarray, " m"]


def coefficients(L: Complex[np.ndarray, " m"], h: float) -> Coefficients:
    """Coefficients by means over a circle of radius 1 around each hL.

    Evaluated directly, the quotients lose all digits to cancellation near hL = 0; on the circle
    they do not, and the mean of an analytic function is its value at the centre.

    Args:
        L: the linear operator's symbol, (m,).
        h: step length.

    Source: Kassam and Trefethen (2005), SIAM J. Sci. Comput. 26, 1214, section 3.
    """
    angles = 2 * np.pi * (np.arange(CONTOUR_POINTS) + 0.5) / CONTOUR_POINTS
    z = h * L[:, None] + np.exp(1j * angles)
    e, z3 = np.exp(z), z**3
    return Coefficients(
        h,
        np.exp(h * L),
        np.exp(h * L / 2),
        h * ((np.exp(z / 2) - 1) / z).mean(axis=1),
        h * ((-4 - z + e * (4 - 3 * z + z**2)) / z3).mean(axis=1),
        h * ((2 + z + e * (z - 2)) / z3).mean(axis=1),
        h * ((-4 - 3 * z - z**2 + e * (4 - z)) / z3).mean(axis=1),
    )


def step(
    v: Complex[np.ndarray, "*n m"], t: float, N: Nonlinear, c: Coefficients
) -> Complex[np.ndarray, "*n m"]:
    """v(t + h) from v(t).

    Args:
        v: state, (m,), or several of them, (n, m).
        t: time.
        N: nonlinear part, a function of (v, t).
        c: coefficients for the step length h.

    Source: Cox and Matthews (2002), equations 26-29.
    """
    Nv = N(v, t)
    a = c.half * v + c.q * Nv
    Na = N(a, t + c.h / 2)
    b = c.half * v + c.q * Na
    Nb = N(b, t + c.h / 2)
    d = c.half * a + c.q * (2 * Nb - Nv)
    Nd = N(d, t + c.h)
    return c.full * v + c.f1 * Nv + 2 * c.f2 * (Na + Nb) + c.f3 * Nd
