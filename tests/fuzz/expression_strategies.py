"""Hypothesis strategies of sympy expressions: data, jets, and what an equation makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp
import torch
from hypothesis import strategies as st

import pdelsr as pl

PARAMETERS = {"D": sp.Rational(1, 10), "k": sp.sqrt(2), "eps": 0.01, "none": 0}
"""Named parameters of every problem, with their values; one of them is zero."""

CALLABLES: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    "smooth": (lambda a: torch.sin(a) + 2, lambda a: sp.sin(a) + 2),
    "ramp": (lambda a: torch.relu(a), lambda a: sp.Max(a, 0)),
    "number": (lambda a: 0.75, lambda a: sp.Rational(3, 4)),
    "array": (lambda a: (a * a / (1 + a * a)).numpy(), lambda a: a**2 / (1 + a**2)),
}
"""Callable coefficients, and the same functions in sympy."""

NUMBERS = st.one_of(
    st.sampled_from((1, -1, 2, sp.Rational(1, 3), sp.pi, 0.1, 1e-6, 1e4)),
    st.sampled_from((sp.sqrt(5), sp.cos(sp.pi / 5), sp.sin(sp.pi / 5), sp.exp(sp.sqrt(5)))),
    st.floats(-3, 3).map(lambda v: round(v, 3)),
)
UNARY: tuple[Callable[[Any], Any], ...] = (
    sp.sin,
    sp.cos,
    sp.tanh,
    sp.atan,
    sp.Abs,
    sp.erf,
    lambda e: sp.exp(sp.sin(e)),
    lambda e: sp.exp(-(e**2)),
    lambda e: sp.sqrt(1 + e**2),
    lambda e: sp.sqrt(e),
    lambda e: sp.log(1 + e**2),
    lambda e: e**2,
    lambda e: e**3,
    lambda e: 1 / (1 + e**2),
    lambda e: 1 / e,
    lambda e: sp.Abs(e) ** sp.Rational(3, 2),
    sp.sign,
    sp.Heaviside,
    sp.floor,
    lambda e: sp.Mod(e, 1),
)
BINARY: tuple[Callable[[Any, Any], Any], ...] = (
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a - b,
    sp.Max,
    sp.Min,
    lambda a, b: a / (1 + b**2),
    lambda a, b: a / b,
    lambda a, b: sp.Piecewise((a, a > b), (b**2, True)),
    lambda a, b: sp.Piecewise((a, (b > 0) & (a < 1)), (b, b < -1), (sp.sin(a), True)),
    lambda a, b: sp.sqrt(a**2 + b**2),
    sp.atan2,
)


def parameters() -> st.SearchStrategy[Any]:
    """A named parameter."""
    return st.sampled_from(sorted(PARAMETERS)).map(sp.Symbol)


def callables(coordinates: Sequence[Any]) -> st.SearchStrategy[Any]:
    """A callable coefficient of one coordinate."""
    made = [
        pl.coefficient(name, function, c)
        for name, (function, _) in CALLABLES.items()
        for c in coordinates
    ]
    return st.sampled_from(made)


def data(coordinates: Sequence[Any], depth: int = 2) -> st.SearchStrategy[Any]:
    """An expression in the coordinates."""
    leaves = st.one_of(st.sampled_from(list(coordinates)), NUMBERS, parameters())
    smooth = st.sampled_from(UNARY[:4] + UNARY[6:9])
    return _trees(leaves, smooth, st.sampled_from(BINARY[:3]), depth)


def jets(u: Any, coordinates: Sequence[Any], highest: int, t: Any = None) -> st.SearchStrategy[Any]:
    """u or a derivative of it up to an order, at most once in time."""
    variables = st.lists(st.sampled_from(list(coordinates)), max_size=highest)
    return variables.map(lambda listed: u.diff(*listed) if listed else u).filter(
        lambda jet: t is None or not isinstance(jet, sp.Derivative) or jet.variables.count(t) <= 1
    )


def expressions(
    unknowns: Sequence[Any], coordinates: Sequence[Any], t: Any = None
) -> st.SearchStrategy[Any]:
    """A linear or nonlinear expression of unknowns, derivatives, coordinates and numbers."""
    fields = st.one_of([jets(u, coordinates, 2, t) for u in unknowns])
    given = st.one_of(st.sampled_from(list(coordinates)), NUMBERS, parameters())
    leaves = st.one_of(fields, fields, given, callables(coordinates))
    linear = st.builds(lambda a, b: a * b, st.one_of(given, callables(coordinates)), fields)
    tree = _trees(leaves, st.sampled_from(UNARY), st.sampled_from(BINARY), 2)
    return st.one_of(linear, tree, tree, divergences(unknowns, coordinates, t))


@st.composite
def divergences(
    draw: st.DrawFn, unknowns: Sequence[Any], coordinates: Sequence[Any], t: Any
) -> Any:
    """∂/∂x of an expression, left to sympy: (k u_x)_x, |u|_x, (u²/2)_x."""
    space = [c for c in coordinates if c != t]
    x, u = draw(st.sampled_from(space)), draw(st.sampled_from(list(unknowns)))
    inner = draw(jets(u, space, 1))
    flux = draw(st.sampled_from(UNARY[:16]))(inner) * draw(data(coordinates, 1))
    return sp.diff(flux, x)


@st.composite
def _trees(draw: st.DrawFn, leaves: Any, unary: Any, binary: Any, depth: int) -> Any:
    """A tree of functions over leaves; what sympy makes infinite or complex is a leaf instead."""
    kind = draw(st.sampled_from(("leaf", "unary", "binary"))) if depth else "leaf"
    if kind == "leaf":
        return sp.sympify(draw(leaves))
    below = _trees(leaves, unary, binary, depth - 1)
    arguments = (draw(below),) if kind == "unary" else (draw(below), draw(below))
    made = draw(unary if kind == "unary" else binary)(*arguments)
    fine = made.is_finite is not False and not made.has(sp.I, sp.nan, sp.zoo, sp.oo)
    return made if fine else arguments[0]
