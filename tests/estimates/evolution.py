"""Initial-value problems over long times, where errors travel and grow."""

from __future__ import annotations

import numpy as np
import sympy as sp
from known_case import Case
from truths import exact, fourier, ode

import pdelsr as pl

x, t = pl.coordinates("x t")
R = sp.Rational


def initial_values(name: str, end: float, system: dict, start: dict) -> pl.Problem:
    """y' = f(y), y(0) given, with the unknowns as keys."""
    return pl.Problem(
        name=name,
        domain=pl.Interval(t, 0, end),
        unknowns=tuple(system),
        equations=[sp.Eq(y.diff(t), f) for y, f in system.items()],
        conditions=[pl.Dirichlet(y, value, on="t=0") for y, value in start.items()],
    )


def second_order(
    name: str, end: float, y: sp.Expr, equation: sp.Eq, value: float, slope: float
) -> pl.Problem:
    """An equation of second order in time with y(0) and y'(0) given."""
    start = [
        pl.Dirichlet(y, value, on="t=0"),
        pl.Condition(sp.Eq(y.diff(t), slope), on="t=0", name="slope"),
    ]
    return pl.Problem(name, pl.Interval(t, 0, end), [equation], start)


def lorenz() -> Case:
    """Lorenz' equations at r = 15, where they settle, to t = 3."""
    X, Y, Z = (pl.unknown(n, t) for n in ("X", "Y", "Z"))
    problem = initial_values(
        "lorenz",
        3,
        {X: 10 * (Y - X), Y: X * (15 - Z) - Y, Z: X * Y - R(8, 3) * Z},
        {X: -8, Y: 7, Z: 27},
    )
    rhs = lambda t, x, y, z: (10 * (y - x), x * (15 - z) - y, x * y - 8 / 3 * z)
    return Case("lorenz", problem, ode("XYZ", rhs, (-8, 7, 27), 3), "solved <= 1e-5")


def epidemic() -> Case:
    """An epidemic (SIR) over 60 days."""
    S, J, Q = (pl.unknown(n, t) for n in ("S", "J", "Q"))
    problem = initial_values(
        "epidemic",
        60,
        {S: -R(4, 5) * S * J, J: R(4, 5) * S * J - J / 4, Q: J / 4},
        {S: R(995, 1000), J: R(5, 1000), Q: 0},
    )
    rhs = lambda t, s, i, r: (-0.8 * s * i, 0.8 * s * i - i / 4, i / 4)
    return Case("epidemic", problem, ode("SJQ", rhs, (0.995, 0.005, 0), 60), "solved <= 1e-5")


def forced_oscillator() -> Case:
    """A Duffing–van der Pol oscillator driven over eight periods."""
    y = pl.unknown("y", t)
    equation = sp.Eq(
        y.diff(t, 2) + R(1, 5) * (y**2 - 1) * y.diff(t) - y + y**3, R(53, 100) * sp.cos(t)
    )
    problem = second_order("forced_oscillator", 50, y, equation, R(1, 10), -R(1, 5))
    rhs = lambda t, y, p: (p, -0.2 * (y**2 - 1) * p + y - y**3 + 0.53 * np.cos(t))
    return Case("forced_oscillator", problem, ode("y", rhs, (0.1, -0.2), 50), "solved <= 1e-4")


def robertson() -> Case:
    """Robertson's stiff kinetics to t = 100."""
    a, b, c = (pl.unknown(n, t) for n in "abc")
    slow, fast, back = R(4, 100) * a, 3 * 10**7 * b**2, 10**4 * b * c
    problem = initial_values(
        "robertson", 100, {a: back - slow, b: slow - back - fast, c: fast}, {a: 1, b: 0, c: 0}
    )

    def rhs(t: float, a: float, b: float, c: float) -> tuple[float, float, float]:
        return 1e4 * b * c - 0.04 * a, 0.04 * a - 1e4 * b * c - 3e7 * b**2, 3e7 * b**2

    return Case("robertson", problem, ode("abc", rhs, (1, 0, 0), 100, "Radau"), "solved <= 1e-4")


