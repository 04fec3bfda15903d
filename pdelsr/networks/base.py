"""The interface of networks: values, jets, Jacobian rows and directional derivatives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from pdelsr.errors import SettingsError
from pdelsr.networks.copies import own_containers
from pdelsr.networks.forward_mode import jvp
from pdelsr.networks.index_set import Index, IndexSet, closure
from pdelsr.networks.reverse_mode import rows_by_vmap


class Network(nn.Module, ABC):
    """A map q(x; θ) from R^d to R^k whose jets and parameter Jacobians are cheap.

    The parameters θ are ordered as `torch.nn.utils.parameters_to_vector` orders those that
    require gradients.

    A network of your own sets `in_features` and `out_features`, and defines `forward`, each point
    on its own. It may override `rows` and `tangent_jet` with faster versions, and `settings` so
    that files can rebuild it.

    Attributes:
        in_features: d, number of coordinates.
        out_features: k, number of fields.
    """

    in_features: int
    out_features: int

    @abstractmethod
    def forward(
        self, x: Float[Tensor, "n d"], indices: IndexSet | None = None
    ) -> Float[Tensor, "*A n k"]:
        """Values (n, k), or the jet (A, n, k) over `indices`.

        Args:
            x: points.
            indices: multi-indices α of the derivatives ∂^α q, in order; the value comes first.
        """

    def rows(
        self,
        x: Float[Tensor, "n d"],
        indices: IndexSet,
        seeds: Float[Tensor, "A n k"],
        only: Int[Tensor, " r"] | None = None,
    ) -> Float[Tensor, "n c"]:
        """Row i: Σ_{α,j} seeds[α, i, j] · ∂_θ (∂^α q_j)(x_i; θ).

        All m entries of a row, or those of the parameters `only`, in that order.
        """
        require_trainable(self)
        return rows_by_vmap(self, self.trainable(), x, indices, seeds, only, self.called)

    def homogeneous(
        self, x: Float[Tensor, "n d"], indices: IndexSet, jet: Float[Tensor, "A n k"]
    ) -> Float[Tensor, "A n k"]:
        """The jet of the change of u when the network's values change by a given function.

        It is that function itself, unless conditions hold exactly, which no change may violate.
        """
        return jet

    def settings(self) -> dict[str, Any]:
        """The arguments that build this network again (plain numbers, strings and lists)."""
        return {}

    @property
    def called(self) -> str:
        """The network's name in messages."""
        return type(self).__name__

    def jet(self, x: Float[Tensor, "n d"], indices: Sequence[Index]) -> Float[Tensor, "E n k"]:
        """Partial derivatives ∂^α q at `x` for exactly the given multi-indices, in order."""
        full = closure(tuple(indices))
        values = self(x, full)
        return values[[full.positions[i] for i in indices]]

    def tangent_jet(
        self, x: Float[Tensor, "n d"], indices: IndexSet, direction: Float[Tensor, " m"]
    ) -> tuple[Tensor, Tensor]:
        """Jet (A, n, k), and its derivative along the parameter direction, by forward mode."""
        parameters, network = self.trainable(), own_containers(self)
        tangents = unflatten(direction, list(parameters.values()))

        def evaluate(values: dict[str, Tensor]) -> Tensor:
            return torch.func.functional_call(network, values, (x, indices))

        directions = dict(zip(parameters, tangents, strict=True))
        with torch.no_grad():
            jet, tangent = jvp(evaluate, (parameters,), (directions,))
        return jet, tangent

    def trainable(self) -> dict[str, Tensor]:
        """The parameters that require gradients, by name, detached."""
        return {name: p.detach() for name, p in self.named_parameters() if p.requires_grad}

    @property
    def parameter_count(self) -> int:
        """m, the number of trainable parameters."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)

    def get_vector(self) -> Float[Tensor, " m"]:
        """A copy of θ as one vector."""
        return torch.cat([p.reshape(-1) for p in self.trainable().values()])

    def set_vector(self, theta: Float[Tensor, " m"]) -> None:
        """Overwrite θ."""
        trainable = [p for p in self.parameters() if p.requires_grad]
        with torch.no_grad():
            for p, value in zip(trainable, unflatten(theta, trainable), strict=True):
                p.copy_(value)


def unflatten(vector: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """Cut a vector into tensors of the given shapes."""
    pieces = torch.split(vector, [p.numel() for p in like])
    return [piece.view(p.shape) for piece, p in zip(pieces, like, strict=True)]


def require_trainable(network: Network) -> None:
    """Refuse a network without parameters to move."""
    if network.parameter_count == 0:
        raise SettingsError(
            f"{type(network).__name__} has no trainable parameter, so it has no tangent space: set "
            "requires_grad of the parameters that may move."
        )
