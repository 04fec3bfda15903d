"""The part of an operand's boundary that the other operand leaves in a combination."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from pdelsr.declare.domains.base import ZERO_LENGTH, Domain
from pdelsr.declare.domains.filtered import FilteredPart

ROOM = 10  # times the length that counts as zero: beyond, shapes are apart


@dataclass(frozen=True)
class Cut:
    """Which boundary points of one operand bound the result: a test against the other operand.

    A point p with outward normal n is kept where p + shift n lies in the other operand, grown by
    `grow`, exactly if `inside` is true. The shift decides on which side coincident boundaries fall:
    a common face counts once or, if two shapes touch, not at all. Lengths are shares of the
    diameter.
    """

    shift: float
    grow: float
    inside: bool
    flip: bool = False


@dataclass(frozen=True, repr=False)
class CutPart(FilteredPart):
    """The points of a boundary part that the other operand leaves.

    Attributes:
        other: The other operand.
        cut: The test against it.
        scale: Diameter of the result, the unit of the lengths of `cut`.
    """

    other: Domain
    cut: Cut
    scale: float

    @property
    def is_whole(self) -> bool:
        """Whether the other operand is too far away to cut anything."""
        box, room = self.base.bounding_box, ROOM * ZERO_LENGTH * self.scale
        if self.cut.inside or box is None:
            return False
        low, high = self.other.bounding_box.T
        return bool((box[:, 0] > high + room).any() or (box[:, 1] < low - room).any())

    def keeps(self, points: Float[np.ndarray, "n d"]) -> Bool[np.ndarray, " n"]:
        shifted = points + self.cut.shift * self.scale * self.base.normals(points)
        return self.other.contains(shifted, self.cut.grow * self.scale) == self.cut.inside

    def normals(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        normals = self.base.normals(points)
        return -normals if self.cut.flip else normals
