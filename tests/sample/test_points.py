"""Point sets of domains, of boundary parts and of periodic faces."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from pdelsr.declare.domains import Ball, Box, Disk, Interval, TimeInterval
from pdelsr.errors import ProblemError
from pdelsr.sample import (
    GaussLegendre,
    Grid,
    Halton,
    LatinHypercube,
    Points,
    Sobol,
    Uniform,
    sample_interior,
    sample_pair,
    sample_parts,
)

x, y, t = sp.symbols("x y t", real=True)
SQUARE = Box((x, y), (0, 0), (1, 1))
HOLED = SQUARE - Disk((x, y), (0.5, 0.5), 0.3)
LINE = Interval(x, -1, 1)
TIMED = LINE * TimeInterval(t, 0, 1)
SAMPLERS = [Uniform(), LatinHypercube(), Sobol(), Halton()]
IDS = [type(sampler).__name__ for sampler in SAMPLERS]


@pytest.mark.parametrize("sampler", SAMPLERS, ids=IDS)
@pytest.mark.parametrize("domain", [SQUARE, HOLED, TIMED], ids=["square", "holed", "timed"])
@pytest.mark.parametrize("n", [1, 10, 1001])
def test_exactly_n_reproducible_points(sampler, domain, n):
    inside = sample_interior(domain, n, sampler, seed=5)
    on = sample_parts(domain.sides, max(n, 5), sampler, seed=5)
    assert (len(inside), len(on)) == (n, max(n, 5))
    assert domain.contains(inside.points).all()
    assert (inside.points == sample_interior(domain, n, sampler, seed=5).points).all()
    assert (on.points == sample_parts(domain.sides, max(n, 5), sampler, seed=5).points).all()
    assert (inside.points != sample_interior(domain, n, sampler, seed=6).points).any()


def test_a_seed_sequence_is_not_used_up():
    seed = np.random.SeedSequence(7)
    first = sample_parts(SQUARE.parts, 40, Uniform(), seed).points
    assert (first == sample_parts(SQUARE.parts, 40, Uniform(), seed).points).all()


def test_parts_have_their_own_streams():
    on = sample_parts(SQUARE.parts[:2], 20, Uniform()).points
    assert (on[:10, 1] != on[10:, 1]).all()


def test_sobol_sides_are_uniform():
    on = sample_parts(SQUARE.parts, 4 * 64, Sobol(), seed=2).points
    for k in range(4):
        side = on[64 * k : 64 * (k + 1), 1 if k < 2 else 0]
        assert (np.histogram(side, bins=16, range=(0, 1))[0] == 4).all()


def test_sobol_interior_is_uniform():
    points = sample_interior(SQUARE, 256, Sobol(), seed=2).points
    cells = np.histogram2d(*points.T, bins=8, range=[[0, 1], [0, 1]])[0]
    assert (cells == 4).all()


def test_points_are_split_by_measure():
    wide = Box((x, y), (0, 0), (3, 1))
    on = sample_parts(wide.parts, 80, Sobol())
    assert [int(part.contains(on.points).sum()) for part in wide.parts] == [10, 10, 30, 30]
    assert on.weights == pytest.approx(0.1)


def test_every_part_gets_a_point():
    thin = Box((x, y), (0, 0), (1000, 1))
    for n, expected in [(10, [1, 1, 4, 4]), (1, [1, 1, 1, 1])]:
        on = sample_parts(thin.parts, n, Uniform())
        assert [int(part.contains(on.points).sum()) for part in thin.parts] == expected


def test_single_points_give_one_point_each():
    on = sample_parts(LINE.parts, 50, Sobol())
    assert on.points.tolist() == [[-1], [1]]
    assert on.normals.tolist() == [[-1], [1]]
    assert on.weights.tolist() == [1, 1]


def test_weights_of_a_rule_integrate_over_part_of_its_nodes():
    inside = sample_interior(Disk((x, y), (0, 0), 2), 4000, GaussLegendre())
    assert inside.weights.sum() == pytest.approx(4 * np.pi)
    assert inside.weights @ inside.points[:, 0] ** 2 == pytest.approx(4 * np.pi, rel=1e-2)
    sides = sample_parts(SQUARE.parts, 40, GaussLegendre())
    assert sides.weights @ sides.points[:, 0] ** 4 == pytest.approx(2 / 5 + 1, rel=1e-12)


def test_weights_integrate():
    inside = sample_interior(HOLED, 4096, Sobol())
    assert inside.weights.sum() == pytest.approx(1 - 0.09 * np.pi)
    integral = inside.weights @ (inside.points[:, 0] - 0.5) ** 2
    assert integral == pytest.approx(1 / 12 - np.pi * 0.3**4 / 4, rel=1e-2)


def test_grid_fills_what_is_asked_for():
    assert len(sample_interior(SQUARE, 100, Grid())) == 100
    assert len(sample_interior(HOLED, 400, Grid())) == pytest.approx(400, rel=0.05)
    assert len(sample_parts(SQUARE.parts, 40, Grid(endpoints=True))) == 40


@pytest.mark.parametrize("seed", [1, np.random.SeedSequence(1)], ids=["number", "sequence"])
@pytest.mark.parametrize("sampler", [*SAMPLERS, Grid()], ids=[*IDS, "Grid"])
def test_periodic_pairs_match(sampler, seed):
    low, high = sample_pair(TIMED, x, 20, sampler, seed)
    assert len(low) == len(high) == 20
    assert (low.points[:, 1] == high.points[:, 1]).all()
    assert (low.points[:, 0] == -1).all()
    assert (high.points[:, 0] == 1).all()
    assert (low.normals == -high.normals).all()


def test_periodic_pair_of_an_interval_is_one_pair():
    low, high = sample_pair(LINE, x, 20, Sobol())
    assert (low.points.tolist(), high.points.tolist()) == ([[-1]], [[1]])


class TestOwnPoints:
    """Points(array) instead of a sampler."""

    def test_interior(self):
        inside = sample_interior(SQUARE, 999, Points([[0, 0.5], [1, 1]]))
        assert inside.points.tolist() == [[0, 0.5], [1, 1]]
        assert inside.weights is None

    def test_boundary_points_get_normals(self):
        on = sample_parts(HOLED.parts, 9, Points([[0.5, 0.8], [0.0, 0.3], [0.4, 1.0]]))
        assert on.normals == pytest.approx(np.array([[0, -1], [-1, 0], [0, 1]]))

    def test_pair(self):
        low, high = sample_pair(TIMED, x, 9, Points([[-1, 0.25], [-1, 0.5]]))
        assert high.points.tolist() == [[1, 0.25], [1, 0.5]]
        assert (low.normals == -high.normals).all()

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (
                lambda: sample_interior(SQUARE, 1, Points([[0, 0], [2, 0.5]])),
                r"point 1 \(2, 0.5\) lies outside the domain \(1 of 2 points\)",
            ),
            (lambda: sample_interior(SQUARE, 1, Points([[0.0]])), "got 1 columns, expected 2"),
            (
                lambda: sample_parts(SQUARE.parts[:2], 1, Points([[0.5, 0]])),
                r"point 0 \(0.5, 0\) does not lie on 'x=0', 'x=1'",
            ),
            (lambda: sample_pair(TIMED, x, 1, Points([[1, 0]])), "does not lie on 'x=-1'"),
        ],
        ids=["outside", "columns", "not on the boundary", "wrong face"],
    )
    def test_refusals(self, call, message):
        with pytest.raises(ProblemError, match=message):
            call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sample_parts([], 1, Sobol()), "no boundary part to put points on"),
        (lambda: sample_pair(Disk((x, y)), x, 1, Sobol()), "no pair of opposite faces across x"),
        (lambda: sample_pair(SQUARE, t, 1, Sobol()), "t is not a coordinate of the domain"),
        (lambda: sample_interior(SQUARE, 0, Sobol()), "got 0 points, expected at least one"),
    ],
    ids=["no parts", "disk", "stranger", "none"],
)
def test_refusals(call, message):
    with pytest.raises(ProblemError, match=message):
        call()


def test_a_region_that_nothing_hits_is_refused(monkeypatch):
    monkeypatch.setattr("pdelsr.sample.points.MOST_CANDIDATES", 2**12)
    ring = Ball((x, y)) - Ball((x, y), radius=0.999)
    with pytest.raises(ProblemError, match="it is too thin to sample, give your own points"):
        sample_interior(ring, 1000, Uniform())
