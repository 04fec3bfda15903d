"""The mesh of a domain: regular on intervals and boxes, fitted to the boundary elsewhere."""

from __future__ import annotations

import numpy as np

from pdelsr.declare.domains import Domain
from pdelsr.declare.domains.rectangular import Rectangular
from pdelsr.errors import SettingsError
from pdelsr.results.mesh.base import SpaceMesh
from pdelsr.results.mesh.grid import grid, ticks_along
from pdelsr.results.mesh.hexahedra import hexahedra
from pdelsr.results.mesh.triangles import triangles

COUNTS = {1: 401, 2: 101, 3: 33}  # points along the longest side


def space_mesh(domain: Domain, n: int | None = None) -> SpaceMesh:
    """Lines, quadrilaterals or triangles, or hexahedra that fill a domain of space.

    Args:
        domain: without time.
        n: points along the longest side.

    Raises:
        SettingsError: the domain has more than three dimensions, n leaves no cell in it, or is
            too large.
    """
    if domain.dim not in COUNTS:
        names = [c.name for c in domain.coordinates]
        raise SettingsError(
            f"space has {domain.dim} dimensions ({', '.join(names)}), and files of meshes have at "
            f"most three: use to_xarray({names[-1]}=…, …), which holds coordinates."
        )
    n = n or COUNTS[domain.dim]
    ticks = ticks_along(domain.bounding_box, n)
    if isinstance(domain, Rectangular):
        return grid(ticks)
    mesh = _fitted(domain, ticks, n)
    if not len(mesh.cells):
        raise SettingsError(f"no cell of a mesh with n={n} lies in {domain.title}: give more.")
    return mesh


def _fitted(domain: Domain, ticks: list[np.ndarray], n: int) -> SpaceMesh:
    if domain.dim == 2:
        longest = np.diff(domain.bounding_box, axis=1).max()
        return triangles(domain, float(longest) / (n - 1))
    if domain.dim == 3:
        return hexahedra(domain, ticks)
    ends = [part.place(np.empty((1, 0))).points[0] for part in domain.parts]
    mesh = grid([np.unique(np.concatenate([ticks[0], *ends]))])
    return mesh.only(domain.contains(mesh.centers))
