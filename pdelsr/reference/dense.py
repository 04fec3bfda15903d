"""Dense output: Fourier series in x whose coefficients are Chebyshev interpolants in t."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

DEGREE = 16  # of the interpolant on each panel of time
NEGLIGIBLE = 1e-17  # Fourier coefficients below this share of the largest are not stored
BLOCK = 1_000_000  # entries (points × modes) of a work array

# Chebyshev-Lobatto nodes on [0, 1]; the gaps are exactly symmetric, so a stepper meets only
# DEGREE / 2 different ones on a panel.
NODES = (1 - np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)) / 2
GAPS = (np.diff(NODES) + np.diff(NODES)[::-1]) / 2


@dataclass(frozen=True)
class Panel:
    """Fourier coefficients at the Chebyshev times of [start, start + length].

    Args:
        start, length: the panel of time.
        coefficients: (DEGREE + 1, m), of exp(i k θ) for k = 0 .. m - 1.
    """

    start: float
    length: float
    coefficients: Complex[np.ndarray, "p m"]

    def trimmed(self) -> Panel:
        """The panel without modes that are negligible over all of it."""
        size = abs(self.coefficients).max(axis=0)
        keep = int(np.flatnonzero(size > NEGLIGIBLE * size.max()).max(initial=0)) + 1
        return Panel(self.start, self.length, self.coefficients[:, :keep].copy())

    def __call__(
        self, theta: Float[np.ndarray, " n"], t: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        """Values of the real field at angles theta = 2π (x - a) / (b - a) and times t.

        Args:
            theta: angles, (n,).
            t: times within the panel, (n,).
        """
        m = self.coefficients.shape[1]
        size = max(1, BLOCK // m)
        blocks = [slice(i, i + size) for i in range(0, len(t), size)]
        return np.concatenate([self._sum(theta[b], t[b]) for b in blocks])

    def _sum(
        self, theta: Float[np.ndarray, " n"], t: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        c = barycentric((t - self.start) / self.length) @ self.coefficients
        c[:, 1:] *= 2  # the negative wave numbers of a real field
        waves = np.exp(1j * np.outer(theta, np.arange(c.shape[1])))
        return np.einsum("nm,nm->n", c, waves).real


def barycentric(s: Float[np.ndarray, " n"]) -> Float[np.ndarray, "n p"]:
    """Lagrange polynomials of `NODES` at s in [0, 1], (n, DEGREE + 1).

    Source: Berrut and Trefethen (2004), SIAM Review 46, 501, equations 4.2 and 5.4.
    """
    weights = (-1.0) ** np.arange(DEGREE + 1)
    weights[[0, -1]] /= 2
    distance = s[:, None] - NODES
    row, column = np.nonzero(distance == 0)
    distance[row] = np.inf
    distance[row, column] = 1.0
    terms = weights / distance
    return terms / terms.sum(axis=1, keepdims=True)


def panel_lengths(total: float, panels: int, halvings: int) -> Float[np.ndarray, " q"]:
    """Lengths of ``panels`` equal panels, the first one halved towards t = 0 ``halvings`` times."""
    length = total / panels
    graded = [length / 2**j for j in range(1, halvings + 1)]
    graded = [*graded, graded[-1] if graded else length]
    return np.array([*reversed(graded), *[length] * (panels - 1)])
