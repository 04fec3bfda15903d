"""Input functions of one variable: interpolants, series, splines, and user functions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from jaxtyping import Float

from pdelsr.errors import ProblemError

SLACK = 1e-12  # of the interval's length, by which points may lie outside


class InputSample(ABC):
    """An input function a(x): numpy arrays of any shape in, values of the same shape out."""

    def __call__(self, x: Float[np.ndarray, "*s"]) -> Float[np.ndarray, "*s"]:
        """Values at x.

        Raises:
            ProblemError: x lies outside of the interval on which the function is known.
        """
        points = np.asarray(x, dtype=float)
        return self._values(points.ravel()).reshape(points.shape)

    @abstractmethod
    def _values(self, x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """Values at x, (n,)."""


@dataclass(frozen=True, eq=False)
class ChebyshevInterpolant(InputSample):
    """The polynomial through values at `chebyshev_nodes`.

    Args:
        interval: (low, high).
        values: (p,), at the nodes from low to high.
    """

    interval: tuple[float, float]
    values: Float[np.ndarray, " p"]

    def _values(self, x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
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
class PiecewiseLinear(InputSample):
    """Linear between its nodes.

    Args:
        nodes: (p,), increasing.
        values: (p,), at the nodes.
    """

    nodes: Float[np.ndarray, " p"]
    values: Float[np.ndarray, " p"]

    def _values(self, x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        x = require_inside(x, (float(self.nodes[0]), float(self.nodes[-1])))
        return np.interp(x, self.nodes, self.values)


@dataclass(frozen=True, eq=False)
class FourierSeries(InputSample):
    """The periodic function Σ_k c_k cos(2πk (x - low) / L) + s_k sin(2πk (x - low) / L).

    Args:
        interval: the period (low, high), L = high - low.
        cosine, sine: c_k and s_k for k = 1, 2, ..., (m,).
    """

    interval: tuple[float, float]
    cosine: Float[np.ndarray, " m"]
    sine: Float[np.ndarray, " m"]

    def _values(self, x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        low, high = self.interval
        wave = np.exp(2j * np.pi * (x - low) / (high - low))
        series = np.concatenate([[0], self.cosine - 1j * self.sine])
        return np.polynomial.polynomial.polyval(wave, series).real


@dataclass(frozen=True, eq=False)
class Spline(InputSample):
    """The cubic spline through values at sensors, with not-a-knot ends.

    Args:
        knots: sensors, (s,), increasing.
        values: (s,), at the sensors.
    """

    knots: Float[np.ndarray, " s"]
    values: Float[np.ndarray, " s"]

    def _values(self, x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
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

    function: Callable[[np.ndarray], np.ndarray]

    def _values(self, x: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        values = np.asarray(self.function(x), dtype=float)
        if values.shape != np.shape(x):
            raise ProblemError(
                f"Drawn: a function gave values of shape {values.shape} at x of shape "
                f"{np.shape(x)}; expected one value for each x."
            )
        return values


def chebyshev_nodes(low: int | float, high: int | float, count: int) -> Float[np.ndarray, " p"]:
    """Chebyshev nodes of the second kind, from low to high, (count,)."""
    centred = np.sin(np.pi * np.arange(1 - count, count, 2) / (2 * (count - 1)))
    return (low + high) / 2 + (high - low) / 2 * centred


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
