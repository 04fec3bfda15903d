"""Damped Gauss–Newton on the rows of G: how a network absorbs what a refinement cannot hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pdelsr.linearize import Columns, Directions, Identity, StackedResidual

RAISE, LOWER = 4.0, 4.0
SMALLEST, LARGEST = 1e-15, 1e8
TRIALS = 12  # dampings tried before a step is given up


@dataclass
class LevenbergMarquardt:
    """min_θ ‖f(θ)‖ by steps of (GᵀG + λ μ I) δ = −Gᵀf, with μ the mean diagonal of GᵀG.

    One product GᵀG serves all damping values of a step; each costs one Cholesky factorization.
    Squaring the condition number is harmless here: directions below sqrt(epsilon) are damped away
    anyway, and the digits come from the refinement.

    Args:
        damping: λ, adapted from step to step.
        largest: parameters of one step; larger networks move a random subset of this size, drawn
            anew at every step.
    """

    damping: float = 1e-3
    largest: int = 4000

    def step(self, residual: StackedResidual, generator: torch.Generator) -> float:
        """Move the network once; returns ‖f‖ at the new θ, unchanged where nothing helped."""
        network = residual.network
        directions = self._directions(residual, generator)
        jets = residual.jets_without_graph()
        f = residual.values(jets)
        G = residual.times(directions, residual.coefficients(jets))
        normal, gradient = G.T @ G, G.T @ f
        del G
        theta, before = network.get_vector(), torch.linalg.vector_norm(f).item()
        mean = normal.diagonal().mean()
        for _ in range(TRIALS):
            delta = _damped_step(normal, gradient, self.damping * mean)
            if delta is not None:
                network.set_vector(theta - directions.lift(delta))
                after = torch.linalg.vector_norm(residual.evaluate()).item()
                if after < before:
                    factor = LOWER if after < 0.9 * before else LOWER**0.5
                    self.damping = max(self.damping / factor, SMALLEST)
                    return after
            self.damping = min(self.damping * RAISE, LARGEST)
        network.set_vector(theta)
        return before

    def _directions(self, residual: StackedResidual, generator: torch.Generator) -> Directions:
        m = residual.network.parameter_count
        if m <= self.largest:
            return Identity(m)
        index = torch.randperm(m, generator=generator)[: self.largest].sort().values
        return Columns(index.to(residual.device), m)


def _damped_step(normal: Tensor, gradient: Tensor, damping: Tensor) -> Tensor | None:
    """(N + damping I)⁻¹ g, or None where N + damping I is not numerically positive definite."""
    shifted = normal.clone()
    shifted.diagonal().add_(damping)
    factor, info = torch.linalg.cholesky_ex(shifted)
    if int(info) != 0:
        return None
    delta = torch.cholesky_solve(gradient[:, None], factor)[:, 0]
    return delta if bool(torch.isfinite(delta).all()) else None


def minimize(
    descent: LevenbergMarquardt,
    residual: StackedResidual,
    steps: int,
    renew: Callable[[], StackedResidual],
    renew_every: int,
    generator: torch.Generator,
    watch: Callable[[float], bool],
) -> float:
    """Take `steps` steps, on new points every `renew_every`; stop when `watch` says so.

    Returns the last ‖f‖ on the points of its step.
    """
    size = float("nan")
    for step in range(steps):
        if step and step % renew_every == 0:
            residual = renew()
        size = descent.step(residual, generator)
        if watch(size):
            break
    return size
