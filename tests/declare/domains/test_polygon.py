"""Polygons: orientation, edges, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from pdelsr.declare.domains import Polygon
from pdelsr.errors import ProblemError

x, y = sp.symbols("x y", real=True)
TRIANGLE = [(0, 0), (1, 0), (0, 1)]


@pytest.mark.parametrize(
    "vertices",
    [TRIANGLE, [(0, 0), (0, 1), (1, 0)], [*TRIANGLE, (0, 0)], np.array(TRIANGLE)],
    ids=["counter-clockwise", "clockwise", "closed", "array"],
)
def test_orientation(vertices):
    polygon = Polygon((x, y), vertices)
    assert polygon.vertices == ((0, 0), (1, 0), (0, 1))
    assert polygon.measure == 0.5
    edge = polygon.part("edge 0").from_unit(np.array([[0.0], [0.5]]))
    assert edge.points.tolist() == [[0, 0], [0.5, 0]]
    assert edge.normals.tolist() == [[0, -1], [0, -1]]


def test_named_edges_are_chosen_together():
    polygon = Polygon((x, y), TRIANGLE, name="hole")
    assert [part.name for part in polygon.parts] == ["hole edge 0", "hole edge 1", "hole edge 2"]
    assert polygon.select("hole") == polygon.parts


@pytest.mark.parametrize(
    ("vertices", "message"),
    [
        ([(0, 0), (1, 1)], "got 2 vertices, expected at least three"),
        ([(0, 0), (1, 0), (0, 0)], "got 2 vertices"),
        ([(0, 0), (1, 1), (1, 0), (0, 1)], r"crosses or touches itself \(Self-intersection"),
        ([(0, 0), (1, 1), (2, 2)], "on one line, so that the area is zero"),
        ([(0, 0), (1, 0), (1, 0), (0, 1)], "vertex 2 repeats the one before it"),
        ([(0, 0), (1, 0), (0, np.inf)], "vertex 2 of Polygon: got inf"),
        ([(0, 0), (1, 0), 1], "vertex 2 of Polygon: got 1, expected 2 numbers"),
    ],
    ids=["two", "closed two", "bow tie", "line", "repeated", "inf", "shape"],
)
def test_refusals(vertices, message):
    with pytest.raises(ProblemError, match=message):
        Polygon((x, y), vertices)


def test_two_coordinates():
    with pytest.raises(ProblemError, match="Polygon: got 1 coordinates, expected two"):
        Polygon((x,), TRIANGLE)
