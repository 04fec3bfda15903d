"""What of a domain is drawn: the whole of it, slices of time, or slices through the middle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from pdelsr.declare.domains import Domain

ALONG = {1: 801, 2: 201}  # grid points along each axis of a view of that dimension
WHERE = (0.5, 0.37, 0.63, 0.25, 0.75, 0.1, 0.9)  # where slices are tried, the middle first


@dataclass(frozen=True)
class View:
    """A line or a plane through a domain.

    Args:
        axes: the one or two coordinates that vary, the horizontal one first.
        fixed: values of the others.
        label: what is fixed; empty where nothing is.
    """

    axes: tuple[int, ...]
    fixed: Mapping[int, float]
    label: str


@dataclass(frozen=True)
class Mesh:
    """A grid of a view.

    Args:
        ticks: positions along each axis of the view.
        points: all grid points in the coordinates of the domain, (n, d).
        inside: which of them lie in the domain, (n,).
    """

    ticks: tuple[Float[np.ndarray, " a"], ...]
    points: Float[np.ndarray, "n d"]
    inside: Bool[np.ndarray, " n"]

    def spread(self, values: Float[np.ndarray, " i"]) -> np.ma.MaskedArray:
        """Values of the points inside, on the grid: rows upwards, masked outside."""
        full = np.full(len(self.points), np.nan)
        full[self.inside] = values
        shape = tuple(len(t) for t in self.ticks)
        return np.ma.masked_invalid(full.reshape(shape)).T


def views(domain: Domain) -> list[View]:
    """The views of a domain: at most three."""
    d, names = domain.dim, [c.name for c in domain.coordinates]
    if d == 1:
        return [View((0,), {}, "")]
    if d == 2:
        return [View((1, 0) if domain.time is not None else (0, 1), {}, "")]
    space = range(d - 1 if domain.time is not None else d)
    low, high = domain.bounding_box.T
    times = np.linspace(low[-1], high[-1], 3) if domain.time is not None else [None]
    return [_slice(domain, tuple(space), names, time) for time in times]


def mesh(domain: Domain, view: View) -> Mesh:
    """A tensor grid of a view, with its points in the coordinates of the domain."""
    low, high = domain.bounding_box.T
    count = ALONG[len(view.axes)]
    ticks = tuple(np.linspace(low[a], high[a], count) for a in view.axes)
    grids = np.meshgrid(*ticks, indexing="ij")
    points = np.empty((grids[0].size, domain.dim))
    for axis, grid in zip(view.axes, grids, strict=True):
        points[:, axis] = grid.reshape(-1)
    for axis, value in view.fixed.items():
        points[:, axis] = value
    return Mesh(ticks, points, domain.contains(points))


def _slice(domain: Domain, space: tuple[int, ...], names: list[str], time: float | None) -> View:
    """The plane of the first two coordinates at the first position that meets the domain."""
    low, high = domain.bounding_box.T
    when = {} if time is None else {domain.dim - 1: float(time)}
    found = []
    for share in WHERE:
        fixed = {a: float(low[a] + share * (high[a] - low[a])) for a in space[2:]} | when
        label = ", ".join(f"{names[a]} = {v:.3g}" for a, v in sorted(fixed.items()))
        found.append(View(space[:2], fixed, label))
        if len(space) == 2 or mesh(domain, found[-1]).inside.any():
            return found[-1]
    return found[0]
