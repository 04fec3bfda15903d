"""Small residuals that say little: hidden data, several solutions, none, ill-posed problems."""

from __future__ import annotations

import numpy as np
import sympy as sp
from known_case import Case
from scipy.optimize import brentq
from scipy.special import erfi
from truths import exact, one

import pdelsr as pl

x, y, t = pl.coordinates("x y t")
u, w, v = pl.unknown("u", x), pl.unknown("u", x, y), pl.unknown("u", x, t)
pi, half = sp.pi, sp.Rational(1, 2)
unit = pl.Interval(x, 0, 1)
square = pl.Box((x, y), (0, 0), (1, 1))


def laplacian(f: sp.Expr) -> sp.Expr:
    return f.diff(x, 2) + f.diff(y, 2)


def line(name: str, equation: sp.Basic, conditions: list | None = None) -> pl.Problem:
    """An equation on (0, 1), by default with u = 0 at both ends."""
    return pl.Problem(
        name, domain=unit, equations=[equation], conditions=conditions or [pl.Dirichlet(u, 0)]
    )


def heat(name: str, initial: sp.Expr, end: float) -> pl.Problem:
    """Heat in a rod whose ends are kept at zero."""
    return pl.Problem(
        name,
        unit * pl.TimeInterval(t, 0, end),
        [sp.Eq(v.diff(t), v.diff(x, 2))],
        [pl.Initial(sp.Eq(v, initial)), pl.Dirichlet(v, 0)],
    )


def sine_series(coefficient: np.ndarray, n: np.ndarray):
    """Σ b_n sin(nπx) exp(−n²π²t)."""

    def value(x: np.ndarray, t: np.ndarray) -> np.ndarray:
        return sum(
            b * np.sin(k * np.pi * x) * np.exp(-((k * np.pi) ** 2) * t)
            for b, k in zip(coefficient, n, strict=True)
        )

    return value


def narrow_source_1d() -> Case:
    """A load of width 1e-6, which no collocation point meets, beside a smooth one."""
    width, a = 1e-6, 0.4142
    load = sp.exp(-(((x - a) / width) ** 2)) / (width * sp.sqrt(pi))
    problem = line("narrow_source_1d", sp.Eq(-u.diff(x, 2), load + pi**2 * sp.sin(pi * x)))
    truth = one(lambda x: np.where(x < a, x * (1 - a), a * (1 - x)) + np.sin(np.pi * x))
    return Case("narrow_source_1d", problem, truth, "honest")


