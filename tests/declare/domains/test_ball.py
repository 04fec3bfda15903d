"""Disks and balls: uniform spheres, distance factors, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from pdelsr.declare.domains import Ball, Disk
from pdelsr.declare.domains.ball import directions
from pdelsr.errors import ProblemError
from pdelsr.sample import Sobol

x, y, z = sp.symbols("x y z", real=True)


@pytest.mark.parametrize("dim", [2, 3, 4, 6])
def test_directions_are_uniform(dim):
    vectors = directions(Sobol().unit(4096, dim - 1))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    # A uniform unit vector has mean 0, covariance I/d and fourth moments 3/(d(d+2)).
    assert vectors.mean(axis=0) == pytest.approx(0, abs=5e-3)
    assert vectors.T @ vectors / 4096 == pytest.approx(np.eye(dim) / dim, abs=5e-3)
    assert (vectors**4).mean(axis=0) == pytest.approx(3 / (dim * (dim + 2)), abs=5e-3)


@pytest.mark.parametrize("dim", [2, 3, 4, 5])
def test_interior_is_uniform(dim):
    ball = Ball(sp.symbols(f"a:{dim}", real=True), radius=2)
    points = ball.from_unit(Sobol().unit(2**15, dim))
    radii = np.linalg.norm(points, axis=1) / 2
    assert (radii**dim).mean() == pytest.approx(0.5, abs=1e-2)
    assert ball.contains(points).all()


def test_names_and_measures():
    disk = Disk((x, y), radius=2)
    assert [part.name for part in disk.parts] == ["circle"]
    assert disk.parts[0].measure == pytest.approx(4 * np.pi)
    sphere = Ball((x, y, z), name="hole").parts[0]
    assert (sphere.name, sphere.measure) == ("hole", pytest.approx(4 * np.pi))


def test_distance_factor():
    disk = Disk((x, y), (1, 0), 2)
    assert sp.expand(disk.distance_factor(disk.parts) - (1 - ((x - 1) ** 2 + y**2) / 4)) == 0
    with pytest.raises(ProblemError, match="needs its whole boundary 'circle'"):
        disk.distance_factor([])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Disk((x, y), radius=0), "radius of Disk: got 0, expected a positive number"),
        (lambda: Disk((x, y), radius=-1), "radius of Disk: got -1"),
        (lambda: Disk((x, y, z), (0, 0, 0)), "Disk: got 3 coordinates, expected two; use Ball"),
        (lambda: Ball((x,)), "Ball: got one coordinate.*use Interval"),
        (lambda: Disk((x, y), (0, 0, 0)), "center of Disk: .* expected 2 numbers"),
        (lambda: Disk((x, y), (0, np.nan)), "center of Disk: got nan"),
    ],
    ids=["zero", "negative", "3d", "1d", "center", "nan"],
)
def test_refusals(make, message):
    with pytest.raises(ProblemError, match=message):
        make()
