"""Regular grids of lines, quadrilaterals and hexahedra."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from pdelsr.errors import SettingsError
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
MOST = 50_000_000  # grid points


def ticks_along(box: Float[np.ndarray, "d 2"], n: int) -> list[Float[np.ndarray, " _"]]:
    """Positions along every axis: n along the longest side, about as dense along the others."""
    sides = box[:, 1] - box[:, 0]
    counts = np.maximum(np.ceil(n * sides / sides.max()).astype(int), min(n, FEWEST))
    require_size(tuple(counts.tolist()))
    return [np.linspace(low, high, count) for (low, high), count in zip(box, counts, strict=True)]


def require_size(shape: tuple[int, ...]) -> None:
    """Refuse a grid that would not fit into memory.

    Raises:
        SettingsError: it has more than 50 million points.
    """
    if math.prod(shape) > MOST:
        text = " x ".join(map(str, shape))
        raise SettingsError(
            f"a grid of {text} points is too large (at most {MOST:,}): give a smaller n, or a "
            "number for some of the coordinates."
        )


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
