"""Marching through panels of time by ETDRK4, and evaluation along the panels."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from jaxtyping import Complex, Float

from pdelsr.reference.dense import BLOCK, GAPS, Panel
from pdelsr.reference.etdrk4 import Nonlinear, coefficients, step


def march(
    v: Complex[np.ndarray, " m"],
    L: Complex[np.ndarray, " m"],
    N: Nonlinear,
    lengths: Float[np.ndarray, " q"],
    steps: int,
) -> tuple[Panel, ...]:
    """Solve v' = L v + N(v, t) from t = 0, by ETDRK4 from one Chebyshev time to the next.

    Args:
        v: the state at t = 0, (m,).
        L: linear part, (m,).
        N: nonlinear part, a function of (v, t).
        lengths: of the panels of time.
        steps: least number of time steps in all.
    """
    stepping = lru_cache(maxsize=None)(lambda h: coefficients(L, h))
    total, start, panels = lengths.sum(), 0.0, []
    for length in lengths:
        levels, t = [v], start
        for gap in GAPS * length:
            count = int(np.ceil(gap * steps / total))
            c = stepping(gap / count)
            for _ in range(count):
                v, t = step(v, t, N, c), t + c.h
            levels.append(v)
        panels.append(Panel(float(start), float(length), np.array(levels)))
        start += length
    return tuple(panels)


def along_panels(
    panels: tuple[Panel, ...],
    x: Float[np.ndarray, " n"],
    t: Float[np.ndarray, " n"],
    evaluate: Callable[[Panel, np.ndarray, np.ndarray], np.ndarray],
) -> Float[np.ndarray, " n"]:
    """Values at (x, t), each from the panel of its time, in blocks of bounded memory."""
    owner = np.searchsorted([panel.start for panel in panels[1:]], t, side="right")
    u = np.empty(len(t))
    for i in np.unique(owner):
        at = np.flatnonzero(owner == i)
        size = max(1, BLOCK // panels[i].coefficients.shape[1])
        for j in range(0, len(at), size):
            part = at[j : j + size]
            u[part] = evaluate(panels[i], x[part], t[part])
    return u
