"""Samplers of the unit cube, and the user's own points."""

from __future__ import annotations

import numpy as np
import pytest

from pdelsr.declare import Box, coordinates
from pdelsr.errors import ProblemError
from pdelsr.sample import (
    SAMPLERS,
    GaussLegendre,
    Grid,
    Halton,
    LatinHypercube,
    Points,
    Sampler,
    Sobol,
    Uniform,
    UnitSampler,
    sample_interior,
)

RANDOM = [Uniform(), LatinHypercube(), Sobol(), Halton()]
IDS = [type(sampler).__name__ for sampler in RANDOM]


@pytest.mark.parametrize("sampler", RANDOM, ids=IDS)
@pytest.mark.parametrize("n", [1, 7, 100, 129])
@pytest.mark.parametrize("dim", [0, 1, 2, 5])
def test_exactly_n_reproducible_points(sampler, n, dim):
    unit = sampler.unit(n, dim, seed=3)
    assert unit.shape == (n, dim)
    assert ((unit >= 0) & (unit <= 1)).all()
    assert (unit == sampler.unit(n, dim, seed=3)).all()
    assert dim == 0 or (unit != sampler.unit(n, dim, seed=4)).any()


@pytest.mark.parametrize(
    "sampler", [Sobol(), Halton(), Uniform()], ids=["Sobol", "Halton", "Uniform"]
)
def test_a_longer_request_goes_on_where_the_shorter_ended(sampler):
    assert (sampler.unit(500, 3, seed=1)[:77] == sampler.unit(77, 3, seed=1)).all()


@pytest.mark.parametrize("sampler", RANDOM[1:], ids=IDS[1:])
def test_points_are_spread_better_than_at_random(sampler):
    unit = sampler.unit(256, 2, seed=0)
    for column in unit.T:
        assert (np.histogram(column, bins=16, range=(0, 1))[0] >= 14).all()


@pytest.mark.parametrize(
    ("grid", "n", "dim", "count", "first"),
    [
        (Grid(), 100, 2, 100, 0.05),
        (Grid(), 10, 1, 10, 0.05),
        (Grid(), 1000, 3, 1000, 0.05),
        (Grid(), 90, 2, 81, 1 / 18),
        (Grid(endpoints=True), 100, 2, 100, 0.0),
        (Grid(endpoints=True), 1, 2, 4, 0.0),
    ],
    ids=["square", "line", "cube", "about", "endpoints", "at least the corners"],
)
def test_grid(grid, n, dim, count, first):
    unit = grid.unit(n, dim)
    assert unit.shape == (count, dim)
    assert unit.min() == pytest.approx(first)
    assert unit.max() == pytest.approx(1 - first)


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize("dim", [0, 1, 3])
def test_every_point_has_a_weight_and_the_weights_have_sum_one(sampler, dim):
    weights = sampler.quadrature(100, dim)
    assert len(weights) == len(sampler.unit(100, dim))
    assert (weights > 0).all()
    assert weights.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("rule", "degree"), [(Grid(), 1), (Grid(endpoints=True), 1), (GaussLegendre(), 19)]
)
def test_tensor_rules_integrate_polynomials_exactly(rule, degree):
    x, y = rule.unit(100, 2).T  # ten nodes along each coordinate
    weights = rule.quadrature(100, 2)
    assert weights @ (x**degree * y) == pytest.approx(0.5 / (degree + 1), rel=1e-13)
    too_high = weights @ x ** (degree + 1) - 1 / (degree + 2)
    assert abs(too_high) > 1e-14


def test_no_points_are_refused():
    with pytest.raises(ProblemError, match="Sobol: got 0 points, expected at least one"):
        Sobol().unit(0, 2)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        ([1.0, 2.0], r"shape \(2,\), expected \(n, d\)"),
        (np.empty((0, 2)), r"shape \(0, 2\), expected \(n, d\)"),
        ([[0, 1], [0, np.nan]], r"point 1 is \[ 0. nan\], expected finite numbers"),
        ([["a", "b"]], "expected an array of numbers"),
    ],
    ids=["shape", "empty", "nan", "text"],
)
def test_points_refuses(array, message):
    with pytest.raises(ProblemError, match=message):
        Points(array)


def own(fill, **more):
    """A sampler of the user's."""
    return type("Own", (UnitSampler,), {"fill": fill, **more})()


def fails(self, n, dim, rng):
    raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (
            lambda self, n, dim, rng: rng.random((n // 2, dim)),
            r"shape \(5, 2\); expected \(10, 2\)",
        ),
        (lambda self, n, dim, rng: rng.random((2 * n, dim)), "about n sets exact = False"),
        (lambda self, n, dim, rng: rng.random((dim, n)), r"shape \(2, 10\); expected \(10, 2\)$"),
        (lambda self, n, dim, rng: 2 + rng.random((n, dim)), "gave point 0 at .* unit cube"),
        (lambda self, n, dim, rng: np.full((n, dim), np.nan), r"point 0 at \[nan, nan\]"),
        (lambda self, n, dim, rng: [[0.5] * dim] * n, "returned list; expected a numpy array"),
        (lambda self, n, dim, rng: np.zeros((n, dim), dtype=int), "returned int64; expected"),
        (lambda self, n, dim, rng: None, "returned NoneType; expected a numpy array"),
        (fails, "fails with ZeroDivisionError: division by zero"),
    ],
    ids=["few", "many", "turned", "outside", "nan", "list", "integers", "none", "failing"],
)
def test_own_points_that_are_none_of_the_unit_cube_are_refused(fill, message):
    with pytest.raises(ProblemError, match=rf"Own: fill\(10, 2, rng\) .*{message}"):
        own(fill).unit(10, 2)


def test_own_samplers_are_reproducible():
    sampler = own(lambda self, n, dim, rng: rng.random((n, dim)) ** 2)
    assert (sampler.unit(5, 2, seed=1) == sampler.unit(5, 2, seed=1)).all()
    assert not sampler.repeats(2)
    assert own(lambda self, n, dim, rng: np.full((n, dim), 0.5)).repeats(2)
    assert Grid().repeats(2)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (
            lambda self, n, dim: np.ones(3),
            r"quadrature\(10, 2\) gave shape \(3,\); .* its 10 points",
        ),
        (lambda self, n, dim: -np.ones(n), "expected a positive weight for each"),
        (lambda self, n, dim: None, "gave None; expected a positive weight"),
    ],
    ids=["few", "negative", "none"],
)
def test_own_weights_are_checked(weights, message):
    fill = lambda self, n, dim, rng: rng.random((n, dim))  # noqa: E731
    rule = own(fill, exact=False, quadrature=weights)
    square = Box(coordinates("x y"), (0, 0), (1, 1))
    with pytest.raises(ProblemError, match=message):
        sample_interior(square, 10, rule)


def test_a_sampler_that_fills_nothing_is_refused():
    class Bare(Sampler):
        pass

    square = Box(coordinates("x y"), (0, 0), (1, 1))
    with pytest.raises(
        ProblemError, match=r"Bare is no sampler that can be asked .* pl\.UnitSampler"
    ):
        sample_interior(square, 10, Bare())
