"""Equations that run backward in time are named, and those that do not are left alone."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import sympy as sp

import pdelsr as pl
from pdelsr.errors import ConditionWarning

x, y, t = pl.coordinates("x y t")
u, v, w = pl.unknown("u", x, t), pl.unknown("v", x, t), pl.unknown("w", x, y, t)
D = sp.Symbol("D")
TIME = pl.TimeInterval(t, 0, 1)
BAR = pl.Interval(x, 0, 1) * TIME
PLATE = pl.Box((x, y), (0, 0), (1, 1)) * TIME
U_T, U_XX, U_4X = u.diff(t), u.diff(x, 2), u.diff(x, 4)
k = pl.coefficient("k", lambda s: 1 + s**2, x)


def told(*equations: sp.Basic, at: str = "start", **options: Any) -> list[str]:
    """What is said of the direction of time."""
    fields = [f for f in (u, v, w) if any(e.has(f) for e in equations)]
    conditions: list[Any] = []
    for f in fields:
        if at == "start":
            conditions.append(pl.Initial(sp.Eq(f, 0)))
        else:
            conditions.append(pl.Condition(sp.Eq(f, 0), on="t=1"))
        conditions.append(pl.Dirichlet(f, 0))
    domain = PLATE if w in fields else BAR
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pl.Problem("case", domain, list(equations), conditions, **options)
    found = [c for c in caught if "backward" in str(c.message)]
    assert all(c.category is ConditionWarning for c in found)
    return [str(c.message) for c in found]


BACKWARD = {
    "heat": (sp.Eq(U_T, -U_XX), "u_xx"),
    "the other way round": (sp.Eq(0, 3 * U_XX + 3 * U_T), "u_xx"),
    "with a rate before u_t": (sp.Eq(-2 * U_T, U_XX), "u_xx"),
    "reaction": (sp.Eq(U_T, -U_XX + u - u**3), "u_xx"),
    "coefficient of one sign": (sp.Eq(U_T, -(1 + x) * sp.exp(-t) * U_XX), "u_xx"),
    "by code": (sp.Eq(U_T, -k * U_XX), "u_xx"),
    "fourth order": (sp.Eq(U_T, U_XX + U_4X), "u_xxxx"),
    "two dimensions": (sp.Eq(w.diff(t), -w.diff(x, 2) - w.diff(y, 2)), "w_xx"),
    "one of two": (sp.Eq(w.diff(t), w.diff(x, 2) - w.diff(y, 2)), "w_yy"),
}


@pytest.mark.parametrize(("equation", "jet"), BACKWARD.values(), ids=BACKWARD)
def test_equations_that_run_backward_are_named(equation: sp.Eq, jet: str) -> None:
    (text,) = told(equation)
    assert text.startswith("equation: the equation runs backward in time: small errors grow")
    assert text.endswith(f"check the sign of {jet}.")


def test_parameters_count_by_their_values() -> None:
    assert told(sp.Eq(U_T, D * U_XX), parameters={D: -1})
    assert not told(sp.Eq(U_T, D * U_XX), parameters={D: 1})


def test_one_of_several_equations_is_named() -> None:
    (text,) = told(sp.Eq(U_T, U_XX + v), sp.Eq(v.diff(t), -v.diff(x, 2) + u * v))
    assert text.startswith("equation 2: ")


FORWARD = {
    "heat": [sp.Eq(U_T, U_XX)],
    "Swift and Hohenberg": [sp.Eq(U_T, U_XX - U_4X)],
    "Kuramoto and Sivashinsky": [sp.Eq(U_T, -U_XX - U_4X - u * u.diff(x))],
    "Schrödinger": [sp.Eq(U_T, -v.diff(x, 2)), sp.Eq(v.diff(t), U_XX)],
    "wave": [sp.Eq(U_T, v), sp.Eq(v.diff(t), U_XX)],
    "no one sign": [sp.Eq(U_T, (x - sp.Rational(1, 2)) * U_XX)],
    "nonlinear": [sp.Eq(U_T, (u - 1) * U_XX)],
    "dispersion above it": [sp.Eq(U_T, -U_XX + x * u.diff(x, 3))],
    "transport": [sp.Eq(U_T, -u.diff(x))],
    "mixed rates": [sp.Eq(U_T - u.diff(x, 2, t), -U_XX)],
    "cross diffusion": [sp.Eq(U_T, -U_XX + 2 * v.diff(x, 2)), sp.Eq(v.diff(t), U_XX)],
    "cancelled": [sp.Eq(U_T, -U_XX + 2 * v), sp.Eq(v, U_XX)],
}


@pytest.mark.parametrize("equations", FORWARD.values(), ids=FORWARD)
def test_others_are_not(equations: list[sp.Eq]) -> None:
    assert not told(*equations)


def test_an_equation_that_is_given_at_the_end_may_run_backward() -> None:
    assert not told(sp.Eq(U_T, -U_XX), at="end")
