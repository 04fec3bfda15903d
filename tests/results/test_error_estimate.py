"""What a solution says of its own error, on problems whose solution is known."""

from __future__ import annotations

import json
import math
import warnings

import numpy as np
import pytest
import sympy as sp

import pdelsr as pl

X, Y, T = pl.coordinates("x y t")
U, W = pl.unknown("u", X), pl.unknown("w", X, Y)
LINE, SQUARE = pl.Interval(X, 0, 1), pl.Box((X, Y), (0, 0), (1, 1))
SMALL = {"hidden": (16, 16), "weight_scale": 2.0}


def solved(
    equation: sp.Basic, conditions: list, domain: pl.Domain = LINE, **options
) -> pl.Solution:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pl.ConditionWarning)
        problem = pl.Problem("p", domain, [equation], conditions)
    return pl.solve(problem, "lsr", **{**SMALL, **options})


def test_the_error_lies_between_the_bounds_or_near() -> None:
    exact = sp.sin(3 * X)
    solution = solved(sp.Eq(U.diff(X, 2), exact.diff(X, 2)), [pl.Dirichlet(U, exact)], hidden=(6,))
    x = np.linspace(0, 1, 500)
    error = np.linalg.norm(solution.predict(x=x) - np.sin(3 * x)) / np.linalg.norm(np.sin(3 * x))
    low, high = solution.estimate.low, solution.estimate.high
    assert low is not None
    assert high is not None
    assert error < high
    assert solution.error_estimate == pytest.approx(math.sqrt(low * high))
    assert error < 10 * solution.error_estimate < 1e4 * error


def test_zero_is_a_solution_too() -> None:
    solution = solved(U.diff(X, 2), [pl.Dirichlet(U, 0)])
    assert solution.status is pl.Status.PRECISION_LIMITED
    assert solution.error_estimate is not None
    assert solution.error_estimate < 1e-10  # absolute


def test_terms_that_vanish_at_the_solution_are_no_failure() -> None:
    ends = [pl.Dirichlet(U, 0, on="x=0"), pl.Dirichlet(U, 1, on="x=1")]
    solution = solved(U.diff(X, 2), ends)
    assert solution.status is pl.Status.PRECISION_LIMITED
    assert (solution.error_estimate or 1) < 1e-10


def test_an_open_level_is_no_error() -> None:
    exact = sp.cos(sp.pi * X) * sp.cos(sp.pi * Y)
    equation = sp.Eq(W.diff(X, 2) + W.diff(Y, 2), -2 * sp.pi**2 * exact)
    solution = solved(equation, [pl.Neumann(W, 0)], SQUARE)
    rng = np.random.default_rng(0)
    x, y = rng.random((2, 1000))
    found, truth = solution.predict(x=x, y=y), np.cos(np.pi * x) * np.cos(np.pi * y)
    error = np.linalg.norm(found - found.mean() - truth + truth.mean()) / np.linalg.norm(truth)
    assert solution.error_estimate is not None
    assert error / 10 < solution.error_estimate < 1e-3


def test_an_offset_does_not_hide_the_variation() -> None:
    exact = 300 + sp.sin(sp.pi * X)
    solution = solved(sp.Eq(U.diff(X, 2), exact.diff(X, 2)), [pl.Dirichlet(U, 300)])
    assert solution.estimate.variation == pytest.approx(300 / 0.31, rel=0.1)
    assert "of ‖u − mean u‖" in " ".join(solution.summary().split())


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ([pl.Dirichlet(U, 0, on="x=0")], "a function of the form a + b x"),
        ([pl.Neumann(U, 0)], None),  # known from the symbols already
    ],
)
def test_open_functions_are_named(conditions: list, words: str | None) -> None:
    data = sp.sin(2 * sp.pi * X)
    equation = sp.Eq(U.diff(X, 2), data.diff(X, 2) if words else sp.cos(sp.pi * X))
    solution = solved(equation, conditions)
    if words is None:
        assert solution.estimate.open == ()
        assert solution.estimate_is_reliable
    else:
        assert solution.status is pl.Status.NOT_UNIQUE
        assert solution.estimate.open == (f"u is known up to {words}",)
        assert solution.error_estimate is None


def test_a_beam_without_supports_is_open_by_what_the_symbols_say() -> None:
    ends = [pl.Condition(U.diff(X, k), "x=0") for k in (2, 3)]
    solution = solved(U.diff(X, 4), ends)
    summary = " ".join(solution.summary().split())
    assert "u(x) is known up to a + b x" in summary
    assert "constant" not in summary


