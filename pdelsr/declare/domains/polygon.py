"""A simple polygon in the plane."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from pdelsr.declare.domains.base import Domain
from pdelsr.declare.domains.checks import (
    require_name,
    require_size,
    require_symbols,
    require_vector,
)
from pdelsr.declare.domains.given import Coordinates, Vertices
from pdelsr.declare.domains.part import Part, Placement
from pdelsr.errors import ProblemError


@dataclass(frozen=True, repr=False)
class Polygon(Domain):
    """The inside of a closed line without self-intersections.

    The vertices are stored counter-clockwise from the first one; "edge 0" runs from the first to
    the second.

    Args:
        coordinates: Symbols of the two coordinates.
        vertices: At least three pairs of numbers or sympy constants, in either orientation;
            the first need not be repeated at the end.
        name: Prefix of the names of the edges.

    Raises:
        ProblemError: There are fewer than three vertices, two neighbours coincide, the line
            crosses itself, or the area is zero.
    """

    coordinates: Coordinates
    vertices: Vertices
    name: str | None = None

    def __post_init__(self) -> None:
        coordinates = require_symbols(self.coordinates, "Polygon")
        require_name(self.name, "Polygon")
        if len(coordinates) != 2:
            raise ProblemError(f"Polygon: got {len(coordinates)} coordinates, expected two")
        if isinstance(self.vertices, str) or not isinstance(self.vertices, Iterable):
            raise ProblemError(f"Polygon: got {self.vertices!r:.60}, expected pairs of numbers")
        pairs = [
            require_vector(pair, 2, f"vertex {k} of Polygon")
            for k, pair in enumerate(self.vertices)
        ]
        object.__setattr__(self, "coordinates", coordinates)
        object.__setattr__(self, "vertices", counter_clockwise(pairs))
        require_size(self.bounding_box, "Polygon")

    @property
    def title(self) -> str:
        x, y = self.coordinates
        return f"Polygon in {x}, {y} with {len(self.vertices)} vertices"

    @property
    def bounding_box(self) -> Float[np.ndarray, "d 2"]:
        corners = self._corners
        return np.stack([corners.min(axis=0), corners.max(axis=0)], axis=1)

    @property
    def measure(self) -> float:
        return float(self._shape.area)

    @cached_property
    def parts(self) -> tuple[Part, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]  # cached
        prefix = "" if self.name is None else f"{self.name} "
        return tuple(Edge(f"{prefix}edge {k}", self, k) for k in range(len(self.vertices)))

    def contains(
        self, points: Float[np.ndarray, "n d"], tolerance: float = 0.0
    ) -> Bool[np.ndarray, " n"]:
        import shapely

        inside = np.asarray(shapely.intersects_xy(self._shape, points))
        if tolerance == 0:
            return inside
        distance = shapely.distance(self._shape.exterior, shapely.points(points))
        if tolerance > 0:
            return inside | (distance <= tolerance)
        return inside & (distance >= -tolerance)

    @cached_property
    def _corners(self) -> Float[np.ndarray, "m 2"]:
        corners = np.array(self.vertices, dtype=float)
        corners.flags.writeable = False
        return corners

    @cached_property
    def _shape(self) -> Any:
        """The same as a `shapely.Polygon`."""
        import shapely

        shape = shapely.Polygon(self._corners)
        shapely.prepare(shape)
        return shape


@dataclass(frozen=True, repr=False)
class Edge(Part):
    """One straight edge of a polygon.

    Attributes:
        polygon: The shape that the edge bounds.
        index: Number of its first vertex, counter-clockwise.
    """

    polygon: Polygon
    index: int

    @property
    def unit_dim(self) -> int:
        return 1

    @property
    def measure(self) -> float:
        start, end = self._ends
        return float(np.linalg.norm(end - start))

    @property
    def bounding_box(self) -> Float[np.ndarray, "d 2"]:
        ends = np.stack(self._ends, axis=1)
        return np.stack([ends.min(axis=1), ends.max(axis=1)], axis=1)

    def place(self, unit: Float[np.ndarray, "n k"]) -> Placement:
        start, end = self._ends
        return Placement(start + (end - start) * unit, np.ones(len(unit), dtype=bool))

    def normals(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        start, end = self._ends
        dx, dy = (end - start) / self.measure
        return np.tile(np.array([dy, -dx]), (len(points), 1))

    def contains(
        self, points: Float[np.ndarray, "n d"], tolerance: float = 0.0
    ) -> Bool[np.ndarray, " n"]:
        start, end = self._ends
        along = (points - start) @ (end - start) / self.measure**2
        nearest = start + np.clip(along, 0, 1)[:, None] * (end - start)
        return np.linalg.norm(points - nearest, axis=1) <= tolerance

    @property
    def _ends(self) -> tuple[Float[np.ndarray, " 2"], Float[np.ndarray, " 2"]]:
        corners = self.polygon._corners
        return corners[self.index], corners[(self.index + 1) % len(corners)]


def counter_clockwise(pairs: list[tuple[float, ...]]) -> tuple[tuple[float, ...], ...]:
    """The vertices of a simple polygon, counter-clockwise from the first one.

    Raises:
        ProblemError: The vertices do not bound a simple polygon.
    """
    import shapely
    from shapely.validation import explain_validity

    if len(pairs) > 1 and pairs[0] == pairs[-1]:
        pairs = pairs[:-1]
    if len(pairs) < 3:
        raise ProblemError(f"Polygon: got {len(pairs)} vertices, expected at least three")
    for k, pair in enumerate(pairs):
        if pair == pairs[k - 1]:
            raise ProblemError(f"Polygon: vertex {k} repeats the one before it; leave it out")
    shape = shapely.Polygon(pairs)
    if np.linalg.matrix_rank(np.array(pairs) - pairs[0]) < 2:
        raise ProblemError("Polygon: all vertices lie on one line, so that the area is zero")
    if not shape.is_valid:
        raise ProblemError(
            f"Polygon: the line through the vertices crosses or touches itself "
            f"({explain_validity(shape)}); list the vertices in the order along the boundary"
        )
    if not shape.exterior.is_ccw:
        pairs = [pairs[0], *pairs[:0:-1]]
    return tuple(pairs)
