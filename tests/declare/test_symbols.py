"""Coordinates, unknowns, callable coefficients and normals, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from pdelsr.declare import Unknown, coefficient, coordinates, normal, normal_derivative, unknown
from pdelsr.declare.symbols import Coefficient, NormalComponent
from pdelsr.errors import ProblemError

x, y, t = coordinates("x y t")
u = unknown("u", x, t)


def test_coordinates_are_real():
    assert coordinates("x") == x
    assert coordinates("x, t") == (x, t)
    assert all(c.is_real for c in (x, y, t))


def test_unknown_is_an_applied_real_function():
    assert isinstance(u, Unknown)
    assert u.args == (x, t)
    assert u.is_real
    assert u == unknown("u", x, t)
    assert sp.sqrt(u**2) == sp.Abs(u)


def test_order_of_differentiation_does_not_matter():
    assert u.diff(x).diff(t) == u.diff(t).diff(x) == u.diff(t, x) == u.diff(x, 1, t, 1)


def test_derivative_by_a_derivative_is_allowed():
    energy = u.diff(x) ** 2 / 2 + u**3
    assert sp.diff(energy, u.diff(x)) == u.diff(x)
    assert sp.diff(energy, u) == 3 * u**2


def test_coefficient_carries_its_function():
    k = coefficient("k", np.exp, x)
    assert isinstance(k, Coefficient)
    assert sp.lambdify(x, 2 * k)(0.0) == 2.0


def test_normal_components_differ_from_symbols_of_the_same_name():
    assert isinstance(normal(x), NormalComponent)
    assert str(normal(x)) == "n_x"
    assert normal(x) != sp.Symbol("n_x", real=True)
    assert normal_derivative(u).is_real


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: coordinates(""), "expected names", id="no_names"),
        pytest.param(lambda: coordinates(3), "expected names", id="no_text"),
        pytest.param(lambda: coordinates("x x"), "a name occurs twice", id="twice"),
        pytest.param(lambda: unknown("u v", x), "expected a name", id="two_names"),
        pytest.param(
            lambda: unknown("u"), "expected distinct coordinates .* got nothing", id="bare"
        ),
        pytest.param(lambda: unknown("u", x, x), "expected distinct coordinates", id="repeated"),
        pytest.param(lambda: unknown("u", "x"), "expected distinct coordinates", id="text"),
        pytest.param(lambda: unknown("x", x), "coordinate has the same name", id="clash"),
        pytest.param(lambda: coefficient("k", 3, x), "expected a function .* got int", id="number"),
        pytest.param(lambda: coefficient("k", abs), "name the coordinates", id="no_arguments"),
        pytest.param(lambda: normal("x"), "expected a coordinate", id="normal"),
        pytest.param(lambda: u.diff(y), "y is not a coordinate of u; it has x, t", id="foreign"),
        pytest.param(lambda: u.diff(x, 2, y), "y is not a coordinate of u", id="foreign_later"),
        pytest.param(lambda: u.diff((y, 2)), "y is not a coordinate of u", id="foreign_tuple"),
        pytest.param(lambda: (2 * u * y).diff(y), "y is not a coordinate of u", id="in_a_product"),
    ],
)
def test_refused(call, message):
    with pytest.raises(ProblemError, match=message):
        call()
