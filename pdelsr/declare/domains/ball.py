"""Disks and balls, and the sphere that bounds them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import scipy
import sympy as sp
from jaxtyping import Bool, Float

from pdelsr.declare.domains.base import Domain
from pdelsr.declare.domains.checks import (
    require_name,
    require_number,
    require_size,
    require_symbols,
    require_vector,
)
from pdelsr.declare.domains.exact_number import exact_number
from pdelsr.declare.domains.given import Coordinates, Number, Vector
from pdelsr.declare.domains.part import Part, Placement
from pdelsr.errors import ProblemError

_REJECT_UP_TO = 3  # dimensions; in more, a ball fills less than half of its box


class Round(Domain):
    """The points within `radius` of `center`.

    Attributes:
        center: Centre, d numbers.
        radius: Radius.
        name: Name of the boundary part, or None for the default.
    """

    boundary_name: ClassVar[str]
    center: Vector | None
    radius: Number
    name: str | None

    @property
    def title(self) -> str:
        center = ", ".join(f"{value:g}" for value in self._center)
        kind, symbols = type(self).__name__, ", ".join(map(str, self.coordinates))
        return f"{kind} in {symbols}, center ({center}), radius {self._radius:g}"

    @property
    def bounding_box(self) -> Float[np.ndarray, "d 2"]:
        return np.stack([self._center - self._radius, self._center + self._radius], axis=1)

    @property
    def measure(self) -> float:
        d = self.dim
        return math.pi ** (d / 2) / math.gamma(d / 2 + 1) * self._radius**d

    @property
    def parts(self) -> tuple[Part, ...]:
        return (Sphere(self.name or self.boundary_name, self),)

    def contains(
        self, points: Float[np.ndarray, "n d"], tolerance: float = 0.0
    ) -> Bool[np.ndarray, " n"]:
        return np.linalg.norm(points - self._center, axis=1) <= self._radius + tolerance

    def place(self, unit: Float[np.ndarray, "n d"]) -> Placement:
        if self.dim <= _REJECT_UP_TO:
            return super().place(unit)
        radii = self._radius * unit[:, -1:] ** (1 / self.dim)
        points = self._center + radii * directions(unit[:, :-1])
        return Placement(points, np.ones(len(unit), dtype=bool))

    def distance_factor(self, parts: Sequence[Part]) -> sp.Expr:
        if tuple(parts) != self.parts:
            raise ProblemError(
                f"a distance factor of {self.title} needs its whole boundary "
                f"'{self.parts[0].name}'; use the soft form of the condition (hard=False)"
            )
        offsets = zip(self.coordinates, self._center, strict=True)
        square = sum((x - exact_number(c)) ** 2 for x, c in offsets)
        return 1 - square / exact_number(self._radius) ** 2  # pyright: ignore

    @property
    def _center(self) -> Float[np.ndarray, " d"]:
        return np.array(self.center, dtype=float)

    @property
    def _radius(self) -> float:
        return float(self.radius)

    def _check(self) -> None:
        """Check and convert the fields of the concrete class, once."""
        owner = type(self).__name__
        coordinates = require_symbols(self.coordinates, owner)
        require_name(self.name, owner)
        given = (0.0,) * len(coordinates) if self.center is None else self.center
        radius = require_number(self.radius, f"radius of {owner}")
        if radius <= 0:
            raise ProblemError(f"radius of {owner}: got {radius:g}, expected a positive number")
        object.__setattr__(self, "coordinates", coordinates)
        object.__setattr__(
            self, "center", require_vector(given, len(coordinates), f"center of {owner}")
        )
        object.__setattr__(self, "radius", radius)
        require_size(self.bounding_box, owner)


@dataclass(frozen=True, repr=False)
class Disk(Round):
    """The disk |(x, y) - center| <= radius, bounded by the part "circle".

    Args:
        coordinates: Symbols of the two coordinates.
        center: Centre, two numbers or sympy constants.
        radius: Radius, positive.
        name: Name of the boundary part instead of "circle".

    Raises:
        ProblemError: There are not two coordinates, or the radius is not positive.
    """

    coordinates: Coordinates
    center: Vector | None = (0.0, 0.0)
    radius: Number = 1.0
    name: str | None = None
    boundary_name = "circle"

    def __post_init__(self) -> None:
        self._check()
        if self.dim != 2:
            raise ProblemError(f"Disk: got {self.dim} coordinates, expected two; use Ball")


@dataclass(frozen=True, repr=False)
class Ball(Round):
    """The ball |x - center| <= radius in two or more dimensions, bounded by "sphere".

    Args:
        coordinates: Symbols of the d coordinates.
        center: Centre, d numbers or sympy constants; the origin if None.
        radius: Radius, positive.
        name: Name of the boundary part instead of "sphere".

    Raises:
        ProblemError: There is a single coordinate, or the radius is not positive.
    """

    coordinates: Coordinates
    center: Vector | None = None
    radius: Number = 1.0
    name: str | None = None
    boundary_name = "sphere"

    def __post_init__(self) -> None:
        self._check()
        if self.dim < 2:
            raise ProblemError("Ball: got one coordinate, expected two or more; use Interval")


@dataclass(frozen=True, repr=False)
class Sphere(Part):
    """The boundary of a disk or a ball.

    Attributes:
        ball: The shape that the sphere bounds.
    """

    ball: Round

    @property
    def unit_dim(self) -> int:
        return self.ball.dim - 1

    @property
    def measure(self) -> float:
        return self.ball.dim * self.ball.measure / self.ball._radius

    @property
    def bounding_box(self) -> Float[np.ndarray, "d 2"]:
        return self.ball.bounding_box

    def place(self, unit: Float[np.ndarray, "n k"]) -> Placement:
        points = self.ball._center + self.ball._radius * directions(unit)
        return Placement(points, np.ones(len(unit), dtype=bool))

    def normals(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        offsets = points - self.ball._center
        return offsets / np.linalg.norm(offsets, axis=1, keepdims=True)

    def contains(
        self, points: Float[np.ndarray, "n d"], tolerance: float = 0.0
    ) -> Bool[np.ndarray, " n"]:
        distance = np.linalg.norm(points - self.ball._center, axis=1)
        return np.abs(distance - self.ball._radius) <= tolerance


def directions(unit: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n d"]:
    """Map the unit cube of dimension d - 1 to unit vectors of R^d, uniformly.

    A coordinate of a uniform unit vector of R^j is 2 B - 1 with B ~ Beta((j-1)/2, (j-1)/2); the
    others form a shorter vector of R^(j-1). The last two coordinates come from one angle.

    Args:
        unit: Points of the unit cube, (n, d - 1), d >= 2.

    Returns:
        Unit vectors, (n, d).
    """
    n, d = len(unit), unit.shape[1] + 1
    vectors = np.empty((n, d))
    left = np.ones(n)
    for column, j in enumerate(range(d, 2, -1)):
        half = (j - 1) / 2
        cosine = 2 * scipy.special.betaincinv(half, half, unit[:, column]) - 1
        vectors[:, d - 1 - column] = left * cosine
        left = left * np.sqrt(1 - cosine**2)
    angle = 2 * np.pi * unit[:, -1]
    vectors[:, 0], vectors[:, 1] = left * np.cos(angle), left * np.sin(angle)
    return vectors
