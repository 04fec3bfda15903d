"""Refuse gridded data as a reference if they do not cover the domain."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from pdelsr.declare.domains.probes import probes
from pdelsr.declare.system import System
from pdelsr.errors import ProblemError
from pdelsr.reference import Gridded

INSIDE, ON_PART = 1024, 16  # points
SLACK = 1e-12  # of a bound, by which points may lie beyond the grid


def grids(reference: Any) -> list[Gridded]:
    """The gridded data in a reference, for one or several unknowns."""
    return [given for given in _given(reference) if isinstance(given, Gridded)]


def require_covering_grids(reference: Any, system: System) -> None:
    """Refuse gridded data with other axes than the coordinates, or on a part of the domain.

    Raises:
        ProblemError: the message names the coordinate, the end of the grid, and that of the domain.
    """
    found = grids(reference)
    points = _points(system) if found else np.empty((0, len(system.coordinates)))
    for grid in found:
        names = ", ".join(map(str, system.coordinates))
        if len(grid.axes) != len(system.coordinates):
            raise ProblemError(
                f"reference: the gridded data have {len(grid.axes)} axes, and the problem has the "
                f"coordinates {names}; give one axis for each, in this order."
            )
        for coordinate, axis, column in zip(system.coordinates, grid.axes, points.T, strict=True):
            _require_within(str(coordinate), axis, column)


def _require_within(
    name: str, axis: Float[np.ndarray, " a"], column: Float[np.ndarray, " n"]
) -> None:
    low, high = float(axis[0]), float(axis[-1])
    slack = SLACK * max(1.0, abs(low), abs(high))
    beyond = np.maximum(low - column, column - high)
    if beyond.max() > slack:
        raise ProblemError(
            f"reference: the gridded data reach over {low:g} <= {name} <= {high:g}, and the domain "
            f"to {name} = {column[beyond.argmax()]:.6g}: no error can be found where they end. "
            "Give data that cover the domain, make it smaller, or leave the reference out."
        )


def _given(reference: Any) -> Iterator[Any]:
    if isinstance(reference, Mapping):
        yield from reference.values()
    elif isinstance(reference, list | tuple):
        yield from reference
    else:
        yield reference


def _points(system: System) -> Float[np.ndarray, "n d"]:
    """Points inside and on all parts: the box around a combined domain may be larger than it."""
    inside = system.domain.from_unit(probes(INSIDE, system.domain.unit_dim))
    placed = [part.place(probes(ON_PART, part.unit_dim)) for part in system.domain.parts]
    return np.vstack([inside, *(p.points[p.kept] for p in placed)])
