"""Points with their normals, quadrature weights, and places in the unit cube."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, eq=False)
class PointSet:
    """Points with their normals, weights, and places in the unit cube.

    Attributes:
        points: Points, (n, d).
        normals: Outward unit normals, (n, d), or None inside the domain.
        weights: Quadrature weights, (n,): the sum of w_i F(x_i) estimates the integral of F.
            None for the user's own points.
        unit: Places in the unit cube of the region from which the points come, (n, k), if known.
    """

    points: Float[np.ndarray, "n d"]
    normals: Float[np.ndarray, "n d"] | None = None
    weights: Float[np.ndarray, " n"] | None = None
    unit: Float[np.ndarray, "n k"] | None = None

    def __len__(self) -> int:
        return len(self.points)
