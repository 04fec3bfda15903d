"""Hexahedra of a grid, with outer corners moved to the boundary of a space domain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pdelsr.declare.domains import Domain
from pdelsr.results.mesh.base import SpaceMesh
from pdelsr.results.mesh.grid import grid

BISECTIONS = 40  # of the way to the boundary
FARTHEST = 1.0  # diagonals of a cell, from a corner to the boundary


def hexahedra(domain: Domain, ticks: Sequence[Float[np.ndarray, " _"]]) -> SpaceMesh:
    """The cells with their center inside; corners that fewer than eight cells share are moved.

    A corner moves along the line from the mean center of its cells through the corner, to where the
    line leaves the domain. Edges and corners of the boundary off the grid are rounded.
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
    diagonal = float(np.linalg.norm([t[1] - t[0] for t in ticks]))
    points[outer] = _boundary(domain, means[outer], points[outer], FARTHEST * diagonal)
    return SpaceMesh(points, mesh.cells, mesh.kind)


def _boundary(
    domain: Domain,
    inside: Float[np.ndarray, "n 3"],
    corners: Float[np.ndarray, "n 3"],
    farthest: float,
) -> Float[np.ndarray, "n 3"]:
    """Where the lines from inside through the corners leave the domain, if not too far away."""
    way = corners - inside
    lengths = np.linalg.norm(way, axis=1, keepdims=True)
    way *= 1 + farthest / lengths
    leaves = ~domain.contains(inside + way)
    low, high = np.zeros(len(way)), np.ones(len(way))
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        within = domain.contains(inside + middle[:, None] * way)
        low, high = np.where(within, middle, low), np.where(within, high, middle)
    return np.where(leaves[:, None], inside + low[:, None] * way, corners)
