"""References whose numbers are parameters of a problem."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import pdelsr as pl

x, t = pl.coordinates("x t")
u = pl.unknown("u", x, t)
nu = sp.Symbol("nu", positive=True)
POINTS = np.array([[0.1, 0.5], [0.3, 0.9]])


def problem(reference, **parameters) -> pl.Problem:
    return pl.Problem(
        "burgers",
        pl.Interval(x, -1, 1) * pl.TimeInterval(t, 0, 1),
        [sp.Eq(u.diff(t) + u * u.diff(x), nu * u.diff(x, 2))],
        [pl.Initial(sp.Eq(u, -sp.sin(sp.pi * x))), pl.Periodic(u, x)],
        parameters=parameters,
        reference=reference,
    )


def test_the_problem_gives_the_values() -> None:
    found = problem(pl.reference.cole_hopf(nu), nu=0.02)
    expected = pl.reference.cole_hopf(0.02)(POINTS)
    np.testing.assert_array_equal(found.reference_values(POINTS)[:, 0], expected)


def test_other_values_give_another_reference() -> None:
    found = problem(pl.reference.cole_hopf(2 * nu), nu=0.02).with_parameters(nu=0.05)
    expected = pl.reference.cole_hopf(0.1)(POINTS)
    np.testing.assert_allclose(found.reference_values(POINTS)[:, 0], expected, rtol=1e-15)


def test_a_reference_is_made_once() -> None:
    reference = pl.reference.cole_hopf(nu)
    assert reference.bind({"nu": 0.02}) is reference.bind({"nu": 0.02})


@pytest.mark.parametrize(
    "make",
    [
        lambda: pl.reference.kdv(1, nu, sp.cos(sp.pi * x)),
        lambda: pl.reference.allen_cahn(nu, 5, sp.cos(sp.pi * x)),
        lambda: pl.reference.burgers(nu, -sp.sin(sp.pi * x)),
    ],
)
def test_all_named_equations_take_parameters(make) -> None:
    assert isinstance(make(), pl.reference.Parametric)


def test_a_parameter_without_a_value_is_named() -> None:
    with pytest.raises(pl.ProblemError, match="contains kappa, which is no parameter"):
        problem(pl.reference.cole_hopf(sp.Symbol("kappa")), nu=0.1)


@pytest.mark.parametrize("wrap", [lambda r: {u: r}, lambda r: [r]], ids=["mapping", "list"])
def test_references_by_unknown_are_bound_as_well(wrap) -> None:
    found = problem(wrap(pl.reference.cole_hopf(nu)), nu=0.02)
    expected = pl.reference.cole_hopf(0.02)(POINTS)
    np.testing.assert_array_equal(found.reference_values(POINTS)[:, 0], expected)


def test_it_is_not_called_on_its_own() -> None:
    with pytest.raises(pl.ProblemError, match="evaluated by its problem"):
        pl.reference.cole_hopf(nu)(POINTS)
