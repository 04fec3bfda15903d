"""What a user is told to do next."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import sympy as sp

import pdelsr as pl
from pdelsr.results.advice import advice
from pdelsr.results.error_estimate import ErrorEstimate
from pdelsr.solvers.methods.registry import parse_options

X, Y, T = pl.coordinates("x y t")
U, V = pl.unknown("u", X, T), pl.unknown("v", X, Y)
FAR = ErrorEstimate(high=5.0, doubts=("the residual is too large to tell",))


def evolving(power: int) -> pl.Problem:
    domain = pl.Interval(X, 0, 1) * pl.TimeInterval(T, 0, 1)
    conditions = [pl.Initial(sp.Eq(U, sp.sin(sp.pi * X))), pl.Dirichlet(U, 0)]
    return pl.Problem("evolving", domain, [U.diff(T) - U.diff(X, 2) + U**power], conditions)


def steady(power: int) -> pl.Problem:
    equation = V.diff(X, 2) + V.diff(Y, 2) + V**power - 1
    return pl.Problem("steady", pl.Box((X, Y), (0, 0), (1, 1)), [equation], [pl.Dirichlet(V, 0)])


def told(
    problem: pl.Problem,
    method: str = "ilsr",
    status: pl.Status = pl.Status.NOT_SOLVED,
    ended: pl.Status = pl.Status.STAGNATED,
    estimate: ErrorEstimate = FAR,
    hard: bool = True,
) -> str:
    chosen, _ = parse_options(method, {})
    return advice(problem, chosen, status, ended, estimate, hard)


@pytest.mark.parametrize(
    ("problem", "words", "others"),
    [
        (evolving(1), ["shorter interval of t", "check signs"], ["easier problem"]),
        (evolving(3), ["shorter interval of t", "easier problem"], ["check signs"]),
        (steady(1), ["check signs and conditions"], ["interval", "easier problem"]),
        (steady(3), ["easier problem (start=)"], ["interval", "check signs"]),
    ],
)
def test_what_is_not_solved_gets_advice_for_its_kind(
    problem: pl.Problem, words: list[str], others: list[str]
) -> None:
    text = told(problem)
    assert all(word in text for word in words)
    assert not any(word in text for word in [*others, "wider", "hidden="])


def test_what_is_done_already_is_not_advised() -> None:
    assert "hard=True" in told(steady(3), hard=False)
    assert "hard=True" not in told(steady(3), hard=True)
    assert 'method "ilsr"' in told(steady(3), "lsr")
    assert 'method "ilsr"' not in told(steady(3), "ilsr")


@pytest.mark.parametrize(
    ("method", "ended", "words"),
    [
        ("pinn", pl.Status.MAX_ITERATIONS, "adam_steps or lbfgs_steps"),
        ("tsonn", pl.Status.MAX_ITERATIONS, "max_iterations"),
        ("ilsr", pl.Status.OUT_OF_TIME, "time_limit"),
    ],
)
def test_what_ended_the_run_may_be_raised(method: str, ended: pl.Status, words: str) -> None:
    assert f"raise {words}" in told(steady(3), method, ended=ended)


def test_too_few_points_are_the_first_thing_to_mend() -> None:
    few = ErrorEstimate(high=5.0, doubts=("300 equations for 2,545 directions",), few_points=True)
    assert told(steady(1), estimate=few).endswith("300 equations for 2,545 directions.")


@pytest.mark.parametrize(
    ("status", "words"),
    [(pl.Status.CONVERGED, "The tolerance is met"), (pl.Status.PRECISION_LIMITED, "is small")],
)
def test_success_with_doubts_says_so(status: pl.Status, words: str) -> None:
    text = told(steady(3), status=status)
    assert words in text
    assert "does not make the solution right: the residual is too large to tell" in text
    assert told(steady(3), status=status, estimate=ErrorEstimate(high=1e-9)) == status.advice


def test_fewer_equations_than_directions_leave_nothing_to_add_to_the_solution() -> None:
    given: dict[str, Any] = {"hidden": (24, 24), "points": 60, "hard": False, "weight_scale": 1.0}
    solution = pl.solve(steady(1), "lsr", **given)
    assert solution.report is not None
    assert solution.estimate.few_points
    assert not solution.estimate.open
    assert solution.status is not pl.Status.NOT_UNIQUE
    assert solution.error_estimate is None
    assert f"equations for {solution.report.rank:,} directions" in solution.doubts[0]
    enough = pl.solve(steady(1), "lsr", **{**given, "hidden": (8, 8), "points": 300})
    assert not enough.estimate.few_points


def test_other_methods_than_ilsr_are_led_to_it() -> None:
    assert 'take method "ilsr"' in told(steady(1), "lsr")
    assert 'take method "ilsr"' not in told(steady(1), "ilsr")


def without_values(power: int) -> pl.Problem:
    """A square with a source and no flux."""
    equation = V.diff(X, 2) + V.diff(Y, 2) + V.diff(X) ** power - 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pl.ConditionWarning)
        box = pl.Box((X, Y), (0, 0), (1, 1))
        return pl.Problem("open", box, [equation], [pl.Neumann(V, 0)])


@pytest.mark.parametrize("power", [1, 2])
def test_a_balance_is_the_first_thing_to_check(power: int) -> None:
    text = told(without_values(power), "lsr")
    first = "so this is none: check whether the data balance, sources against fluxes"
    assert first in text
    assert ('take method "ilsr"' in text) is (power > 1)
    assert text.count("balance") == 1


def test_what_the_declaration_shows_comes_before_other_methods() -> None:
    text = told(steady(1), "lsr")
    assert text.index("whether the data balance") < text.index('take method "ilsr"')


def test_what_the_user_has_limited_is_named() -> None:
    chosen, _ = parse_options("pinn", {})
    ended = pl.Status.MAX_ITERATIONS
    text = advice(steady(1), chosen, pl.Status.NOT_SOLVED, ended, FAR, True, limited=True)
    assert "raise max_iterations" in text


def test_data_that_do_not_balance_are_told() -> None:
    estimate = ErrorEstimate(high=1.0, doubts=("open",), open=("a wave",), holds=False)
    text = told(steady(1), status=pl.Status.NOT_UNIQUE, estimate=estimate)
    assert "do not hold" in text
