"""Compiled values against sympy at closed-form fields, compiled slopes against autograd."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
import torch
from oracle import autograd_coefficients, jet_of, numbers, tensor

from pdelsr.compile import Block, compile_problem
from pdelsr.declare import Box, Dirichlet, Problem, unknown

x, y, t = sp.symbols("x y t", real=True)
u, v, p = (unknown(name, x, y) for name in "uvp")
FIELDS = {
    u: sp.sin(2 * x) * sp.exp(y / 2) + x * y / 3 + sp.Rational(1, 4),
    v: sp.cos(x + 2 * y) - x**2 * y,
    p: sp.exp(x * y) / 2,
}
SQUARE = Box((x, y), (-1, -1), (1, 1))
POINTS = np.random.default_rng(5).uniform(-0.9, 0.9, (6, 2))

EQUATIONS = {
    "laplace": u.diff(x, 2) + u.diff(y, 2) - sp.sin(sp.pi * x) / 3,
    "constants": sp.sqrt(2) * u.diff(x) + sp.Float(0.1) * u - sp.Rational(1, 3) * sp.pi,
    "product_rule": (u * u.diff(x)).diff(x) + (sp.exp(x) * u.diff(y)).diff(y),
    "order_of_diff": u.diff(x).diff(y) - u.diff(y).diff(x, 2) + u,
    "biharmonic": u.diff(x, 4) + 2 * u.diff(x, 2, y, 2) + u.diff(y, 4),
    "cubic": u.diff(x) + u**3 - u,
    "minimal_surface": (u.diff(x) / sp.sqrt(1 + u.diff(x) ** 2 + u.diff(y) ** 2)).diff(x),
    "monge_ampere": u.diff(x, 2) * u.diff(y, 2) - u.diff(x, y) ** 2 - 1,
    "exponential": u.diff(x, 2) + sp.exp(-(u**2)) + sp.tanh(u) * sp.erf(u.diff(y)),
    "piecewise_x": u.diff(x) * sp.Piecewise((1, x < 0), (2, (x < sp.Rational(1, 2))), (3, True)),
    "piecewise_u": sp.Piecewise((u**2, u > sp.Rational(1, 4)), (u / 3, True)) + u.diff(y),
    "abs_slope": sp.Abs(u.diff(x)) + sp.Abs(u),
    "derivative_of_abs": sp.diff(sp.Abs(u.diff(x)), x) + sp.diff(sp.Abs(u), y),
    "max_min": sp.Max(u, x, sp.Rational(1, 7)) - sp.Min(0, u.diff(x)),
    "steps": sp.Heaviside(u - x) * u + sp.sign(u.diff(y)) * u.diff(x),
    "rounded": sp.floor(3 * u) * u + sp.ceiling(u.diff(x)) + sp.Mod(2 * u, x + 2) * u.diff(y),
    "powers": sp.Abs(u) ** sp.Rational(3, 2) + 1 / (2 + u**2) + 2 ** u.diff(x),
    "angles": sp.atan2(u, 2) + sp.log(3 + u) + sp.cosh(u.diff(x)) / sp.sqrt(4 + x),
    "euler_lagrange": sp.diff((u.diff(x) ** 2 + u.diff(y) ** 4) / 2, u.diff(y)) - u,
}


def only_block(equation: sp.Expr) -> Block:
    problem = Problem("case", SQUARE, equation, Dirichlet(u, 0))
    return compile_problem(problem).block("equation")


@pytest.mark.parametrize("name", EQUATIONS)
def test_value_and_coefficients(name):
    equation = EQUATIONS[name]
    block = only_block(equation)
    x_, jet = tensor(POINTS), jet_of(block, (FIELDS[u],), (x, y), POINTS)
    expected = numbers(equation.subs(u, FIELDS[u]).doit(), (x, y), POINTS)
    value, slopes = block.value(x_, jet), block.coefficients(x_, jet)
    assert value.shape == (6,)
    assert slopes.shape == (len(block.entries), 6)
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-13, atol=1e-13)
    torch.testing.assert_close(slopes, autograd_coefficients(block, x_, jet), rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", EQUATIONS)
def test_single_precision_stays_single(name):
    block = only_block(EQUATIONS[name])
    x_ = torch.rand(4, 2)
    jet = torch.rand(len(block.entries), 4)
    assert block.value(x_, jet).dtype == torch.float32
    assert block.coefficients(x_, jet).dtype == torch.float32


def test_linear_flag_says_whether_slopes_depend_on_the_jet():
    nonlinear = {name for name, e in EQUATIONS.items() if not only_block(e).linear}
    affine = {"laplace", "constants", "order_of_diff", "biharmonic", "piecewise_x"}
    assert nonlinear == set(EQUATIONS) - affine


def test_slopes_fall_quadratically():
    block = only_block(EQUATIONS["minimal_surface"])
    x_, jet = tensor(POINTS), jet_of(block, (FIELDS[u],), (x, y), POINTS)
    step = tensor(np.random.default_rng(1).normal(size=jet.shape))
    change = (block.coefficients(x_, jet) * step).sum(0)
    sizes = np.array([1e-2, 1e-3, 1e-4])
    errors = [
        (block.value(x_, jet + e * step) - block.value(x_, jet) - e * change).norm().item()
        for e in sizes
    ]
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert slope == pytest.approx(2, abs=0.1)


def test_system_of_three_unknowns():
    stokes = [
        -u.diff(x, 2) - u.diff(y, 2) + p.diff(x),
        u * v.diff(x) + v * v.diff(y) - v.diff(y, 2) + p.diff(y) - x,
        u.diff(x) + v.diff(y),
    ]
    conditions = [Dirichlet(u, 0), Dirichlet(v, 0)]
    problem = Problem("stokes", SQUARE, stokes, conditions, unknowns=(u, v, p))
    compiled = compile_problem(problem)
    fields = tuple(FIELDS[w] for w in (u, v, p))
    for block, equation in zip(compiled.blocks, stokes, strict=False):
        x_, jet = tensor(POINTS), jet_of(block, fields, (x, y), POINTS)
        expected = numbers(equation.subs(FIELDS).doit(), (x, y), POINTS)
        np.testing.assert_allclose(block.value(x_, jet).numpy(), expected, rtol=1e-13, atol=1e-13)
        slopes = autograd_coefficients(block, x_, jet)
        torch.testing.assert_close(block.coefficients(x_, jet), slopes)
    assert [b.linear for b in compiled.blocks] == [True, False, True, True, True]


def test_five_dimensions():
    axes = sp.symbols("x1:6", real=True)
    w = unknown("w", *axes)
    equation = sum(w.diff(a, 2) for a in axes) + w.diff(axes[0], axes[4]) * w - axes[2]
    problem = Problem("five", Box(axes, (0,) * 5, (1,) * 5), equation, Dirichlet(w, 0))
    block = compile_problem(problem).block("equation")
    field = sp.sin(sp.Add(*axes)) * axes[1]
    points = np.random.default_rng(0).uniform(size=(4, 5))
    jet = jet_of(block, (field,), axes, points)
    expected = numbers(equation.subs(w, field).doit(), axes, points)
    np.testing.assert_allclose(block.value(tensor(points), jet).numpy(), expected, rtol=1e-12)
    assert len(block.entries) == 7


def test_constant_coefficients_are_known_and_are_views():
    block = only_block(EQUATIONS["constants"])
    assert block.slopes.constants == (0.1, 2**0.5)
    slopes = block.coefficients(tensor(POINTS), torch.zeros(2, 6, dtype=torch.float64))
    assert slopes.shape == (2, 6)
    assert slopes.untyped_storage().nbytes() == 16
    mixed = only_block(EQUATIONS["cubic"]).slopes.constants
    assert mixed == (None, 1.0)


def test_affine_only_after_expansion():
    block = only_block((u + 1) ** 2 - u**2 + u.diff(x))
    assert block.linear
    assert block.slopes.constants == (2.0, 1.0)


def test_no_points_give_empty_results():
    block = only_block(EQUATIONS["piecewise_u"])
    x_, jet = torch.zeros(0, 2), torch.zeros(len(block.entries), 0)
    assert block.value(x_, jet).shape == (0,)
    assert block.coefficients(x_, jet).shape == (len(block.entries), 0)


def test_text_is_one_readable_line():
    assert only_block(u.diff(x, 2) + u.diff(x, y) - u).text == "-u + u_xx + u_xy = 0"


def test_values_pass_through_forward_mode():
    block = only_block(EQUATIONS["piecewise_u"])
    x_, jet = tensor(POINTS), jet_of(block, (FIELDS[u],), (x, y), POINTS)
    step = torch.ones_like(jet)
    _, change = torch.func.jvp(lambda j: block.value(x_, j), (jet,), (step,))
    torch.testing.assert_close(change, block.coefficients(x_, jet).sum(0))
