"""Burgers, Allen-Cahn and Korteweg-de Vries: benchmarks at 1e-10, and exact solutions."""

import numpy as np
import pytest
import sympy as sp

import pdelsr.reference as reference
from pdelsr.errors import ProblemError

x = sp.symbols("x", real=True)
ALLEN_CAHN = x**2 * sp.cos(sp.pi * x)


def awkward_points(n: int = 500) -> np.ndarray:
    """Points on [-1, 1] x [0, 1]; more at x = 0, and at x = 1 in the first moments."""
    rng = np.random.default_rng(0)
    spread = rng.uniform([-1, 0], [1, 1], (n, 2))
    front = rng.uniform([-0.02, 0], [0.02, 1], (n, 2))
    seam = np.column_stack(
        [1 - np.geomspace(1e-6, 0.1, n), rng.permutation(np.geomspace(1e-7, 1, n))]
    )
    return np.vstack([spread, front, seam])


def doubled_difference(solution) -> float:
    points = awkward_points()
    return abs(solution(points) - solution.doubled()(points)).max()


@pytest.mark.slow
def test_kdv_benchmark_agrees_with_doubled_resolution():
    assert doubled_difference(reference.kdv(1, 0.0025, sp.cos(sp.pi * x))) < 1e-10


@pytest.mark.parametrize(
    "nu",
    [
        pytest.param(sp.Rational(1, 20), id="nu=0.05"),
        pytest.param(sp.Rational(1, 100) / sp.pi, id="nu=0.01/pi", marks=pytest.mark.slow),
    ],
)
def test_burgers_agrees_with_cole_hopf(nu):
    points, solution = awkward_points(), reference.burgers(nu, -sp.sin(sp.pi * x))
    assert abs(solution(points) - reference.cole_hopf(nu)(points)).max() < 1e-10


@pytest.mark.slow
def test_burgers_agrees_with_doubled_resolution():
    assert doubled_difference(reference.burgers(0.05, -sp.sin(sp.pi * x), steps=2000)) < 1e-10


@pytest.mark.slow
def test_allen_cahn_benchmark_agrees_with_doubled_resolution():
    assert doubled_difference(reference.allen_cahn(1e-4, 5, ALLEN_CAHN)) < 1e-10


def test_allen_cahn_front_is_exact():
    # a standing kink of u_t = D u_xx + c (u - u³) is tanh(x / sqrt(2D/c)); two of them, far apart
    width = sp.sqrt(sp.Rational(2, 1000) / 5)
    half = sp.Rational(1, 2)
    initial = sp.tanh((x + half) / width) - sp.tanh((x - half) / width) - 1
    solution = reference.allen_cahn(1e-3, 5, initial, modes=256, steps=1000)
    points = awkward_points(100)
    exact = sp.lambdify(x, initial)(points[:, 0])
    assert abs(solution(points) - exact).max() < 1e-10


def test_kdv_soliton_is_exact():
    # u_t + 6 u u_x + u_xxx = 0 has the soliton c/2 sech²(sqrt(c)/2 (x - c t)), here c = 4
    solution = reference.kdv(6, 1, 2 / sp.cosh(x) ** 2, x=(-20, 20), modes=256, steps=8000)
    points = np.random.default_rng(0).uniform([-5, 0], [8, 1], (500, 2))
    exact = 2 / np.cosh(points[:, 0] - 4 * points[:, 1]) ** 2
    assert abs(solution(points) - exact).max() < 1e-10


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        pytest.param(lambda: reference.burgers(0, sp.sin(x)), "burgers: nu = 0", id="nu"),
        pytest.param(lambda: reference.burgers(1, x), "expected equal values", id="burgers jump"),
        pytest.param(lambda: reference.allen_cahn(-1, 5, x**2), "allen_cahn: diffusion", id="D"),
        pytest.param(lambda: reference.kdv(1, 1, "("), "kdv: initial", id="kdv initial"),
    ],
)
def test_refuses_bad_declarations(declare, words):
    with pytest.raises(ProblemError, match=words):
        declare()
