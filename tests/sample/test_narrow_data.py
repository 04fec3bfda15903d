"""Points that crowd keep means as they are, and see what even points miss."""

from __future__ import annotations

import numpy as np
import pytest

import pdelsr as pl
from pdelsr.sample import (
    Crowd,
    PointSet,
    Sobol,
    crowding,
    sample_interior,
    sample_parts,
    with_crowd,
)

X, Y = pl.coordinates("x y")
SQUARE = pl.Box((X, Y), (0, 0), (2, 1))
DISK = pl.Disk((X, Y), (0, 0), 1)
WIDTH = 1e-4
SPOT = Crowd(np.array([[0.3137, 0.7071]]), np.full((1, 2), WIDTH))
STRIP = Crowd(np.array([[0.3137, 0.7071]]), np.array([[WIDTH, np.inf]]))


def crowded(domain: pl.Domain, crowd: Crowd, n: int = 8000, seed: int = 0) -> PointSet:
    even = sample_interior(domain, n, Sobol(), seed)
    return with_crowd(domain, even, crowd, n // 3, seed)


@pytest.mark.parametrize("domain", [SQUARE, DISK], ids=["box", "disk"])
@pytest.mark.parametrize("crowd", [SPOT, STRIP], ids=["spot", "strip"])
def test_integrals_stay_as_they_are(domain: pl.Domain, crowd: Crowd) -> None:
    found = crowded(domain, crowd)
    x, y = found.points.T
    even = sample_interior(domain, 2**16, Sobol()).points
    for f in (lambda x, y: 1 + 0 * x, lambda x, y: (x + 2 * y) ** 2):
        expected = domain.measure * f(*even.T).mean()
        assert found.weights is not None
        assert found.weights @ f(x, y) == pytest.approx(expected, rel=0.03)


def test_a_spot_that_even_points_miss_is_seen() -> None:
    centre = SQUARE.place(SPOT.centres).points[0]

    def spot(points: np.ndarray) -> np.ndarray:
        return np.exp(-(((points - centre) / [2 * WIDTH, WIDTH]) ** 2).sum(axis=1))

    integral = np.pi * 2 * WIDTH**2
    even = sample_interior(SQUARE, 8000, Sobol())
    assert even.weights is not None
    assert even.weights @ spot(even.points) < 1e-6 * integral
    found = crowded(SQUARE, SPOT)
    assert found.weights is not None
    assert found.weights @ spot(found.points) == pytest.approx(integral, rel=0.15)


def test_only_what_points_miss_draws_them() -> None:
    wide = Crowd(np.array([[0.5, 0.5]]), np.full((1, 2), 0.1))
    assert crowding(wide, 1000) == (None, 0)
    assert crowding(None, 1000) == (None, 0)
    missed, n = crowding(SPOT, 1000)
    assert missed is not None
    assert n == 250
    assert STRIP.missed(10**6) is None


def test_equal_seeds_give_equal_points() -> None:
    first, second, other = (crowded(SQUARE, SPOT, 100, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.points, second.points)
    assert not np.array_equal(first.points, other.points)


def test_the_density_is_that_of_the_points() -> None:
    unit = np.random.default_rng(0).random((200_000, 2))
    assert STRIP.density(unit).mean() == pytest.approx(1, rel=0.05)


def test_points_of_a_part_crowd_beside_the_others_with_normals() -> None:
    crowd = Crowd(np.array([[0.3137]]), np.array([[WIDTH]]))
    parts = SQUARE.select(["y=0", "y=1"])
    found = sample_parts(parts, 400, Sobol(), 0, {"y=0": crowd})
    assert len(found) == 450
    low = found.points[:, 1] == 0
    near = np.abs(found.points[:, 0] - 0.6274) < 1e-2
    assert (low & near).sum() > 20
    assert (~low & near).sum() < 5
    assert found.normals is not None
    assert found.weights is not None
    assert (found.normals[low] == [0, -1]).all()
    assert found.weights.sum() == pytest.approx(4, rel=0.1)


def test_without_a_crowd_nothing_changes() -> None:
    parts = SQUARE.select("y=0")
    usual, other = (sample_parts(parts, 50, Sobol(), 0, c) for c in ({}, {"y=1": SPOT}))
    assert np.array_equal(usual.points, other.points)
