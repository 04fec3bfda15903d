"""Union, intersection and difference: names, flipped normals, common faces, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from pdelsr.declare.domains import Box, Disk, Interval, Polygon, TimeInterval
from pdelsr.errors import ProblemError
from pdelsr.sample import Uniform

x, y, t = sp.symbols("x y t", real=True)
SQUARE = Box((x, y), (0, 0), (1, 1))


def names(domain):
    return [part.name for part in domain.parts]


def test_names_of_several_holes_get_numbers():
    holes = [Disk((x, y), (c, 0.5), 0.1) for c in (0.2, 0.5, 0.8)]
    domain = SQUARE - holes[0] - holes[1] - holes[2]
    assert names(domain) == ["x=0", "x=1", "y=0", "y=1", "circle", "circle 2", "circle 3"]


def test_given_names_stay():
    domain = SQUARE - Disk((x, y), (0.5, 0.5), 0.1, name="hole")
    domain -= Polygon((x, y), [(0.1, 0.1), (0.2, 0.1), (0.1, 0.2)], name="notch")
    assert names(domain)[4:] == ["hole", "notch edge 0", "notch edge 1", "notch edge 2"]


def test_normals_of_a_hole_point_into_it():
    hole = (SQUARE - Disk((x, y), (0.5, 0.5), 0.25)).part("circle")
    on = hole.from_unit(Uniform().unit(100, 1))
    assert np.allclose(on.normals, (0.5 - on.points) * 4)


def test_boundary_of_a_hole_belongs_to_the_domain():
    domain = SQUARE - Box((x, y), (0.25, 0.25), (0.75, 0.75))
    assert domain.contains(np.array([[0.25, 0.5], [0.5, 0.75], [0.5, 0.5]])).tolist() == [
        True,
        True,
        False,
    ]


def test_touching_faces_are_no_boundary():
    domain = SQUARE | Box((x, y), (1, 0), (2, 1))
    assert names(domain) == ["x=0", "y=0", "y=1", "x=2", "y=0 2", "y=1 2"]
    assert domain.contains(np.array([[1.0, 0.5]])).all()


@pytest.mark.parametrize(
    "domain",
    [SQUARE | SQUARE, SQUARE & SQUARE, SQUARE - Box((x, y), (1, 0), (2, 1))],
    ids=["union", "intersection", "difference"],
)
def test_common_faces_count_once(domain):
    assert names(domain) == ["x=0", "x=1", "y=0", "y=1"]
    assert sum(part.measure for part in domain.parts) == pytest.approx(4)


def test_coincident_faces_of_a_difference_vanish():
    domain = SQUARE - Box((x, y), (0, 0), (0.5, 1))
    assert names(domain) == ["x=1", "y=0", "y=1", "x=0.5"]
    assert domain.part("y=0").measure == pytest.approx(0.5, rel=1e-3)


def test_cut_parts_return_fewer_points_in_order():
    domain = SQUARE - Box((x, y), (0.5, 0.5), (2, 2))
    unit = np.array([[0.9], [0.1], [0.6], [0.3]])
    assert domain.part("x=1").from_unit(unit).points[:, 1].tolist() == [0.1, 0.3]


def test_intervals():
    domain = Interval(x, 0, 3) - Interval(x, 1, 2)
    ends = {p.name: p.from_unit(np.zeros((1, 0))).normals[0, 0] for p in domain.parts}
    assert ends == {"x=0": -1, "x=3": 1, "x=1": 1, "x=2": -1}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SQUARE - SQUARE, "is empty, or so thin that none of"),
        (lambda: SQUARE & Disk((x, y), (5, 5)), "is empty, or so thin that none of"),
        (lambda: SQUARE | Disk((y, x)), r"same coordinates .* got \(x, y\) and \(y, x\)"),
        (lambda: SQUARE * TimeInterval(t, 0, 1) - SQUARE, "combine the shapes in space first"),
        (lambda: SQUARE | 3, "expected a domain on either side"),
    ],
    ids=["difference", "intersection", "coordinates", "time", "number"],
)
def test_refusals(make, message):
    with pytest.raises(ProblemError, match=message):
        make()


def test_many_holes_are_looked_at_one_by_one(monkeypatch):
    looks = 0
    contains = Disk.contains

    def counted(self, *args, **options):
        nonlocal looks
        looks += 1
        return contains(self, *args, **options)

    monkeypatch.setattr(Disk, "contains", counted)
    domain = SQUARE
    for k in range(20):
        domain = domain - Disk((x, y), (0.1 + 0.2 * (k % 5), 0.1 + 0.2 * (k // 5)), 0.05)
    assert len(domain.parts) == 24
    assert domain.measure == pytest.approx(1 - 20 * np.pi * 0.05**2, rel=1e-12)
    assert looks <= 20**2


def test_shapes_that_are_apart_leave_parts_as_they_are():
    domain = SQUARE - Disk((x, y), (0.5, 0.5), 0.1)
    assert domain.part("x=0") == SQUARE.part("x=0")
    near = SQUARE - Disk((x, y), (0.5, 0.1), 0.1 - 1e-12)
    assert near.part("y=0") != SQUARE.part("y=0")
