"""Residual-adaptive refinement: more points where the residual is large."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from pdelsr.errors import SettingsError
from pdelsr.sample.samplers import Seed


def refine_by_residual(
    candidates: Float[np.ndarray, "N d"],
    residual: np.ndarray,
    n: int,
    seed: Seed = 0,
    power: float = 1.0,
    offset: float = 1.0,
) -> Int[np.ndarray, " n"]:
    """Choose candidates with a probability that grows with the residual.

    p_i ∝ |r_i|^power / mean(|r|^power) + offset, drawn without replacement: the residual-based
    adaptive distribution of Wu et al. (2023), Comput. Methods Appl. Mech. Eng. 403, equation 2.

    Args:
        candidates: Points to choose from, (N, d).
        residual: Residual at the candidates, (N,).
        n: Number of points to choose, at most N.
        seed: Equal seeds give equal choices.
        power: 0 ignores the residual, large values crowd the points at its maximum.
        offset: Share of uniformly spread points; must be positive.

    Returns:
        Rows of the chosen candidates, (n,), all different.

    Raises:
        SettingsError: n, power, offset or residual do not give a distribution of n points.
    """
    _require_distribution(candidates, residual, n, power, offset)
    size = np.abs(residual)
    # Only ratios matter, and the largest power must not overflow.
    size = (size / size.max()) ** power if size.max() > 0 else np.ones_like(size)
    density = size / size.mean() + offset
    rng = np.random.default_rng(seed)
    return rng.choice(len(candidates), size=n, replace=False, p=density / density.sum())


def _require_distribution(
    candidates: np.ndarray, residual: np.ndarray, n: int, power: float, offset: float
) -> None:
    """Refuse arguments that do not give a distribution of n points."""
    if residual.shape != (len(candidates),):
        raise SettingsError(
            f"refine_by_residual: got residuals of shape {residual.shape} for {len(candidates)} "
            "candidates, expected one a candidate"
        )
    if not 1 <= n <= len(candidates):
        raise SettingsError(
            f"refine_by_residual: got n={n}, expected 1 to {len(candidates)}, the number of "
            "candidates"
        )
    if power < 0 or offset <= 0:
        raise SettingsError(
            f"refine_by_residual: got power={power}, offset={offset}; expected power >= 0 and "
            "offset > 0"
        )
    bad = np.flatnonzero(~np.isfinite(residual))
    if bad.size:
        raise SettingsError(
            f"refine_by_residual: the residual of candidate {bad[0]} is {residual[bad[0]]}, "
            "expected finite numbers"
        )
