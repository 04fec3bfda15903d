"""Hexahedra of a grid, whose outer corners are moved to the boundary of a domain of space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pdelsr.declare.domains import Domain
from pdelsr.results.mesh.base import SpaceMesh
from pdelsr.results.mesh.grid import grid

BISECTIONS = 40  # of the way to the boundary
FARTHEST = 2.0  # times the way from the cells to their corner


def hexahedra(domain: Domain, ticks: Sequence[Float[np.ndarray, " a"]]) -> SpaceMesh:
    """The cells whose center is inside; corners that not all eight cells share are moved.

    Each goes along the line from the mean center of its cells through itself, to where that leaves
    the domain. Edges and corners of the boundary that do not lie on the grid are rounded.
    """
    whole = grid(ticks)
    mesh = whole.only(domain.contains(whole.centers))
    count = np.bincount(mesh.cells.reshape(-1), minlength=len(mesh.points))
    sums = np.zeros_like(mesh.points)
    for corner in mesh.cells.T:
        np.add.at(sums, corner, mesh.centers)
    means = sums / count[:, None]
    outer = (count < 8) & domain.contains(means)
    points = mesh.points.copy()
    points[outer] = _boundary(domain, means[outer], points[outer])
    return SpaceMesh(points, mesh.cells, mesh.kind)


def _boundary(
    domain: Domain, inside: Float[np.ndarray, "n 3"], corners: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, "n 3"]:
    """Where the lines from inside through the corners leave the domain; corners that do not."""
    way = corners - inside
    leaves = ~domain.contains(inside + FARTHEST * way)
    low, high = np.zeros(len(way)), np.full(len(way), FARTHEST)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        within = domain.contains(inside + middle[:, None] * way)
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return np.where(leaves[:, None], inside + low[:, None] * way, corners)
