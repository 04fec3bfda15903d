"""Points with what belongs to them: normals, quadrature weights, where they come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, eq=False)
class PointSet:
    """Points with what belongs to them.

    Attributes:
        points: Points, (n, d).
        normals: Outward unit normals, (n, d), or None inside the domain.
        weights: Quadrature weights, (n,): the sum of w_i F(x_i) estimates the integral of F.
            None for the user's own points.
        unit: Places in the unit cube of the region that the points come from, (n, k), where they
            are known.
    """

    points: Float[np.ndarray, "n d"]
    normals: Float[np.ndarray, "n d"] | None = None
    weights: Float[np.ndarray, " n"] | None = None
    unit: Float[np.ndarray, "n k"] | None = None

    def __len__(self) -> int:
        return len(self.points)
