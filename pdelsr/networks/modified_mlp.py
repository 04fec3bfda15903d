"""The multilayer perceptron with two encoders that gate every hidden layer."""

from __future__ import annotations

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.errors import SettingsError
from pdelsr.networks.feature_network import Applied, FeatureNetwork
from pdelsr.networks.index_set import IndexSet
from pdelsr.networks.layers import Affine
from pdelsr.networks.taylor import compose, multiply


class ModifiedMLP(FeatureNetwork):
    """The modified MLP of Wang, Teng and Perdikaris 2021 (SIAM J. Sci. Comput. 43, eq. 43 to 47).

    With the encoders P = σ(U z + c₁) and Q = σ(V z + c₂) of the features z, every hidden layer is

        o = σ(W h + b),   h ← o ⊙ P + (1 − o) ⊙ Q,

    and the last layer is linear. The arguments are those of `FeatureNetwork`.

    Raises:
        SettingsError: the hidden layers are not all equally wide, or there are none.
    """

    encoders: nn.ModuleList
    inner: nn.ModuleList

    def add_hidden_layers(self, widths: list[int]) -> None:
        require_equal_widths(widths[1:])
        self.encoders = nn.ModuleList(Affine(widths[0], widths[1]) for _ in range(2))
        self.inner = nn.ModuleList(Affine(a, b) for a, b in pairwise(widths))

    def input_layers(self) -> list[Affine]:
        return self.affine_layers()[:3]  # both encoders and the first gated layer

    def connected(
        self, a: Float[Tensor, "*A n w"], indices: IndexSet | None, applied: Applied
    ) -> Float[Tensor, "*A n k"]:
        P, Q = (compose(self.activation, applied(layer, a), indices) for layer in self.encoders)
        h, difference = a, P - Q
        for layer in self.inner:
            o = compose(self.activation, applied(layer, h), indices)
            h = Q + multiply(o, difference, indices)
        return applied(self.last, h)


def require_equal_widths(hidden: list[int]) -> None:
    """Refuse hidden layers that the same encoders cannot gate."""
    if len(set(hidden)) != 1:
        raise SettingsError(
            f"a modified MLP gates every hidden layer by the same encoders, and hidden={hidden}: "
            "give one or more equal widths."
        )
