"""Intervals: bounds, points that stand for faces, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from pdelsr.declare.domains import Interval
from pdelsr.errors import ProblemError

x = sp.Symbol("x", real=True)


def test_ends_are_single_points():
    interval = Interval(x, -1, 1)
    low, high = interval.parts
    assert (low.name, high.name) == ("x=-1", "x=1")
    assert (low.unit_dim, low.measure) == (0, 1.0)
    ends = high.from_unit(np.zeros((3, 0)))
    assert ends.points.tolist() == [[1.0]] * 3
    assert ends.normals.tolist() == [[1.0]] * 3


def test_sympy_bounds_and_name():
    interval = Interval(x, 0, 2 * sp.pi, name="ring")
    assert interval.bounds(x) == (0, pytest.approx(2 * np.pi))
    assert [part.name for part in interval.parts] == ["ring x=0", "ring x=6.28319"]


def test_distance_factor():
    interval = Interval(x, -1, 3)
    low, high = interval.parts
    assert sp.simplify(interval.distance_factor([low]) - (x + 1) / 4) == 0
    assert interval.distance_factor([low, high]).subs(x, 1) == 1


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((x, 1, 1), r"Interval x in \[1, 1\] is empty"),
        ((x, 0, 10**400), "upper bound of Interval x: got 1000"),
        ((x, 0, 1e-300), r"Interval x: its size is 1e-300, expected 1e-30 to 1e\+30; choose units"),
        ((x, -1e300, 1e300), r"its size is 2e\+300, expected"),
        ((x, 1, 1 + 1e-15), "less than 1e-10 of its distance 1 from the origin.* move the"),
        ((x, 1, -1), r"Interval x in \[1, -1\] is inverted.*swap"),
        ((x, 0, np.inf), "upper bound of Interval x: got inf, expected a finite number"),
        ((x, sp.Symbol("L"), 1), "lower bound of Interval x: got L"),
        ((x, "0", 1), "lower bound of Interval x: got 0"),
        (("x", 0, 1), "got 'x' as a coordinate, expected a symbol"),
        ((x, 0, 1, ""), "got name='', expected a non-empty string"),
    ],
    ids=[
        "empty",
        "long",
        "small",
        "large",
        "blurred",
        "inverted",
        "infinite",
        "symbol",
        "text",
        "coordinate",
        "name",
    ],
)
def test_refusals(args, message):
    with pytest.raises(ProblemError, match=message):
        Interval(*args)
