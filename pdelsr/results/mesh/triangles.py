"""Triangles that follow the boundary of a plane domain."""

from __future__ import annotations

import numpy as np
import scipy
from jaxtyping import Bool, Float

from pdelsr.declare.domains import Domain
from pdelsr.results.mesh.base import SpaceMesh
from pdelsr.results.mesh.boundary import boundary_curve

INSET = 0.5  # of the spacing, between inner points and the boundary
BULGE = 0.1  # of the spacing, by which an edge may leave a curved domain
FLATTEST = 1e-3  # of the squared spacing; triangles with less area have corners on a line


def triangles(domain: Domain, spacing: float) -> SpaceMesh:
    """The Delaunay triangulation of boundary points and a grid inside, without outer triangles.

    Boundary points are at most 0.8 spacings apart, and inner ones half a spacing away from the
    boundary, so the edges between neighbouring boundary points are edges of triangles.
    """
    points = np.concatenate([boundary_curve(domain, 0.8 * spacing).points, _inner(domain, spacing)])
    cells = scipy.spatial.Delaunay(points).simplices
    mesh = SpaceMesh(points, cells, "triangle")
    return mesh.only(_inside(domain, mesh, spacing))


def _inner(domain: Domain, spacing: float) -> Float[np.ndarray, "n 2"]:
    """A grid of equilateral triangles."""
    (left, right), (low, high) = domain.bounding_box
    rows = np.arange(low, high, spacing * 3**0.5 / 2)
    columns = np.arange(left, right, spacing)
    x, y = np.meshgrid(columns, rows)
    x[1::2] += spacing / 2
    points = np.stack([x.reshape(-1), y.reshape(-1)], axis=1)
    return points[domain.contains(points, -INSET * spacing)]


def _inside(domain: Domain, mesh: SpaceMesh, spacing: float) -> Bool[np.ndarray, " c"]:
    """Triangles with center and edges in the domain, and with an area."""
    corners = mesh.points[mesh.cells]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2
    kept = (np.abs(area) > FLATTEST * spacing**2) & domain.contains(mesh.centers)
    for i in range(3):
        middle = (corners[:, i] + corners[:, i - 1]) / 2
        kept &= domain.contains(middle, BULGE * spacing)
    return kept
