"""The multilayer perceptron with closed-form jets."""

from __future__ import annotations

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.networks.feature_network import FeatureNetwork
from pdelsr.networks.index_set import IndexSet
from pdelsr.networks.layers import Affine
from pdelsr.networks.taylor import compose


class MLP(FeatureNetwork):
    """Fully connected network on normalized inputs: affine, σ, …, affine.

    The arguments are those of `FeatureNetwork`.
    """

    def _add_hidden_layers(self, widths: list[int]) -> None:
        self.inner = nn.ModuleList(Affine(a, b) for a, b in pairwise(widths))

    def forward(
        self, x: Float[Tensor, "n d"], indices: IndexSet | None = None
    ) -> Float[Tensor, "*A n k"]:
        a = self.features(x, indices)
        for layer in self.inner:
            a = compose(self.activation, layer(a), indices)
        return self.last(a)
