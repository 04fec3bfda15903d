"""The linearized predictor q(x; θ0) + J(x; θ0) δ, with all its derivatives."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.networks.base import Network
from pdelsr.networks.index_set import IndexSet


@dataclass(frozen=True)
class RefinedPredictor:
    """q + J δ with δ = V y; evaluated by one forward-mode pass, never by moving θ.

    Adding δ to the weights would leave the linearization and lose the digits that the solve won
    (Cao and Zhang 2026, Fig. S9).

    Args:
        network: at θ0; it must not be trained further while the predictor is in use.
        delta: δ, (m,).
    """

    network: Network
    delta: Float[Tensor, " m"]

    def __call__(self, x: Float[Tensor, "n d"], indices: IndexSet) -> Float[Tensor, "A n k"]:
        jet, tangent = self.network.tangent_jet(x, indices, self.delta)
        return jet + tangent

    @property
    def in_features(self) -> int:
        """d, number of coordinates."""
        return self.network.in_features

    @property
    def out_features(self) -> int:
        """k, number of fields."""
        return self.network.out_features

    @property
    def delta_norm(self) -> float:
        """‖δ‖₂."""
        return torch.linalg.vector_norm(self.delta).item()
