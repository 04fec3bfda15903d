"""Warnings name the line of the user's that led to them, through whatever calls."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import pdelsr as pl
from pdelsr.errors import ConditionWarning, warn

x, t = pl.coordinates("x t")
a = sp.Symbol("a")
u, v = pl.unknown("u", x, t), pl.unknown("v", x)
UNIT = pl.Interval(x, 0, 1)
BAR = UNIT * pl.TimeInterval(t, 0, 1)
START, WALLS = pl.Initial(sp.Eq(u, 0)), pl.Dirichlet(u, 0)
HEAT = u.diff(t) - u.diff(x, 2)
K = sp.Piecewise((1, x < 0.5), (10, True))
BARE = pl.Dirichlet(v, 0, on="x=0")


def quietly(make: Callable[[], pl.Problem]) -> pl.Problem:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


PARAMETRIC = quietly(
    lambda: pl.Problem("p", UNIT, v.diff(x, 2) - pl.input_function("f", x), [BARE])
)
VARIED = quietly(lambda: pl.Problem("v", UNIT, v.diff(x, 2) - a, [BARE], parameters={a: 1}))
NARROW = sp.exp(-(((x - sp.Rational(2, 7)) * 10**6) ** 2))
PEAK = pl.Problem("peak", UNIT, v.diff(x, 2) - NARROW, [pl.Dirichlet(v, 0)])
CALLS: dict[str, Callable[[], object]] = {
    "bare_boundary": lambda: pl.Problem("bare", UNIT, v.diff(x, 2), [BARE]),
    "open_level": lambda: pl.Problem("open", UNIT, v.diff(x, 2), [pl.Neumann(v, 0)]),
    "jump": lambda: pl.Problem("jump", BAR, HEAT + (K * u).diff(x), [START, WALLS]),
    "lost_jump": lambda: pl.Problem(
        "beam", UNIT, v.diff(x, 4) - K * v.diff(x, 2), [pl.Dirichlet(v, 0)]
    ),
    "disagreement": lambda: pl.Problem("corner", BAR, HEAT, [pl.Initial(sp.Eq(u, 1)), WALLS]),
    "reference": lambda: pl.Problem("wrong", BAR, HEAT, [START, WALLS], reference=x),
    "variant": lambda: VARIED.with_parameters(a=2),
    "run": lambda: pl.solve(PEAK, "lsr", hidden=(8,), points=100, weight_scale=1.0),
    "nested": lambda: [pl.Problem("bare", UNIT, v.diff(x, 2), [BARE]) for _ in range(1)],
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_warning_names_the_line_of_the_user(call: Callable[[], object]) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        call()
    assert told
    assert {Path(one.filename).name for one in told} == {Path(__file__).name}


def test_an_instance_is_quiet_where_the_parametric_problem_has_warned() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        PARAMETRIC.at(np.cos)
    assert [one for one in told if one.category is ConditionWarning] == []


def test_the_first_line_outside_is_named() -> None:
    with pytest.warns(ConditionWarning, match="so it is") as told:
        warn("so it is", ConditionWarning)
    assert told[0].filename == __file__
