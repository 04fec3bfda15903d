"""Whether conditions are made hard, where a trial decides."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp
from solver_cases import X, Y, burgers, heat, poisson_2d

import pdelsr as pl
from pdelsr.solvers.design import form
from pdelsr.solvers.design.form import has_flux
from pdelsr.solvers.request import Request

U = pl.unknown("u", X, Y)
SQUARE = pl.Box((X, Y), (0, 0), (1, 1))


def plate(height: float) -> pl.Problem:
    """Fixed below, convecting to the right and above: a flux that the fixed side cannot have."""
    conditions = [
        pl.Dirichlet(U, height, on="y=0"),
        pl.Neumann(U, 0, on="x=0"),
        pl.Robin(U, alpha=10, beta=1, value=0, on=["x=1", "y=1"]),
    ]
    return pl.Problem("plate", SQUARE, [U.diff(X, 2) + U.diff(Y, 2)], conditions)


def smooth() -> pl.Problem:
    """Fixed sides and fluxes of a smooth solution."""
    exact = sp.exp(X) * sp.sin(Y)
    conditions = [
        pl.Condition(sp.Eq(U, exact), on=["x=0", "y=0"]),
        pl.Neumann(U, exact.diff(X), on="x=1"),
        pl.Neumann(U, exact.diff(Y), on="y=1"),
    ]
    return pl.Problem("smooth", SQUARE, [U.diff(X, 2) + U.diff(Y, 2)], conditions)


def form_of(problem: pl.Problem, name: str = "ilsr", **options: Any) -> bool:
    return Request.of(problem, name, options).job().hard


def test_conditions_that_spoil_each_other_are_soft(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="pdelsr"):
        assert not form_of(plate(100))
    assert "conditions are soft" in caplog.text


def test_conditions_that_agree_stay_hard() -> None:
    assert form_of(smooth())


def test_without_time_for_the_trial_conditions_are_hard(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="pdelsr"):
        assert Request.of(plate(100), "ilsr", {}).job(left=0.05).hard
    assert "no time" in caplog.text


def test_the_users_choice_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "Designer", None)
    assert form_of(plate(100), hard=True)
    assert not form_of(plate(100), hard=False)
    assert not form_of(plate(100), "lsr")
    assert not form_of(plate(100), network=pl.MLP(2, 1, (4,)))


@pytest.mark.parametrize("problem", [poisson_2d(), heat(), burgers()], ids=lambda p: p.name)
def test_nothing_is_tried_where_nothing_can_disagree(
    problem: pl.Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(form, "Designer", None)
    assert form_of(problem)


def test_only_conditions_with_derivatives_count() -> None:
    assert has_flux(plate(1))
    assert not has_flux(poisson_2d())
    slope = pl.Neumann(pl.unknown("u", X), 0, on="x=0")
    line = [pl.unknown("u", X).diff(X, 2), pl.unknown("u", X) - 1]
    ends = [slope, pl.Dirichlet(pl.unknown("u", X), 1, on="x=1")]
    assert not has_flux(pl.Problem("rod", pl.Interval(X, 0, 1), line[:1], ends))


def test_the_form_is_told_and_used() -> None:
    solution = pl.solve(plate(100), hidden=(8, 8), weight_scale=1.0, max_iterations=1, points=200)
    assert solution.settings.hard is False
    assert not solution.compiled.exact
