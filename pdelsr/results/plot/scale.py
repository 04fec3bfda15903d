"""The color scales of maps of one quantity: limits, and white at zero if signs differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.colors import LogNorm, Normalize

from pdelsr.results.plot.style import MAGNITUDE, POSITIVE, SIGNED, SMALLEST

DECADES = (2, 6)  # of magnitudes: fewest and most shown
FEW = 0.05  # share of places whose magnitude may lie below the scale
CONTOURS = 3  # lines of each sign
FLAT = 1e-9  # relative variation below which a field counts as constant


@dataclass(frozen=True)
class Scale:
    """From values to colors.

    Args:
        low: value of the first color.
        high: value of the last color.
        colors: a map of matplotlib.
        log: logarithmic scale; lower values take the color of the lowest.
        levels: of contour lines, which show the signs without color.
    """

    low: float
    high: float
    colors: str
    log: bool = False
    levels: tuple[float, ...] = ()

    @property
    def norm(self) -> Normalize:
        """The matplotlib norm, a new one for every picture."""
        return (LogNorm if self.log else Normalize)(self.low, self.high, clip=self.log)


def value_scale(arrays: Sequence[np.ma.MaskedArray]) -> Scale:
    """The scale from the smallest to the largest value; symmetric if both signs matter."""
    low, high = _range(arrays)
    size = max(-low, high)
    if high - low <= FLAT * size or size == 0:
        middle, half = (low + high) / 2, size / 2 or 1.0
        return Scale(middle - half, middle + half, POSITIVE)
    if low < 0 < high and min(-low, high) > 0.1 * size:
        levels = np.linspace(-size, size, 2 * CONTOURS + 3)[1:-1]
        return Scale(-size, size, SIGNED, levels=tuple(levels[np.abs(levels) > FLAT * size]))
    return Scale(low, high, POSITIVE)


def magnitude_scale(arrays: Sequence[np.ma.MaskedArray]) -> Scale:
    """The scale for errors and residuals."""
    return Scale(*magnitude_range(arrays), MAGNITUDE, log=True)


def magnitude_range(arrays: Sequence[np.ma.MaskedArray]) -> tuple[float, float]:
    """The largest value, and a value two to six decades lower that few places are below."""
    shown = np.concatenate([a.compressed() for a in arrays])
    positive = shown[shown > SMALLEST]
    if not positive.size:
        return SMALLEST, 100 * SMALLEST
    low, high = float(np.quantile(positive, FEW)), float(positive.max())
    return min(max(low, high * 10.0 ** -DECADES[1]), high * 10.0 ** -DECADES[0]), high


def _range(arrays: Sequence[np.ma.MaskedArray]) -> tuple[float, float]:
    """Smallest and largest of all values; zeros if there are none."""
    shown = np.concatenate([a.compressed() for a in arrays])
    return (float(shown.min()), float(shown.max())) if shown.size else (0.0, 0.0)
