"""The trial of weight scales."""

from __future__ import annotations

import pytest
import sympy as sp
from pdelsr.solvers.scale import SCALES, WIDTH, trial_scale
from solver_cases import X, poisson

import pdelsr as pl
from pdelsr.compile import compile_problem
from pdelsr.solvers.prepare import prepare

U = pl.unknown("u", X)


def oscillation(k: int) -> pl.Problem:
    exact = sp.sin(k * sp.pi * X)
    equation = sp.Eq(U.diff(X, 2), exact.diff(X, 2))
    return pl.Problem("wave", pl.Interval(X, 0, 1), [equation], [pl.Dirichlet(U, 0)])


def scale(problem: pl.Problem, hidden: tuple[int, ...] = (16,), **options: int) -> float:
    settings = pl.RunSettings(**options)
    return trial_scale(problem, compile_problem(problem), pl.LSR(hidden=hidden), settings)


def test_fast_solutions_get_larger_weights() -> None:
    slow, fast = scale(oscillation(1)), scale(oscillation(14))
    assert fast > slow
    assert {slow, fast} <= set(SCALES)


def test_the_scale_grows_with_the_root_of_the_width() -> None:
    narrow, wide = scale(poisson(), (8,)), scale(poisson(), (4 * WIDTH,))
    assert wide == pytest.approx(2 * narrow)


def test_equal_seeds_give_equal_scales() -> None:
    assert scale(poisson(), seed=3) == scale(poisson(), seed=3)


def test_linear_problems_use_the_trial_and_given_scales_win(monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(
        "pdelsr.solvers.prepare.trial_scale", lambda *arguments: asked.append(1) or 1.5
    )
    for method in (pl.LSR(hidden=(6,)), pl.LSR(hidden=(6,), weight_scale=2), pl.PINN(hidden=(6,))):
        prepare(poisson(), method, pl.RunSettings(points=20))
    assert asked == [1]
