"""Reading expressions: equations, jets, names, slopes and affinity."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from pdelsr.declare import coefficient, coordinates, normal, normal_derivative, unknown
from pdelsr.declare.expressions import (
    abbreviate,
    as_equation,
    as_expression,
    gradient,
    is_affine,
    jet_name,
    jets,
    multi_index,
    resolve,
)
from pdelsr.errors import ProblemError

x, y, t = coordinates("x y t")
u, v = unknown("u", x, y, t), unknown("v", x, y, t)
k = coefficient("k", abs, x)


def test_jets_are_outermost_and_unique():
    expression = u * u.diff(x) + sp.sin(u.diff(x)) + v.diff(x, y)
    assert set(jets(expression)) == {u, u.diff(x), v.diff(x, y)}
    assert jets(sp.sin(x)) == ()


@pytest.mark.parametrize(
    ("jet", "name", "index"),
    [
        pytest.param(u, "u", (0, 0, 0), id="value"),
        pytest.param(u.diff(t), "u_t", (0, 0, 1), id="time"),
        pytest.param(u.diff(y, x, x), "u_xxy", (2, 1, 0), id="mixed"),
    ],
)
def test_names_and_multi_indices(jet, name, index):
    assert jet_name(jet, (x, y, t)) == name
    assert multi_index(jet, (x, y, t)) == index


def test_normal_derivative_runs_over_space():
    resolved = resolve(normal_derivative(u), (x, y))
    assert resolved == normal(x) * u.diff(x) + normal(y) * u.diff(y)
    flux = resolve(normal_derivative(u.diff(x, 2)), (x,))
    assert flux == normal(x) * u.diff(x, 3)


def test_products_and_moduli_are_differentiated():
    assert resolve(sp.Derivative(u * v, x), (x,)) == u.diff(x) * v + u * v.diff(x)
    slope = resolve(sp.diff(sp.Abs(u.diff(x)), x), (x,))
    assert slope == u.diff(x, 2) * sp.sign(u.diff(x))


@pytest.mark.parametrize(
    ("expression", "affine"),
    [
        pytest.param(u.diff(x, 2) * sp.sin(x) + 3 * u + sp.exp(y), True, id="linear"),
        pytest.param(k * u + k, True, id="callable"),
        pytest.param((u + 1) ** 2 - u**2, True, id="cancels"),
        pytest.param(u * v, False, id="bilinear"),
        pytest.param(sp.Abs(u), False, id="modulus"),
        pytest.param(sp.Piecewise((u, x < 0), (2 * u, True)), True, id="piecewise_in_space"),
        pytest.param(sp.Piecewise((u, u < 0), (2 * u, True)), False, id="piecewise_in_u"),
        pytest.param(sp.Piecewise((u, u < 0), (u + 1, True)), False, id="jump_in_u"),
        pytest.param(u.diff(x) + sp.sign(u), False, id="sign"),
        pytest.param(u.diff(x) + sp.floor(u), False, id="floor"),
        pytest.param(u.diff(x) * sp.sign(x) + sp.Mod(x, 2) * u, True, id="steps_in_space"),
    ],
)
def test_is_affine(expression, affine):
    assert is_affine(expression) is affine


def test_slopes_of_steps_are_zero_almost_everywhere():
    a = sp.Dummy("a", real=True)
    slopes = gradient(sp.sign(u) * 2 + sp.Heaviside(u) + sp.ceiling(u**2), {u: a})
    assert slopes == {u: 0}
    assert gradient(sp.Mod(3 * u, 2), {u: a}) == {u: 3}


def test_abbreviate():
    assert abbreviate(u.diff(t) + k * u.diff(x, 2), (x, y, t)) == "u_t + u_xx*k(x)"
    assert abbreviate(u.diff(t) - 0.02 * u, (x, y, t)) == "-0.02*u + u_t"


def test_an_expression_means_it_vanishes():
    equation = as_equation(u.diff(x), "equation")
    assert (equation.lhs, equation.rhs) == (u.diff(x), 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(sp.Eq(0, 0), "equation: it evaluates to True", id="true"),
        pytest.param(sp.Eq(u, u), "equation: it evaluates to True", id="same"),
        pytest.param(u.diff(x) == 0, "evaluates to False.*instead of lhs == rhs", id="python_eq"),
        pytest.param(sp.Eq(u**2, -1), "evaluates to False", id="never"),
        pytest.param(u < 0, "expected an equation", id="inequality"),
        pytest.param("u_t = 0", "expected a number or sympy expression", id="text"),
        pytest.param(sp.Matrix([u, v]), "expected a number or sympy expression", id="matrix"),
        pytest.param(sp.I * u, "is complex; unknowns are real", id="complex"),
        pytest.param(sp.oo * u, "is not finite", id="infinite"),
    ],
)
def test_refused_equations(given, message):
    with pytest.raises(ProblemError, match=message):
        as_equation(given, "equation")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(np.sin, r"got a Python function; wrap it as pl.coefficient", id="function"),
        pytest.param(True, "got True", id="bool"),
        pytest.param(np.zeros(3), "expected a number or sympy expression", id="array"),
        pytest.param(object(), "expected a number or sympy expression, got object", id="object"),
        pytest.param(float("nan"), "is not finite", id="nan"),
        pytest.param(sp.Eq(x, 1), "expected a number or sympy expression", id="equation"),
    ],
)
def test_refused_expressions(given, message):
    with pytest.raises(ProblemError, match=f"value: .*{message}"):
        as_expression(given, "value")


def test_numpy_numbers_are_exact():
    assert float(as_expression(np.float64(0.1), "value")) == 0.1