def test_an_eigenfunction_is_found_where_it_is_largest() -> None:
    equation = sp.Eq(U.diff(X, 2) + sp.pi**2 * U, -3 * sp.pi**2 * sp.sin(2 * sp.pi * X))
    solution = solved(equation, [pl.Dirichlet(U, 0)])
    (words,) = solution.estimate.open
    assert "largest near (x = 0.5" in words or "largest near (x = 0.49" in words


def test_rounding_is_measured_by_the_size_of_the_terms() -> None:
    # u' = -1e10 u² from 1e-9: one linear step leaves the first order, a hundred times too large
    start = sp.Rational(1, 10**9)
    solution = solved(
        sp.Eq(U.diff(X), -(10**10) * U**2), [pl.Dirichlet(U, start, on="x=0")], newton_steps=1
    )
    assert solution.status is not pl.Status.PRECISION_LIMITED
    assert solution.error_estimate is None


def test_narrow_data_between_the_users_own_points_leave_no_claim() -> None:
    source = sp.exp(-((X - sp.Rational(3, 10)) ** 2) / sp.Float(0.004) ** 2)
    problem = pl.Problem("peak", LINE, [U.diff(X, 2) + source], [pl.Dirichlet(U, 0)])
    points = np.linspace(0, 1, 60)[:, None]
    with pytest.warns(pl.ResolutionWarning):
        solution = pl.solve(problem, "lsr", sampler={"equation": pl.Points(points)}, **SMALL)
    assert solution.error_estimate is None
    assert any("points" in doubt for doubt in solution.doubts)


def test_a_small_unknown_in_its_own_units_is_measured_by_its_own_size() -> None:
    """A bar in SI units: the displacement is a millionth of a millionth of the stress."""
    s = pl.unknown("s", X)
    equations = [sp.Eq(s / 1e12, U.diff(X)), sp.Eq(s.diff(X), -(sp.pi**2) * sp.sin(sp.pi * X))]
    exact = {U: sp.sin(sp.pi * X) / 1e12, s: sp.pi * sp.cos(sp.pi * X)}
    ends = [pl.Dirichlet(U, 0), pl.Dirichlet(s, sp.pi, on="x=0")]
    problem = pl.Problem("bar", LINE, equations, ends, reference=exact)
    solution = pl.solve(problem, "lsr", hidden=(20,), weight_scale=2.0)
    assert solution.errors["u"].relative_l2 > 1e-6
    assert solution.status is not pl.Status.NOT_UNIQUE
    assert solution.estimate.open == solution.estimate.vanishing == ()
    assert solution.error_estimate is None
    (doubt,) = solution.doubts
    assert "give it in units in which both are of one size" in doubt


def test_a_small_unknown_that_is_wrong_does_not_count_as_zero() -> None:
    v = pl.unknown("v", X)
    many = 13 * sp.pi
    equations = [
        sp.Eq(U.diff(X, 2), -1_000_000 * sp.sin(3 * X)),
        sp.Eq(v.diff(X, 2), -(many**2) * sp.sin(many * X)),
    ]
    conditions = [pl.Dirichlet(U, 1_000_000 * sp.sin(3 * X) / 9), pl.Dirichlet(v, 0)]
    problem = pl.Problem("one wrong", LINE, equations, conditions)
    solution = pl.solve(problem, "lsr", hidden=(8,), weight_scale=1.0, points=200)
    assert solution.estimate.vanishing == ()
    assert solution.status is pl.Status.NOT_SOLVED
    assert solution.error_estimate is None


def test_a_solution_below_the_rounding_errors_of_the_network_is_not_called_zero() -> None:
    source = sp.Float(1e-30) * sp.pi**2 * sp.sin(sp.pi * X)
    solution = solved(U.diff(X, 2) + source, [pl.Dirichlet(U, 0)])
    assert solution.error_estimate is None
    assert any("below the rounding errors" in doubt for doubt in solution.doubts)


@pytest.mark.parametrize("conditions", [pl.Dirichlet(U, X), pl.Condition(sp.Eq(U, X))])
def test_waves_that_a_network_does_not_hold_leave_no_claim(conditions: pl.Condition) -> None:
    """sin 60πx may be added to u = x, which a small network knows nothing of."""
    k2 = (60 * sp.pi) ** 2
    problem = pl.Problem("string", LINE, [sp.Eq(U.diff(X, 2) + k2 * U, k2 * X)], [conditions])
    solution = pl.solve(problem, "lsr", hidden=(12,), weight_scale=1.0, points=300)
    assert solution.error_estimate is None
    (doubt,) = solution.doubts
    assert doubt.startswith("waves of length 0.03")


