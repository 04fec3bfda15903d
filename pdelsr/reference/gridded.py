"""Gridded data (axes and values) as a reference, by tensor-product spline interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy
from jaxtyping import Float
from numpy.typing import ArrayLike

from pdelsr.errors import ProblemError
from pdelsr.reference.checks import require_points, require_within


@dataclass(frozen=True, eq=False)
class Gridded:
    """The spline through values on a grid, of degree 5 on each axis with enough points.

    Degree 5 (or 3, or 1) on an axis of at least 6 (or 4, or 2) points, knots by not-a-knot. The
    axes are fitted one after the other, directly and exactly; scipy's RegularGridInterpolator gives
    the same spline from an iterative solve that stops at 1e-6.

    Args:
        axes: one increasing array per coordinate.
        values: (n_1, ..., n_d) or (n_1, ..., n_d, k), in the order of the axes.
    """

    axes: tuple[np.ndarray, ...]
    values: Float[np.ndarray, "..."]

    def __post_init__(self) -> None:
        require_axes(self.axes)
        require_values(self.values, tuple(len(axis) for axis in self.axes))

    def __call__(self, points: ArrayLike) -> Float[np.ndarray, "n ..."]:
        """Interpolated values.

        Args:
            points: (n, d), columns in the order of the axes.

        Returns:
            (n,), or (n, k) if the values have a last axis of k fields.

        Raises:
            ProblemError: wrong shape, coordinates that are not finite or outside of the grid.
        """
        rows = require_points(points, "gridded", len(self.axes))
        columns = [
            require_within(column, axis[0], axis[-1], "gridded", f"coordinate {i + 1}")
            for i, (column, axis) in enumerate(zip(rows.T, self.axes, strict=True))
        ]
        return self._spline(np.column_stack(columns))

    @cached_property
    def _spline(self) -> scipy.interpolate.NdBSpline:
        knots, degrees, c = [], [], self.values
        for i, axis in enumerate(self.axes):
            degree = 5 if len(axis) >= 6 else 3 if len(axis) >= 4 else 1
            fit = scipy.interpolate.make_interp_spline(axis, np.moveaxis(c, i, 0), k=degree)
            c = np.moveaxis(fit.c, 0, i)
            knots.append(fit.t)
            degrees.append(degree)
        return scipy.interpolate.NdBSpline(tuple(knots), c, tuple(degrees))


def gridded(axes: Sequence[ArrayLike], values: ArrayLike) -> Gridded:
    """Gridded data as a reference.

    Note that the interpolation error is of sixth order in the spacing at best: the grid of the data
    limits the digits.

    Args:
        axes: one strictly increasing array per coordinate, such as (x_axis, t_axis).
        values: (n_x, n_t), or (n_x, n_t, k) for k fields; any number of axes.

    Returns:
        A callable of points (n, d) giving (n,) or (n, k).

    Raises:
        ProblemError: axes do not increase, values have another shape, or there are NaN or inf.
    """
    arrays = tuple(np.asarray(axis, dtype=float) for axis in axes)
    return Gridded(arrays, np.asarray(values, dtype=float))


def require_axes(axes: tuple[np.ndarray, ...]) -> None:
    """Refuse axes that are not one-dimensional, increasing, finite arrays of length two or more."""
    for i, axis in enumerate(axes, start=1):
        if axis.ndim != 1 or len(axis) < 2:
            raise ProblemError(
                f"gridded: axis {i} has shape {axis.shape}; expected one dimension and at least "
                f"two points. For an axis X, T from meshgrid pass its one-dimensional parts."
            )
        if not np.isfinite(axis).all() or not (np.diff(axis) > 0).all():
            raise ProblemError(
                f"gridded: axis {i} does not increase strictly; sort it, and the values with it."
            )


def require_values(values: np.ndarray, shape: tuple[int, ...]) -> None:
    """Refuse values whose shape does not fit the grid, or that are not finite."""
    if values.shape[: len(shape)] != shape or values.ndim > len(shape) + 1:
        hint = " Transpose them?" if values.shape == shape[::-1] else ""
        raise ProblemError(
            f"gridded: the values have shape {values.shape}; expected {shape} as the axes have, "
            f"or that and a last axis of fields.{hint}"
        )
    if not np.isfinite(values).all():
        index = tuple(int(i[0]) for i in np.nonzero(~np.isfinite(values)))
        raise ProblemError(f"gridded: the value at index {index} is {values[index]}.")
