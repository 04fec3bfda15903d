"""Decimal numbers are exact inside, and stay what they are to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from pdelsr.declare import Dirichlet, Interval, Problem, coordinates, unknown
from pdelsr.declare.decimals import as_rational, decimal_text, put_in
from pdelsr.declare.evaluate import evaluate
from pdelsr.errors import ProblemError

x = coordinates("x")
u = unknown("u", x)
a, n = sp.symbols("a n")


def test_an_imaginary_part_that_is_rounding_of_large_terms_is_left_out():
    minus = sp.root(-1, 3)
    points = np.linspace(0, 1, 5)[:, None]
    zero = evaluate(-x + x * (minus + 1 / minus), (x,), points, "zero")
    assert np.abs(zero).max() < 1e-15
    with pytest.raises(ProblemError, match="a value is complex"):
        evaluate(x * minus, (x,), points, "root")


@pytest.mark.parametrize("value", [1e-3, 0.1, 0.1 + 0.2, np.pi, 5e-324, 1.7e308, -2.5, 3e7])
def test_a_double_stays_the_same_to_the_last_bit(value):
    assert float(as_rational(sp.Float(value))) == value


@pytest.mark.parametrize(
    ("number", "rational"),
    [
        pytest.param(sp.Float(1e-3), sp.Rational(1, 1000), id="double"),
        pytest.param(sp.Float("0.1", 50), sp.Rational(1, 10), id="fifty_digits"),
        pytest.param(sp.Float("1e-400"), sp.Rational(1, 10**400), id="below_doubles"),
    ],
)
def test_the_shortest_text_is_taken(number, rational):
    assert as_rational(number) == rational


@pytest.mark.parametrize(
    ("given", "values"),
    [
        pytest.param(sp.exp((x - 1) / a), {a: sp.Float(1e-3)}, id="parameter"),
        pytest.param(sp.exp((x - 1) / 0.001), {}, id="in_the_expression"),
    ],
)
def test_an_exponential_is_not_split(given, values):
    assert put_in(given, values) == sp.exp(1000 * x - 1000)


def test_the_rest_of_a_product_with_a_split_exponential_stays():
    given = -3 * x * sp.exp((x - 1) / 0.001)
    values = evaluate(put_in(given, {}), (x,), np.array([[1.0], [0.999]]), "data")
    np.testing.assert_allclose(values, [-3, -3 * 0.999 * np.exp(-1)], rtol=1e-12)


def test_powers_are_not_spelled_out():
    found = put_in((1 + 1 / n) ** n, {n: sp.Float(1e8)})  # does not end where they are
    assert float(found) == pytest.approx(np.e, rel=1e-7)


def test_numbers_of_millions_of_digits_are_not_spelled_out():
    tiny, huge = sp.exp(-1e8), sp.exp(1e8)  # decimals of sympy, far beyond doubles
    assert put_in(x + tiny, {}) == x
    assert put_in(x + huge, {}) == x + huge


def test_exponents_become_whole_numbers():
    assert put_in(x**n, {n: sp.Float(2.0)}) == x**2


def test_messages_show_decimals():
    assert decimal_text(x / 1000 + sp.Rational(1, 3)) == "0.001*x + 1/3"


def layer(width, end):
    e = (1 - sp.exp((x - 1) / a)) / (1 - sp.exp(-1 / a))
    return Problem(
        "layer",
        Interval(x, 0, 1),
        [sp.Eq(-a * u.diff(x, 2) + u.diff(x), 0)],
        [Dirichlet(u, e, on="x=0"), Dirichlet(u, 0, on="x=1")],
        parameters={a: width},
        reference=e,
    ).reference_values(np.array([[end]]))


def test_a_layer_has_a_reference_whatever_way_its_width_is_written():
    written, exact = layer(1e-3, 0.9995), layer(sp.Rational(1, 1000), 0.9995)
    assert np.isfinite(written).all()
    np.testing.assert_array_equal(written, exact)


def test_the_declaration_shows_the_number_as_it_was_given():
    problem = Problem(
        "p", Interval(x, 0, 1), [sp.Eq(u.diff(x), a * u)], Dirichlet(u, 1), parameters={a: 0.25}
    )
    assert "a = 0.25" in str(problem)
