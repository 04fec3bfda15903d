"""Points and cells of one kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True)
class SpaceMesh:
    """A mesh of space.

    Args:
        points: (p, d).
        cells: rows of points, in the order of VTK, (c, k).
        kind: of the cells: "line", "triangle", "quad" or "hexahedron".
    """

    points: Float[np.ndarray, "p d"]
    cells: Int[np.ndarray, "c k"]
    kind: str

    @property
    def centers(self) -> Float[np.ndarray, "c d"]:
        """Mean of the points of each cell."""
        return self.points[self.cells].mean(axis=1)

    def only(self, kept: Bool[np.ndarray, " c"]) -> SpaceMesh:
        """Some of the cells, and the points that they use."""
        cells = self.cells[kept]
        used, places = np.unique(cells, return_inverse=True)
        return SpaceMesh(self.points[used], places.reshape(cells.shape), self.kind)
