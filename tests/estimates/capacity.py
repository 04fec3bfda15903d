"""Smooth solutions with many waves, scales, dimensions or holes: how much one run can hold."""

from __future__ import annotations

import sympy as sp
from known_case import Case
from truths import exact

import pdelsr as pl

x, y, z, t = pl.coordinates("x y z t")
u = pl.unknown("u", x, y)
R, pi = sp.Rational, sp.pi
square = pl.Box((x, y), (0, 0), (1, 1))


def laplacian(f: sp.Expr, *directions: sp.Symbol) -> sp.Expr:
    return sum(f.diff(s, 2) for s in directions or (x, y))


def from_solution(
    name: str, e: sp.Expr, k2: sp.Expr | int = 0, domain: pl.Domain = square
) -> pl.Problem:
    """Δu + k² u = f with the values of e on the whole boundary, as a soft condition."""
    return pl.Problem(
        name,
        domain,
        [sp.Eq(laplacian(u) + k2 * u, sp.expand(laplacian(e) + k2 * e))],
        [pl.Condition(sp.Eq(u, e), name="boundary")],
    )


def helmholtz_100() -> Case:
    """Two plane waves at k = 100, sixteen wavelengths across the square."""
    k = 100
    e = sp.sin(k * (3 * x + 4 * y) / 5) + sp.cos(k * (5 * x - 12 * y) / 13 + 1) / 2
    return Case(
        "helmholtz_100",
        from_solution("helmholtz_100", e, k**2),
        exact((x, y), u=e),
        "solved <= 1e-4",
    )


def three_scales() -> Case:
    """A slow part, a tenth of it ten times as fast, and a chirp of a hundredth."""
    e = (
        sp.sin(3 * x + 2 * y)
        + sp.sin(30 * x) * sp.cos(25 * y) / 10
        + sp.sin(80 * x * y + 10 * x) / 100
    )
    return Case(
        "three_scales", from_solution("three_scales", e), exact((x, y), u=e), "solved <= 1e-5"
    )


def ripples() -> Case:
    """Heat that conducts 250,000 times worse in x, where it has twenty half-waves."""
    v = pl.unknown("u", x, y, t)
    start = sp.sin(20 * pi * x) * sp.sin(pi * y)
    problem = pl.Problem(
        "ripples",
        square * pl.TimeInterval(t, 0, 5),
        [sp.Eq(v.diff(t), v.diff(x, 2) / (500 * pi) ** 2 + v.diff(y, 2) / pi**2)],
        [pl.Initial(sp.Eq(v, start)), pl.Dirichlet(v, 0)],
    )
    truth = exact((x, y, t), u=start * sp.exp(-(1 + R(4, 100) ** 2) * t))
    return Case("ripples", problem, truth, "solved <= 1e-5")


def four_modes() -> Case:
    """Poisson's equation with the sine modes 4, 8, 12 and 16 at equal size."""
    e = sum(sp.sin(n * pi * x) * sp.sin(n * pi * y) for n in (4, 8, 12, 16)) / 4
    problem = pl.Problem(
        "four_modes", square, [sp.Eq(laplacian(u), laplacian(e))], [pl.Dirichlet(u, 0)]
    )
    return Case("four_modes", problem, exact((x, y), u=e), "solved <= 1e-5")


def five_dimensions() -> Case:
    """Five dimensions, and a solution that is no sum of functions of few coordinates."""
    X = pl.coordinates("x1 x2 x3 x4 x5")
    v = pl.unknown("u", *X)
    e = sp.sin(sum(X)) * sp.exp(-X[0] * X[1]) + 1 / (1 + sum(s**2 for s in X))
    problem = pl.Problem(
        "five_dimensions",
        pl.Box(X, (0,) * 5, (1,) * 5),
        [sp.Eq(laplacian(v, *X), laplacian(e, *X))],
        [pl.Condition(sp.Eq(v, e), name="boundary")],
    )
    return Case("five_dimensions", problem, exact(X, u=e), "solved <= 1e-4")


def sixteen_holes() -> Case:
    """A perforated plate, with a source of its own strength in the middle of every hole."""
    domain, e = pl.Box((x, y), (0, 0), (4, 4)), sp.Integer(0)
    for i in range(16):
        a, b = R(1, 2) + i % 4, R(1, 2) + i // 4
        domain = domain - pl.Disk((x, y), (a, b), R(1, 4), name=f"hole {i}")
        e += R((7 * i) % 5 - 2, 2) * sp.log((x - a) ** 2 + (y - b) ** 2)
    problem = pl.Problem(
        "sixteen_holes", domain, [laplacian(u)], [pl.Condition(sp.Eq(u, e), name="boundary")]
    )
    return Case("sixteen_holes", problem, exact((x, y), u=e), "solved <= 1e-5")


def bubbles() -> Case:
    """A box without four balls, charges in their centres, fluxes given on the balls."""
    X = (x, y, z)
    v = pl.unknown("u", *X)
    balls = [
        ((0.4, 0.3, 0.6), 0.2, 1),
        ((0.6, 0.7, 0.6), 0.2, -2),
        ((0.2, 0.8, 0.7), 0.1, 1),
        ((0.6, 0.2, 0.3), 0.1, 1),
    ]
    domain, e = pl.Box(X, (0, 0, 0), (1, 1, 1), name="wall"), sp.Integer(0)
    for i, (centre, radius, charge) in enumerate(balls):
        domain = domain - pl.Ball(X, centre, radius, name=f"ball {i}")
        e += charge / (
            10 * sp.sqrt(sum((s - R(str(c))) ** 2 for s, c in zip(X, centre, strict=True)))
        )
    outward = sum(pl.normal(s) * e.diff(s) for s in X)
    problem = pl.Problem(
        "bubbles",
        domain,
        [laplacian(v, *X)],
        [
            pl.Condition(sp.Eq(v, e), on="wall", name="walls"),
            pl.Neumann(v, outward, on=[f"ball {i}" for i in range(4)]),
        ],
    )
    return Case("bubbles", problem, exact(X, u=e), "solved <= 1e-4")


def waveguide() -> Case:
    """A wall that vibrates and an end that radiates, forty wavelengths apart."""
    a, b = pl.unknown("a", x), pl.unknown("b", x)
    k = 80 * pi
    problem = pl.Problem(
        name="waveguide",
        domain=pl.Interval(x, 0, 1),
        unknowns=(a, b),
        equations=[a.diff(x, 2) + k**2 * a, b.diff(x, 2) + k**2 * b],
        conditions=[
            pl.Condition(sp.Eq(a.diff(x), 0), on="x=0", name="wall, real"),
            pl.Condition(sp.Eq(b.diff(x), -k), on="x=0", name="wall, imaginary"),
            pl.Condition(sp.Eq(a.diff(x), k * b), on="x=1", name="end, real"),
            pl.Condition(sp.Eq(b.diff(x), -k * a), on="x=1", name="end, imaginary"),
        ],
    )
    return Case(
        "waveguide", problem, exact((x,), a=sp.cos(k * x), b=-sp.sin(k * x)), "solved <= 1e-6"
    )
