"""Textbook problems of flow, elasticity and heat that people bring along."""

from __future__ import annotations

import numpy as np
import sympy as sp
from known_case import Case
from scipy.optimize import brentq
from truths import exact, one

import pdelsr as pl

x, y, t = pl.coordinates("x y t")
R, pi = sp.Rational, sp.pi
u, v, p = (pl.unknown(n, x, y) for n in "uvp")


def laplacian(f: sp.Expr) -> sp.Expr:
    return f.diff(x, 2) + f.diff(y, 2)


def navier_stokes(reynolds: int) -> list[sp.Expr]:
    """Steady flow in two dimensions: two momenta and continuity."""
    carried = lambda f: u * f.diff(x) + v * f.diff(y) - laplacian(f) / reynolds
    return [carried(u) + p.diff(x), carried(v) + p.diff(y), u.diff(x) + v.diff(y)]


def kovasznay() -> Case:
    """Flow behind a grid at Re = 40."""
    lam = 20 - sp.sqrt(400 + 4 * pi**2)
    fields = {
        "u": 1 - sp.exp(lam * x) * sp.cos(2 * pi * y),
        "v": lam / (2 * pi) * sp.exp(lam * x) * sp.sin(2 * pi * y),
        "p": (1 - sp.exp(2 * lam * x)) / 2,
    }
    problem = pl.Problem(
        name="kovasznay",
        domain=pl.Box((x, y), (-0.5, -0.5), (1, 1.5)),
        unknowns=(u, v, p),
        equations=navier_stokes(40),
        conditions=[
            pl.Condition(sp.Eq(u, fields["u"]), name="u"),
            pl.Condition(sp.Eq(v, fields["v"]), name="v"),
            pl.Observations(p, [(0.0, 0.0)], [0.0]),
        ],
    )
    return Case("kovasznay", problem, exact((x, y), **fields), "solved <= 1e-7")


def driven_cavity() -> Case:
    """A cavity at Re = 100 whose lid moves with 4x(1 − x), so that its corners rest."""
    problem = pl.Problem(
        name="driven_cavity",
        domain=pl.Box((x, y), (0, 0), (1, 1)),
        unknowns=(u, v, p),
        equations=navier_stokes(100),
        conditions=[
            pl.Dirichlet(u, 4 * x * (1 - x), on="y=1"),
            pl.Dirichlet(u, 0, on=["x=0", "x=1", "y=0"]),
            pl.Dirichlet(v, 0),
            pl.Observations(p, points=[(0, 0)], values=[0]),
        ],
    )
    return Case("driven_cavity", problem, None, "honest")


def plate_with_hole() -> Case:
    """Kirsch: a quarter of a plate under tension, plane stress, exact tractions outside."""
    nu = R(3, 10)
    G = 1 / (2 * (1 + nu))

    def stress(a: sp.Expr, b: sp.Expr) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
        c = 1 / (1 - nu**2)
        return (
            c * (a.diff(x) + nu * b.diff(y)),
            c * (b.diff(y) + nu * a.diff(x)),
            G * (a.diff(y) + b.diff(x)),
        )

    kappa, r = (3 - nu) / (1 + nu), sp.sqrt(x**2 + y**2)
    cos2, sin2 = (x**2 - y**2) / r**2, 2 * x * y / r**2
    radial = ((kappa - 1) * r / 2 + 1 / r + cos2 * (r + (kappa + 1) / r - 1 / r**3)) / (4 * G)
    around = -sin2 * (r + (kappa - 1) / r + 1 / r**3) / (4 * G)
    fields = {"u": (radial * x - around * y) / r, "v": (radial * y + around * x) / r}
    (sx, sy, s), (ex, ey, es) = stress(u, v), stress(fields["u"], fields["v"])
    nx, ny = pl.normal(x), pl.normal(y)
    set_to = lambda a, b, on, name: pl.Condition(sp.Eq(a, b), on=on, name=name)
    problem = pl.Problem(
        name="plate_with_hole",
        domain=pl.Box((x, y), (0, 0), (4, 4)) - pl.Disk((x, y), (0, 0), 1, name="hole"),
        unknowns=(u, v),
        equations=[sx.diff(x) + s.diff(y), s.diff(x) + sy.diff(y)],
        conditions=[
            pl.Dirichlet(u, 0, on="x=0"),
            pl.Dirichlet(v, 0, on="y=0"),
            set_to(s, 0, ["x=0", "y=0"], "symmetry"),
            set_to(sx * nx + s * ny, 0, "hole", "hole, x"),
            set_to(s * nx + sy * ny, 0, "hole", "hole, y"),
            set_to(sx, ex, "x=4", "pull"),
            set_to(s, es, ["x=4", "y=4"], "shear"),
            set_to(sy, ey, "y=4", "top"),
        ],
    )
    return Case("plate_with_hole", problem, exact((x, y), **fields), "solved <= 1e-5")


