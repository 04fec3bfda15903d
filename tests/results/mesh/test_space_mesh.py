"""Meshes fill their domains, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

import pdelsr as pl
from pdelsr.results.mesh import SpaceMesh, space_mesh

x, y, z, w = pl.coordinates("x y z w")
HOUSE = pl.Polygon((x, y), [(-1, -1), (1, -1), (1, 0.5), (0, 1), (-1, 0.5)])
ELL = pl.Polygon((x, y), [(0, 0), (1, 0), (1, 0.5), (0.5, 0.5), (0.5, 1), (0, 1)])
SQUARE = pl.Box((x, y), (0, 0), (1, 1))
CUBE = pl.Box((x, y, z), (-1, -1, -1), (1, 1, 1))
LENS = 2 * np.pi / 3 - 3**0.5 / 2
CASES = {
    "interval": (pl.Interval(x, 0, 2), "line", 2.0, 1e-12),
    "two intervals": (pl.Interval(x, 0, 1) | pl.Interval(x, 2, 3), "line", 2.0, 1e-12),
    "slit interval": (pl.Interval(x, 0, 1) - pl.Interval(x, 0.31, 0.4), "line", 0.91, 1e-12),
    "box": (pl.Box((x, y), (0, 0), (4, 1)), "quad", 4.0, 1e-12),
    "disk": (pl.Disk((x, y)), "triangle", np.pi, 1e-3),
    "house": (HOUSE, "triangle", 3.5, 1e-9),
    "house with a hole": (
        HOUSE - pl.Disk((x, y), (0, -0.2), 0.3),
        "triangle",
        3.5 - np.pi * 0.09,
        1e-3,
    ),
    "ell": (ELL, "triangle", 0.75, 1e-9),
    "cut corner": (SQUARE - pl.Disk((x, y), (0, 0), 0.5), "triangle", 1 - np.pi / 16, 1e-3),
    "lens": (pl.Disk((x, y)) & pl.Disk((x, y), (1, 0)), "triangle", LENS, 1e-3),
    "frame": (SQUARE - pl.Box((x, y), (0.25, 0.25), (0.5, 0.75)), "triangle", 0.875, 1e-9),
    "cube": (CUBE, "hexahedron", 8.0, 1e-12),
    "ball": (pl.Ball((x, y, z)), "hexahedron", 4 / 3 * np.pi, 0.1),
    "cube with a hole": (CUBE - pl.Ball((x, y, z), radius=0.5), "hexahedron", 8 - np.pi / 6, 0.02),
}
TETRAHEDRA = ((0, 1, 3, 4), (1, 2, 3, 6), (1, 5, 6, 4), (3, 6, 7, 4), (1, 3, 4, 6))


def measures(mesh: SpaceMesh) -> np.ndarray:
    """Length, area or volume of each cell, negative where it is turned inside out."""
    c = mesh.points[mesh.cells]
    if mesh.kind == "line":
        return c[:, 1, 0] - c[:, 0, 0]
    if mesh.kind == "hexahedron":
        return sum(
            np.einsum("ij,ij->i", np.cross(c[:, j] - c[:, i], c[:, k] - c[:, i]), c[:, m] - c[:, i])
            for i, j, k, m in TETRAHEDRA
        ) / 6  # fmt: skip
    first, second = (c[:, 2] - c[:, 0], c[:, -1] - c[:, 1])
    if mesh.kind == "triangle":
        first, second = c[:, 1] - c[:, 0], c[:, 2] - c[:, 0]
    return (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2


@pytest.mark.parametrize("name", CASES)
def test_a_mesh_fills_its_domain(name: str) -> None:
    domain, kind, measure, tolerance = CASES[name]
    mesh = space_mesh(domain, {1: 41, 2: 41, 3: 17}[domain.dim])
    found = measures(mesh)
    assert mesh.kind == kind
    assert (found > 0).all()
    assert found.sum() == pytest.approx(measure, rel=tolerance)
    assert domain.contains(mesh.points, 1e-9).all()
    assert set(mesh.cells.reshape(-1)) == set(range(len(mesh.points)))


def test_triangles_reach_the_corners_and_are_not_flat() -> None:
    mesh = space_mesh(SQUARE - pl.Disk((x, y), (0, 0), 0.5), 41)
    for corner in ((0.5, 0), (1, 0), (1, 1), (0, 1), (0, 0.5)):
        assert np.linalg.norm(mesh.points - corner, axis=1).min() < 1e-8
    c = mesh.points[mesh.cells]
    squares = sum(((c[:, i] - c[:, i - 1]) ** 2).sum(axis=1) for i in range(3))
    assert (4 * 3**0.5 * measures(mesh) / squares).min() > 0.4  # 1 for equilateral ones


def test_outer_corners_of_hexahedra_lie_on_the_sphere() -> None:
    mesh = space_mesh(pl.Ball((x, y, z)), 17)
    faces = np.bincount(mesh.cells.reshape(-1)) < 8
    np.testing.assert_allclose(np.linalg.norm(mesh.points[faces], axis=1), 1, atol=1e-9)


def test_defaults() -> None:
    assert len(space_mesh(pl.Interval(x, 0, 1)).cells) == 400
    assert len(space_mesh(SQUARE).cells) == 100**2
    assert len(space_mesh(CUBE).cells) == 32**3


def test_what_has_no_mesh_is_refused() -> None:
    with pytest.raises(pl.SettingsError, match=r"space has 4 dimensions \(x, y, z, w\).*to_xarray"):
        space_mesh(pl.Box((x, y, z, w), (0,) * 4, (1,) * 4))
    with pytest.raises(pl.SettingsError, match=r"no cell of a mesh with n=2 lies in .*give more"):
        space_mesh(CUBE - pl.Ball((x, y, z), radius=0.5), 2)
