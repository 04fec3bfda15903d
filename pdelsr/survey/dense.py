"""The narrow places of a function given by code, found by dense sampling."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from pdelsr.declare.sobol import sobol
from pdelsr.resources.clock import Clock
from pdelsr.survey.search import minima

MANY, FEW = 2**17, 2**14  # points of the grid, for quick and for slow functions
PILOT = 2**11
SECONDS = 0.5  # for MANY points, at most
SMOOTH = 0.4  # bends at one step, relative to those at two, up to which a function is smooth
CLEAR = 1e-8  # bends below, relative to the values, are rounding
PLACES = 16  # along each axis
LEAST_SIDE = 5  # points of a grid along an axis


def places_by_sampling(
    function: Callable[[Float[np.ndarray, "n d"]], Float[np.ndarray, " n"]], dim: int
) -> Float[np.ndarray, "m d"]:
    """The extrema of a function near points where it bends sharply.

    These are the points of a grid at which it bends most. Note that a feature between the points of
    the grid remains unseen. They are 8e-6 apart in one dimension, 3e-3 in two and 2e-2 in three,
    and 6e-5, 8e-3 and 4e-2 if the function is slow; a peak is found anywhere if its half-width is
    half of that spacing, in three dimensions all of it. If a grid would have fewer than five points
    along an axis, the points with the largest and smallest of as many values are taken.

    Args:
        function: of points of the unit cube; nan where it is not known.
        dim: of the unit cube.
    """
    many = _affordable(function, dim)
    if not many:
        return np.empty((0, dim))
    count = round(many ** (1 / dim))
    starts = _bent(function, dim, count) if count >= LEAST_SIDE else _extreme(function, dim, many)
    if not len(starts):
        return starts
    tops = minima(lambda unit: -function(unit), starts, 1 / count)
    return np.concatenate([tops, minima(function, starts, 1 / count)])


def _bent(
    function: Callable[[Float[np.ndarray, "n d"]], Float[np.ndarray, " n"]], dim: int, count: int
) -> Float[np.ndarray, "m d"]:
    """Points of a grid, `count` along each axis, at which a function bends most."""
    # off the middle of cells by an irrational share, so that no symmetry hides a feature
    along = (np.arange(count) + (np.sqrt(5) - 1) / 2) / count
    grid = np.stack(np.meshgrid(*[along] * dim, indexing="ij"), axis=-1)
    values = function(grid.reshape(-1, dim)).reshape(grid.shape[:-1])
    found: list[np.ndarray] = []
    for axis in range(dim):
        bend, wider = (_bends(np.moveaxis(values, axis, 0), k) for k in (1, 2))
        bend = np.where(bend > SMOOTH * wider, bend, 0)  # it is a quarter where all is smooth
        bend = np.moveaxis(bend, 0, axis).ravel()
        top = np.argpartition(bend, -min(PLACES, bend.size))[-PLACES:]
        found.append(top[bend[top] > CLEAR * np.nanmax(np.abs(values), initial=0.0)])
    return grid.reshape(-1, dim)[np.unique(np.concatenate(found))]


def _extreme(
    function: Callable[[Float[np.ndarray, "n d"]], Float[np.ndarray, " n"]], dim: int, many: int
) -> Float[np.ndarray, "m d"]:
    """Points among many even ones at which a function is largest or smallest."""
    points = sobol(many, dim, 0)
    values = function(points)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    if not known.size or np.ptp(values[known]) <= CLEAR * np.abs(values[known]).max():
        return points[:0]
    return points[np.unique(np.concatenate([order[:PLACES], order[-PLACES:]]))]


def _bends(values: np.ndarray, k: int) -> np.ndarray:
    """The distance of values from the mean of both neighbours at k steps along the first axis."""
    bend = np.zeros_like(values)
    bend[k:-k] = np.abs(values[k:-k] - (values[: -2 * k] + values[2 * k :]) / 2)
    bend[:k] = np.abs(values[:k] - values[k : 2 * k])
    bend[-k:] = np.abs(values[-k:] - values[-2 * k : -k])
    return np.nan_to_num(bend)


def _affordable(function: Callable[[np.ndarray], np.ndarray], dim: int) -> int:
    """The number of points, by the time for few; none if the function gives no values."""
    points = np.random.default_rng(0).random((PILOT, dim))
    clock = Clock()
    values = function(points)
    if not np.isfinite(values).any():
        return 0
    return MANY if clock.seconds * MANY / PILOT < SECONDS else FEW
