"""The Cole-Hopf reference against itself, its equation, its symmetry and a travelling front."""

import pickle
import sys

import numpy as np
import pytest
import sympy as sp

import pdelsr.reference as reference
from pdelsr.errors import ProblemError

x = sp.symbols("x", real=True)
NUS = [
    pytest.param(sp.Rational(1, 100) / sp.pi, id="nu=0.01/pi"),
    pytest.param(0.01, id="nu=0.01"),
    pytest.param(0.05, id="nu=0.05"),
    pytest.param(0.1, id="nu=0.1"),
    pytest.param(1, id="nu=1"),
]


def points_with_front(n: int = 1000) -> np.ndarray:
    """Points on [-1, 1] x [0, 1], as many again near the front, and the edges of time."""
    rng = np.random.default_rng(0)
    spread = rng.uniform([-1, 0], [1, 1], (n, 2))
    front = rng.uniform([-0.02, 0], [0.02, 1], (n, 2))
    edges = np.array([[s, t] for s in (-1, -0.5, 0, 0.003, 1) for t in (0, 1e-9, 1)])
    return np.vstack([spread, front, edges])


@pytest.mark.parametrize("nu", NUS)
def test_agrees_with_itself_at_doubled_nodes(nu):
    u, points = reference.cole_hopf(nu), points_with_front()
    assert abs(u(points) - u.doubled()(points)).max() < 1e-13


@pytest.mark.parametrize(
    "initial",
    [
        pytest.param(sp.sin(x) + sp.cos(3 * x) / 2 + sp.Rational(3, 10), id="two waves and a mean"),
        pytest.param(sp.sin(4 * sp.pi * x), id="four waves"),
        pytest.param(sp.Integer(2), id="constant"),
    ],
)
def test_other_initial_conditions_agree_with_themselves(initial):
    u, points = reference.cole_hopf(0.02, initial), points_with_front(300)
    assert abs(u(points) - u.doubled()(points)).max() < 1e-13


def test_satisfies_burgers_equation(derivative):
    nu = 0.05
    u = reference.cole_hopf(nu)
    points = np.random.default_rng(1).uniform([-1, 0.1], [1, 1], (50, 2))
    u_t, u_x = derivative(u, points, 1, 1, 5e-3), derivative(u, points, 0, 1, 5e-3)
    residual = u_t + u(points) * u_x - nu * derivative(u, points, 0, 2, 5e-3)
    assert abs(residual).max() < 1e-8


def test_initial_condition_symmetry_and_period():
    u = reference.cole_hopf(sp.Rational(1, 100) / sp.pi)
    s = np.linspace(-1, 1, 41)
    assert np.allclose(u(np.column_stack([s, 0 * s])), -np.sin(np.pi * s), atol=1e-15)
    points = points_with_front(200)
    assert abs(u(points) + u(points * [-1, 1])).max() < 1e-13
    assert abs(u(points) - u(points + np.array([2, 0]))).max() < 1e-12


def test_slope_of_the_front_matches_the_literature(derivative):
    # Basdevant et al. (1986), table 3: max|u_x(0, t)| = 152.00516 at pi t = 1.6037
    u = reference.cole_hopf(0.01 / np.pi)
    slope = derivative(u, np.array([[0.0, 1.6037 / np.pi]]), 0, 1, 2e-4)
    assert slope[0] == pytest.approx(-152.00516, abs=1e-4)


def test_survives_pickling_after_use():
    u, points = reference.cole_hopf(0.05), points_with_front(10)
    values = u(points)
    assert np.array_equal(pickle.loads(pickle.dumps(u))(points), values)


def test_blocks_of_points_make_no_difference(monkeypatch):
    u, points = reference.cole_hopf(0.05), points_with_front(100)
    whole = u(points)
    monkeypatch.setattr(sys.modules["pdelsr.reference.cole_hopf"], "BLOCK", 1000)
    assert np.array_equal(u(points), whole)
    assert u(np.zeros((0, 2))).shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param((0,), "nu = 0: expected a positive number", id="zero"),
        pytest.param((-0.1,), "expected a positive number", id="negative"),
        pytest.param((float("nan"),), "expected a finite number", id="nan"),
        pytest.param((0.1, x**2), "has no period that sympy finds", id="not periodic"),
        pytest.param((0.1, sp.Symbol("k") * sp.sin(x)), "contains k, x", id="two symbols"),
        pytest.param((0.1, sp.exp(sp.sin(x))), "finds no antiderivative", id="no antiderivative"),
        pytest.param((0.1, "sin("), "expected a sympy expression", id="not an expression"),
    ],
)
def test_refuses_bad_declarations(arguments, words):
    with pytest.raises(ProblemError, match=words):
        reference.cole_hopf(*arguments)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        pytest.param(np.zeros((3, 3)), r"shape \(3, 3\); expected \(n, 2\)", id="columns"),
        pytest.param(np.zeros(2), r"shape \(2,\)", id="flat"),
        pytest.param([[0, 0], [0, np.inf]], "point 1 .* expected finite", id="inf"),
        pytest.param([[0, -0.5]], "point 0 has t = -0.5", id="before the start"),
    ],
)
def test_refuses_bad_points(points, words):
    with pytest.raises(ProblemError, match=words):
        reference.cole_hopf(0.1)(points)
