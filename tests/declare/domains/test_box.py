"""Boxes: faces, bounds, distance factors, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from pdelsr.declare.domains import Box, Interval
from pdelsr.errors import ProblemError

x, y, z = sp.symbols("x y z", real=True)
BOX = Box([x, y], [-1, 0], [1, sp.pi], name="room")


def test_faces():
    low, high = BOX.faces(y)
    assert (low.name, high.name) == ("room y=0", "room y=3.14159")
    unit = np.array([[0.25], [0.75]])
    assert low.from_unit(unit).points.tolist() == [[-0.5, 0.0], [0.5, 0.0]]
    assert high.from_unit(unit).normals.tolist() == [[0.0, 1.0]] * 2
    assert high.measure == 2


def test_bounds_that_agree_in_six_digits_have_names_of_their_own():
    far = Box([x, y], [3e6, 0], [3e6 + 0.5, 1])
    names = [part.name for part in far.parts]
    assert names == ["x=3000000", "x=3000000.5", "y=0", "y=1"]
    assert far.select("x=3000000.5")[0].normals(np.zeros((1, 2))).tolist() == [[1, 0]]
    with pytest.raises(ProblemError, match=r"Interval x in \[3000000.5, 3000000\] is inverted"):
        Interval(x, 3e6 + 0.5, 3e6)


def test_distance_factor_vanishes_on_faces_far_from_the_origin():
    far = Box([x, y], [3e6 + 1 / 3, 0], [3e6 + 1 / 3 + 1e-3, 1])
    factor = sp.lambdify((x, y), far.distance_factor(far.faces(x)))
    assert [factor(end, 0.5) for end in far.bounds(x)] == [0, 0]


def test_closed_at_all_corners():
    corners = BOX.from_unit(np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]]))
    assert BOX.contains(corners).all()


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_distance_factor_vanishes_on_these_faces_only(count):
    parts = BOX.parts[:count]
    factor = sp.lambdify((x, y), BOX.distance_factor(parts))
    inside = BOX.from_unit(np.random.default_rng(0).random((100, 2)))
    assert (factor(*inside.T) > 0).all()
    assert (factor(*inside.T) <= 1).all()
    for part in BOX.parts:
        points = part.from_unit(np.array([[0.3], [0.6]])).points
        assert (np.abs(np.broadcast_to(factor(*points.T), 2)) < 1e-12).all() == (part in parts)


def test_distance_factor_refuses_other_parts():
    with pytest.raises(ProblemError, match=r"whole faces of Box .* got 'x=0'; use the soft form"):
        BOX.distance_factor(Interval(x, 0, 1).parts[:1])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (((x, y), (0, 0), (1,)), r"upper bounds of Box: got \(1,\), expected 2 numbers"),
        (((x, y), 0, 1), "lower bounds of Box: got 0, expected 2 numbers"),
        (((x, y), (0, 0), (1, -1)), r"Box side y in \[0, -1\] is inverted"),
        (((x, x), (0, 0), (1, 1)), "expected distinct ones"),
        (((), (), ()), "expected distinct ones"),
        (((x, 2), (0, 0), (1, 1)), "got 2 as a coordinate"),
        (((x, y), (0, float("nan")), (1, 1)), "got nan, expected a finite number"),
    ],
    ids=["length", "scalar", "inverted", "twice", "none", "number", "nan"],
)
def test_refusals(args, message):
    with pytest.raises(ProblemError, match=message):
        Box(*args)
