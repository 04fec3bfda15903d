"""ETDRK4's coefficients and order of convergence."""

import numpy as np
import pytest

from pdelsr.reference.etdrk4 import coefficients, step


def test_coefficients_at_zero_are_those_of_runge_kutta():
    c = coefficients(np.zeros(1, dtype=complex), 0.5)
    found = [c.full, c.half, c.q, c.f1, c.f2, c.f3]
    expected = [1, 1, 0.25, 0.5 / 6, 0.5 / 6, 0.5 / 6]
    assert np.allclose(np.concatenate(found), expected, atol=1e-14)


@pytest.mark.parametrize("z", [-20, -3, 5j, -1e3 + 1e2j, 1e4j], ids=str)
def test_coefficients_match_the_quotients_away_from_zero(z):
    c, e = coefficients(np.array([z], dtype=complex), 1.0), np.exp(z)
    direct = [
        (np.exp(z / 2) - 1) / z,
        (-4 - z + e * (4 - 3 * z + z**2)) / z**3,
        (2 + z + e * (z - 2)) / z**3,
        (-4 - 3 * z - z**2 + e * (4 - z)) / z**3,
    ]
    assert np.allclose(np.concatenate([c.q, c.f1, c.f2, c.f3]), direct, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("L", [-1.0, -100.0, 40j], ids=["mild", "stiff", "oscillating"])
def test_converges_with_the_fourth_order(L):
    # v' = L v + N(v, t) with the solution v = cos t, N = -sin t - L cos t + v² - cos² t
    symbol = np.array([L], dtype=complex)

    def N(v, t):
        return -np.sin(t) - L * np.cos(t) + v**2 - np.cos(t) ** 2

    def error(count: int) -> float:
        c, v, t = coefficients(symbol, 1 / count), np.ones(1, dtype=complex), 0.0
        for _ in range(count):
            v, t = step(v, t, N, c), t + c.h
        return abs(v[0] - np.cos(1.0))

    counts = np.array([64, 128, 256])
    order = -np.polyfit(np.log(counts), np.log([error(int(k)) for k in counts]), 1)[0]
    assert order > 3.5
