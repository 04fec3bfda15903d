"""Meshes of domains in one to three space dimensions, for files that other programs draw."""

from pdelsr.results.mesh.base import SpaceMesh
from pdelsr.results.mesh.choose import space_mesh

__all__ = ["SpaceMesh", "space_mesh"]
