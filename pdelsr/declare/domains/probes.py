"""The fixed points on which domains measure what has no closed form."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from jaxtyping import Float

from pdelsr.declare.sobol import sobol

PART_PROBES = 2**12
INTERIOR_PROBES = 2**16
ALL_CORNERS = 6  # dimension up to which all corners are taken


@lru_cache(maxsize=16)
def probes(count: int, dim: int) -> Float[np.ndarray, "n {dim}"]:
    """Scrambled Sobol points of the unit cube, always the same ones.

    Args:
        count: A power of two; in dimension zero there is a single point.
        dim: Dimension of the cube.
    """
    if dim == 0:
        return np.zeros((1, 0))
    points = sobol(count, dim, np.random.default_rng(2601))
    points.flags.writeable = False
    return points


@lru_cache(maxsize=16)
def corners(dim: int) -> Float[np.ndarray, "n {dim}"]:
    """Corners of the unit cube: all of them if they are few, otherwise that many at random.

    Args:
        dim: Dimension of the cube.
    """
    if dim <= ALL_CORNERS:
        found = np.array(list(product((0.0, 1.0), repeat=dim)))
    else:
        found = np.random.default_rng(2601).integers(0, 2, (2**ALL_CORNERS, dim)).astype(float)
    found.flags.writeable = False
    return found
