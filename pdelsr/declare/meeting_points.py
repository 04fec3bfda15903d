"""Points where two parts of the boundary meet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product

import numpy as np
import scipy
from jaxtyping import Bool, Float

from pdelsr.declare.domains import Part
from pdelsr.declare.domains.part import Placement
from pdelsr.declare.domains.probes import probes

INNER = 128  # points of a part
ON_RIM = 16  # points on each face of the unit cube
LINES, SAMPLES = 16, 33  # along each axis of the unit cube, where a part is cut
HALVINGS = 45
MOST_CORNERS = 4  # dimensions up to which the corners of the unit cube are used
BEHIND = 1e-7  # of the unit cube: this far behind its end a part has surely ended
ROUNDING = 1e-10
AT_CUTS = 1e-6
CLOSE = 1e-9  # of the diameter: a point this close lies on a part
TOUCHING = 1e-7  # of the diameter: ends this close are one place, as a cut leaves a little room


@dataclass(frozen=True, eq=False)
class Meeting:
    """Points where two parts meet.

    Attributes:
        points: (n, d).
        rounding: share of the largest value by which data may differ there, (n,): more at cuts,
            whose ends are only known up to a small distance.
    """

    points: Float[np.ndarray, "n d"]
    rounding: Float[np.ndarray, " n"]

    def __or__(self, other: Meeting) -> Meeting:
        points = np.concatenate([self.points, other.points])
        return Meeting(points, np.concatenate([self.rounding, other.rounding]))


@dataclass(frozen=True, eq=False)
class Rim:
    """The rim of a part: where its unit cube ends, and where a cut ends it.

    Attributes:
        part: of the boundary.
        diameter: of the domain.
    """

    part: Part
    diameter: float

    @cached_property
    def points(self) -> Float[np.ndarray, "n d"]:
        """Points on the rim, (n, d)."""
        rim, kept = self._placed.points[INNER:], self._placed.kept[INNER:]
        return np.concatenate([rim[kept], self._cuts.ends])

    @cached_property
    def box(self) -> Float[np.ndarray, "2 d"]:
        """Bounds of the part, lower and upper."""
        found = np.concatenate([self._placed.points[self._placed.kept], self._cuts.ends])
        if not len(found):
            return np.full((2, found.shape[1]), np.nan)
        return np.stack([found.min(axis=0), found.max(axis=0)])

    def meets(self, other: Rim) -> Meeting:
        """Where this rim lies on another part, or touches the rim of the other one.

        A cut part ends just before another one begins, and meets it a little behind its end.
        """
        places, cuts = self.points, len(self._cuts.ends)
        exact, behind = places[: len(places) - cuts], self._cuts.behind
        met = np.concatenate([other.holds(exact), other.holds(behind)])
        if len(other._cuts.ends):
            near = other._near(places)
            distances, _ = scipy.spatial.KDTree(other._cuts.ends).query(places[near])
            met[near] |= distances <= TOUCHING * self.diameter
        is_cut = np.arange(len(places)) >= len(exact)
        return Meeting(places[met], np.where(is_cut, AT_CUTS, ROUNDING)[met])

    def holds(self, points: Float[np.ndarray, "n d"]) -> Bool[np.ndarray, " n"]:
        """Whether the part holds points."""
        held = self._near(points)
        if held.any():
            held[held] = self.part.contains(points[held], CLOSE * self.diameter)
        return held

    def _near(self, points: Float[np.ndarray, "n d"]) -> Bool[np.ndarray, " n"]:
        """Which points lie in the box around the part."""
        low, high = self.box
        slack = 1e-6 * self.diameter
        return ((points >= low - slack) & (points <= high + slack)).all(axis=1)

    @cached_property
    def _placed(self) -> Placement:
        """Points of the part, and then of its rim."""
        return self.part.place(unit_points(self.part.unit_dim))

    @cached_property
    def _cuts(self) -> Cuts:
        """Where lines through the unit cube leave the part."""
        whole = self._placed.kept.all()
        found = [] if whole else [self._cut_along(axis) for axis in range(self.part.unit_dim)]
        if not found:
            none = self._placed.points[:0]
            return Cuts(none, none)
        return Cuts(
            np.concatenate([cuts.ends for cuts in found]),
            np.concatenate([cuts.behind for cuts in found]),
        )

    def _cut_along(self, axis: int) -> Cuts:
        k = self.part.unit_dim
        lines = np.repeat(probes(LINES if k > 1 else 1, k)[:, None, :], SAMPLES, axis=1).copy()
        lines[:, :, axis] = np.linspace(0, 1, SAMPLES)
        kept = self.part.place(lines.reshape(-1, k)).kept.reshape(lines.shape[:2])
        row, at = np.nonzero(kept[:, 1:] != kept[:, :-1])
        forward = kept[row, at]  # the line leaves the part in its own direction
        inside = np.where(forward[:, None], lines[row, at], lines[row, at + 1])
        outside = np.where(forward[:, None], lines[row, at + 1], lines[row, at])
        for _ in range(HALVINGS if len(inside) else 0):
            middle = (inside + outside) / 2
            here = self.part.place(middle).kept[:, None]
            inside, outside = np.where(here, middle, inside), np.where(here, outside, middle)
        beyond = inside.copy()
        beyond[:, axis] += np.where(forward, BEHIND, -BEHIND)
        return Cuts(self.part.place(inside).points, self.part.place(beyond).points)


@dataclass(frozen=True, eq=False)
class Cuts:
    """Where a part is cut off: its last points, and points a little behind them."""

    ends: Float[np.ndarray, "n d"]
    behind: Float[np.ndarray, "n d"]


@lru_cache(maxsize=16)
def unit_points(k: int) -> Float[np.ndarray, "n k"]:
    """Points of the unit cube, INNER of them inside, the others on its faces and at its corners."""
    inner = np.resize(probes(INNER, k), (INNER, k))
    if k == 0:
        return np.concatenate([inner, np.zeros((1, 0))])
    face = probes(ON_RIM, k - 1)
    if k <= MOST_CORNERS:
        face = np.concatenate([face, list(product((0.0, 1.0), repeat=k - 1))])
    ends = [np.insert(face, axis, end, axis=1) for axis in range(k) for end in (0.0, 1.0)]
    return np.concatenate([inner, *ends])
