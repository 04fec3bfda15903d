"""Extra points where data are narrow, with weights that keep a mean a mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from pdelsr.declare.domains import Domain, Part
from pdelsr.declare.sobol import sobol
from pdelsr.sample.point_set import PointSet
from pdelsr.sample.samplers import Seed, fresh

SEEN = 4  # points in a feature from which a mean over all points resolves it
CROWD_SHARE = 0.25  # extra points, relative to the even points of a region
FIRST, STEP, LAST = 2.0, 4.0, 0.1  # half-widths of boxes: 2 w, 8 w, …, up to a tenth of the region
STREAM = 2**20  # of random numbers, apart from that of the other points
PROBES = 2**12  # points that measure the share of the unit cube that lands on a region


@dataclass(frozen=True, eq=False)
class Crowd:
    """Features of a region, in its unit cube.

    Attributes:
        centres: of the features, (k, d).
        widths: half-widths along the axes, (k, d); inf along those where nothing is narrow.
    """

    centres: Float[np.ndarray, "k d"]
    widths: Float[np.ndarray, "k d"]

    @classmethod
    def around(cls, centres: Sequence[np.ndarray], widths: Sequence[np.ndarray]) -> Crowd:
        """The crowd of several groups of features."""
        return cls(np.concatenate(centres), np.concatenate(widths))

    def missed(self, n: int) -> Crowd | None:
        """The features that too few of n even points would meet; None if there are none."""
        few = n * np.minimum(2 * self.widths, 1).prod(axis=1) < SEEN
        return Crowd(self.centres[few], self.widths[few]) if few.any() else None

    def density(self, unit: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """Density of the points of `draw`; its integral over the unit cube is 1."""
        low, high = self.boxes
        total = np.zeros(len(unit))
        for a, b in zip(low, high, strict=True):
            inside: Bool[np.ndarray, " n"] = ((unit >= a) & (unit <= b)).all(axis=1)
            total[inside] += 1 / (b - a).prod()
        return total / len(low)

    def draw(self, n: int, seed: Seed) -> Float[np.ndarray, "n d"]:
        """Random points: all boxes equally likely, and uniform in each box."""
        root = fresh(seed)
        own = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, STREAM))
        rng = np.random.default_rng(own)
        low, high = self.boxes
        # every box in turn, beginning with a random one
        which = (rng.integers(len(low)) + np.arange(n) * len(low) // max(n, 1)) % len(low)
        return low[which] + (high - low)[which] * rng.random((n, low.shape[1]))

    @cached_property
    def boxes(self) -> tuple[Float[np.ndarray, "b d"], Float[np.ndarray, "b d"]]:
        """Lower and upper corners: around each feature boxes of several sizes.

        A feature along a curve is known at some places only, and a width up to a factor of two;
        boxes of many sizes also cover the space between and around.
        """
        corners = []
        for centre, width in zip(self.centres, self.widths, strict=True):
            factor = FIRST
            while True:
                half = factor * width
                corners.append((np.maximum(centre - half, 0), np.minimum(centre + half, 1)))
                if half.min() >= LAST:
                    break
                factor *= STEP
        low, high = zip(*corners, strict=True)
        return np.stack(low), np.stack(high)


def crowding(crowd: Crowd | None, n: int) -> tuple[Crowd | None, int]:
    """The features that n even points miss, and the number of extra points for them."""
    missed = crowd.missed(n) if crowd is not None else None
    return missed, round(CROWD_SHARE * n) if missed is not None else 0


def with_crowd(
    region: Domain | Part, even: PointSet, crowd: Crowd | None, n: int, seed: Seed = 0
) -> PointSet:
    """Even points of a region, and n extra points from a crowd.

    The weight of a point x is |region| / (N + n φ p(x)), with N even points, the share φ of the
    unit cube that lands on the region, and the density p of the crowd: the balance heuristic of
    Veach and Guibas (1995), SIGGRAPH, 419. The sum of w_i F(x_i) remains an estimate of the
    integral of F, whatever the crowd is.

    Args:
        region: of the points.
        even: points, with their places in the unit cube.
        crowd: where extra points go; None for none.
        n: number of extra points; those that miss the region are dropped.
        seed: equal seeds give equal points.
    """
    if crowd is None or n == 0:
        return even
    assert even.unit is not None
    drawn = crowd.draw(n, seed)
    placed = region.place(drawn)
    more = PointSet(placed.points[placed.kept], unit=drawn[placed.kept])
    points = np.concatenate([even.points, more.points])
    unit = np.concatenate([even.unit, drawn[placed.kept]])
    landing = region.place(sobol(PROBES, drawn.shape[1], 0)).kept.mean()
    weights = region.measure / (len(even) + n * max(landing, 1 / PROBES) * crowd.density(unit))
    normals = region.normals(points) if isinstance(region, Part) else None
    return PointSet(points, normals, weights, unit)
