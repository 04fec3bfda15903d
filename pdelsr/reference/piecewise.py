"""Functions resolved to rounding by Chebyshev series on pieces, and their integrals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.polynomial import chebyshev

from pdelsr.errors import ProblemError
from pdelsr.reference.checks import Function

DEGREE = 32  # of the Chebyshev series on a piece
NODES = chebyshev.chebpts1(DEGREE + 1)
TO_SERIES = chebyshev.chebvander(NODES, DEGREE) * 2 / (DEGREE + 1)
TO_SERIES[:, 0] /= 2
NEGLIGIBLE = 1e-13  # last coefficients of a resolved piece, relative to the largest value
NARROW = 1e-13  # of the interval; a piece of this width holds a jump and is not split
MOST_PIECES = 4096


@dataclass(frozen=True, eq=False)
class Piecewise:
    """A Chebyshev series on each piece between breaks.

    Args:
        breaks: (p + 1,), increasing.
        series: (c, p), coefficients on the pieces.
    """

    breaks: Float[np.ndarray, " q"]
    series: Float[np.ndarray, "c p"]

    def __call__(self, x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Values at points between the first and the last break, (n,)."""
        piece = np.searchsorted(self.breaks[1:-1], x, side="right")
        left, right = self.breaks[piece], self.breaks[piece + 1]
        s = (2 * x - left - right) / (right - left)
        return chebyshev.chebval(s, self.series[:, piece], tensor=False)

    def integral(self) -> Piecewise:
        """The antiderivative that vanishes at the first break."""
        series = chebyshev.chebint(self.series, lbnd=-1) * np.diff(self.breaks) / 2
        series[0, 1:] += np.cumsum(series.sum(axis=0))[:-1]
        return Piecewise(self.breaks, series)


def piecewise(f: Function, name: str, breaks: Float[np.ndarray, " q"]) -> Piecewise:
    """A function resolved to 1e-13, by halving the pieces until their series converge.

    Args:
        f: a function of numpy arrays.
        name: for messages.
        breaks: ends of the interval, and points between them where f is not smooth.

    Raises:
        ProblemError: a value is not finite, or there are too many pieces.
    """
    left, right = breaks[:-1], breaks[1:]
    found, scale = [], 0.0
    while len(left):
        x = (left + right)[:, None] / 2 + np.outer(right - left, NODES) / 2
        values = np.asarray(f(x), dtype=float)
        if values.shape != x.shape or not np.isfinite(values).all():
            raise ProblemError(
                f"{name}: the input function gave values that are not finite, or of shape "
                f"{values.shape} at x of shape {x.shape}; expected a finite value for each x."
            )
        series, scale = values @ TO_SERIES, max(scale, abs(values).max())
        ready = abs(series[:, -3:]).max(axis=1) <= NEGLIGIBLE * scale
        ready |= right - left < NARROW * (breaks[-1] - breaks[0])
        found.append(np.column_stack([left, right, series])[ready])
        middle = ((left + right) / 2)[~ready]
        left, right = np.r_[left[~ready], middle], np.r_[middle, right[~ready]]
        if len(left) > MOST_PIECES:
            raise ProblemError(
                f"{name}: {MOST_PIECES} pieces do not resolve the input function to 1e-13. If it "
                f"is smooth between points, expose these as its attribute `knots`."
            )
    table = np.concatenate(found)
    table = table[np.argsort(table[:, 0])]
    series = table[:, 2:].T
    used = np.flatnonzero(abs(series).max(axis=1) > NEGLIGIBLE / 100 * scale).max(initial=0)
    return Piecewise(np.r_[table[:, 0], breaks[-1]], series[: used + 1])


def unit_breaks(a: Function) -> Float[np.ndarray, " q"]:
    """0, 1, and between them the `nodes` or `knots` of an input function, if it has some."""
    knots = np.asarray(getattr(a, "nodes", getattr(a, "knots", ())), dtype=float)
    return np.r_[0.0, knots[(knots > 1e-12) & (knots < 1 - 1e-12)], 1.0]
