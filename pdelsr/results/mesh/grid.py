"""Regular grids of lines, quadrilaterals and hexahedra."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pdelsr.results.mesh.base import SpaceMesh

KINDS = ("line", "quad", "hexahedron")
CORNERS: dict[
    int, tuple[tuple[int, ...], ...]
] = {  # of a cell, as steps along the axes, in the order of VTK
    1: ((0,), (1,)),
    2: ((0, 0), (1, 0), (1, 1), (0, 1)),
    3: (
        *((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)),
        *((0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)),
    ),
}
FEWEST = 9  # points along the shortest side


def ticks_along(box: Float[np.ndarray, "d 2"], n: int) -> list[Float[np.ndarray, " _"]]:
    """Positions along every axis: n along the longest side, about as dense along the others."""
    sides = box[:, 1] - box[:, 0]
    counts = np.maximum(np.ceil(n * sides / sides.max()).astype(int), min(n, FEWEST))
    return [np.linspace(low, high, count) for (low, high), count in zip(box, counts, strict=True)]


def grid(ticks: Sequence[Float[np.ndarray, " _"]]) -> SpaceMesh:
    """The cells between positions along one to three axes."""
    d = len(ticks)
    numbers = np.arange(int(np.prod([len(t) for t in ticks]))).reshape([len(t) for t in ticks])
    points = np.stack([g.reshape(-1) for g in np.meshgrid(*ticks, indexing="ij")], axis=1)
    cells = [
        numbers[tuple(slice(s, len(t) - 1 + s) for s, t in zip(step, ticks, strict=True))]
        for step in CORNERS[d]
    ]
    return SpaceMesh(points, np.stack([c.reshape(-1) for c in cells], axis=1), KINDS[d - 1])