def convection_benchmark() -> Case:
    """NAFEMS T4: a plate hot below, convecting to the right and above; 18.25 at (0.6, 0.2)."""
    T = pl.unknown("T", x, y)
    a, h = 0.6, 750 / 52
    problem = pl.Problem(
        "convection_benchmark",
        pl.Box((x, y), (0, 0), (0.6, 1)),
        [laplacian(T)],
        [
            pl.Dirichlet(T, 100, on="y=0"),
            pl.Neumann(T, 0, on="x=0"),
            pl.Robin(T, alpha=750, beta=52, value=0, on=["x=0.6", "y=1"]),
        ],
    )
    slope = lambda b: b * np.sin(b * a) - h * np.cos(b * a)
    roots = [brentq(slope, n * np.pi / a + 1e-9, (n + 0.5) * np.pi / a - 1e-12) for n in range(600)]

    def value(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        total = np.zeros(np.shape(x))
        for b in roots:
            size = 100 * np.sin(b * a) / b / (a / 2 + np.sin(2 * b * a) / (4 * b))
            fall = (1 + h / b) * np.exp(-b * y) + (1 - h / b) * np.exp(-b * (2 - y))
            total = total + size * np.cos(b * x) * fall / (1 + h / b + (1 - h / b) * np.exp(-2 * b))
        return total

    return Case("convection_benchmark", problem, one(value, "T"), "solved <= 1e-3")


def l_shape() -> Case:
    """The singular function r^(2/3) sin(2θ/3) of a re-entrant corner."""
    angle = 3 * pi / 4 + sp.atan2(
        -x - y, y - x
    )  # from the edge y = 0, cut within the missing quarter
    e = (x**2 + y**2) ** R(1, 3) * sp.sin(2 * angle / 3)
    corners = [(0, 0), (1, 0), (1, 1), (-1, 1), (-1, -1), (0, -1)]
    problem = pl.Problem(
        "l_shape",
        pl.Polygon((x, y), corners),
        [laplacian(u)],
        [
            pl.Condition(sp.Eq(u, 0), on=["edge 0", "edge 5"], name="corner"),
            pl.Condition(sp.Eq(u, e), on=[f"edge {i}" for i in range(1, 5)], name="outside"),
        ],
    )
    return Case("l_shape", problem, exact((x, y), u=e), "solved <= 1e-3")


def melting() -> Case:
    """Stefan's problem in z = x/s(t), with the front s(t) as a second unknown."""
    z = pl.coordinates("z")
    T, s = pl.unknown("T", z, t), pl.unknown("s", t)
    lam = R(1, 2)
    stefan = sp.sqrt(pi) * lam * sp.exp(lam**2) * sp.erf(lam)
    profile = 1 - sp.erf(lam * z) / sp.erf(lam)

    def problem() -> pl.Problem:
        return pl.Problem(
            name="melting",
            domain=pl.Interval(z, 0, 1) * pl.TimeInterval(t, 0.25, 1),
            unknowns=(T, s),
            equations=[sp.Eq(T.diff(t) - z * s.diff(t) / s * T.diff(z), T.diff(z, 2) / s**2)],
            conditions=[
                pl.Initial(sp.Eq(T, profile)),
                pl.Initial(sp.Eq(s, R(1, 2))),
                pl.Dirichlet(T, 1, on="z=0"),
                pl.Dirichlet(T, 0, on="z=1"),
                pl.Condition(sp.Eq(s * s.diff(t), -stefan * T.diff(z)), on="z=1", name="front"),
            ],
        )

    points = np.random.default_rng(3).random((2000, 2)) * [1, 0.75] + [0, 0.25]
    truth = exact((z, t), T=profile, s=2 * lam * sp.sqrt(t))
    return Case("melting", problem, truth, "solved <= 1e-6", points)


def sixth_order() -> Case:
    """The sixth derivative of u less u itself, with value, slope and curvature at both ends."""
    w = pl.unknown("u", x)
    e = x * sp.exp(-x)

    def problem() -> pl.Problem:
        ends = [
            pl.Condition(
                sp.Eq(w.diff(x, n) if n else w, e.diff(x, n).subs(x, at)),
                on=f"x={at}",
                name=f"{n} at {at}",
            )
            for n in (0, 1, 2)
            for at in (0, 1)
        ]
        equation = sp.Eq(w.diff(x, 6) - w, e.diff(x, 6) - e)
        return pl.Problem("sixth_order", pl.Interval(x, 0, 1), [equation], ends)

    points = np.linspace(0, 1, 401)[:, None]
    return Case("sixth_order", problem, exact((x,), u=e), "solved <= 1e-8", points)


def flow_past_cylinder() -> Case:
    """A potential known by its fluxes alone, so up to a constant."""
    e = x * (1 + R(1, 4) / (x**2 + y**2))
    outward = pl.normal(x) * e.diff(x) + pl.normal(y) * e.diff(y)
    problem = pl.Problem(
        "flow_past_cylinder",
        pl.Box((x, y), (-2, -2), (2, 2), name="wall")
        - pl.Disk((x, y), (0, 0), 0.5, name="cylinder"),
        [laplacian(u)],
        [pl.Neumann(u, outward, on="wall"), pl.Neumann(u, 0, on="cylinder")],
    )
    return Case(
        "flow_past_cylinder", problem, exact((x, y), u=e), "solved <= 1e-6", modulo_constant=True
    )
