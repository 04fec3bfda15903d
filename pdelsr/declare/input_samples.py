"""Input functions: interpolants, series, splines, and user functions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from jaxtyping import Float

from pdelsr.errors import ProblemError
from pdelsr.reference.chebyshev import chebyshev_series, chebyshev_sums

SLACK = 1e-12  # of the interval's length, by which points may lie outside


class InputSample(ABC):
    """An input function: arrays of any shape in, one a coordinate, values of that shape out."""

    def __call__(self, *x: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Values at points, given by an array for each coordinate.

        Raises:
            ProblemError: a point lies outside of where the function is known.
        """
        points = np.broadcast_arrays(*(np.asarray(axis, dtype=float) for axis in x))
        return self._values(*(axis.ravel() for axis in points)).reshape(points[0].shape)

    @abstractmethod
    def _values(self, *x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Values at points, (n,)."""


class OfOneCoordinate(InputSample):
    """An input function a(x) of one coordinate."""

    def _values(self, *x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        if len(x) != 1:
            raise ProblemError(
                f"an input function of one coordinate was called with {len(x)}: give its sampler "
                "an interval for each coordinate."
            )
        return self._along(x[0])

    @abstractmethod
    def _along(self, x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Values at x, (n,)."""


@dataclass(frozen=True, eq=False)
class ChebyshevInterpolant(OfOneCoordinate):
    """The polynomial through values at `chebyshev_nodes`.

    Args:
        interval: (low, high).
        values: (p,), at the nodes from low to high.
    """

    interval: tuple[float, float]
    values: Float[np.ndarray, " p"]

    def _along(self, x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        low, high = self.interval
        x = require_inside(x, self.interval)
        return np.polynomial.chebyshev.chebval((2 * x - low - high) / (high - low), self.series)

    @cached_property
    def series(self) -> Float[np.ndarray, " p"]:
        """Coefficients of the Chebyshev polynomials on the interval, (p,)."""
        series = np.asarray(scipy.fft.dct(self.values[::-1], type=1)) / (len(self.values) - 1)
        series[[0, -1]] /= 2
        return series


@dataclass(frozen=True, eq=False)
class ChebyshevField(InputSample):
    """The polynomial of several coordinates through values at products of `chebyshev_nodes`.

    Args:
        box: (low, high) of every coordinate.
        values: at the nodes, an axis for each coordinate.
    """

    box: tuple[tuple[float, float], ...]
    values: Float[np.ndarray, "..."]

    def _values(self, *x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        if len(x) != len(self.box):
            raise ProblemError(
                f"an input function of {len(self.box)} coordinates was called with {len(x)}: give "
                "its sampler an interval for each coordinate, and no more."
            )
        pairs = zip(x, self.box, strict=True)
        inside = [require_inside(axis, interval) for axis, interval in pairs]
        return chebyshev_sums(self.series, self.box, inside)

    @cached_property
    def series(self) -> Float[np.ndarray, "..."]:
        """Coefficients of the products of Chebyshev polynomials."""
        return chebyshev_series(self.values)


@dataclass(frozen=True, eq=False)
class PiecewiseLinear(OfOneCoordinate):
    """Linear between its nodes.

    Args:
        nodes: (p,), increasing.
        values: (p,), at the nodes.
    """

    nodes: Float[np.ndarray, " p"]
    values: Float[np.ndarray, " p"]

    def _along(self, x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        x = require_inside(x, (float(self.nodes[0]), float(self.nodes[-1])))
        return np.interp(x, self.nodes, self.values)


@dataclass(frozen=True, eq=False)
class FourierSeries(OfOneCoordinate):
    """The periodic function Σ_k c_k cos(2πk (x - low) / L) + s_k sin(2πk (x - low) / L).

    Args:
        interval: the period (low, high), L = high - low.
        cosine, sine: c_k and s_k for k = 1, 2, ..., (m,).
    """

    interval: tuple[float, float]
    cosine: Float[np.ndarray, " m"]
    sine: Float[np.ndarray, " m"]

    def _along(self, x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        low, high = self.interval
        wave = np.exp(2j * np.pi * (x - low) / (high - low))
        series = np.concatenate([[0], self.cosine - 1j * self.sine])
        return np.polynomial.polynomial.polyval(wave, series).real


@dataclass(frozen=True, eq=False)
class Spline(OfOneCoordinate):
    """The cubic spline through values at sensors, with not-a-knot ends.

    Args:
        knots: sensors, (s,), increasing.
        values: (s,), at the sensors.
    """

    knots: Float[np.ndarray, " s"]
    values: Float[np.ndarray, " s"]

    def _along(self, x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        return self.spline(require_inside(x, (float(self.knots[0]), float(self.knots[-1]))))

    @cached_property
    def spline(self) -> scipy.interpolate.CubicSpline:
        return scipy.interpolate.CubicSpline(self.knots, self.values)


@dataclass(frozen=True, eq=False)
class Given(InputSample):
    """A function written by the user.

    Args:
        function: of numpy arrays; to work in other processes it must be picklable.
    """

    function: Callable[..., np.ndarray]

    def _values(self, *x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        values = np.asarray(self.function(*x), dtype=float)
        if values.shape != np.shape(x[0]):
            raise ProblemError(
                f"Drawn: a function gave values of shape {values.shape} at x of shape "
                f"{np.shape(x[0])}; expected one value for each x."
            )
        return values


def require_inside(
    x: Float[np.ndarray, " n"], interval: tuple[float, float]
) -> Float[np.ndarray, " n"]:
    """x clipped to the interval; refused if it lies outside by more than rounding."""
    low, high = interval
    slack = SLACK * (high - low)
    outside = ~((x >= low - slack) & (x <= high + slack))
    if outside.any():
        raise ProblemError(
            f"an input function was evaluated at x = {x[outside][0]:g}; it is known for "
            f"{low:g} <= x <= {high:g}. Give its sampler a larger interval."
        )
    return np.clip(x, low, high)
