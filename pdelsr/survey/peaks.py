"""The width of a function's peak at a point, along each axis of the unit cube."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

SCALES = 0.5 ** np.arange(46, 0, -1)  # distances from the point, the smallest first
LEVEL = 4  # scales, each twice the last one, over which a peak must keep its height
JUMP = 1e-12  # widths below are those of jumps and of singular points
CLEAR = 1e-8  # height of a peak, relative to the size of the function


class Peaks(NamedTuple):
    """Peaks at m points.

    Attributes:
        widths: half-widths at half height along each axis, (m, d); inf without a peak.
        heights: along each axis, (m, d); 0 without a peak.
        own: the same for the value at the point itself, which excludes peaks beside it.
    """

    widths: Float[np.ndarray, "m d"]
    heights: Float[np.ndarray, "m d"]
    own: Float[np.ndarray, "m d"]


def peaks_at(
    function: Callable[[Float[np.ndarray, "n d"]], Float[np.ndarray, " n"]],
    centres: Float[np.ndarray, "m d"],
    size: float,
) -> Peaks:
    """The peaks of a function at points.

    On an interval of half-length δ around the point, a function rises by P(δ) above its values at
    both ends, or falls below them. If it is smooth, P falls with δ; for a peak of width w, P is as
    large at 16 w as at w. Kinks and r^(2/3) have no such level, and a step has P = 0.

    Args:
        function: of points of the unit cube; nan where it is not known.
        centres: points of the unit cube, (m, d).
        size: of the function.
    """
    d = centres.shape[1]
    probes = _probes(centres)
    inside = ((probes >= 0) & (probes <= 1)).all(axis=-1)
    values = function(np.clip(probes, 0, 1).reshape(-1, d)).reshape(probes.shape[:-1])
    gone = ~(inside & np.isfinite(values))  # (m, d, 2, scales)
    gone = np.logical_or.accumulate(gone, axis=-1)  # values beyond a hole do not belong to the peak
    values = np.where(gone, np.nan, values)
    middle = function(centres)
    least = CLEAR * max(size, float(np.nanmax(np.abs(middle), initial=0)))
    widths, heights = _levels(_rise(values, middle, inside=True), least)
    own = _levels(_rise(values, middle, inside=False), least)[1]
    widths[~np.isfinite(middle)] = np.inf
    narrow = np.isfinite(widths)
    return Peaks(*(np.where(narrow, a, b) for a, b in ((widths, np.inf), (heights, 0), (own, 0))))


def _probes(centres: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "m d 2 s d"]:
    """Points on both sides of the centres, along each axis, at every scale."""
    d = centres.shape[1]
    signed = np.stack([-SCALES, SCALES])  # (2, s)
    steps = np.eye(d)[:, None, None, :] * signed[None, :, :, None]
    return centres[:, None, None, None, :] + steps


def _rise(
    values: Float[np.ndarray, "m d 2 s"], middle: Float[np.ndarray, " m"], inside: bool
) -> Float[np.ndarray, "m d s"]:
    """P(δ), nan if both ends are outside; for all values inside, or for the point's alone."""
    top = np.fmax(values[:, :, 0], values[:, :, 1])
    bottom = np.fmin(values[:, :, 0], values[:, :, 1])
    high = low = middle[:, None, None]
    if inside:
        high = np.fmax(np.fmax.accumulate(top, axis=-1), high)
        low = np.fmin(np.fmin.accumulate(bottom, axis=-1), low)
    return np.maximum(high - top, bottom - low)


def _levels(rise: Float[np.ndarray, "m d s"], least: float) -> tuple[np.ndarray, np.ndarray]:
    """The narrowest level of P: its width, at half its height, and the height."""
    now, later = rise[..., :-LEVEL], rise[..., LEVEL:]
    level = (now > least) & (later <= 2 * now)  # False for nan
    first = level.argmax(axis=-1)
    height = np.take_along_axis(later, first[..., None], axis=-1)[..., 0]
    height = np.maximum(height, np.take_along_axis(now, first[..., None], axis=-1)[..., 0])
    before = np.maximum(first - 1, 0)
    upper, lower = (
        np.take_along_axis(rise, i[..., None], axis=-1)[..., 0] for i in (first, before)
    )
    share = _share(height / 2, lower, upper)
    width = SCALES[before] + share * (SCALES[first] - SCALES[before])
    found = level.any(axis=-1) & (width > JUMP)
    return np.where(found, width, np.inf), np.where(found, height, 0.0)


def _share(level: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """The position of a level between two values, from 0 to 1; 1 if unknown."""
    with np.errstate(all="ignore"):
        return np.clip(np.nan_to_num((level - lower) / (upper - lower), nan=1.0), 0, 1)