def fast_oscillator() -> Case:
    """y'' + 4 y' + 10⁴ y = 0 over eighty periods, of which few are left at the end."""
    y = pl.unknown("y", t)
    equation = sp.Eq(y.diff(t, 2) + 4 * y.diff(t) + 10**4 * y, 0)
    problem = second_order("fast_oscillator", 5, y, equation, 1, 0)
    q = sp.sqrt(9996)
    truth = exact((t,), y=sp.exp(-2 * t) * (sp.cos(q * t) + 2 * sp.sin(q * t) / q))
    return Case("fast_oscillator", problem, truth, "solved <= 1e-6")


def kuramoto_sivashinsky() -> Case:
    """Chaos in one dimension, to t = 1 in the scaling of 100/16, where it has just broken out."""
    u = pl.unknown("u", x, t)
    a, b, c = R(100, 16), R(100, 16**2), R(100, 16**4)
    problem = pl.Problem(
        "kuramoto_sivashinsky",
        pl.Interval(x, 0, 2 * sp.pi) * pl.TimeInterval(t, 0, 1),
        [sp.Eq(u.diff(t) + a * u * u.diff(x) + b * u.diff(x, 2) + c * u.diff(x, 4), 0)],
        [pl.Initial(sp.Eq(u, sp.cos(x) * (1 + sp.sin(x)))), pl.Periodic(u, x)],
    )
    truth = fourier(
        0,
        2 * np.pi,
        lambda x: np.cos(x) * (1 + np.sin(x)),
        lambda k: float(b) * k**2 - float(c) * k**4,
        1,
        flux=lambda u: 3.125 * u**2,
    )
    return Case("kuramoto_sivashinsky", problem, truth, "solved <= 1e-2")


def korteweg_de_vries() -> Case:
    """A cosine that breaks into a train of solitons (μ = 0.022)."""
    u = pl.unknown("u", x, t)
    mu2 = R(22, 1000) ** 2
    problem = pl.Problem(
        "korteweg_de_vries",
        pl.Interval(x, -1, 1) * pl.TimeInterval(t, 0, 1),
        [sp.Eq(u.diff(t) + u * u.diff(x) + mu2 * u.diff(x, 3), 0)],
        [pl.Initial(sp.Eq(u, sp.cos(sp.pi * x))), pl.Periodic(u, x)],
    )
    truth = fourier(
        -1,
        2,
        lambda x: np.cos(np.pi * x),
        lambda k: 1j * float(mu2) * k**3,
        1,
        flux=lambda u: u**2 / 2,
    )
    return Case("korteweg_de_vries", problem, truth, "solved <= 1e-3")


def long_heat() -> Case:
    """A rod with a source that depends on its temperature and swings in time, to t = 100."""
    u = pl.unknown("u", x, t)
    source = 5 * sp.sin(u**2) * (1 + 2 * sp.sin(sp.pi * t / 4)) * sp.sin(2 * sp.pi * x)
    problem = pl.Problem(
        "long_heat",
        pl.Interval(x, 0, 1) * pl.TimeInterval(t, 0, 100),
        [sp.Eq(u.diff(t), u.diff(x, 2) / 100 + source)],
        [pl.Initial(sp.Eq(u, sp.sin(3 * sp.pi * x))), pl.Dirichlet(u, 0)],
    )
    swing = lambda x, t, u: (
        5 * np.sin(u**2) * (1 + 2 * np.sin(np.pi * t / 4)) * np.sin(2 * np.pi * x)
    )
    # odd about both ends, so periodic on (-1, 1)
    truth = fourier(
        -1,
        2,
        lambda x: np.sin(3 * np.pi * x),
        lambda k: -(k**2) / 100,
        100,
        source=swing,
        modes=256,
        keep=4,
    )
    return Case("long_heat", problem, truth, "solved <= 1e-3")


def long_wave() -> Case:
    """A standing wave over fifteen periods."""
    u = pl.unknown("u", x, t)
    problem = pl.Problem(
        "long_wave",
        pl.Interval(x, 0, 1) * pl.TimeInterval(t, 0, 30),
        [sp.Eq(u.diff(t, 2), u.diff(x, 2))],
        [
            pl.Initial(sp.Eq(u, sp.sin(sp.pi * x))),
            pl.Initial(sp.Eq(u.diff(t), 0)),
            pl.Dirichlet(u, 0),
        ],
    )
    truth = exact((x, t), u=sp.sin(sp.pi * x) * sp.cos(sp.pi * t))
    return Case("long_wave", problem, truth, "solved <= 1e-6")
