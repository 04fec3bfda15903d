"""DeepONet and MultiONet: branch and trunk networks whose products are summed."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.errors import SettingsError
from pdelsr.networks.as_written import is_as_written
from pdelsr.operators.layered import Layered
from pdelsr.operators.layers import Layers
from pdelsr.regression.separable import DirectionsByName

WRITTEN_OUT = ("branch", "trunk", "_features", "_branch_features", "_branch_features_along")
"""Methods of an operator that `branch_along` and `trunk_along` repeat."""


class Operator(Layered):
    """A branch and a trunk of equal widths on a fixed set of points.

    Args:
        sensors: number of values of an input function, the branch's inputs.
        points: x_j of the output, (p, d).
        hidden: widths of the layers, the last one included, of branch and trunk alike.
        activation: "relu", "tanh" or "tanh-sin".
        seed: of the initial weights.
        dtype: of the weights.
        activates_trunk: whether the activation follows the last layer of the trunk, as in the
            published operators of Cao and Zhang (2026).

    Raises:
        SettingsError: a size is not positive, points are not (p, d), or the activation is unknown.
    """

    def __init__(
        self,
        sensors: int,
        points: Tensor,
        hidden: Sequence[int] = (100, 100, 100, 100),
        activation: str = "tanh",
        seed: int = 0,
        dtype: torch.dtype = torch.float64,
        activates_trunk: bool = False,
    ) -> None:
        super().__init__()
        if points.ndim != 2:
            raise SettingsError(f"points have shape {tuple(points.shape)}: expected (p, d).")
        if sensors < 1 or not hidden or min(hidden) < 1:
            raise SettingsError(
                f"sensors {sensors} and hidden {tuple(hidden)}: expected positive widths."
            )
        self.register_buffer("points", points.to(dtype))
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.branch_network: Layers = Layers((sensors, *hidden), activation, dtype)
            self.trunk_network: Layers = Layers(
                (points.shape[1], *hidden), activation, dtype, activates_trunk
            )
        self.bias: nn.Parameter = nn.Parameter(torch.zeros(1, dtype=dtype))

    def at(self, points: Float[Tensor, "p d"]) -> Operator:
        """The same operator, with the same weights, on other points."""
        other = copy.copy(self)
        other._buffers = {**self._buffers, "points": points.to(self.points)}
        return other

    @property
    def has_kernel(self) -> bool:
        own = is_as_written(self, DeepONet, MultiONet) and self._is_written_out
        return own and super().has_kernel

    @property
    def others(self) -> tuple[Tensor, ...]:
        return (self.bias,)

    def offset(self, points: Float[Tensor, "p d"]) -> Float[Tensor, "p 1"]:
        return self.bias.expand(points.shape[0], 1)

    def branch(self, a: Float[Tensor, "n s"]) -> Float[Tensor, "n K"]:
        return self._branch_features(self.branch_network(a))

    def trunk(self, points: Float[Tensor, "p d"]) -> Float[Tensor, "p K"]:
        return self._features(self.trunk_network(points))

    def branch_along(
        self, a: Float[Tensor, "n s"], directions: DirectionsByName, rank: int
    ) -> Float[Tensor, "K n r"] | None:
        if not self._is_plain("branch_network"):
            return None
        return self._branch_features_along(
            a, self._along("branch_network", a, directions, rank), directions
        )

    def trunk_along(
        self, points: Float[Tensor, "p d"], directions: DirectionsByName, rank: int
    ) -> Float[Tensor, "K p r"] | None:
        if not self._is_plain("trunk_network"):
            return None
        return self._features(self._along("trunk_network", points, directions, rank), dim=0)

    def _is_plain(self, network: str) -> bool:
        """Whether the derivatives of branch or trunk are those that are written out here."""
        layers = self._modules[network]
        parameters = [id(p) for _, p in self.named_parameters(remove_duplicate=False)]
        tied = len(set(parameters)) < len(parameters)
        plain = isinstance(layers, Layers) and layers.is_plain
        return self._is_written_out and plain and not tied

    @property
    def _is_written_out(self) -> bool:
        """Whether class and object leave the methods that are repeated as they stand here."""
        own = all(getattr(type(self), name).__module__ == __name__ for name in WRITTEN_OUT)
        return own and not vars(self).keys() & set(WRITTEN_OUT)

    def _along(
        self, network: str, x: Float[Tensor, "n i"], directions: DirectionsByName, rank: int
    ) -> list[Float[Tensor, "w n r"]]:
        layers = getattr(self, network)
        return layers.along(x, lambda name: directions(f"{network}.{name}"), rank)

    @abstractmethod
    def _features(self, outputs: list[Tensor], dim: int = 1) -> Tensor:
        """The outputs of layers that are multiplied; `dim` is the axis of the features."""

    def _branch_features(self, outputs: list[Tensor]) -> Tensor:
        """Those of the branch, which may carry weights."""
        return self._features(outputs)

    def _branch_features_along(
        self, a: Float[Tensor, "n s"], moved: list[Tensor], directions: DirectionsByName
    ) -> Tensor:
        """The derivatives of `_branch_features` along directions, from those of the layers."""
        return self._features(moved, dim=0)


class DeepONet(Operator):
    """q(a)(x) = Σ_k b_k(a) T_k(x) + c (Lu et al. 2021, Nature Machine Intelligence 3, 218)."""

    def seeds(self, features: Float[Tensor, "j K"]) -> list[Tensor | None]:
        return [None] * (len(self.branch_network.layers) - 1) + [features]

    def trunk_seeds(self) -> list[Tensor | None]:
        width = self.trunk_network.linear[-1].out_features
        return self.seeds(torch.eye(width).to(self.points))

    def _features(self, outputs: list[Tensor], dim: int = 1) -> Tensor:
        return outputs[-1]


class MultiONet(Operator):
    """The mean over the layers l of Σ_k b_k^l(a) T_k^l(x), plus c.

    Args:
        sensors: number of values of an input function.
        points: x_j of the output, (p, d).
        hidden: widths of the layers, of branch and trunk alike.
        activation: "relu", "tanh" or "tanh-sin".
        seed: of the initial weights.
        dtype: of the weights.
        activates_trunk: see `Operator`.
        learns_weights: whether each layer has a weight of its own, which is learned and begins at
            0, in place of the mean.
    """

    layer_weights: nn.Parameter | None

    def __init__(
        self,
        sensors: int,
        points: Tensor,
        hidden: Sequence[int] = (100, 100, 100, 100),
        activation: str = "tanh",
        seed: int = 0,
        dtype: torch.dtype = torch.float64,
        activates_trunk: bool = False,
        learns_weights: bool = False,
    ) -> None:
        super().__init__(sensors, points, hidden, activation, seed, dtype, activates_trunk)
        zeros = torch.zeros(len(hidden), dtype=dtype)
        self.layer_weights = nn.Parameter(zeros) if learns_weights else None

    def _features(self, outputs: list[Tensor], dim: int = 1) -> Tensor:
        if self.layer_weights is not None:
            return torch.cat(outputs, dim=dim)
        # Both factors carry 1 / sqrt(L), so that their products are a mean.
        return torch.cat(outputs, dim=dim).div_(len(outputs) ** 0.5)

    def seeds(self, features: Float[Tensor, "j K"]) -> list[Tensor | None]:
        parts = self._by_layer(features)
        if self.layer_weights is None:
            return [part / len(parts) ** 0.5 for part in parts]
        return [weight * part for weight, part in zip(self.layer_weights, parts, strict=True)]

    def trunk_seeds(self) -> list[Tensor | None]:
        count = sum(layer.out_features for layer in self.trunk_network.linear)
        parts = self._by_layer(torch.eye(count).to(self.points))
        if self.layer_weights is not None:
            return list(parts)
        return [part / len(parts) ** 0.5 for part in parts]

    def weight_rows(
        self, a: Float[Tensor, "n s"], features: Float[Tensor, "j K"]
    ) -> list[Float[Tensor, "n j"]]:
        if self.layer_weights is None:
            return []
        outputs = self.branch_network(a)
        pairs = zip(outputs, self._by_layer(features), strict=True)
        return [b @ part.T for b, part in pairs]

    @property
    def others(self) -> tuple[Tensor, ...]:
        return (self.bias,) if self.layer_weights is None else (self.bias, self.layer_weights)

    def _by_layer(self, features: Float[Tensor, "j K"]) -> Sequence[Tensor]:
        """The features that belong to each of the layers."""
        widths = [layer.out_features for layer in self.branch_network.linear]
        return features.split(widths, dim=1)

    def _branch_features(self, outputs: list[Tensor]) -> Tensor:
        w = self.layer_weights
        if w is None:
            return self._features(outputs)
        return torch.cat([weight * b for weight, b in zip(w, outputs, strict=True)], dim=1)

    def _branch_features_along(
        self, a: Float[Tensor, "n s"], moved: list[Tensor], directions: DirectionsByName
    ) -> Tensor:
        w = self.layer_weights
        if w is None:
            return self._features(moved, dim=0)
        found = [weight * part for weight, part in zip(w, moved, strict=True)]
        steps = directions("layer_weights")
        if steps is not None:  # (L, r)
            outputs = self.branch_network(a)
            for part, b, step in zip(found, outputs, steps, strict=True):
                part += b.T[:, :, None] * step
        return torch.cat(found)
