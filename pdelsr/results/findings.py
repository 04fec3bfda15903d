"""The numbers of a diagnosis, the input of its text and picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class Findings:
    """The results of `diagnose`; `Diagnosis` documents the fields."""

    rank: int
    basis_values: Float[np.ndarray, " r"] | None
    system_values: Float[np.ndarray, " r"]
    ranks: Int[np.ndarray, " k"]
    losses: Float[np.ndarray, " k"]
    delta_norms: Float[np.ndarray, " k"]
    conditions: Float[np.ndarray, " k"]
    errors: Float[np.ndarray, " k"] | None
    modes: Float[np.ndarray, "modes n outputs"] | None
    mode_values: Float[np.ndarray, " modes"] | None
    inputs: tuple[np.ndarray, ...] | None
    shares: Float[np.ndarray, " s"] | None
    nonlinear_losses: Float[np.ndarray, " s"] | None
    linear_losses: Float[np.ndarray, " s"] | None
    iterations: Int[np.ndarray, " i"]
    iterative: Mapping[str, Float[np.ndarray, " i"]]
    direct: float
    seconds: Mapping[str, float]
