"""The predictor u(y) = q0 + J V y at the points of a residual, as a solve for y needs it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize.directions import Directions, Identity
from pdelsr.linearize.memory import free_bytes
from pdelsr.linearize.products import reduced_matrix
from pdelsr.linearize.refined import RefinedPredictor
from pdelsr.linearize.residual import Jets, StackedResidual

KEPT_SHARE = 0.25  # of the free memory that the jets of a basis may take


@dataclass(frozen=True)
class TangentModel:
    """u(y) by passes through the network.

    Args:
        residual: on its points.
        directions: V.
    """

    residual: StackedResidual
    directions: Directions

    def jets(self, y: Float[Tensor, " r"]) -> Jets:
        """The jets of u(y)."""
        predictor = RefinedPredictor(self.residual.network, self.directions.lift(y))
        return self.residual.jets_without_graph(predictor)

    def matrix(self, jets: Jets) -> Float[Tensor, "n r"]:
        """A(u) = G(u) V from the jets of u."""
        return reduced_matrix(self.residual, self.directions, self.residual.coefficients(jets))


class KeptTangentModel(TangentModel):
    """u(y) from the jets of the basis, Φ_α = ∂^α(J V), made once: no pass through the network."""

    @cached_property
    def _phi(self) -> list[Float[Tensor, "E n r"]]:
        return self.residual.basis_jets(self.directions)

    @cached_property
    def _start(self) -> Jets:
        return self.residual.jets_without_graph()

    def jets(self, y: Float[Tensor, " r"]) -> Jets:
        return [start + phi @ y for start, phi in zip(self._start, self._phi, strict=True)]

    def matrix(self, jets: Jets) -> Float[Tensor, "n r"]:
        """A = Σ_α c_α Φ_α, all blocks stacked."""
        out = self.residual.like.new_empty(self.residual.row_count, self.directions.rank)
        coefficients = self.residual.coefficients(jets)
        lengths = [len(bound) for bound in self.residual.blocks]
        for part, c, phi in zip(out.split(lengths), coefficients, self._phi, strict=True):
            torch.mul(c[0][:, None], phi[0], out=part)
            for factor, basis in zip(c[1:], phi[1:], strict=True):
                part.addcmul_(factor[:, None], basis)
        return out


def tangent_model(
    residual: StackedResidual, directions: Directions, newton_steps: int
) -> TangentModel:
    """The cheaper model for so many steps.

    Φ costs one reverse pass an entry, and rows · V where V is dense: worth it if more than one
    step will use it and it fits. In the whole tangent space a solve costs far more than either.
    """
    entries = sum(len(b) * len(b.block.entries) for b in residual.blocks)
    size = entries * directions.rank * residual.like.element_size()
    used = newton_steps > 1 and not residual.is_linear and not isinstance(directions, Identity)
    if used and size < KEPT_SHARE * free_bytes(residual.device):
        return KeptTangentModel(residual, directions)
    return TangentModel(residual, directions)
