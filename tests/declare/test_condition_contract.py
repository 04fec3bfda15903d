"""Conditions of a user's own: they work as the built-in ones do, and mistakes are told in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sympy as sp

import pdelsr as pl
from pdelsr.errors import ProblemError

X, T = pl.coordinates("x t")
U = pl.unknown("u", X, T)
STRIP = pl.Interval(X, 0, 1) * pl.TimeInterval(T, 0, 1)
EXACT = sp.sin(X) * sp.cos(T)
END = pl.OnParts(STRIP.select("x=1"))


@dataclass(frozen=True)
class Own(pl.AbstractCondition):
    """Makes the statements that it is given."""

    make: Callable[[pl.Domain], Any]
    title = "Own"

    def statements(self, domain: pl.Domain, order: Any) -> Any:
        return self.make(domain)


def wave(make: Callable[[pl.Domain], Any]) -> pl.Problem:
    start = [pl.Initial(sp.Eq(U, sp.sin(X))), pl.Initial(sp.Eq(U.diff(T), 0))]
    conditions = [pl.Dirichlet(U, 0, on="x=0"), *start, Own(make)]
    equation = sp.Eq(U.diff(T, 2), U.diff(X, 2))
    return pl.Problem("wave", STRIP, [equation], conditions, reference=EXACT)


def one(**changed: Any) -> Callable[[pl.Domain], Any]:
    """A statement u = exact at x = 1, of which something is given otherwise."""
    given: dict[str, Any] = {"name": "own", "kind": "condition", "lhs": U, "rhs": EXACT}
    given |= {"region": END, "title": "Own"}
    return lambda domain: (pl.Statement(**{**given, **changed}),)


WRONG: dict[str, tuple[Callable[[pl.Domain], Any], str]] = {
    "nothing": (lambda domain: None, "returned None, expected a tuple of at least one"),
    "empty": (lambda domain: (), r"returned \(\), expected a tuple of at least one"),
    "no tuple": (lambda domain: one()(domain)[0], "expected a tuple of at least one pl.Statement"),
    "equation": (lambda domain: (sp.Eq(U, 0),), "expected a tuple of at least one pl.Statement"),
    "name": (one(name=None), "Own: name of a statement is None, expected a text"),
    "title": (one(title=" "), "title of a statement is ' ', expected a text"),
    "lhs": (one(lhs=sp.Eq(U, 0)), "Own, statement 'own', lhs: expected a number or sympy"),
    "rhs": (one(rhs="0"), "rhs: expected a number or sympy expression, got '0'"),
    "kind": (one(kind="wall"), "kind is 'wall', expected 'condition', or one of"),
    "kind of equations": (one(kind="equation"), "kind is 'equation', expected 'condition'"),
    "parts": (one(region=END.parts), r"a 'condition' holds on OnParts or Interior, such as"),
    "no parts": (one(region=pl.OnParts(())), r"pl.OnParts was given \(\), expected a tuple"),
    "part": (one(region=pl.OnParts(END.parts[0])), "pl.OnParts was given <part"),  # type: ignore[arg-type]
    "other domain": (
        one(region=pl.OnParts(pl.Interval(X, 0, 1).select("x=1"))),
        "is a part 'x=1' of another domain",
    ),
    "other inside": (
        one(region=pl.Interior(pl.Interval(X, 0, 2))),
        "is the inside of another domain",
    ),
    "hard": (one(hard=True), "hard=True is not possible for a 'condition'"),
    "hard slope": (
        one(kind="dirichlet", lhs=U.diff(X)),
        "a 'dirichlet' has an unknown alone there. Give the kind 'condition'",
    ),
    "initial slope": (
        one(kind="initial", lhs=U.diff(X), region=pl.OnParts(STRIP.select("t=0"))),
        "a 'initial' has an unknown alone there, or its derivative by time",
    ),
    "periodic": (one(kind="periodic"), "a 'periodic' holds on PeriodicPair"),
    "failing": (lambda domain: 1 / 0, r"Own.statements\(domain, order\) fails with ZeroDivision"),
    "no unknown": (one(lhs=X), "it contains no unknown"),
}


@pytest.mark.parametrize(("make", "message"), WRONG.values(), ids=WRONG)
def test_what_breaks_the_contract_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        wave(make)


def test_numbers_are_expressions() -> None:
    problem = wave(one(lhs=U.diff(X) - EXACT.diff(X), rhs=0.0))
    (statement,) = (s for s in problem.statements if s.name == "own")
    assert float(statement.rhs) == 0
    assert isinstance(statement.rhs, sp.Expr)


def test_statements_of_the_package_keep_their_hard_forms() -> None:
    fixed = pl.Dirichlet(U, EXACT, on="x=1")
    problem = wave(lambda domain: fixed.statements(domain, lambda u, coordinate: 2))
    solution = pl.solve(problem, "lsr", hidden=(12, 12), weight_scale=1.5, hard=True)
    assert set(solution.compiled.exact) >= {"dirichlet u on x=0", "dirichlet u on x=1"}
    assert solution.error()["u"].relative_l2 < 1e-6


@pytest.mark.parametrize("method", ["lsr", "tsonn", "pinn"])
def test_a_condition_may_hold_inside(method: str) -> None:
    problem = wave(
        lambda domain: one(region=pl.Interior(domain), lhs=U.diff(T), rhs=EXACT.diff(T))(domain)
    )
    few = {"pinn": {"adam_steps": 3, "lbfgs_steps": 3}, "tsonn": {"inner_steps": 3}}
    limits = {} if method == "pinn" else {"max_iterations": 1}
    given = {**few.get(method, {}), **limits}
    solution = pl.solve(problem, method, hidden=(12, 12), weight_scale=1.5, points=200, **given)
    assert solution.blocks["own"].heldout_rms > 0
    if method == "lsr":
        assert solution.error()["u"].relative_l2 < 1e-3


def test_something_else_is_no_condition() -> None:
    with pytest.raises(ProblemError, match=r"a pl\.AbstractCondition of your own, got 3"):
        pl.Problem("wave", STRIP, [U.diff(T) - U.diff(X, 2)], [3])
