"""Damped Gauss–Newton on the rows of G: the network learns what a refinement cannot represent."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize import Columns, Directions, Identity, StackedResidual
from pdelsr.linearize.random_positions import drawn
from pdelsr.processes.triangles import symmetric_sum
from pdelsr.resources.pieces import is_out_of_memory, release
from pdelsr.solvers.refinement.memory.estimate import LEAST_COLUMNS

RAISE, LOWER = 4.0, 4.0
SMALLEST_DAMPING, LARGEST_DAMPING = 1e-15, 1e8
BLOCKS = 6  # of columns in a symmetric product
BEND = 0.75  # largest second-order part of a step, relative to the first-order one
PROBE = 0.1  # share of a step on which its curvature is measured
DAMPINGS = 12  # dampings tried before a step is given up


@dataclass
class LevenbergMarquardt:
    """min_θ ‖f(θ)‖ by damped Gauss–Newton steps with geodesic acceleration.

        (GᵀG + λ μ I) δ₁ = −Gᵀ f ,   (GᵀG + λ μ I) δ₂ = −Gᵀ f″(δ₁, δ₁) ,   θ ← θ + δ₁ + δ₂ / 2

    with μ the mean diagonal of GᵀG and f″ by a difference quotient (Transtrum and Sethna 2012,
    arXiv 1201.5885; they refuse a step with a large δ₂, here δ₁ is tried alone). The second-order
    part costs one evaluation of f, and made the residuals of Burgers and Korteweg–de Vries two to
    four times smaller after 30 steps.

    One product GᵀG, which takes most of the time, serves all damping values of a step; each costs
    one Cholesky factorization. An eigendecomposition would serve them all, but costs ten
    factorizations, and a step tries two (docs/experiments/damping.py). Squaring the condition
    number is harmless here: directions below sqrt(epsilon) are damped away anyway, and the digits
    come from the refinement.

    Args:
        damping: λ, adapted from step to step.
        largest: parameters of one step; larger networks move a random subset of this size, drawn
            again at every step.
    """

    damping: float = 1e-3
    largest: int = 4000

    def step(self, residual: StackedResidual, generator: torch.Generator) -> float:
        """Move the network once, unless no step helps; return ‖f‖ at the new θ."""
        directions = self._directions(residual, generator)
        local = _Linearized.at(residual, directions)
        for _ in range(DAMPINGS):
            delta = local.step(self.damping)
            if delta is not None:
                after = local.size_at(delta)
                if after < local.size:
                    change = LOWER if after < 0.9 * local.size else LOWER**0.5
                    self.damping = max(self.damping / change, SMALLEST_DAMPING)
                    return after
            self.damping = min(self.damping * RAISE, LARGEST_DAMPING)
        residual.network.set_vector(local.theta)
        return local.size

    def _directions(self, residual: StackedResidual, generator: torch.Generator) -> Directions:
        m = residual.network.parameter_count
        if m <= self.largest:
            return Identity(m)
        return Columns(drawn(m, self.largest, generator, residual.device), m)


@dataclass(frozen=True)
class _Linearized:
    """A residual at one θ: f, G, and the product GᵀG for all steps from there."""

    residual: StackedResidual
    directions: Directions
    theta: Tensor
    f: Float[Tensor, " n"]
    G: Float[Tensor, "n r"]
    normal: Float[Tensor, "r r"]
    size: float

    @classmethod
    def at(cls, residual: StackedResidual, directions: Directions) -> _Linearized:
        """The linearization at the present θ of the network."""

        def local() -> tuple[Tensor, Tensor, Tensor]:
            jets = residual.jets_without_graph()
            G = residual.times(directions, residual.coefficients(jets))
            return residual.values(jets), G, gram(G)

        f, G, normal = residual.row_group.together(local)
        normal = symmetric_sum(normal, residual.row_group)
        theta, size = residual.network.get_vector(), residual.row_group.norm(f)
        return cls(residual, directions, theta, f, G, normal, size)

    def step(self, damping: float) -> Float[Tensor, " r"] | None:
        """δ₁ + δ₂ / 2, or None if the damped matrix is not numerically positive definite.

        δ₂ is left out if it is not small compared with δ₁, because the expansion then says nothing.
        """
        shifted = self.normal.clone()
        shifted.diagonal().add_(damping * self.normal.diagonal().mean())
        factor, info = torch.linalg.cholesky_ex(shifted)
        if not self.residual.row_group.all(int(info) == 0):
            return None
        first = self._solved(self.f, factor)
        second = self._solved(self._curvature(first), factor)
        small = torch.linalg.vector_norm(second) <= BEND * torch.linalg.vector_norm(first)
        delta = first + 0.5 * second if small else first
        return delta if bool(torch.isfinite(delta).all()) else None

    def _solved(self, f: Float[Tensor, " n"], factor: Float[Tensor, "r r"]) -> Tensor:
        """−(GᵀG + λ μ I)⁻¹ Gᵀ f, the same to the bit in all processes."""
        group = self.residual.row_group
        slope = group.sum(self.G.T @ f[:, None])
        return -group.agreed(torch.cholesky_solve(slope, factor)[:, 0])

    def size_at(self, delta: Float[Tensor, " r"]) -> float:
        """Move the network by δ; return ‖f‖ there."""
        return self.residual.row_group.norm(self._moved(delta))

    def _curvature(self, delta: Tensor) -> Float[Tensor, " n"]:
        """f″(δ, δ) from f at θ and at θ + h δ, and from G δ."""
        return 2 / PROBE * ((self._moved(PROBE * delta) - self.f) / PROBE - self.G @ delta)

    def _moved(self, delta: Tensor) -> Float[Tensor, " n"]:
        self.residual.network.set_vector(self.theta + self.directions.lift(delta))
        return self.residual.evaluate()


def gram(G: Float[Tensor, "n m"]) -> Float[Tensor, "m m"]:
    """GᵀG, with one triangle of blocks computed and the other copied."""
    m = G.shape[1]
    out = G.new_empty(m, m)
    edges = [round(m * k / BLOCKS) for k in range(BLOCKS + 1)]
    for start, stop in pairwise(edges):
        out[start:stop, start:] = G[:, start:stop].T @ G[:, start:]
        out[stop:, start:stop] = out[start:stop, stop:].T
    return out


def affordable_step(
    descent: LevenbergMarquardt, residual: StackedResidual, generator: torch.Generator
) -> float:
    """One step; if memory runs out, with half as many parameters."""
    theta = residual.network.get_vector()
    while True:
        try:
            return descent.step(residual, generator)
        except (MemoryError, RuntimeError) as error:
            if descent.largest <= LEAST_COLUMNS or not is_out_of_memory(error):
                raise
        residual.network.set_vector(theta)
        release(residual.device)
        descent.largest = max(min(descent.largest, theta.numel()) // 2, LEAST_COLUMNS)
