"""Darcy flow on a rectangle, by Chebyshev collocation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from pdelsr.errors import ProblemError
from pdelsr.reference.chebyshev import (
    chebyshev_nodes,
    chebyshev_series,
    chebyshev_sums,
    differentiation,
)
from pdelsr.reference.checks import (
    require_count,
    require_function,
    require_interval,
    require_points,
    require_within,
    values_of,
)

AGREEMENT = 1e-4  # of two degrees in p, which falls by about ten from one to the other
TINY = 1e-200


@dataclass(frozen=True, eq=False)
class Darcy:
    """The reference that `darcy` makes."""

    permeability: Callable[..., np.ndarray | int | float]
    source: Callable[..., np.ndarray | int | float]
    x: tuple[float, float]
    y: tuple[float, float]
    degree: int

    def __call__(self, points: ArrayLike) -> Float[np.ndarray, "n 3"]:
        rows = require_points(points, "darcy", 2)
        x = require_within(rows[:, 0], *self.x, "darcy", "x")
        y = require_within(rows[:, 1], *self.y, "darcy", "y")
        box = (self.x, self.y)
        fields = [chebyshev_sums(chebyshev_series(f), box, (x, y)) for f in self.solution]
        return np.stack(fields, axis=1)

    def doubled(self) -> Darcy:
        """The same reference at doubled resolution, to check this one against."""
        return replace(self, degree=2 * self.degree)

    @cached_property
    def solution(self) -> Float[np.ndarray, "3 p p"]:
        """p and the flux at the nodes, compared with those of a coarser grid."""
        fine = self._solved(self.degree)
        series = chebyshev_series(self._solved(2 * self.degree // 3)[0])
        nodes = (chebyshev_nodes(*ends, self.degree + 1) for ends in (self.x, self.y))
        places = [axis.ravel() for axis in np.meshgrid(*nodes, indexing="ij")]
        coarse = chebyshev_sums(series, (self.x, self.y), places)
        size = max(abs(fine[0]).max(), TINY)
        error = abs(coarse - fine[0].ravel()).max() / size
        if not error <= AGREEMENT:
            raise ProblemError(
                f"darcy: degree={self.degree} does not resolve the solution (two thirds of the "
                f"degree change it by {error:.0e}). Try degree={2 * self.degree}."
            )
        return fine

    def _solved(self, degree: int) -> Float[np.ndarray, "3 p p"]:
        n = degree + 1
        Dx, Dy = (differentiation(*ends, n) for ends in (self.x, self.y))
        nodes = (chebyshev_nodes(*ends, n) for ends in (self.x, self.y))
        X, Y = np.meshgrid(*nodes, indexing="ij")
        k, f = (
            values_of(function, f"darcy: {name}", X.ravel(), Y.ravel()).reshape(X.shape)
            for name, function in (("permeability", self.permeability), ("source", self.source))
        )
        if not k.min() > 0:
            raise ProblemError(
                f"darcy: the permeability is {k.min():g} somewhere: expected positive values."
            )
        A, every, inside = np.zeros((n, n, n, n)), np.arange(n), slice(1, -1)
        A[:, every, :, every] -= np.einsum("ai,ij,ib->jab", Dx, k, Dx, optimize=True)
        A[every, :, every, :] -= np.einsum("aj,ij,jb->iab", Dy, k, Dy, optimize=True)
        matrix = A[inside, inside, inside, inside].reshape((n - 2) ** 2, -1)
        del A  # as large as the matrix
        p = np.zeros((n, n))
        p[inside, inside] = np.linalg.solve(matrix, f[inside, inside].ravel()).reshape(n - 2, -1)
        return np.stack([p, -k * (Dx @ p), -k * (p @ Dy.T)])


def darcy(
    permeability: Callable[..., np.ndarray | int | float],
    source: Callable[..., np.ndarray | int | float],
    x: tuple[int | float, int | float] = (0, 1),
    y: tuple[int | float, int | float] = (0, 1),
    degree: int = 48,
) -> Darcy:
    """Darcy flow through a rectangle on whose sides the pressure vanishes.

        q = −k ∇p,    ∇·q = f,    p = 0 on the boundary

    The solver is Chebyshev collocation. Where f does not vanish in a corner, the second derivatives
    of p are unbounded there, which limits the accuracy. Measured for k = exp(a) and draws a and f
    of ``GaussianProcess(0.3)``: doubling the degree changes p by 3e-7 and q by 3e-5,
    relative to the largest values.

    Args:
        permeability: k, a positive function of two numpy arrays.
        source: f, a function of two numpy arrays.
        x, y: the rectangle, (low, high) each.
        degree: of the polynomials along each side; memory grows with its fourth power, to 2 GB at
            96.

    Returns:
        A callable of points (n, 2) that gives p and both components of q, (n, 3). ``.doubled()`` is
        the same at doubled resolution.

    Raises:
        ProblemError: an argument is no function, or a number is wrong; at the first call, k is not
            positive, or two thirds of the degree change p by more than 1e-4.
    """
    return Darcy(
        require_function(permeability, "darcy: permeability"),
        require_function(source, "darcy: source"),
        require_interval(x, "darcy: x"),
        require_interval(y, "darcy: y"),
        require_count(degree, "darcy: degree", 8),
    )
