"""Chebyshev polynomials of one or several coordinates: nodes, series, sums, slopes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from jaxtyping import Float

BLOCK = 2**22  # numbers of a work array


def chebyshev_nodes(low: int | float, high: int | float, count: int) -> Float[np.ndarray, " p"]:
    """Chebyshev nodes of the second kind, from low to high, (count,)."""
    centred = np.sin(np.pi * np.arange(1 - count, count, 2) / (2 * (count - 1)))
    return (low + high) / 2 + (high - low) / 2 * centred


def chebyshev_series(values: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
    """Coefficients of products of Chebyshev polynomials from values at `chebyshev_nodes`.

    Args:
        values: an axis for each coordinate.
    """
    found = values
    for axis, size in enumerate(values.shape):
        found = np.asarray(scipy.fft.dct(np.flip(found, axis), type=1, axis=axis)) / (size - 1)
        np.moveaxis(found, axis, 0)[[0, -1]] /= 2
    return found


def chebyshev_sums(
    series: Float[np.ndarray, "..."],
    box: Sequence[tuple[float, float]],
    x: Sequence[Float[np.ndarray, " n"]],
) -> Float[np.ndarray, " n"]:
    """Values of a series at points, in blocks of bounded memory.

    Args:
        series: an axis for each coordinate.
        box: (low, high) of every coordinate.
        x: points in the box, an array for each coordinate.
    """
    found = np.empty(len(x[0]))
    step = max(1, BLOCK // series.size)
    for start in range(0, len(found), step):
        part = slice(start, start + step)
        pairs = enumerate(zip(x, box, strict=True))
        first, *others = (_waves(c[part], ends, series.shape[axis]) for axis, (c, ends) in pairs)
        sums = np.tensordot(first, series, axes=1)
        for waves in others:
            sums = np.einsum("np,np...->n...", waves, sums)
        found[part] = sums
    return found


def _waves(
    x: Float[np.ndarray, " n"], ends: tuple[float, float], count: int
) -> Float[np.ndarray, "n p"]:
    """The Chebyshev polynomials along a coordinate."""
    low, high = ends
    return np.polynomial.chebyshev.chebvander((2 * x - low - high) / (high - low), count - 1)


def differentiation(low: float, high: float, count: int) -> Float[np.ndarray, "p p"]:
    """The matrix from values at `chebyshev_nodes` to the slopes of their polynomial there.

    Source: Trefethen (2000), Spectral Methods in MATLAB, chapter 6.
    """
    x = chebyshev_nodes(low, high, count)
    signs = (-1.0) ** np.arange(count)
    signs[[0, -1]] *= 2
    distance = x[:, None] - x + np.eye(count)
    D = signs[:, None] / signs / distance
    D -= np.diag(D.sum(axis=1))
    return D
