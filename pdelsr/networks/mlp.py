"""The multilayer perceptron with closed-form jets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.networks.feature_network import Applied, FeatureNetwork
from pdelsr.networks.index_set import IndexSet
from pdelsr.networks.layers import Affine
from pdelsr.networks.taylor import compose


class MLP(FeatureNetwork):
    """Fully connected network on normalized inputs: affine, σ, …, affine.

    The arguments are those of `FeatureNetwork`.

    Example:
        >>> import torch
        >>> network = MLP(2, hidden=(12, 12), activation="sin", bounds=[(0, 1), (0, 2)])
        >>> network(torch.rand(5, 2, dtype=torch.float64)).shape
        torch.Size([5, 1])
    """

    inner: nn.ModuleList

    def add_hidden_layers(self, widths: list[int]) -> None:
        self.inner = nn.ModuleList(Affine(a, b) for a, b in pairwise(widths))

    def widened(self, hidden: Sequence[int], seed: int) -> MLP:
        """A wider network that is the same function, with a tangent space that contains this one's.

        New neurons get random inputs and have no influence on the old ones.

        Args:
            hidden: widths, none below the present ones.
            seed: of the new weights.
        """
        settings = self.settings()
        settings.update(hidden=hidden, activation=self.activation, seed=seed)
        like = self.last.weight
        wide = MLP(**settings, dtype=like.dtype, device=like.device)
        wide.features = self.features
        for old, new in zip(self.affine_layers(), wide.affine_layers(), strict=True):
            new.contain(old)
        return wide

    def connected(
        self, a: Float[Tensor, "*A n w"], indices: IndexSet | None, applied: Applied
    ) -> Float[Tensor, "*A n k"]:
        for layer in self.inner:
            a = compose(self.activation, applied(layer, a), indices)
        return applied(self.last, a)
