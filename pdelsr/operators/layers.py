"""Plain networks whose derivatives by all parameters are written out, for branches and trunks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.errors import SettingsError
from pdelsr.networks.as_written import is_as_written
from pdelsr.networks.forward_mode import jvp
from pdelsr.networks.mollified import MollifiedReLU
from pdelsr.regression.separable import DirectionsByName


class TanhSin(nn.Module):
    """tanh(sin(π (x + 1))) + x, the activation of the published MultiONet."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(torch.sin(torch.pi * (x + 1))) + x


ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "tanh-sin": TanhSin}
ENTRYWISE = (*ACTIVATIONS.values(), nn.LeakyReLU, MollifiedReLU)
"""Activations whose derivative by an entry of the input is one entry, without parameters."""


class Layers(nn.Module):
    """A plain network that returns the outputs of all its layers.

    Args:
        widths: from the inputs to the last layer.
        activation: its name; applied after every layer but the last.
        dtype: of the weights.
        activates_last: whether it is applied after the last layer, too.
    """

    def __init__(
        self,
        widths: Sequence[int],
        activation: str,
        dtype: torch.dtype,
        activates_last: bool = False,
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise SettingsError(
                f"activation {activation!r} is not known: choose one of {', '.join(ACTIVATIONS)}."
            )
        self.layers: nn.ModuleList = nn.ModuleList(
            nn.Linear(a, b, dtype=dtype) for a, b in pairwise(widths)
        )
        active = len(self.layers) - (not activates_last)
        self.activations: nn.ModuleList = nn.ModuleList(
            ACTIVATIONS[activation]() for _ in range(active)
        )

    @property
    def linear(self) -> list[nn.Linear]:
        """The layers, as what they are."""
        return [layer for layer in self.layers if isinstance(layer, nn.Linear)]

    @property
    def is_plain(self) -> bool:
        """Whether `along` and `backward` hold: a user may have put other parts into the network."""
        return (
            is_as_written(self, Layers)
            and all(is_as_written(layer, nn.Linear) for layer in self.layers)
            and all(is_as_written(one, *ENTRYWISE) for one in self.activations)
        )

    def forward(self, x: Float[Tensor, "n i"]) -> list[Tensor]:
        outputs = []
        for i, layer in enumerate(self.layers):
            x = layer(x)
            if i < len(self.activations):
                x = self.activations[i](x)
            outputs.append(x)
        return outputs

    def backward(
        self, x: Float[Tensor, "n i"], seeds: Sequence[Tensor | None]
    ) -> list[tuple[Tensor, Tensor]]:
        """Reverse mode written out: of every layer ∂(seeded outputs)/∂z, and what enters it.

        The derivative by its weight is the product of the two, and that by its bias the first.

        Args:
            x: the inputs.
            seeds: of the outputs of every layer, (j, w); None for zero.

        Returns:
            For every layer, (n, j, w) and (n, i).
        """
        entering, slopes = [x], []
        for i, layer in enumerate(self.linear):
            value = layer(entering[-1])
            slope = None
            if i < len(self.activations):
                value, slope = jvp(self.activations[i], (value,), (torch.ones_like(value),))
            entering.append(value)
            slopes.append(slope)
        found: list[tuple[Tensor, Tensor]] = []
        above: Tensor | None = None
        for i in reversed(range(len(self.layers))):
            seed = seeds[i]
            if seed is not None:
                spread = seed.expand(len(x), *seed.shape)
                above = spread if above is None else above + spread
            assert above is not None, "no layer is seeded from here on"
            slope = slopes[i]
            moved = above if slope is None else above * slope[:, None]
            found.append((moved, entering[i]))
            above = moved @ self.linear[i].weight
        return found[::-1]

    def along(
        self, x: Float[Tensor, "n i"], directions: DirectionsByName, rank: int
    ) -> list[Float[Tensor, "w n r"]]:
        """The derivatives of all layers' outputs along r directions of the parameters at once.

        This is forward mode written out: with the features in front, a layer costs two matrix
        products,

            ∂z = W ∂x + (∂W) x + ∂b ,   ∂σ(z) = σ'(z) ∂z
        """
        found = []
        for i, layer in enumerate(self.linear):
            n, width = x.shape[0], layer.out_features
            if found:
                moved = (layer.weight @ found[-1].flatten(1)).view(width, n, rank)
            else:
                moved = x.new_zeros(width, n, rank)
            weight, bias = directions(f"layers.{i}.weight"), directions(f"layers.{i}.bias")
            if weight is not None:
                moved.baddbmm_(x.expand(width, *x.shape), weight)
            if bias is not None:
                moved += bias[:, None]
            x = layer(x)
            if i < len(self.activations):
                pair = jvp(self.activations[i], (x,), (torch.ones_like(x),))
                x, slope = pair[0], pair[1]
                moved *= slope.T[:, :, None]
            found.append(moved)
        return found
