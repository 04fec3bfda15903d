"""Products of domains: space times time, and boxes of intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp
from jaxtyping import Bool, Float

from pdelsr.declare.domains.base import OPERATIONS, Domain
from pdelsr.declare.domains.bound_texts import bound_texts
from pdelsr.declare.domains.box import Box
from pdelsr.declare.domains.checks import listed
from pdelsr.declare.domains.contract import require_contract
from pdelsr.declare.domains.part import Kind, Part, Placement
from pdelsr.declare.domains.rectangular import Rectangular
from pdelsr.declare.domains.time_interval import TimeInterval
from pdelsr.errors import ProblemError


@dataclass(frozen=True, repr=False)
class SpaceTime(Domain):
    """A space domain times an interval of time.

    Its sides are those of the space domain at all times, with the same names; its ends are "t=0"
    (kind "initial") and "t=1" (kind "final").

    Args:
        section: The space domain.
        interval: The interval of time.

    Raises:
        ProblemError: The section has time already, or uses the same symbol.
    """

    section: Domain
    interval: TimeInterval

    def __post_init__(self) -> None:
        require_contract(self.section)
        t = self.interval.coordinate
        if self.section.time is not None:
            raise ProblemError(f"{self.section.title} has time {self.section.time} already")
        if t in self.section.coordinates:
            raise ProblemError(f"{t} is a space coordinate; expected another symbol for time")

    @property
    def coordinates(  # pyright: ignore[reportIncompatibleVariableOverride]  # a field elsewhere
        self,
    ) -> tuple[sp.Symbol, ...]:
        return (*self.section.coordinates, self.interval.coordinate)

    @property
    def title(self) -> str:
        return f"({self.section.title}) * {self.interval!r}"

    @property
    def bounding_box(self) -> Float[np.ndarray, "d 2"]:
        return np.vstack([self.section.bounding_box, self.interval.bounds])

    @property
    def measure(self) -> float:
        return self.section.measure * self.interval.length

    @property
    def parts(self) -> tuple[Part, ...]:
        sides = (ProductSide(side.name, side, self.interval) for side in self.section.parts)
        return (*sides, self._end(0), self._end(1))

    @property
    def time(self) -> sp.Symbol:
        return self.interval.coordinate

    @property
    def space(self) -> Domain:
        return self.section

    def contains(
        self, points: Float[np.ndarray, "n d"], tolerance: float = 0.0
    ) -> Bool[np.ndarray, " n"]:
        during = _during(self.interval, points[:, -1], tolerance)
        return during & self.section.contains(points[:, :-1], tolerance)

    def place(self, unit: Float[np.ndarray, "n d"]) -> Placement:
        return _through_time(self.section.place(unit[:, :-1]), self.interval, unit[:, -1])

    def bounds(self, coordinate: sp.Symbol) -> tuple[float, float]:
        if coordinate == self.time:
            return self.interval.bounds
        self.require_coordinate(coordinate)
        return self.section.bounds(coordinate)

    def faces(self, coordinate: sp.Symbol) -> tuple[Part, Part]:
        if coordinate == self.time:
            return self._end(0), self._end(1)
        self.require_coordinate(coordinate)
        low, high = self.section.faces(coordinate)
        return self.part(low.name), self.part(high.name)

    def distance_factor(self, parts: Sequence[Part]) -> sp.Expr:
        return self.section.distance_factor(
            [part.base if isinstance(part, ProductSide) else part for part in parts]
        )

    def _end(self, end: int) -> Part:
        name = f"{self.time}={bound_texts(*self.interval.bounds)[end]}"
        return TimeSlice(name, self.section, self.interval, end)


@dataclass(frozen=True, repr=False)
class ProductSide(Part):
    """A side of the space domain at all times; its normals have no time component.

    Attributes:
        base: The side of the space domain.
        interval: The interval of time.
    """

    base: Part
    interval: TimeInterval

    @property
    def unit_dim(self) -> int:
        return self.base.unit_dim + 1

    @property
    def measure(self) -> float:
        return self.base.measure * self.interval.length

    def place(self, unit: Float[np.ndarray, "n k"]) -> Placement:
        return _through_time(self.base.place(unit[:, :-1]), self.interval, unit[:, -1])

    def normals(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        return np.column_stack([self.base.normals(points[:, :-1]), np.zeros(len(points))])

    def contains(
        self, points: Float[np.ndarray, "n d"], tolerance: float = 0.0
    ) -> Bool[np.ndarray, " n"]:
        during = _during(self.interval, points[:, -1], tolerance)
        return during & self.base.contains(points[:, :-1], tolerance)


@dataclass(frozen=True, repr=False)
class TimeSlice(Part):
    """The space domain at the initial or the final time.

    Attributes:
        section: The space domain.
        interval: The interval of time.
        end: 0 for the initial time, 1 for the final time.
    """

    section: Domain
    interval: TimeInterval
    end: int

    @property
    def kind(self) -> Kind:
        return "final" if self.end else "initial"

    @property
    def unit_dim(self) -> int:
        return self.section.unit_dim

    @property
    def measure(self) -> float:
        return self.section.measure

    def place(self, unit: Float[np.ndarray, "n k"]) -> Placement:
        ends = np.full(len(unit), float(self.end))
        return _through_time(self.section.place(unit), self.interval, ends)

    def normals(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        normals = np.zeros_like(points)
        normals[:, -1] = 2 * self.end - 1
        return normals

    def contains(
        self, points: Float[np.ndarray, "n d"], tolerance: float = 0.0
    ) -> Bool[np.ndarray, " n"]:
        now = np.abs(points[:, -1] - self.interval.bounds[self.end]) <= tolerance
        return now & self.section.contains(points[:, :-1], tolerance)


def multiply(left: Domain, right: object) -> Domain:
    """Space times time, or the box of two boxes over different coordinates.

    Raises:
        ProblemError: The factors are something else, or share a coordinate.
    """
    if isinstance(right, TimeInterval):
        return SpaceTime(left, right)
    if not isinstance(right, Domain):
        raise ProblemError(f"({left.title}) * {right!r}: expected a TimeInterval or a box")
    if not isinstance(left, Rectangular) or not isinstance(right, Rectangular):
        raise ProblemError(
            f"({left.title}) * ({right.title}): only intervals and boxes can be multiplied, "
            "and a TimeInterval comes last"
        )
    common = set(left.coordinates) & set(right.coordinates)
    if common:
        raise ProblemError(
            f"({left.title}) * ({right.title}): both use {listed(sorted(common, key=str))}; "
            "expected different coordinates"
        )
    low, high = np.vstack([left.bounding_box, right.bounding_box]).T
    coordinates = (*left.coordinates, *right.coordinates)
    return Box(coordinates, tuple(low.tolist()), tuple(high.tolist()), left.name or right.name)


def _through_time(
    placed: Placement, interval: TimeInterval, unit: Float[np.ndarray, " n"]
) -> Placement:
    """Append the time of each row."""
    times = interval.bounds[0] + interval.length * unit
    return Placement(np.column_stack([placed.points, times]), placed.kept)


def _during(
    interval: TimeInterval, times: Float[np.ndarray, " n"], tolerance: float
) -> Bool[np.ndarray, " n"]:
    start, end = interval.bounds
    return (times >= start - tolerance) & (times <= end + tolerance)


OPERATIONS["*"] = multiply