def narrow_source_2d() -> Case:
    """A well of width 1e-4 in a plate with a smooth load; truth by the Green's function."""
    width, a, b = 1e-4, 0.4142, 0.271
    well = sp.exp(-(((x - a) / width) ** 2) - ((y - b) / width) ** 2) / (pi * width**2)
    smooth = sp.sin(pi * x) * sp.sin(pi * y)

    def value(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        total, low, high = np.sin(np.pi * x) * np.sin(np.pi * y), np.minimum(y, b), np.maximum(y, b)
        for k in np.pi * np.arange(1, 1500):
            fall = (
                np.exp(k * (low - high))
                * (1 - np.exp(-2 * k * low))
                * (1 - np.exp(-2 * k * (1 - high)))
            )
            total = total + np.sin(k * x) * np.sin(k * a) * fall / (k * (1 - np.exp(-2 * k)))
        return total

    problem = pl.Problem(
        "narrow_source_2d",
        square,
        [sp.Eq(-laplacian(w), well + 2 * pi**2 * smooth)],
        [pl.Dirichlet(w, 0)],
    )
    return Case("narrow_source_2d", problem, one(value), "honest")


def sharp_conductivity() -> Case:
    """Conductivity rising from 1 to 10 within 1e-7: smooth on paper, a jump to every point."""
    a, width = 0.50123, 1e-7
    k = sp.Rational(11, 2) + sp.Rational(9, 2) * sp.tanh((x - a) / width)
    ends = [pl.Dirichlet(u, 0, on="x=0"), pl.Dirichlet(u, 1, on="x=1")]
    resistance = a + (1 - a) / 10
    truth = one(lambda x: np.where(x < a, x, resistance - (1 - x) / 10) / resistance)
    problem = line("sharp_conductivity", sp.Eq((k * u.diff(x)).diff(x), 0), ends)
    return Case("sharp_conductivity", problem, truth, "honest")


def plucked_string() -> Case:
    """A string let go from a triangle: kinks travel for ever."""
    hat = sp.Piecewise((x, x < half), (1 - x, True))
    problem = pl.Problem(
        "plucked_string",
        unit * pl.TimeInterval(t, 0, 1),
        [sp.Eq(v.diff(t, 2), v.diff(x, 2))],
        [pl.Initial(sp.Eq(v, hat)), pl.Initial(sp.Eq(v.diff(t), 0)), pl.Dirichlet(v, 0)],
    )
    wave = lambda z: np.arcsin(np.sin(np.pi * z)) / np.pi  # the hat, odd, of period 2
    truth = one(lambda x, t: (wave(x - t) + wave(x + t)) / 2)
    return Case("plucked_string", problem, truth, "honest")


def hot_block() -> Case:
    """A rod that is hot on its middle half at first."""
    n = np.arange(1, 800)
    b = 2 / (n * np.pi) * (np.cos(n * np.pi / 4) - np.cos(3 * n * np.pi / 4))
    problem = heat("hot_block", sp.Piecewise((0, x < 0.25), (1, x < 0.75), (0, True)), 0.25)
    return Case("hot_block", problem, one(sine_series(b, n)), "honest")


def corner_mismatch() -> Case:
    """A rod at 1 whose ends are put to 0 at once: data disagree at two corners."""
    n = np.arange(1, 4001, 2)
    problem = heat("corner_mismatch", sp.Integer(1), 1)
    return Case("corner_mismatch", problem, one(sine_series(4 / (n * np.pi), n)), "honest")


def resonant_rod() -> Case:
    """u'' + π² u with data that balance: any multiple of sin πx may be added."""
    e = sp.sin(2 * pi * x)
    problem = line("resonant_rod", sp.Eq(u.diff(x, 2) + pi**2 * u, -3 * pi**2 * e))
    return Case("resonant_rod", problem, exact((x,), u=e), "warned")


def resonant_forcing() -> Case:
    """The same operator, driven by its own mode: no solution."""
    problem = line("resonant_forcing", sp.Eq(u.diff(x, 2) + pi**2 * u, sp.sin(pi * x)))
    return Case("resonant_forcing", problem, None, "honest", exists=False)


def insulated_source() -> Case:
    """A steady source in a plate that is insulated all around: no solution."""
    problem = pl.Problem("insulated_source", square, [sp.Eq(laplacian(w), 1)], [pl.Neumann(w, 0)])
    return Case("insulated_source", problem, None, "warned", exists=False)


def continued_harmonic() -> Case:
    """Hadamard's example: value and slope on one side; 1e-6 of the data is all of the solution."""
    slope = sp.sin(3 * x) + sp.Float(1e-6) * sp.sin(10 * x)
    e = sp.sin(3 * x) * sp.sinh(3 * y) / 3 + sp.Float(1e-7) * sp.sin(10 * x) * sp.sinh(10 * y)
    problem = pl.Problem(
        "continued_harmonic",
        pl.Box((x, y), (0, 0), (3, 3)),
        [laplacian(w)],
        [pl.Dirichlet(w, 0, on="y=0"), pl.Neumann(w, -slope, on="y=0")],
    )
    return Case("continued_harmonic", problem, exact((x, y), u=e), "honest")


def bratu_beyond_fold() -> Case:
    """u'' + λ e^u with λ = 4, beyond the fold at 3.5138: no solution."""
    problem = line("bratu_beyond_fold", u.diff(x, 2) + 4 * sp.exp(u))
    return Case("bratu_beyond_fold", problem, None, "honest", exists=False)


def bratu_at_fold() -> Case:
    """Just before the fold: two solutions, close to each other, and a nearly singular system."""
    lam = 3.513
    turn = 4 * np.arcsinh(4 / np.sqrt(2 * lam))
    root = lambda a, b: brentq(lambda q: q - np.sqrt(2 * lam) * np.cosh(q / 4), a, b, xtol=1e-15)
    branch = lambda q: one(lambda x: -2 * np.log(np.cosh((x - 0.5) * q / 2) / np.cosh(q / 4)))
    problem = line("bratu_at_fold", u.diff(x, 2) + lam * sp.exp(u))
    low, high = branch(root(0, turn)), branch(root(turn, 12))
    return Case("bratu_at_fold", problem, low, "honest", also=(high,))


def turning_point() -> Case:
    """ε u'' = x u': a plateau whose height hangs on an exponentially small term."""
    eps = 0.01
    q = lambda x: erfi(x / np.sqrt(2 * eps))
    problem = pl.Problem(
        "turning_point",
        pl.Interval(x, -1, 1),
        [sp.Eq(eps * u.diff(x, 2), x * u.diff(x))],
        [pl.Dirichlet(u, 0, on="x=-1"), pl.Dirichlet(u, 1, on="x=1")],
    )
    return Case("turning_point", problem, one(lambda x: (1 + q(x) / q(1.0)) / 2), "honest")


def standing_shock() -> Case:
    """Steady viscous Burgers: the place of the shock hardly enters the residual."""
    eps = sp.Rational(1, 100)
    problem = pl.Problem(
        "standing_shock",
        pl.Interval(x, -1, 1),
        [sp.Eq(eps * u.diff(x, 2), u * u.diff(x))],
        [pl.Dirichlet(u, 1, on="x=-1"), pl.Dirichlet(u, -1, on="x=1")],
    )
    return Case("standing_shock", problem, exact((x,), u=-sp.tanh(x / (2 * eps))), "honest")


def nanomolar_rate() -> Case:
    """A second-order reaction from 1e-9 mol/l: every residual is tiny."""
    start, k = sp.Float(1e-9), sp.Float(1e10)
    problem = line(
        "nanomolar_rate", sp.Eq(u.diff(x), -k * u**2), [pl.Dirichlet(u, start, on="x=0")]
    )
    return Case("nanomolar_rate", problem, exact((x,), u=start / (1 + k * start * x)), "honest")


def free_beam() -> Case:
    """A beam with free ends and one prescribed value: it may still turn."""
    e = sp.cos(2 * pi * x)
    conditions = [
        pl.Condition(sp.Eq(u.diff(x, 2), -((2 * pi) ** 2)), name="moment"),
        pl.Condition(sp.Eq(u.diff(x, 3), 0), name="shear"),
        pl.Observations(u, points=[0.0], values=[1.0]),
    ]
    problem = line("free_beam", sp.Eq(u.diff(x, 4), (2 * pi) ** 4 * e), conditions)
    return Case("free_beam", problem, exact((x,), u=e), "warned")


def contradictory_sides() -> Case:
    """Two values on the same side."""

    def problem() -> pl.Problem:
        both = [pl.Dirichlet(w, 0), pl.Condition(sp.Eq(w, 1), on="x=0", name="other")]
        return pl.Problem("two values", square, [laplacian(w)], both)

    return Case("contradictory_sides", problem, None, "refused", exists=False)


def eikonal_between_walls() -> Case:
    """(u')² = 1 between two zeros: no smooth solution; the tent counts, upwards or downwards."""
    tent = half - sp.Abs(x - half)
    problem = line("eikonal_between_walls", sp.Eq(u.diff(x) ** 2, 1))
    truths = exact((x,), u=tent), exact((x,), u=-tent)
    return Case("eikonal_between_walls", problem, truths[0], "honest", also=truths[1:])
