"""Minima of a function on the unit cube from many starts at once, without derivatives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

REACH = 0.25  # the first step, in the unit cube
NEAREST = 1e-15  # smaller steps end the search
ROUNDS = 160  # at most
RANDOM = 2  # directions beside the axes


def minima(
    objective: Callable[[Float[np.ndarray, "n d"]], Float[np.ndarray, " n"]],
    starts: Float[np.ndarray, "m d"],
    reach: float = REACH,
    nearest: float = NEAREST,
) -> Float[np.ndarray, "m d"]:
    """The end points of pattern searches from the starts.

    Each tries steps along the axes and along random directions; a step that helps is taken, and if
    none does, steps are halved. So it also descends into narrow and pointed valleys.

    Args:
        objective: of points of the unit cube; nan counts as infinite.
        starts: points of the unit cube, (m, d).
        reach: the first step.
        nearest: the last one.
    """
    m, d = starts.shape
    rng = np.random.default_rng(0)
    here, radius = starts.copy(), np.full(m, reach)
    best = _finite(objective(here))
    axes = np.concatenate([np.eye(d), -np.eye(d)])
    for _ in range(ROUNDS):
        moving = np.flatnonzero(radius > nearest)
        if not moving.size:
            break
        turned = rng.standard_normal((len(moving), RANDOM, d))
        turned /= np.linalg.norm(turned, axis=2, keepdims=True)
        steps = np.concatenate([np.broadcast_to(axes, (len(moving), 2 * d, d)), turned], axis=1)
        probes = np.clip(here[moving, None] + radius[moving, None, None] * steps, 0, 1)
        found = _finite(objective(probes.reshape(-1, d))).reshape(len(moving), -1)
        choice = found.argmin(axis=1)
        rows = np.arange(len(moving))
        better = found[rows, choice] < best[moving]
        won = moving[better]
        here[won] = probes[rows, choice][better]
        best[won] = found[rows, choice][better]
        radius[moving[~better]] /= 2
    return here


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(values), np.inf, values)
