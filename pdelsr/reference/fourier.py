"""Fourier series of a real periodic field: grid, transform, derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from jaxtyping import Complex, Float


@dataclass(frozen=True)
class Fourier:
    """Wave numbers 0 .. modes - 1 on x in [a, b), with 3 × modes grid points.

    The grid is half as fine again as the modes need (the 2/3 rule), so that products of two
    fields do not alias into them.

    Args:
        x: the period (a, b).
        modes: wave numbers kept; the negative ones are their conjugates.
    """

    x: tuple[float, float]
    modes: int

    @cached_property
    def grid(self) -> Float[np.ndarray, " g"]:
        """The grid points, (3 × modes,)."""
        return np.linspace(*self.x, 3 * self.modes, endpoint=False)

    def transform(self, values: Float[np.ndarray, "*n g"]) -> Complex[np.ndarray, "*n m"]:
        """Coefficients of exp(2πi k (x - a) / (b - a)) from values on the grid."""
        return np.asarray(scipy.fft.rfft(values, norm="forward"))[..., : self.modes]

    def values(self, v: Complex[np.ndarray, "*n m"]) -> Float[np.ndarray, "*n g"]:
        """Values on the grid from coefficients."""
        return np.asarray(scipy.fft.irfft(v, 3 * self.modes, norm="forward"))

    def derivative(self, order: int) -> Complex[np.ndarray, " m"]:
        """The factors of the coefficients under ∂_x^order."""
        a, b = self.x
        return (2j * np.pi / (b - a) * np.arange(self.modes)) ** order
