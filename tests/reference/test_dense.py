"""Interpolation in time and summation in space."""

import numpy as np
import pytest

from pdelsr.reference.dense import DEGREE, GAPS, NODES, Panel, barycentric, panel_lengths


def test_interpolation_is_exact_for_polynomials_and_at_the_nodes():
    s = np.concatenate([NODES, np.random.default_rng(0).uniform(0, 1, 50)])
    assert np.allclose(barycentric(s) @ NODES**DEGREE, s**DEGREE, atol=1e-14)
    assert np.array_equal(barycentric(NODES), np.eye(DEGREE + 1))


def test_a_panel_evaluates_its_series():
    times = 2 + 0.5 * NODES
    coefficients = np.zeros((DEGREE + 1, 9), dtype=complex)
    coefficients[:, 0], coefficients[:, 3] = times, np.exp(1j * times) / 2
    panel = Panel(2.0, 0.5, coefficients)
    theta, t = np.random.default_rng(0).uniform([0, 2], [6, 2.5], (100, 2)).T
    expected = t + np.cos(3 * theta + t)
    assert np.allclose(panel(theta, t), expected, atol=1e-14)
    assert panel.trimmed().coefficients.shape[1] == 4
    assert np.array_equal(panel.trimmed()(theta, t), panel(theta, t))


@pytest.mark.parametrize("halvings", [0, 3])
def test_panels_fill_the_interval(halvings):
    lengths = panel_lengths(2.0, 4, halvings)
    assert lengths.sum() == 2.0
    assert lengths[0] == 0.5 / 2**halvings
    assert len(lengths) == 4 + halvings
    assert GAPS.sum() == pytest.approx(1, abs=1e-15)
