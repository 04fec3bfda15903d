"""Every function that the printer knows against sympy's own numerics."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
import torch
from oracle import numbers, tensor

from pdelsr.compile.function import TorchFunction
from pdelsr.compile.printer import TorchCode, literal
from pdelsr.errors import ProblemError

x, y = sp.symbols("x y", real=True)
POINTS = np.random.default_rng(3).uniform(-1, 1, (8, 2))

EXPRESSIONS = [
    sp.Rational(1, 3) * sp.pi * x,
    sp.Float(0.1) * x,
    sp.sqrt(2) * x + sp.sqrt(3),
    sp.Integer(10) ** 25 * x,
    -2 * x / 3,
    1 / (1 + x**2),
    2 / sp.sqrt(2 + x),
    (2 + x) ** sp.pi,
    2**x,
    sp.Abs(x) ** sp.Rational(1, 3),
    sp.Piecewise((1, x < 0), (2, x < sp.Rational(1, 2)), (3, True)),
    sp.Piecewise((x, sp.And(x > 0, y > sp.Rational(1, 3))), (y, sp.Not(y < 0)), (x * y, True)),
    sp.Piecewise((0, sp.Eq(x, 0)), (sp.sin(x) / x, True)),
    sp.Piecewise((1, sp.Or(sp.Ne(x, y), x > 2)), (0, True)),
    sp.Max(x, y, sp.Rational(1, 7)),
    sp.Min(0, x),
    sp.Max(sp.Piecewise((1, x > 0), (y, True)), 0),
    sp.Heaviside(x),
    sp.Heaviside(x - y, 0),
    sp.sign(x),
    sp.Abs(x - y),
    sp.floor(3 * x) + sp.ceiling(2 * y),
    sp.Mod(x, sp.Rational(3, 10)),
    sp.erf(x) + sp.erfc(y),
    sp.exp(x) * sp.log(x + 2, 10),
    sp.sin(x) + sp.cos(y) + sp.tan(x),
    sp.asin(x) + sp.acos(y) + sp.atan(x) + sp.atan2(1, x) + sp.atan2(y, 2),
    sp.sinh(x) + sp.cosh(y) + sp.tanh(x) + sp.asinh(x) + sp.acosh(y + 3) + sp.atanh(x),
    sp.sec(x) + sp.csc(x + 2) + sp.cot(y + 2) + sp.sech(x) + sp.csch(y + 2) + sp.coth(y + 2),
    sp.acot(x) + sp.asec(x + 3) + sp.acsc(x + 3),
    sp.sinc(x),
    sp.gamma(x + 3) + sp.gamma(y - 3),
    sp.loggamma(x + 3) + sp.digamma(y + 3),
    sp.besselj(0, x) + sp.besselj(1, y),
    sp.besseli(0, x) + sp.besseli(1, y) + sp.besselk(0, x + 2) + sp.besselk(1, x + 2),
    sp.erfinv(x),
    sp.Integer(3),
    sp.sqrt(1 + sp.sqrt(2)) * x + sp.sqrt(2) * x**2,
    sp.cos(sp.pi / 5) * x + sp.sin(sp.pi / 5) * y,
    sp.cos(1) * x + sp.cos(1) ** 2 + sp.sin(sp.cos(1)) ** 2,
    sp.Max(sp.sqrt(2), x) + sp.Max(sp.sqrt(2), y) * sp.exp(sp.sqrt(2)),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_values_are_full_and_exact(expression):
    function = TorchFunction((expression,), (x, y))
    value = function(tensor(POINTS))[0]
    assert value.shape == (8,)
    expected = numbers(expression, (x, y), POINTS)
    np.testing.assert_allclose(value.numpy(), expected, rtol=4e-14, atol=4e-15)


def test_bessel_functions_of_the_second_kind_have_twelve_digits():
    expression = sp.bessely(0, x + 2) + sp.bessely(1, y + 2)
    value = TorchFunction((expression,), (x, y))(tensor(POINTS))[0]
    np.testing.assert_allclose(value.numpy(), numbers(expression, (x, y), POINTS), atol=1e-11)


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_dtype_of_the_points_is_kept(expression):
    points = torch.as_tensor(POINTS, dtype=torch.float32)
    assert TorchFunction((expression,), (x, y))(points).dtype == torch.float32


@pytest.mark.parametrize("expression", EXPRESSIONS[:-1], ids=str)
def test_differentiable_in_the_points(expression):
    points = tensor(POINTS).requires_grad_()
    value = TorchFunction((expression,), (x, y))(points).sum()
    if value.requires_grad:
        (slope,) = torch.autograd.grad(value, points)
        assert slope.isfinite().all()


def test_no_case_of_a_piecewise_is_nan_not_zero():
    value = TorchFunction((sp.Piecewise((x, x < 0)),), (x,))(tensor(np.array([[-1.0], [1.0]])))
    assert value[0, 0] == -1
    assert value[0, 1].isnan()


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(sp.Rational(1, 3), 1 / 3, id="rational"),
        pytest.param(sp.Float(0.1), 0.1, id="float"),
        pytest.param(sp.pi / 7, np.pi / 7, id="pi"),
        pytest.param(1 / (100 * sp.pi), 0.01 / np.pi, id="viscosity"),
    ],
)
def test_literals_are_rounded_once(number, expected):
    assert float(literal(number)) == pytest.approx(expected, rel=2e-16)


def test_numbers_in_a_product_become_one_literal():
    assert TorchCode().doprint(sp.pi * x / 3) == "1.0471975511965979*x"


@pytest.mark.parametrize("number", [sp.asin(2), sp.zoo, sp.nan], ids=str)
def test_constants_that_are_not_real_are_refused(number):
    with pytest.raises(ProblemError, match="is not a finite real number"):
        literal(number)


def test_a_huge_constant_is_refused_in_few_digits():
    with pytest.raises(ProblemError, match=r"the constant 1\.0e\+5000 is not a finite real number"):
        literal(sp.Integer(10) ** 5000)


def test_a_derivative_that_sympy_cannot_form_is_refused():
    slope = sp.diff(sp.Mod(2 * x, 1), x)
    assert slope.has(sp.Subs)
    for expression in (slope, sp.Derivative(sp.Mod(x, 1), x)):
        with pytest.raises(ProblemError, match=r"it: .*Derivative\(Mod.* has no torch form"):
            TorchFunction((expression,), (x,), title="it")
