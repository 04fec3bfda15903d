"""Products with time and of boxes: parts, kinds, bounds, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from pdelsr.declare.domains import Ball, Box, Disk, Interval, SpaceTime, TimeInterval
from pdelsr.errors import ProblemError

x, y, z, w, t = sp.symbols("x y z w t", real=True)
LINE = Interval(x, -1, 1)
TIME = TimeInterval(t, 0, sp.pi)


def test_space_and_time():
    domain = LINE * TIME
    assert domain == TIME * LINE == SpaceTime(LINE, TIME)
    assert (domain.coordinates, domain.time, domain.space) == ((x, t), t, LINE)
    assert LINE.time is None
    assert LINE.space is LINE
    assert domain.bounds(t) == (0, pytest.approx(np.pi))
    assert domain.bounds(x) == (-1, 1)
    assert [part.name for part in domain.faces(t)] == ["t=0", "t=3.14159"]


def test_kinds_and_dimensions():
    domain = LINE * TIME
    table = [(part.name, part.kind, part.unit_dim) for part in domain.parts]
    assert table == [
        ("x=-1", "side", 1),
        ("x=1", "side", 1),
        ("t=0", "initial", 1),
        ("t=3.14159", "final", 1),
    ]
    assert [part.name for part in domain.sides] == ["x=-1", "x=1"]


def test_normals():
    domain = LINE * TIME
    unit = np.array([[0.25], [0.5]])
    normals = [part.from_unit(unit).normals[0].tolist() for part in domain.parts]
    assert normals == [[-1, 0], [1, 0], [0, -1], [0, 1]]


def test_rejected_rows_keep_their_time():
    domain = Disk((x, y)) * TimeInterval(t, 0, 1)
    unit = np.array([[0.0, 0.0, 0.1], [0.5, 0.5, 0.2], [1.0, 1.0, 0.3], [0.4, 0.5, 0.4]])
    assert domain.from_unit(unit)[:, 2].tolist() == [0.2, 0.4]
    assert domain.part("t=0").from_unit(unit[:, :2]).points[:, 2].tolist() == [0, 0]


def test_high_dimension_is_not_rejected():
    domain = Ball((x, y, z, w)) * TIME
    assert len(domain.from_unit(np.random.default_rng(0).random((100, 5)))) == 100


def test_distance_factor_of_sides():
    domain = LINE * TIME
    assert sp.expand(domain.distance_factor(domain.sides) - (1 - x**2)) == 0
    with pytest.raises(ProblemError, match=r"whole faces of Interval .* got 't=0'"):
        domain.distance_factor([domain.part("t=0")])


def test_late_times_have_names_of_their_own():
    late = Interval(x, 1e7, 1e7 + 1) * TimeInterval(t, 1e7, 1e7 + 1)
    assert [p.name for p in late.faces(x)] == ["x=10000000", "x=10000001"]
    assert [p.name for p in late.faces(t)] == ["t=10000000", "t=10000001"]


def test_product_of_boxes():
    domain = LINE * Interval(y, 0, 2) * Box((z, w), (0, 0), (1, 3))
    assert domain == Box((x, y, z, w), (-1, 0, 0, 0), (1, 2, 1, 3))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TimeInterval(t, 1, 0), r"TimeInterval t in \[1, 0\] is inverted"),
        (lambda: TimeInterval(t, 0, sp.oo), "end of TimeInterval t: got oo"),
        (lambda: TimeInterval("t", 0, 1), "got 't' as a coordinate"),
        (lambda: LINE * TimeInterval(x, 0, 1), "x is a space coordinate; expected another symbol"),
        (lambda: LINE * TIME * TimeInterval(z, 0, 1), "has time t already"),
        (lambda: LINE * TIME * Interval(y, 0, 1), "a TimeInterval comes last"),
        (lambda: LINE * Disk((y, z)), "only intervals and boxes can be multiplied"),
        (lambda: LINE * Box((x, y), (0, 0), (1, 1)), "both use x; expected different"),
        (lambda: LINE * 2, r"\* 2: expected a TimeInterval or a box"),
        (lambda: TIME * 2, "a TimeInterval multiplies a space domain"),
        (lambda: (LINE * TIME).bounds(y), "y is not a coordinate of the domain; it has x, t"),
        (lambda: (Disk((x, y)) * TIME).bounds(x), "no pair of opposite faces across x"),
    ],
    ids=[
        "inverted", "infinite", "symbol", "same symbol", "two times", "time first", "disk",
        "common", "number", "time number", "stranger", "curved",
    ],
)  # fmt: skip
def test_refusals(make, message):
    with pytest.raises(ProblemError, match=message):
        make()
