"""The user's own points are warned of where they miss what is narrow, and left alone elsewhere."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp
from narrow_problems import LINE, ROD, A, B, T, U, V, W, X, Y, gauss, line, plate, ring

import pdelsr as pl
from pdelsr.survey import missed_features
from pdelsr.survey.dense import MANY, places_by_sampling

WIDTH = 0.005
PEAK = gauss(X - A, WIDTH)
EVEN = np.linspace(0, 1, 40)
DISK = pl.Disk((X, Y), (0, 0), 1)


def square(n: int) -> np.ndarray:
    return np.random.default_rng(0).random((n, 2))


def at(place: tuple[float, ...], scale: float) -> np.ndarray:
    """Even points of a square and some beside a place."""
    rng = np.random.default_rng(1)
    return np.vstack([square(400), np.array(place) + scale * rng.standard_normal((20, 2))])


def bowl(source: sp.Expr) -> pl.Problem:
    return pl.Problem("bowl", DISK, [W.diff(X, 2) + W.diff(Y, 2) - source], [pl.Dirichlet(W, 0)])


def in_disk(n: int) -> np.ndarray:
    points = 2 * square(2 * n) - 1
    return points[np.hypot(*points.T) < 1][:n]


SPOT = gauss(X - A, WIDTH) * gauss(Y - B, WIDTH)
TWO = PEAK + gauss(X - sp.Rational(4, 5), WIDTH)
HIT = np.concatenate([EVEN, float(A) + WIDTH * np.linspace(-2, 2, 9)])[:, None]
Case = tuple[Callable[[], pl.Problem], np.ndarray, bool]
CASES: dict[str, Case] = {
    "line_missed": (lambda: line(PEAK), EVEN[:, None], True),
    "line_hit": (lambda: line(PEAK), HIT, False),
    "one_of_two_missed": (lambda: line(TWO), HIT, True),
    "plain": (lambda: line(X), EVEN[:, None], False),
    "spot_missed": (lambda: plate(SPOT), square(400), True),
    "spot_hit": (lambda: plate(SPOT), at((float(A), float(B)), WIDTH), False),
    "beside_the_spot": (lambda: plate(SPOT), at((float(B), float(A)), WIDTH), True),
    "ring_hit": (lambda: plate(ring(WIDTH)), square(2000), False),
    "ring_missed": (lambda: plate(ring(WIDTH)), square(40), True),
    "disk_missed": (lambda: bowl(SPOT), in_disk(400), True),
    "disk_hit": (lambda: bowl(SPOT), np.vstack([in_disk(200), at((0.4142, 0.271), WIDTH)]), False),
}


@pytest.mark.parametrize(("make", "points", "missed"), CASES.values(), ids=CASES)
def test_what_own_points_miss_is_named(make, points, missed) -> None:
    problem = make()
    found = missed_features(problem, (), {"equation": pl.Points(points)})
    assert bool(found) is missed
    assert missed_features(problem, (), {"equation": pl.Sobol()}) == ()


def test_data_of_a_part_are_looked_for_on_that_part() -> None:
    equation = sp.Eq(V.diff(T), V.diff(X, 2))
    ends = [pl.Dirichlet(V, 0, on="x=0"), pl.Dirichlet(V, gauss(T - A, WIDTH), on="x=1")]
    problem = pl.Problem("rod", ROD, [equation], [pl.Initial(sp.Eq(V, 0)), *ends])
    (name,) = [s.name for s in problem.statements if "x=1" in s.region.label]
    near = float(A) + WIDTH * np.linspace(-1, 1, 9)
    on_the_side, inside = (np.column_stack([np.full(9, c), near]) for c in (1.0, 0.5))
    assert missed_features(problem, (), {name: pl.Points(on_the_side)}) == ()
    assert missed_features(problem, (), {name: pl.Points(inside)})
    # an ansatz carries them into the equation
    even = {"equation": pl.Points(square(100)), name: pl.Points(inside)}
    (sentence,) = missed_features(problem, (name,), even)
    assert sentence.startswith("equation: ")


def test_too_narrow_for_any_network_is_told_elsewhere() -> None:
    problem = line(gauss(X - A, 1e-6))
    assert missed_features(problem, (), {"equation": pl.Points(EVEN[:, None])}) == ()


@pytest.mark.parametrize("declared", [True, False], ids=["in_the_problem", "in_the_run"])
def test_a_run_warns_of_what_its_points_miss(declared: bool) -> None:
    sampler = {"equation": pl.Points(EVEN[:, None])}
    equation = sp.Eq(-U.diff(X, 2), PEAK)
    options = {"sampler": sampler} if declared else {}
    problem = pl.Problem("line", LINE, [equation], [pl.Dirichlet(U, 0)], **options)
    run = {} if declared else {"sampler": sampler}
    small: dict[str, Any] = {"hidden": (8,), "points": 40, "weight_scale": 1.0}
    told = r"equation: .* near x = 0\.4142, and only 1 of the 40 points of pl\.Points lie there"
    with pytest.warns(pl.ResolutionWarning, match=told):
        pl.solve(problem, "lsr", **small, **run)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pl.ResolutionWarning)
        pl.solve(problem, "lsr", **small, sampler={"equation": pl.Points(HIT)})


def test_a_grid_of_numpy_code_meets_peaks_of_half_its_spacing() -> None:
    for dim, half_width in ((1, 4e-6), (2, 2e-3)):
        rng = np.random.default_rng(dim)
        for centre in rng.uniform(0.1, 0.9, (4, dim)):

            def hat(points: np.ndarray, top: np.ndarray = centre, w: float = half_width):
                return np.maximum(0, 1 - np.linalg.norm(points - top, axis=1) / w) + points[:, 0]

            found = places_by_sampling(hat, dim)
            assert np.linalg.norm(found - centre, axis=1).min() < half_width / 2


def test_many_dimensions_are_sampled_by_no_more_points_than_few() -> None:
    centre, most = np.full(10, 0.4), 0

    def bump(points: np.ndarray) -> np.ndarray:
        nonlocal most
        most = max(most, len(points))
        return np.exp(-4 * np.sum((points - centre) ** 2, axis=1))

    found = places_by_sampling(bump, 10)
    assert most <= MANY
    assert np.linalg.norm(found - centre, axis=1).min() < 1e-3
    assert len(places_by_sampling(lambda points: np.ones(len(points)), 10)) == 0
