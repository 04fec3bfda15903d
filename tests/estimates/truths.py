"""Truths: exact expressions, integrated ordinary equations, Fourier time stepping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
import sympy as sp
from known_case import Truth
from scipy.integrate import solve_ivp
from scipy.interpolate import make_interp_spline


def exact(coordinates: Sequence[sp.Symbol], **fields: Any) -> Truth:
    """The truth from an expression for each unknown."""
    functions = {
        n: sp.lambdify(coordinates, sp.sympify(e), ["numpy", "scipy"]) for n, e in fields.items()
    }

    def truth(points: np.ndarray) -> dict[str, np.ndarray]:
        return {n: np.zeros(len(points)) + f(*points.T) for n, f in functions.items()}

    return truth


def one(function: Callable[..., np.ndarray], name: str = "u") -> Truth:
    """The truth of a single unknown from a numpy function of the coordinates."""
    return lambda points: {name: np.asarray(function(*points.T), dtype=float)}


def ode(
    names: Sequence[str],
    rhs: Callable[..., Sequence[float]],
    start: Sequence[float],
    end: float,
    method: str = "DOP853",
) -> Truth:
    """The truth of an initial-value problem y' = rhs(t, *y), by scipy at 1e-11."""

    @cache
    def dense() -> Any:
        run = solve_ivp(
            lambda t, y: rhs(t, *y),
            (0, end),
            start,
            method,
            rtol=1e-11,
            atol=1e-13,
            dense_output=True,
        )
        return run.sol

    return lambda points: dict(zip(names, dense()(points[:, 0])[: len(names)], strict=True))


def fourier(
    low: float,
    length: float,
    start: Callable[[np.ndarray], np.ndarray],
    linear: Callable[[np.ndarray], np.ndarray],
    end: float,
    flux: Callable[[np.ndarray], np.ndarray] | None = None,
    source: Callable[[np.ndarray, float, np.ndarray], np.ndarray] | None = None,
    modes: int = 512,
    steps: int = 20_000,
    keep: int = 20,
) -> Truth:
    """The truth of u_t = L u − ∂x flux(u) + source(x, t, u), periodic in x, by ETDRK4.

    Args:
        low: left end of the period.
        length: of the period.
        start: u at t = 0.
        linear: symbol of L as a function of the wave numbers.
        end: last time.
        flux: f(u).
        source: s(x, t, u).
        modes: grid points; the upper third of the waves is cut off the nonlinear terms.
        steps: of time.
        keep: every how many steps a state is kept for the interpolation in time.
    """
    k = 2 * np.pi / length * np.arange(modes // 2 + 1)

    @cache
    def spline() -> Any:
        x = low + length * np.arange(modes) / modes
        h = end / steps
        L = linear(k)
        E, E2 = np.exp(h * L), np.exp(h * L / 2)
        # means over a circle about h L, which avoids the cancellation near zero
        z = h * L[:, None] + np.exp(2j * np.pi * (np.arange(64) + 0.5) / 64)
        Q = h * ((np.exp(z / 2) - 1) / z).mean(1)
        f1 = h * ((-4 - z + np.exp(z) * (4 - 3 * z + z**2)) / z**3).mean(1)
        f2 = h * ((2 + z + np.exp(z) * (z - 2)) / z**3).mean(1)
        f3 = h * ((-4 - 3 * z - z**2 + np.exp(z) * (4 - z)) / z**3).mean(1)
        low_waves = np.arange(len(k)) < modes / 3

        def nonlinear(v: np.ndarray, t: float) -> np.ndarray:
            u = np.fft.irfft(v * low_waves, modes)
            out = np.zeros(len(k), complex)
            if flux is not None:
                out -= 1j * k * np.fft.rfft(flux(u))
            if source is not None:
                out += np.fft.rfft(source(x, t, u))
            return out * low_waves

        v = np.fft.rfft(start(x))
        times, states = [0.0], [v]
        for i in range(steps):
            t = i * h
            N0 = nonlinear(v, t)
            a = E2 * v + Q * N0
            Na = nonlinear(a, t + h / 2)
            b = E2 * v + Q * Na
            Nb = nonlinear(b, t + h / 2)
            c = E2 * a + Q * (2 * Nb - N0)
            v = E * v + f1 * N0 + 2 * f2 * (Na + Nb) + f3 * nonlinear(c, t + h)
            if (i + 1) % keep == 0:
                times.append(t + h)
                states.append(v)
        return make_interp_spline(times, np.array(states) / modes, k=7)

    def truth(points: np.ndarray) -> dict[str, np.ndarray]:
        amplitudes = spline()(points[:, 1])
        waves = np.exp(1j * k * (points[:, :1] - low))
        weight = np.full(len(k), 2.0)
        weight[0] = weight[-1] = 1.0
        return {"u": (amplitudes * waves * weight).sum(1).real}

    return truth
