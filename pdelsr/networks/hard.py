"""Networks that satisfy conditions exactly: u = g(x) + D(x) N(x; θ)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.networks.base import Network
from pdelsr.networks.index_set import Index, IndexSet, closure
from pdelsr.networks.taylor import multiply


@runtime_checkable
class LiftAndFactor(Protocol):
    """The lift g and the factor D of one field, through their jets; `compile.HardForm` is one."""

    def lift_jet(self, x: Tensor, indices: tuple[Index, ...], /) -> Tensor:
        """Jet (A, n) of g."""
        ...

    def factor_jet(self, x: Tensor, indices: tuple[Index, ...], /) -> Tensor:
        """Jet (A, n) of D."""
        ...


class HardConditions(Network):
    """u_j = g_j(x) + D_j(x) N_j(x; θ) for the fields with a form, u_j = N_j for the others.

    θ is that of the inner network, in the same order.

    Args:
        network: N.
        forms: one per field, or None if the field is the network's.

    Raises:
        SettingsError: the number of forms differs from the number of fields.
    """

    def __init__(self, network: Network, forms: Sequence[LiftAndFactor | None]) -> None:
        super().__init__()
        if len(forms) != network.out_features:
            raise SettingsError(
                f"{len(forms)} hard form(s) for a network of {network.out_features} field(s): give "
                "one a field, None where a field has none."
            )
        self.network = network
        self.forms: tuple[LiftAndFactor | None, ...] = tuple(forms)
        self.in_features: int = network.in_features
        self.out_features: int = network.out_features

    def forward(
        self, x: Float[Tensor, "n d"], indices: IndexSet | None = None
    ) -> Float[Tensor, "*A n k"]:
        inner = self.network(x, indices)
        if indices is None:
            values = closure(((0,) * x.shape[1],))
            return self._lift(x, values)[0] + self._factor(x, values)[0] * inner
        return self._lift(x, indices) + multiply(self._factor(x, indices), inner, indices)

    def tangent_jet(
        self, x: Float[Tensor, "n d"], indices: IndexSet, direction: Float[Tensor, " m"]
    ) -> tuple[Tensor, Tensor]:
        """Jet of g + D N, and D times the derivative of N."""
        jet, tangent = self.network.tangent_jet(x, indices, direction)
        with torch.no_grad():
            lift, factor = self._lift(x, indices), self._factor(x, indices)
            return lift + multiply(factor, jet, indices), multiply(factor, tangent, indices)

    def rows(
        self,
        x: Float[Tensor, "n d"],
        indices: IndexSet,
        seeds: Float[Tensor, "A n k"],
        only: Int[Tensor, " r"] | None = None,
    ) -> Float[Tensor, "n c"]:
        """Σ_α s_α ∂^α(D N) = Σ_β t_β ∂^β N with t_β = Σ_{α ≥ β} C(α, β) D_{α−β} s_α."""
        factor = self._factor(x, indices)
        inner_seeds = torch.zeros_like(seeds)
        for position, terms in enumerate(indices.leibniz):
            for t in terms:
                inner_seeds[t.left].addcmul_(factor[t.right], seeds[position], value=t.coefficient)
        return self.network.rows(x, indices, inner_seeds, only)

    def homogeneous(
        self, x: Float[Tensor, "n d"], indices: IndexSet, jet: Float[Tensor, "A n k"]
    ) -> Float[Tensor, "A n k"]:
        with torch.no_grad():
            return multiply(self._factor(x, indices), jet, indices)

    def settings(self) -> dict[str, Any]:
        return self.network.settings()

    def _lift(self, x: Tensor, indices: IndexSet) -> Tensor:
        zero = x.new_zeros(len(indices), x.shape[0])
        jets = [zero if form is None else form.lift_jet(x, indices.indices) for form in self.forms]
        return torch.stack(jets, dim=2)

    def _factor(self, x: Tensor, indices: IndexSet) -> Tensor:
        one = x.new_zeros(len(indices), x.shape[0])
        one[0] = 1.0
        jets = [one if form is None else form.factor_jet(x, indices.indices) for form in self.forms]
        return torch.stack(jets, dim=2)


def inner_network(network: Network) -> Network:
    """The network without the hard conditions around it."""
    return network.network if isinstance(network, HardConditions) else network
