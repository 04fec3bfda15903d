"""Where the equations leave a level open, each place that tells the error says so."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from functools import cache

import pytest
import sympy as sp

import pdelsr as pl
from pdelsr.results.error_estimate import ErrorEstimate
from pdelsr.results.plot.style import title
from pdelsr.results.uniqueness import up_to

X, Y, T = pl.coordinates("x y t")
U, P, Q = pl.unknown("u", X), pl.unknown("p", X, T), pl.unknown("q", X, T)


def rod(reference: sp.Expr | None = None) -> pl.Problem:
    """-u'' = π² cos πx without flux at the ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pl.ConditionWarning)
        return pl.Problem(
            "rod",
            pl.Interval(X, 0, 1),
            [sp.Eq(-U.diff(X, 2), sp.pi**2 * sp.cos(sp.pi * X))],
            [pl.Neumann(U, 0)],
            reference=reference,
        )


@cache
def solution() -> pl.Solution:
    return pl.solve(rod(), "lsr", hidden=(12, 12), points=80, weight_scale=1.0)


def test_summary_and_title_say_what_is_open() -> None:
    first = solution().summary().splitlines()[0]
    assert "rod by lsr: estimated error" in first
    assert first.endswith(", up to a constant")
    assert title(solution()).endswith(", up to a constant")
    known = replace(solution(), problem=rod(sp.cos(sp.pi * X) + 3))
    assert "relative L2 error" in title(known)
    assert title(known).endswith(", up to a constant")


@pytest.mark.parametrize("status", [pl.Status.PRECISION_LIMITED, pl.Status.COMPLETED])
def test_advice_says_that_the_level_is_arbitrary_and_what_fixes_it(status: pl.Status) -> None:
    text = replace(solution(), status=status).advice
    assert text.startswith(status.advice)
    assert "u(x) is known up to a constant, which is arbitrary" in text
    assert "A value at one point fixes the level, as in pl.Observations(u, points=[…]" in text


def test_json_says_it_too() -> None:
    changed = replace(
        solution(),
        estimate=ErrorEstimate(doubts=("open",), open=("a wave may be added",)),
        ended=pl.Status.STAGNATED,
    )
    record = json.loads(changed.to_json())
    assert record["not_unique"] == ["u(x) is known up to a constant", "a wave may be added"]
    assert record["ended"] == "stagnated"
    assert record["advice"] == changed.advice
    assert json.loads(replace(changed, ended=None).to_json())["ended"] is None


def test_several_unknowns_are_named() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pl.ConditionWarning)
        problem = pl.Problem(
            "two",
            pl.Interval(X, 0, 1) * pl.TimeInterval(T, 0, 1),
            [sp.Eq(P.diff(X), Q), sp.Eq(Q.diff(X, 2), P.diff(X))],
            [pl.Dirichlet(Q, 0)],
        )
    assert up_to(problem) == ", p up to a function of t"
