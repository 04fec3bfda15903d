"""A grid on a line or a plane through a domain, and values on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from textwrap import fill

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from pdelsr.declare.domains import Domain

FINER = 4  # times as many pixels as grid points along each axis, for the edge of the domain
LONGEST = 3.0  # aspect ratio up to which space is drawn to scale


@dataclass(frozen=True, eq=False)
class Mesh:
    """A tensor grid of one or two coordinates, the others fixed.

    Args:
        domain: the domain to cut.
        axes: the coordinates that vary, the horizontal one first.
        fixed: values of the others.
        count: grid points along each axis.
    """

    domain: Domain
    axes: tuple[int, ...]
    fixed: Mapping[int, float]
    count: int

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coordinates that vary."""
        return tuple(self.domain.coordinates[a].name for a in self.axes)

    @property
    def label(self) -> str:
        """The fixed coordinates as text; empty if there are none."""
        names = [c.name for c in self.domain.coordinates]
        return ", ".join(f"{names[a]} = {round(v, 12):.3g}" for a, v in self.fixed.items())

    def titled(self, name: str, width: int) -> str:
        """A name and the fixed coordinates, in lines of about `width` characters."""
        whole = f"{name} at {self.label}" if self.label else name
        # a space at which textwrap does not break keeps "z = 1" together
        return fill(whole.replace(" = ", "\xa0=\xa0"), width).replace("\xa0", " ")

    @property
    def is_map(self) -> bool:
        """Whether two coordinates vary."""
        return len(self.axes) == 2

    @property
    def ratio(self) -> float | None:
        """Width over height if both are space and can be drawn to scale."""
        (left, right), (bottom, top) = self.extent
        ratio = (right - left) / (top - bottom)
        time = None if self.domain.time is None else self.domain.dim - 1
        return ratio if time not in self.axes and 1 / LONGEST < ratio < LONGEST else None

    @property
    def extent(self) -> tuple[tuple[float, float], ...]:
        """Lower and upper bound along each axis."""
        return tuple(
            (float(low), float(high)) for low, high in self.domain.bounding_box[[*self.axes]]
        )

    @cached_property
    def ticks(self) -> tuple[Float[np.ndarray, " _"], ...]:
        """Positions along each axis."""
        return self._ticks(self.count)

    @cached_property
    def points(self) -> Float[np.ndarray, "n d"]:
        """All grid points in the coordinates of the domain."""
        return self._points(self.ticks)

    @cached_property
    def inside(self) -> Bool[np.ndarray, " n"]:
        """Which of the points lie in the domain."""
        return self.domain.contains(self.points)

    @cached_property
    def pixels(self) -> Bool[np.ndarray, "b a"]:
        """Which pixels of a map lie in the domain, on a finer grid."""
        ticks = self._ticks(FINER * self.count)
        inside = self.domain.contains(self._points(ticks))
        return inside.reshape(len(ticks[0]), len(ticks[1])).T

    def spread(self, values: Float[np.ndarray, " i"]) -> np.ma.MaskedArray:
        """Values of the points inside, on the grid: rows upwards, masked outside."""
        full = np.full(len(self.points), np.nan)
        full[self.inside] = values
        shape = tuple(len(t) for t in self.ticks)
        return np.ma.masked_invalid(full.reshape(shape)).T

    def picture(self, values: np.ma.MaskedArray) -> np.ma.MaskedArray:
        """A map in pixels: interpolated inside the domain up to its edge, masked outside."""
        full, hidden = np.ma.getdata(values), np.ma.getmaskarray(values)
        if hidden.all():
            return np.ma.array(np.zeros(self.pixels.shape), mask=True)
        if hidden.any():  # take the nearest value inside, for interpolation up to the edge
            full = full[tuple(_nearest(hidden))]
        unknown = hidden & self.inside.reshape(hidden.shape[::-1]).T
        lost = ndimage.zoom(unknown, FINER, order=0)
        return np.ma.array(ndimage.zoom(full, FINER, order=1), mask=lost | ~self.pixels)

    def _ticks(self, count: int) -> tuple[np.ndarray, ...]:
        return tuple(np.linspace(low, high, count) for low, high in self.extent)

    def _points(self, ticks: tuple[np.ndarray, ...]) -> np.ndarray:
        grids = np.meshgrid(*ticks, indexing="ij")
        points = np.empty((grids[0].size, self.domain.dim))
        for axis, grid in zip(self.axes, grids, strict=True):
            points[:, axis] = grid.reshape(-1)
        for axis, value in self.fixed.items():
            points[:, axis] = value
        return points


def _nearest(hidden: Bool[np.ndarray, "b a"]) -> np.ndarray:
    """Indices of the nearest place that is not hidden, (2, b, a)."""
    found = ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
    return np.asarray(found)
