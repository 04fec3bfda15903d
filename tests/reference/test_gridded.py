"""Gridded data: order of interpolation, several fields, and misuse."""

import numpy as np
import pytest

import pdelsr.reference as reference
from pdelsr.errors import ProblemError


def wave(s, t):
    return np.sin(3 * s) * np.exp(-t)


def sampled(n: int) -> reference.Gridded:
    s, t = np.linspace(-1, 1, n), np.linspace(0, 1, n)
    return reference.gridded((s, t), wave(s[:, None], t))


POINTS = np.vstack([np.random.default_rng(0).uniform([-1, 0], [1, 1], (500, 2)), [[1, 1], [-1, 0]]])


def test_converges_with_the_sixth_order():
    errors = [abs(sampled(n)(POINTS) - wave(*POINTS.T)).max() for n in (16, 32, 64)]
    assert np.polyfit(np.log([15, 31, 63]), np.log(errors), 1)[0] < -5.5


def test_agrees_with_doubled_resolution():
    coarse, fine = sampled(129), sampled(257)
    assert abs(coarse(POINTS) - fine(POINTS)).max() < 1e-10


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6], ids="{} points".format)
def test_reproduces_its_data_on_short_axes(n):
    s, t = np.linspace(0, 1, n) ** 2, np.linspace(0, 1, 7)
    values = wave(s[:, None], t)
    points = np.stack(np.meshgrid(s, t, indexing="ij"), axis=-1).reshape(-1, 2)
    assert np.allclose(reference.gridded((s, t), values)(points), values.ravel(), atol=1e-14)


def test_one_axis_three_axes_and_several_fields():
    axis = np.linspace(0, 1, 12)
    line = reference.gridded((axis,), axis**4)
    assert np.allclose(line([[0.3], [0.77]]), np.array([0.3, 0.77]) ** 4, atol=1e-14)
    X, Y, Z = np.meshgrid(axis, axis, axis, indexing="ij")
    cube = reference.gridded((axis, axis, axis), np.stack([X * Y, Z**3], axis=-1))
    points = np.random.default_rng(0).uniform(0, 1, (20, 3))
    expected = np.column_stack([points[:, 0] * points[:, 1], points[:, 2] ** 3])
    assert np.allclose(cube(points), expected, atol=1e-13)


AXIS, SHORT = np.linspace(0, 1, 5), np.linspace(0, 1, 4)


@pytest.mark.parametrize(
    ("axes", "values", "words"),
    [
        pytest.param((AXIS, SHORT), np.zeros((4, 5)), r"expected \(5, 4\) .* Transpose", id="flip"),
        pytest.param((AXIS, SHORT), np.zeros(20), r"shape \(20,\)", id="flat"),
        pytest.param((AXIS, SHORT), np.zeros((5, 4, 1, 1)), "a last axis of fields", id="deep"),
        pytest.param((AXIS[::-1], SHORT), np.zeros((5, 4)), "axis 1 does not increase", id="order"),
        pytest.param((np.ones((5, 4)), SHORT), np.zeros((5, 4)), "meshgrid", id="meshgrid"),
        pytest.param((AXIS, [0]), np.zeros((5, 1)), "at least two points", id="single"),
        pytest.param((AXIS,), [0, 1, np.nan, 3, 4], r"index \(2,\) is nan", id="nan"),
    ],
)
def test_refuses_bad_data(axes, values, words):
    with pytest.raises(ProblemError, match=words):
        reference.gridded(axes, values)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        pytest.param([[0.5, 0.5], [0.5, 1.2]], "point 1 has coordinate 2 = 1.2", id="outside"),
        pytest.param([[0.5]], r"expected \(n, 2\)", id="columns"),
    ],
)
def test_refuses_bad_points(points, words):
    with pytest.raises(ProblemError, match=words):
        reference.gridded((AXIS, AXIS), np.zeros((5, 5)))(points)
