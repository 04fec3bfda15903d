"""Union, intersection and difference of domains, and their boundary parts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Container
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np
import sympy as sp
from jaxtyping import Bool, Float

from pdelsr.declare.domains.base import OPERATIONS, ZERO_LENGTH, Domain
from pdelsr.declare.domains.checks import listed
from pdelsr.declare.domains.contract import require_contract
from pdelsr.declare.domains.cut import Cut, CutPart
from pdelsr.declare.domains.part import Part
from pdelsr.declare.domains.probes import INTERIOR_PROBES, probes
from pdelsr.errors import ProblemError


@dataclass(frozen=True, repr=False)
class Combination(Domain):
    """Two domains over the same space coordinates, combined.

    Attributes:
        left: First operand.
        right: Second operand.

    Raises:
        ProblemError: The coordinates differ, an operand has time, or the result is empty.
    """

    left: Domain
    right: Domain
    sign: ClassVar[str]
    left_cut: ClassVar[Cut]
    right_cut: ClassVar[Cut]

    def __post_init__(self) -> None:
        for operand in (self.left, self.right):
            require_contract(operand)
        require_combinable(self.left, self.sign, self.right)
        low, high = self.bounding_box.T
        if (low >= high).any() or self._share == 0:
            raise ProblemError(
                f"{self.title} is empty, or so thin that none of {INTERIOR_PROBES} points hit it: "
                "move or resize a part"
            )

    @property
    @abstractmethod
    def bounding_box(self) -> Float[np.ndarray, "d 2"]: ...

    @abstractmethod
    def _with_right(
        self, kept: Bool[np.ndarray, " n"], points: Float[np.ndarray, "n d"], tolerance: float
    ) -> Bool[np.ndarray, " n"]:
        """Which points lie in the result; `kept` says which lie in the left operand."""

    @abstractmethod
    def _uncut_measure(self) -> float | None:
        """The exact measure if neither operand cuts the boundary of the other, else None."""

    @property
    def coordinates(  # pyright: ignore[reportIncompatibleVariableOverride]  # a field elsewhere
        self,
    ) -> tuple[sp.Symbol, ...]:
        return self.left.coordinates

    @property
    def title(self) -> str:
        chained = isinstance(self.left, type(self))
        left = self.left.title if chained else f"({self.left.title})"
        return f"{left} {self.sign} ({self.right.title})"

    @cached_property
    def diameter(self) -> float:  # pyright: ignore[reportIncompatibleMethodOverride]  # cached
        return float(np.linalg.norm(np.diff(self.bounding_box, axis=1)))

    @cached_property
    def measure(self) -> float:  # pyright: ignore[reportIncompatibleMethodOverride]  # cached
        exact = self._uncut_measure()
        if exact is not None:
            return exact
        return self._share * float(np.prod(np.diff(self.bounding_box, axis=1)))

    @property
    def parts(self) -> tuple[Part, ...]:
        return self._remains.parts

    def contains(
        self, points: Float[np.ndarray, "n d"], tolerance: float = 0.0
    ) -> Bool[np.ndarray, " n"]:
        return self._with_right(self.left.contains(points, tolerance), points, tolerance)

    @cached_property
    def _remains(self) -> Remains:
        """The remaining parts of both operands, computed once, as there may be many operands."""
        parts: dict[str, Part] = {}
        shares: list[set[float]] = []
        for operand, other, cut in (
            (self.left, self.right, self.left_cut),
            (self.right, self.left, self.right_cut),
        ):
            found: set[float] = set()
            for base in operand.parts:
                name = _free_name(base.name, parts)
                part = CutPart(name, base, other, cut, self.diameter)
                found.add(1.0 if part.is_whole else part.acceptance)
                if part.is_whole and name == base.name and not cut.flip:
                    parts[name] = base
                elif part.acceptance > 0:
                    parts[name] = part
            shares.append(found)
        left, right = (None if s not in ({0.0}, {1.0}) else s == {1.0} for s in shares)
        return Remains(tuple(parts.values()), left, right)

    @cached_property
    def _hits(self) -> Bool[np.ndarray, " n"]:
        """Which probes of the bounding box lie in the result."""
        low, high = self.bounding_box.T
        points = low + (high - low) * probes(INTERIOR_PROBES, self.dim)
        left = self.left
        if isinstance(left, Combination) and np.array_equal(left.bounding_box, self.bounding_box):
            return self._with_right(left._hits, points, 0.0)
        return self.contains(points)

    @cached_property
    def _share(self) -> float:
        """Share of the bounding box that the result fills."""
        return float(self._hits.mean())


class Remains(NamedTuple):
    """The remaining boundaries of the operands of a combination.

    Attributes:
        parts: the remaining parts, with distinct names.
        left, right: whether the boundary of that operand is kept whole (True), not at all
            (False), or cut (None).
    """

    parts: tuple[Part, ...]
    left: bool | None
    right: bool | None


@dataclass(frozen=True, repr=False)
class Union(Combination):
    """The points of either operand, `left | right`."""

    sign: ClassVar[str] = "|"
    left_cut: ClassVar[Cut] = Cut(shift=ZERO_LENGTH, grow=0.0, inside=False)
    right_cut: ClassVar[Cut] = Cut(shift=0.0, grow=ZERO_LENGTH, inside=False)

    @cached_property
    def bounding_box(  # pyright: ignore[reportIncompatibleMethodOverride]  # cached
        self,
    ) -> Float[np.ndarray, "d 2"]:
        a, b = self.left.bounding_box, self.right.bounding_box
        return np.stack([np.minimum(a, b)[:, 0], np.maximum(a, b)[:, 1]], axis=1)

    def _with_right(
        self, kept: Bool[np.ndarray, " n"], points: Float[np.ndarray, "n d"], tolerance: float
    ) -> Bool[np.ndarray, " n"]:
        return kept | self.right.contains(points, tolerance)

    def _uncut_measure(self) -> float | None:
        if self._remains.left and self._remains.right:  # disjoint
            return self.left.measure + self.right.measure
        return None


@dataclass(frozen=True, repr=False)
class Intersection(Combination):
    """The points of both operands, `left & right`."""

    sign: ClassVar[str] = "&"
    left_cut: ClassVar[Cut] = Cut(shift=-ZERO_LENGTH, grow=0.0, inside=True)
    right_cut: ClassVar[Cut] = Cut(shift=0.0, grow=-ZERO_LENGTH, inside=True)

    @cached_property
    def bounding_box(  # pyright: ignore[reportIncompatibleMethodOverride]  # cached
        self,
    ) -> Float[np.ndarray, "d 2"]:
        a, b = self.left.bounding_box, self.right.bounding_box
        return np.stack([np.maximum(a, b)[:, 0], np.minimum(a, b)[:, 1]], axis=1)

    def _with_right(
        self, kept: Bool[np.ndarray, " n"], points: Float[np.ndarray, "n d"], tolerance: float
    ) -> Bool[np.ndarray, " n"]:
        return kept & self.right.contains(points, tolerance)

    def _uncut_measure(self) -> float | None:
        return None


@dataclass(frozen=True, repr=False)
class Difference(Combination):
    """The points of the left operand that are not inside the right one, `left - right`."""

    sign: ClassVar[str] = "-"
    left_cut: ClassVar[Cut] = Cut(shift=-ZERO_LENGTH, grow=0.0, inside=False)
    right_cut: ClassVar[Cut] = Cut(shift=0.0, grow=-ZERO_LENGTH, inside=True, flip=True)

    @cached_property
    def bounding_box(  # pyright: ignore[reportIncompatibleMethodOverride]  # cached
        self,
    ) -> Float[np.ndarray, "d 2"]:
        return self.left.bounding_box

    def _with_right(
        self, kept: Bool[np.ndarray, " n"], points: Float[np.ndarray, "n d"], tolerance: float
    ) -> Bool[np.ndarray, " n"]:
        # The boundary of the hole belongs to the result, whatever its rounding errors.
        shrink = tolerance if tolerance < 0 else max(tolerance, 1e-3 * ZERO_LENGTH * self.diameter)
        return kept & ~self.right.contains(points, -shrink)

    def _uncut_measure(self) -> float | None:
        remains = self._remains
        if remains.left and remains.right:  # a hole strictly inside
            return self.left.measure - self.right.measure
        return self.left.measure if remains.left and remains.right is False else None


def require_combinable(left: Domain, sign: str, right: Domain) -> None:
    """Refuse operands with time or with different coordinates."""
    if left.time is not None or right.time is not None:
        raise ProblemError(
            f"({left.title}) {sign} ({right.title}): combine the shapes in space first, then "
            "multiply by the TimeInterval"
        )
    if left.coordinates != right.coordinates:
        raise ProblemError(
            f"({left.title}) {sign} ({right.title}): expected the same coordinates in the same "
            f"order, got ({listed(left.coordinates)}) and ({listed(right.coordinates)})"
        )


def _free_name(name: str, taken: Container[str]) -> str:
    """The name, or the name with the first free number from 2 on."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name} {number}", number + 1
    return free


def _operation(kind: type[Combination]) -> Callable[[Domain, object], Domain]:
    """The function behind an operator: it refuses anything but a domain, then combines."""

    def combine(left: Domain, right: object) -> Domain:
        if isinstance(right, Domain):
            return kind(left, right)
        raise ProblemError(
            f"({left.title}) {kind.sign} {right!r}: expected a domain on either side"
        )

    return combine


OPERATIONS.update({kind.sign: _operation(kind) for kind in (Union, Intersection, Difference)})
