"""What every domain promises: normals, measures, the divergence theorem, printing."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from pdelsr.declare.domains import Ball, Box, Disk, Domain, Interval, Polygon, TimeInterval
from pdelsr.sample import Sobol, sample_interior, sample_parts

x, y, z, w, v, t = sp.symbols("x y z w v t", real=True)
SQUARE = Box((x, y), (0, 0), (1, 1))
ARROW = Polygon((x, y), [(0, 0), (2, 1), (0, 2), (0.5, 1)])

CASES: dict[str, tuple[Domain, float, float]] = {
    # domain, measure, relative tolerance of the measure
    "interval": (Interval(x, -1, sp.pi), np.pi + 1, 1e-14),
    "box 2d": (Box((x, y), (-1, 0), (1, 3)), 6, 1e-14),
    "box 5d": (Box((x, y, z, w, v), (0,) * 5, (2,) * 5), 32, 1e-14),
    "disk": (Disk((x, y), (1, -1), 0.5), np.pi / 4, 1e-14),
    "ball 3d": (Ball((x, y, z), (1, 2, 3), 2), 32 * np.pi / 3, 1e-14),
    "ball 5d": (Ball((x, y, z, w, v)), 8 * np.pi**2 / 15, 1e-14),
    "polygon": (ARROW, 1.5, 1e-14),
    "two holes": (
        SQUARE - Disk((x, y), (0.3, 0.3), 0.1) - Disk((x, y), (0.7, 0.6), 0.2),
        1 - 0.05 * np.pi,
        1e-14,
    ),
    "polygon with a hole": (ARROW - Disk((x, y), (1, 1), 0.2), 1.5 - 0.04 * np.pi, 1e-14),
    "disjoint": (SQUARE | Box((x, y), (2, 2), (3, 4)), 3, 1e-14),
    "missed hole": (SQUARE - Disk((x, y), (5, 5), 1), 1, 1e-14),
    "l shape": (SQUARE - Box((x, y), (0.5, 0.5), (2, 2)), 0.75, 1e-3),
    "common face": (SQUARE | Box((x, y), (1, 0), (2, 1)), 2, 1e-3),
    "overlap": (SQUARE | Box((x, y), (0.5, 0), (2, 1)), 2, 1e-3),
    "lens": (
        Disk((x, y), (-0.5, 0), 1) & Disk((x, y), (0.5, 0), 1),
        2 * np.pi / 3 - np.sqrt(3) / 2,
        1e-3,
    ),
    "half disk": (Disk((x, y)) & Box((x, y), (0, -2), (2, 2)), np.pi / 2, 1e-3),
    "nested": (SQUARE - (Disk((x, y), (0.5, 0.5), 0.3) & SQUARE), 1 - 0.09 * np.pi, 1e-3),
    "shell": (Ball((x, y, z)) - Ball((x, y, z), radius=0.5), 7 * np.pi / 6, 1e-14),
    "interval with gap": (Interval(x, 0, 3) - Interval(x, 1, 2), 2, 1e-3),
    "interval x time": (Interval(x, -1, 1) * TimeInterval(t, 0, 3), 6, 1e-14),
    "hole x time": (
        (SQUARE - Disk((x, y), (0.5, 0.5), 0.25)) * TimeInterval(t, 1, 3),
        2 - np.pi / 8,
        1e-14,
    ),
}


TIMED = [name for name, (domain, *_) in CASES.items() if domain.time is not None]
# Boundary quadrature in high dimension is slow to converge.
LOW = [name for name, (domain, *_) in CASES.items() if domain.dim <= 3]


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def test_measure_is_exact(case):
    domain, measure, tolerance = case
    assert domain.measure == pytest.approx(measure, rel=tolerance)


def test_normals_are_unit_and_outward(case):
    domain = case[0]
    on = sample_parts(domain.parts, 200, Sobol(), seed=1)
    step = 1e-5 * on.normals
    assert np.linalg.norm(on.normals, axis=1) == pytest.approx(1, abs=1e-12)
    assert domain.contains(on.points, 1e-9).all()
    # Within a step of a corner the outward step may enter another operand.
    assert (~domain.contains(on.points + step)).mean() > 0.99
    assert domain.contains(on.points - step).mean() > 0.99


@pytest.mark.parametrize("name", LOW)
def test_divergence_theorem(name):
    domain, measure, _ = CASES[name]
    on = sample_parts(domain.parts, 4096, Sobol(), seed=0)
    flux = (on.points * on.normals).sum(axis=1) @ on.weights  # div x = d
    assert flux / domain.dim == pytest.approx(measure, rel=5e-3)
    assert on.weights @ on.normals == pytest.approx(0, abs=2e-2)  # a closed surface


@pytest.mark.parametrize("name", TIMED)
def test_time_has_no_part_in_side_normals(name):
    domain = CASES[name][0]
    on = sample_parts(domain.sides, 50, Sobol())
    assert not on.normals[:, -1].any()


def test_parts_contain_their_points_and_no_others(case):
    domain = case[0]
    inside = sample_interior(domain, 50, Sobol(), seed=3).points
    for part in domain.parts:
        on = part.from_unit(Sobol().unit(50, part.unit_dim))
        assert part.contains(on.points, 1e-9).all()
        if part.kind == "side" and domain.space.dim > 1:
            assert not part.contains(inside, 0.0).any()


def test_names_are_distinct(case):
    names = [part.name for part in case[0].parts]
    assert len(set(names)) == len(names)


def test_equal_declarations_are_equal_and_hashable(case):
    domain = case[0]
    assert {domain: 1}[domain] == 1
    assert {part: part.name for part in domain.parts} == {p: p.name for p in domain.parts}
    assert domain.parts == domain.parts


def test_tolerance_grows_and_shrinks(case):
    domain = case[0]
    on = sample_parts(domain.parts, 50, Sobol(), seed=2).points
    assert domain.contains(on, 1e-6).all()
    assert not domain.contains(on, -1e-6).any()


def test_print_lists_the_parts():
    domain = Interval(x, -1, 1) * TimeInterval(t, 0, 1)
    assert str(domain).splitlines() == [
        "(Interval x in [-1, 1]) * TimeInterval t in [0, 1]",
        "  part  kind     measure",
        "  x=-1  side     1",
        "  x=1   side     1",
        "  t=0   initial  2",
        "  t=1   final    2",
    ]
    assert repr(domain.part("t=0")) == "<part 't=0': initial, measure 2>"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SQUARE.part("left"), "no boundary part named 'left'; it has 'x=0', 'x=1', 'y=0'"),
        (lambda: SQUARE.bounds(z), "z is not a coordinate of the domain; it has x, y"),
        (lambda: ARROW.bounds(x), "Polygon .* no pair of opposite faces across x"),
        (lambda: Disk((x, y)).faces(y), "Disk .* no pair of opposite faces across y"),
        (lambda: (SQUARE - Disk((x, y), (0, 0), 0.1)).bounds(x), "no pair of opposite faces"),
        (lambda: ARROW.distance_factor(ARROW.parts), "no distance factor is known .* soft form"),
    ],
    ids=["part", "stranger", "polygon", "disk", "csg", "factor"],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()
