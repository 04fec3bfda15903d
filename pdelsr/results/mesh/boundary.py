"""Points on the boundary of a plane domain, including its corners."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy
from jaxtyping import Float

from pdelsr.declare.domains import Domain, Part
from pdelsr.declare.domains.base import ZERO_LENGTH

MEASURED_AT = 257  # places along a part, for its length
BISECTIONS = 50  # for the place where another shape cuts a part off
APART = 0.4  # of the spacing, between a corner and the next point


@dataclass(frozen=True)
class BoundaryCurve:
    """Points of the boundary.

    Args:
        corners: ends of the parts, (c, 2).
        others: points between them, (p, 2).
    """

    corners: Float[np.ndarray, "c 2"]
    others: Float[np.ndarray, "p 2"]

    @property
    def points(self) -> Float[np.ndarray, "n 2"]:
        """All points, the corners first."""
        return np.concatenate([self.corners, self.others])


def boundary_curve(domain: Domain, spacing: float) -> BoundaryCurve:
    """Points at most `spacing` apart on every part, and the ends of the parts."""
    found = [_along(part, spacing) for part in domain.parts if part.unit_dim == 1]
    corners = _distinct(np.concatenate([c for c, _ in found]), ZERO_LENGTH * domain.diameter)
    others = _distinct(np.concatenate([p for _, p in found]), APART * spacing)
    far = scipy.spatial.KDTree(corners).query(others)[0] > APART * spacing
    return BoundaryCurve(corners, others[far])


def _along(part: Part, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the remaining pieces of a part, and points in between."""
    places = np.linspace(0, 1, MEASURED_AT)[:, None]
    length = np.linalg.norm(np.diff(part.place(places).points, axis=0), axis=1).sum()
    count = max(int(np.ceil(length / spacing)), 2)
    unit = np.linspace(0, 1, count + 1)
    placed = part.place(unit[:, None])
    ends = [u for u, kept in ((0.0, placed.kept[0]), (1.0, placed.kept[-1])) if kept]
    ends += [_cut(part, a, b) for a, b in _changes(unit, placed.kept)]
    return part.place(np.array(ends).reshape(-1, 1)).points, placed.points[placed.kept]


def _changes(unit: np.ndarray, kept: np.ndarray) -> Iterator[tuple[float, float]]:
    """Neighbouring places of which one is on the part and the other is not: (on, off)."""
    for i in np.flatnonzero(kept[1:] != kept[:-1]):
        on, off = (i, i + 1) if kept[i] else (i + 1, i)
        yield float(unit[on]), float(unit[off])


def _cut(part: Part, on: float, off: float) -> float:
    for _ in range(BISECTIONS):
        middle = (on + off) / 2
        if part.place(np.array([[middle]])).kept[0]:
            on = middle
        else:
            off = middle
    return on


def _distinct(points: Float[np.ndarray, "n 2"], apart: float) -> Float[np.ndarray, "k 2"]:
    """The points without those close to an earlier one."""
    close = scipy.spatial.KDTree(points).query_pairs(apart, output_type="ndarray")
    return np.delete(points, close.max(axis=1, initial=0) if len(close) else [], axis=0)
