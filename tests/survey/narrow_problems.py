"""Problems with narrow data of every kind, and the like with wide ones."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp
import torch

import pdelsr as pl

X, Y, T = pl.coordinates("x y t")
A, B = sp.Rational(4142, 10000), sp.Rational(271, 1000)
U, W, V = pl.unknown("u", X), pl.unknown("u", X, Y), pl.unknown("u", X, T)
LINE = pl.Interval(X, 0, 1)
SQUARE = pl.Box((X, Y), (0, 0), (1, 1))
ROD = LINE * pl.TimeInterval(T, 0, 1)
SINE = sp.pi**2 * sp.sin(sp.pi * X)


def exact(w: float) -> sp.Expr:
    """A width as a fraction: sympy would split exp of a sum with decimals."""
    return sp.Rational(str(w))


def gauss(s: sp.Expr, w: float) -> sp.Expr:
    """A bump of width w where s vanishes."""
    return sp.exp(-((s / sp.Float(w)) ** 2))


def layer(s: sp.Expr, w: float) -> sp.Expr:
    """A step of width w where s vanishes."""
    return sp.tanh(s / sp.Float(w))


def ring(w: float) -> sp.Expr:
    """A bump on a circle."""
    return gauss(sp.sqrt((X - A) ** 2 + (Y - B) ** 2) - sp.Rational(1, 4), w)


def line(source: sp.Expr) -> pl.Problem:
    """A string under a smooth load and another one."""
    return pl.Problem("line", LINE, [sp.Eq(-U.diff(X, 2), SINE + source)], [pl.Dirichlet(U, 0)])


def coded(function: Callable[..., object]) -> pl.Problem:
    """The same with a load that is given by code."""
    return line(pl.coefficient("f", function, X))


def plate(source: sp.Expr, condition: object = None) -> pl.Problem:
    """Poisson's equation, with a condition at y = 0."""
    laplacian = W.diff(X, 2) + W.diff(Y, 2)
    sides = pl.Dirichlet(W, 0, on=["x=0", "x=1", "y=1"])
    below = condition or pl.Dirichlet(W, 0, on="y=0")
    return pl.Problem("plate", SQUARE, [sp.Eq(laplacian, source)], [sides, below])


def rod(initial: sp.Expr, source: sp.Expr = sp.S.Zero) -> pl.Problem:
    """Heat in a rod that is cold at its ends."""
    return pl.Problem(
        "rod",
        ROD,
        [sp.Eq(V.diff(T), V.diff(X, 2) + source)],
        [pl.Initial(sp.Eq(V, initial)), pl.Dirichlet(V, 0)],
    )


def conductor(k: sp.Expr) -> pl.Problem:
    """(k u')' = 0 between two values."""
    ends = [pl.Dirichlet(U, 0, on="x=0"), pl.Dirichlet(U, 1, on="x=1")]
    return pl.Problem("conductor", LINE, [sp.Eq((k * U.diff(X)).diff(X), 0)], ends)


KINDS: dict[str, Callable[[float], pl.Problem]] = {
    "gauss": lambda w: line(gauss(X - A, w)),
    "exp of a distance": lambda w: line(sp.exp(-sp.Abs(X - A) / sp.Float(w))),
    "sech": lambda w: line(sp.sech((X - A) / sp.Float(w)) / w),
    "lorentz": lambda w: line(1 / (1 + ((X - A) / sp.Float(w)) ** 2)),
    "layer at an end": lambda w: line(sp.exp(-X / sp.Float(w))),
    "high power": lambda w: line(X ** round(1 / w)),
    "difference of steps": lambda w: line(layer(X - A, w / 9) - layer(X - A - w, w / 9)),
    "piece": lambda w: line(sp.Piecewise((0, X < A), (1, A + sp.Float(w) > X), (0, True))),
    "train": lambda w: line(sp.Add(*(gauss(X - sp.Rational(k, 7), w) for k in range(1, 7)))),
    "two coordinates": lambda w: plate(gauss(X - A, w) * gauss(Y - B, w)),
    "product": lambda w: plate(sp.sech((X - A) / sp.Float(w)) * sp.sech((Y - B) / sp.Float(w))),
    "oblique": lambda w: plate(gauss(X - 2 * Y + B, w) * gauss(3 * X + Y - 1, w)),
    "ring": lambda w: plate(ring(w)),
    "moving": lambda w: rod(sp.Integer(0), gauss(X - T, w)),
    "in time": lambda w: rod(sp.sin(sp.pi * X), gauss(T - B, w)),
    "initial": lambda w: rod(gauss(X - A, w)),
    "initial step": lambda w: rod(layer(X - A, w)),
    "initial kink": lambda w: rod(sp.sqrt((X - A) ** 2 + sp.Float(w) ** 2)),
    "dirichlet": lambda w: plate(sp.Integer(1), pl.Dirichlet(W, gauss(X - A, w), on="y=0")),
    "neumann": lambda w: plate(sp.Integer(1), pl.Neumann(W, gauss(X - A, w), on="y=0")),
    "robin": lambda w: plate(sp.Integer(1), pl.Robin(W, 1 + gauss(X - A, w) / w, 1, 0, on="y=0")),
    "conductivity": lambda w: conductor(2 + layer(X - A, w)),
    "conductivity, erf": lambda w: conductor(2 + sp.erf((X - A) / sp.Float(w))),
    "conductivity, logistic": lambda w: conductor(1 + 1 / (1 + sp.exp((A - X) / exact(w)))),
    "conductivity, atan": lambda w: conductor(2 + sp.atan((X - A) / sp.Float(w))),
    "conductivity, root": lambda w: conductor(2 + (X - A) / sp.sqrt((X - A) ** 2 + w**2)),
    "initial logistic": lambda w: rod(1 / (1 + sp.exp((X - A) / exact(w)))),
    "reaction": lambda w: pl.Problem(
        "reaction", LINE, [-U.diff(X, 2) + gauss(X - A, w) * U - 1], [pl.Dirichlet(U, 0)]
    ),
    "code": lambda w: coded(lambda x: torch.exp(-(((x - 0.4142) / w) ** 2))),
    "code, quotient": lambda w: coded(lambda x: 1 / (1 + ((x - 0.4142) / w) ** 2)),
    "code, two steps": lambda w: coded(
        lambda x: torch.sigmoid((x - 0.4142) / w * 9) - torch.sigmoid((x - 0.4142 - w) / w * 9)
    ),
    "code, exp of a sum": lambda w: coded(
        lambda x: 1 / (torch.exp((x - 0.4142) / w) + torch.exp((0.4142 - x) / w))
    ),
    "waves": lambda w: line(sp.sin(X / sp.Float(w))),
    "square wave": lambda w: conductor(2 + layer(sp.sin(20 * X) / 20, w)),
    "code, piece": lambda w: coded(lambda x: torch.where((x - 0.4142).abs() < w, 1.0, 0.0)),
}
"""Problems by the kind of their data, for a width."""
