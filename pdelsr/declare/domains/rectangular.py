"""The common base of Interval and Box: bounds of each coordinate, and flat faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp
from jaxtyping import Bool, Float

from pdelsr.declare.domains.base import Domain
from pdelsr.declare.domains.bound_texts import bound_texts, range_text
from pdelsr.declare.domains.checks import quoted
from pdelsr.declare.domains.exact_number import exact_number
from pdelsr.declare.domains.part import Part, Placement
from pdelsr.errors import ProblemError


class Rectangular(Domain):
    """A product of intervals, one per coordinate.

    Attributes:
        name: Prefix of the names of the faces, or None.
    """

    name: str | None

    @property
    def title(self) -> str:
        ranges = zip(self.coordinates, self.bounding_box, strict=True)
        text = ", ".join(f"{symbol} in {range_text(low, high)}" for symbol, (low, high) in ranges)
        return f"{type(self).__name__} {text}"

    @property
    def measure(self) -> float:
        return float(np.prod(np.diff(self.bounding_box, axis=1)))

    @property
    def parts(self) -> tuple[Part, ...]:
        return tuple(self._face(axis, end) for axis in range(self.dim) for end in (0, 1))

    def contains(
        self, points: Float[np.ndarray, "n d"], tolerance: float = 0.0
    ) -> Bool[np.ndarray, " n"]:
        low, high = self.bounding_box.T
        return ((points >= low - tolerance) & (points <= high + tolerance)).all(axis=1)

    def place(self, unit: Float[np.ndarray, "n d"]) -> Placement:
        low, high = self.bounding_box.T
        return Placement(low + (high - low) * unit, np.ones(len(unit), dtype=bool))

    def bounds(self, coordinate: sp.Symbol) -> tuple[float, float]:
        low, high = self.bounding_box[self.require_coordinate(coordinate)]
        return float(low), float(high)

    def faces(self, coordinate: sp.Symbol) -> tuple[Part, Part]:
        axis = self.require_coordinate(coordinate)
        return self._face(axis, 0), self._face(axis, 1)

    def distance_factor(self, parts: Sequence[Part]) -> sp.Expr:
        strangers = [part.name for part in parts if part not in self.parts]
        if strangers or not parts:
            raise ProblemError(
                f"a distance factor needs whole faces of {self.title}, got {quoted(strangers)}; "
                "use the soft form of the condition (hard=False)"
            )
        factor: sp.Expr = sp.Integer(1)
        for symbol in self.coordinates:
            low, high = map(exact_number, self.bounds(symbol))
            ends = [face in parts for face in self.faces(symbol)]
            factor *= (symbol - low) / (high - low) if ends[0] else 1
            factor *= (high - symbol) / (high - low) if ends[1] else 1
            factor *= 4 if all(ends) else 1  # the parabola then reaches one in the middle
        return factor

    def _face(self, axis: int, end: int) -> Part:
        """The face at the lower (0) or upper (1) end of an axis."""
        prefix = "" if self.name is None else f"{self.name} "
        value = bound_texts(*self.bounding_box[axis])[end]
        return Face(f"{prefix}{self.coordinates[axis]}={value}", self, axis, end)


@dataclass(frozen=True, repr=False)
class Face(Part):
    """A flat face of an interval or a box.

    Attributes:
        box: The shape that the face bounds.
        axis: Column of the coordinate that is constant on the face.
        end: 0 for its lower bound, 1 for its upper bound.
    """

    box: Rectangular
    axis: int
    end: int

    @property
    def unit_dim(self) -> int:
        return self.box.dim - 1

    @property
    def measure(self) -> float:
        return float(np.prod(np.delete(np.diff(self.box.bounding_box, axis=1), self.axis)))

    @property
    def bounding_box(self) -> Float[np.ndarray, "d 2"]:
        bounds = self.box.bounding_box
        bounds[self.axis] = bounds[self.axis, self.end]
        return bounds

    def place(self, unit: Float[np.ndarray, "n k"]) -> Placement:
        return self.box.place(np.insert(unit, self.axis, float(self.end), axis=1))

    def normals(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        normals = np.zeros_like(points)
        normals[:, self.axis] = 2 * self.end - 1
        return normals

    def contains(
        self, points: Float[np.ndarray, "n d"], tolerance: float = 0.0
    ) -> Bool[np.ndarray, " n"]:
        value = self.box.bounding_box[self.axis, self.end]
        on_face = np.abs(points[:, self.axis] - value) <= tolerance
        return on_face & self.box.contains(points, tolerance)
