"""What the assumptions of symbols promise is compared with ranges and values."""

from __future__ import annotations

import pytest
import sympy as sp

import pdelsr as pl
from pdelsr.errors import ProblemError

x = pl.coordinates("x")
u = pl.unknown("u", x)


def on_range(low, high, **assumptions):
    s = sp.Symbol("s", **assumptions)
    f = pl.unknown("f", s)
    return pl.Problem("range", pl.Interval(s, low, high), f.diff(s, 2), [pl.Dirichlet(f, 0)])


def with_value(value, by_name=False, **assumptions):
    k = sp.Symbol("k", **assumptions)
    equation = u.diff(x, 2) - k * u
    parameters = {"k" if by_name else k: value}
    unit = pl.Interval(x, 0, 1)
    return pl.Problem("value", unit, equation, [pl.Dirichlet(u, 0)], parameters=parameters)


EXCLUDED = {
    "positive": (-1, 1, {"positive": True}),
    "negative": (-1, 1, {"negative": True}),
    "nonnegative": (-1, 1, {"nonnegative": True}),
    "nonpositive": (0, 1, {"nonpositive": True}),
    "nonzero": (-1, 2, {"nonzero": True}),
    "integer": (0, 4, {"integer": True}),
    "imaginary": (0, 1, {"imaginary": True}),
}
ADMITTED = {
    "positive_from_zero": (0, 1, {"positive": True}),
    "negative_to_zero": (-1, 0, {"negative": True}),
    "nonzero_beside_zero": (0, 1, {"nonzero": True}),
    "real": (-1, 1, {"real": True}),
    "none": (-1, 1, {}),
}


@pytest.mark.parametrize(("low", "high", "assumptions"), EXCLUDED.values(), ids=EXCLUDED)
def test_a_range_that_an_assumption_excludes_is_refused(low, high, assumptions):
    (name,) = assumptions
    message = f"coordinate s: it reaches from {low} to {high}, and the symbol is declared {name}"
    with pytest.raises(ProblemError, match=rf"{message}.*pl\.coordinates\(\"s\"\)"):
        on_range(low, high, **assumptions)


@pytest.mark.parametrize(("low", "high", "assumptions"), ADMITTED.values(), ids=ADMITTED)
def test_ends_may_be_what_is_excluded(low, high, assumptions):
    problem = on_range(low, high, **assumptions)
    assert problem.domain.bounding_box.tolist() == [[low, high]]


def test_a_hole_may_reach_where_the_coordinate_does_not():
    r, z = sp.symbols("r z", positive=True)
    f = pl.unknown("f", r, z)
    half = pl.Box((r, z), (0, 0), (1, 1)) - pl.Disk((r, z), (0, 0.5), 0.2)
    problem = pl.Problem("half", half, f.diff(r, 2) + f.diff(z, 2), [pl.Dirichlet(f, 0)])
    assert problem.domain is half


def test_what_is_cut_off_does_not_count():
    r, z = sp.symbols("r z", positive=True)
    f = pl.unknown("f", r, z)
    disk, left = pl.Disk((r, z), (0, 0), 1), pl.Box((r, z), (-2, -2), (0, 2))
    equation = f.diff(r, 2) + f.diff(z, 2)
    quarter = disk - left - pl.Box((r, z), (-2, -2), (2, 0))
    pl.Problem("quarter", quarter, equation, [pl.Dirichlet(f, 0)])
    with pytest.raises(ProblemError, match=r"coordinate z: .* is declared positive"):
        pl.Problem("half", disk - left, equation, [pl.Dirichlet(f, 0)])


VALUES = {
    "positive": (-1, {"positive": True}, "positive"),
    "positive_zero": (0, {"positive": True}, "positive"),
    "nonnegative": (-sp.pi, {"nonnegative": True}, "nonnegative"),
    "negative": (1, {"negative": True}, "negative"),
    "nonzero": (0.0, {"nonzero": True}, "nonzero"),
    "not_positive": (2, {"positive": False, "real": True}, "nonpositive"),
    "integer": (1.5, {"integer": True}, "integer"),
    "not_integer": (2, {"integer": False}, "not integer"),
    "even": (3, {"even": True}, "even"),
    "rational": (sp.sqrt(2), {"rational": True}, "rational"),
    "irrational": (2, {"irrational": True}, "irrational"),
}


@pytest.mark.parametrize("by_name", [False, True], ids=["by_symbol", "by_name"])
@pytest.mark.parametrize(("value", "assumptions", "broken"), VALUES.values(), ids=VALUES)
def test_a_value_that_an_assumption_excludes_is_refused(value, assumptions, broken, by_name):
    with pytest.raises(ProblemError, match=f"parameter k: its value .* is declared {broken},"):
        with_value(value, by_name, **assumptions)


def test_so_is_one_of_a_variant():
    problem = with_value(2, integer=True)
    assert problem.with_parameters(k=3.0).parameters["k"] == 3.0
    with pytest.raises(ProblemError, match=r"parameter k: its value is 0\.5.* declared integer"):
        problem.with_parameters(k=0.5)


def test_values_that_keep_promises_are_taken():
    with_value(2.0, integer=True)
    with_value(sp.pi, positive=True)
    with_value(-1)