def test_waves_that_a_network_holds_are_no_doubt() -> None:
    problem = pl.Problem("string", LINE, [sp.Eq(U.diff(X, 2) + 80 * U, 1)], [pl.Dirichlet(U, 0)])
    solution = pl.solve(problem, "lsr", hidden=(24, 24), weight_scale=2.0)
    assert solution.report is not None
    assert solution.report.sensitivity is not None
    assert solution.report.sensitivity.waves
    assert solution.doubts == ()


def test_an_unknown_that_is_zero_counts_relative_to_the_others() -> None:
    v = pl.unknown("v", X)
    equations = [sp.Eq(U.diff(X, 2), -sp.sin(3 * X)), v.diff(X, 2)]
    conditions = [pl.Dirichlet(U, sp.sin(3 * X) / 9), pl.Dirichlet(v, 0)]
    problem = pl.Problem("one of two", LINE, equations, conditions)
    solution = pl.solve(problem, "lsr", **SMALL)
    assert solution.estimate.vanishing == ("v",)
    assert json.loads(solution.to_json())["vanishing"] == ["v"]
    assert solution.error_estimate is not None
    assert solution.error_estimate < 1e-6
    assert "v may be zero, and counts relative to the largest unknown" in solution.summary()


def test_the_error_of_zero_is_told_as_absolute() -> None:
    solution = solved(U.diff(X, 2), [pl.Dirichlet(U, 0)])
    assert solution.estimate.absolute
    assert "(absolute, since the solution is zero" in solution.summary()
    assert json.loads(solution.to_json())["estimate_is_absolute"] is True


def test_a_uniform_flow_breaks_no_equation() -> None:
    solution = solved(U * U.diff(X) - U.diff(X, 2), [pl.Dirichlet(U, 1)])
    assert solution.doubts == ()
    assert solution.error_estimate is not None
    assert solution.error_estimate < 1e-6


@pytest.mark.parametrize(("value", "hard"), [(0, False), (X, False), (X, True)], ids=str)
def test_one_term_alone_is_no_failure_of_a_method_without_refinement(
    value: sp.Expr, hard: bool
) -> None:
    problem = pl.Problem("line", LINE, [U.diff(X, 2)], [pl.Dirichlet(U, value)])
    solution = pl.solve(problem, "pinn", hidden=(8, 8), points=50, adam_steps=200, hard=hard)
    assert solution.status is not pl.Status.NOT_SOLVED
    assert solution.error_estimate is None


def test_one_term_alone_is_no_failure_where_the_estimate_takes_all_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def endless(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pdelsr.results.collect.error_estimate", endless)
    problem = pl.Problem("line", LINE, [U.diff(X, 2)], [pl.Dirichlet(U, X)])
    solution = pl.solve(problem, "pinn", hidden=(8, 8), points=50, adam_steps=20, hard=True)
    assert solution.status is not pl.Status.NOT_SOLVED


def test_what_oscillates_is_unique_in_float32_too() -> None:
    """A change by sin πx is 1e-3 of the terms of sin 25πx, which float32 takes for rounding."""
    exact = sp.sin(25 * sp.pi * X)
    equation = sp.Eq(U.diff(X, 2), exact.diff(X, 2))
    options = {"hidden": (32, 32), "weight_scale": 8.0, "dtype": "float32"}
    solution = solved(equation, [pl.Dirichlet(U, exact)], **options)
    assert solution.status is not pl.Status.NOT_UNIQUE
    assert solution.estimate.open == ()


def test_a_force_at_a_resonance_leaves_equations_that_do_not_hold() -> None:
    equation = sp.Eq(U.diff(X, 2) + sp.pi**2 * U, sp.sin(sp.pi * X))
    solution = solved(equation, [pl.Dirichlet(U, 0)])
    assert solution.status is pl.Status.NOT_UNIQUE
    assert "The equations do not hold" in solution.advice


def test_what_the_estimate_has_no_memory_for_is_no_lost_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(*_: object) -> object:
        raise MemoryError

    monkeypatch.setattr("pdelsr.results.collect.estimated", failing)
    solution = solved(sp.Eq(U.diff(X, 2), 1), [pl.Dirichlet(U, 0)])
    assert solution.doubts[0] == "there was no memory to estimate the error"
    assert solution.blocks
