"""Derivatives by the rules of calculus alone are those of sympy."""

from __future__ import annotations

import pytest
import sympy as sp

from pdelsr.declare.slopes import _by_rules

x, y = sp.symbols("x y", real=True)
AT = {x: sp.Rational(37, 100), y: sp.Rational(13, 10)}
EXPRESSIONS = [
    3 * x,
    y,
    x**y,
    y**x,
    sp.sin(x) ** 3 * sp.exp(x * y) * (x + y**2),
    sp.sin(sp.cos(x * y) + x) ** 2 / (1 + x**2),
    sp.sqrt(x + 1) * sp.log(x * y),
    sp.erf(x) * sp.atan2(x, y),
    sp.Abs(x) * sp.sin(x + 1),
    sp.tanh(3 * x + sp.sin(x)),
    sp.Piecewise((x**2, x < 1), (sp.cos(x), True)) * sp.cos(2 * sp.pi * x),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_they_are_those_of_sympy(expression: sp.Expr) -> None:
    found, expected = _by_rules(expression, x), sp.diff(expression, x)
    assert float((found - expected).subs(AT).evalf()) == pytest.approx(0, abs=1e-12)


def test_derivatives_of_sines_are_in_the_form_of_sympy() -> None:
    waves = [sp.sin(2 * sp.pi * x), sp.cos(3 * x + 1), sp.sin(x + y)]
    for wave in waves:
        assert _by_rules(wave, x) == sp.diff(wave, x)
        assert _by_rules(_by_rules(wave, x), x) == sp.diff(wave, x, 2)


def test_a_long_argument_is_one_factor() -> None:
    inner = sp.Add(*(sp.sin(k * x) for k in range(1, 30)))
    assert len(_by_rules(sp.exp(inner), x).atoms(sp.exp)) == 1
    assert sp.count_ops(_by_rules(sp.tanh(inner), x)) < 3 * sp.count_ops(inner)
