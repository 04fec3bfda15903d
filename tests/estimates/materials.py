"""Coefficients that jump, and loads at a point: the equation holds in its weak sense only."""

from __future__ import annotations

import numpy as np
import sympy as sp
from known_case import Case
from scipy.optimize import brentq
from truths import one

import pdelsr as pl

x, y, t = pl.coordinates("x y t")
grid = np.linspace(0.002, 0.998, 499)[:, None]


def flux_form(k: sp.Expr, u: sp.Expr, *directions: sp.Symbol) -> sp.Expr:
    """div(k grad u), kept as it is: sympy's product rule would drop the jump of k."""
    return sum(sp.Derivative(k * u.diff(s), s) for s in directions)


def layered_rod() -> Case:
    """(k u')' = 0 where sympy has already made k u'' of it, and lost the jump."""
    u = pl.unknown("u", x)
    k = sp.Piecewise((1, x < 0.5), (10, True))
    problem = pl.Problem(
        "layered_rod",
        pl.Interval(x, 0, 1),
        [sp.Eq((k * u.diff(x)).diff(x), 0)],
        [pl.Dirichlet(u, 0, on="x=0"), pl.Dirichlet(u, 1, on="x=1")],
    )
    truth = one(lambda x: np.where(x < 0.5, 20 * x, 9 + 2 * x) / 11)
    return Case("layered_rod", problem, truth, "warned")


def stacked_squares() -> Case:
    """Glass below metal, held cold at the bottom, heated from above; after a public question."""
    T = pl.unknown("T", x, y)
    k = sp.Piecewise((sp.Rational(138, 100), y < 1), (400, True))

    def problem() -> pl.Problem:
        return pl.Problem(
            "stacked_squares",
            pl.Box((x, y), (0, 0), (1, 2)),
            [flux_form(k, T, x, y)],
            [
                pl.Dirichlet(T, sp.Rational(29315, 100), on="y=0"),
                pl.Condition(sp.Eq(400 * T.diff(y), 200), on="y=2", name="flux"),
                pl.Neumann(T, 0, on=["x=0", "x=1"]),
            ],
        )

    rise = lambda x, y: np.where(y < 1, 200 * y / 1.38, 200 / 1.38 + (y - 1) / 2)
    points = np.random.default_rng(0).random((2000, 2)) * [1, 2]
    truth = one(lambda x, y: 293.15 + rise(x, y), "T")
    return Case("stacked_squares", problem, truth, "solved <= 1e-6", points)


def round_inclusion() -> Case:
    """A disk that conducts ten times better, in a plate with the field of an endless one."""
    u = pl.unknown("u", x, y)
    radius, k_in = sp.Rational(3, 10), 10
    X, Y = x - sp.Rational(1, 2), y - sp.Rational(1, 2)
    contrast = sp.Rational(k_in - 1, k_in + 1)
    outside = X * (1 - contrast * radius**2 / (X**2 + Y**2))

    def problem() -> pl.Problem:
        k = sp.Piecewise((k_in, radius**2 > X**2 + Y**2), (1, True))
        return pl.Problem(
            "round_inclusion",
            pl.Box((x, y), (0, 0), (1, 1)),
            [flux_form(k, u, x, y)],
            [pl.Condition(sp.Eq(u, outside), name="sides")],
        )

    def value(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        X, r2 = x - 0.5, (x - 0.5) ** 2 + (y - 0.5) ** 2
        return np.where(
            r2 < 0.09, X * 2 / (1 + k_in), X * (1 - 9 / 11 * 0.09 / np.maximum(r2, 0.09))
        )

    points = np.random.default_rng(1).random((3000, 2))
    return Case("round_inclusion", problem, one(value), "solved <= 1e-4", points)


def rod_with_flux() -> Case:
    """First order: q = k u', q' = −2, k jumping from 1 to 50; the flux is smooth, u has a kink."""
    u, q = pl.unknown("u", x), pl.unknown("q", x)
    a, k_right = 0.4, 50
    # q = c − 2x and u = ∫ q/k with u(1) = 1
    c = (1 + a**2 + (1 - a**2) / k_right) / (a + (1 - a) / k_right)
    left = lambda x: c * x - x**2
    problem = pl.Problem(
        name="rod_with_flux",
        domain=pl.Interval(x, 0, 1),
        unknowns=(u, q),
        equations=[
            sp.Eq(q, sp.Piecewise((1, x < a), (k_right, True)) * u.diff(x)),
            sp.Eq(q.diff(x), -2),
        ],
        conditions=[pl.Dirichlet(u, 0, on="x=0"), pl.Dirichlet(u, 1, on="x=1")],
    )

    def truth(points: np.ndarray) -> dict[str, np.ndarray]:
        s = points[:, 0]
        return {
            "u": np.where(s < a, left(s), left(a) + (left(s) - left(a)) / k_right),
            "q": c - 2 * s,
        }

    return Case("rod_with_flux", problem, truth, "solved <= 1e-6")


def cooling_bar() -> Case:
    """Heat in a bar of two materials that starts in its slowest mode."""
    u = pl.unknown("u", x, t)
    a, k_right = 0.5, 5.0
    root = np.sqrt(k_right)  # μ to the left, μ/√k to the right
    flux = lambda m: (
        np.cos(m * a) * np.sin(m * (1 - a) / root)
        + root * np.sin(m * a) * np.cos(m * (1 - a) / root)
    )
    mu = brentq(flux, 2.0, 5.0, xtol=1e-15)
    size = float(np.sin(mu * a) / np.sin(mu * (1 - a) / root))
    mode = sp.Piecewise((sp.sin(mu * x), x < a), (size * sp.sin(mu * (1 - x) / root), True))

    def problem() -> pl.Problem:
        k = sp.Piecewise((1, x < a), (k_right, True))
        return pl.Problem(
            "cooling_bar",
            pl.Interval(x, 0, 1) * pl.TimeInterval(t, 0, 0.2),
            [sp.Eq(u.diff(t), flux_form(k, u, x))],
            [pl.Initial(sp.Eq(u, mode)), pl.Dirichlet(u, 0)],
        )

    shape = lambda x: np.where(x < a, np.sin(mu * x), size * np.sin(mu * (1 - x) / root))
    points = np.random.default_rng(2).random((2000, 2)) * [1, 0.2]
    truth = one(lambda x, t: shape(x) * np.exp(-(mu**2) * t))
    return Case("cooling_bar", problem, truth, "solved <= 1e-4", points)


def point_load() -> Case:
    """A simply supported beam under a load at one point."""
    w = pl.unknown("w", x)
    a, b = 0.4, 0.6

    def problem() -> pl.Problem:
        return pl.Problem(
            "point_load",
            pl.Interval(x, 0, 1),
            [sp.Eq(w.diff(x, 4), sp.DiracDelta(x - sp.Rational(2, 5)))],
            [
                pl.Dirichlet(w, 0),
                pl.Condition(sp.Eq(w.diff(x, 2), 0), on=["x=0", "x=1"], name="moment"),
            ],
        )

    def value(x: np.ndarray) -> np.ndarray:
        z = 1 - x
        return np.where(x < a, b * x * (1 - b**2 - x**2), a * z * (1 - a**2 - z**2)) / 6

    return Case("point_load", problem, one(value, "w"), "solved <= 1e-4", grid)
