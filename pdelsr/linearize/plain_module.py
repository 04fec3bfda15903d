"""The pair q(x; θ), J(x; θ) δ as a plain torch module, without this package's jets."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, fx, nn
from torch.fx.experimental.proxy_tensor import make_fx

from pdelsr.errors import SettingsError, described
from pdelsr.networks import (
    MLP,
    FeatureNetwork,
    ModifiedMLP,
    ModuleNetwork,
    Network,
    closure,
)
from pdelsr.networks.activations import Activation
from pdelsr.networks.base import unflatten
from pdelsr.networks.features import Features
from pdelsr.networks.forward_mode import ONE_THREAD
from pdelsr.networks.layers import Affine

Pair = tuple[Tensor, Tensor]
"""Values (n, w) and their derivatives along δ, (n, w)."""

TRACED_POINTS = 10_007  # a size that no layer has, because tracing ties equal sizes together
PROBES = (1, 3)  # numbers of points on which a graph is compared
CLOSE = 1e-4  # relative; a correct graph differs only by rounding, also in float32


def plain_pair(network: Network, delta: Float[Tensor, " m"] | None) -> nn.Module:
    """A module from points (n, d) to (q, J δ), each (n, k), without trainable parameters.

    The forward mode of the built-in networks is written out, because torch.export does not take
    torch.func.jvp on a number of points that may vary. Other networks become a graph.

    Args:
        network: at θ; it is copied.
        delta: δ; None for zero.

    Raises:
        SettingsError: a user's network cannot be traced.
    """
    if delta is None:
        return Unmoved(copy.deepcopy(network)).requires_grad_(False)
    kind: Any = MOVED.get(type(network), Traced)
    return kind(copy.deepcopy(network), delta).requires_grad_(False)


class Unmoved(nn.Module):
    """(q, 0)."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network: nn.Module = network.module if isinstance(network, ModuleNetwork) else network

    def forward(self, x: Float[Tensor, "n d"]) -> Pair:
        value = self.network(x).reshape(x.shape[0], -1)
        return value, torch.zeros_like(value)


class MovedAffine(nn.Module):
    """z = a Wᵀ + b and its derivative ∂z = ∂a Wᵀ + a ∂Wᵀ + ∂b.

    Args:
        layer: W and b.
        steps: ∂W and ∂b, zero where the layer is frozen.
    """

    weight: nn.Parameter
    bias: nn.Parameter
    step_weight: Tensor
    step_bias: Tensor

    def __init__(self, layer: Affine, steps: tuple[Tensor, Tensor]) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        self.register_buffer("step_weight", steps[0])
        self.register_buffer("step_bias", steps[1])

    def forward(self, a: Tensor, moved: Tensor | None) -> Pair:
        # In the same order as the jets' forward mode: δ may be large, and then rounding shows.
        step = a @ self.step_weight.T
        if moved is not None:
            step = moved @ self.weight.T + step
        return a @ self.weight.T + self.bias, step + self.step_bias


class MovedNetwork(nn.Module):
    """The common base of built-in networks: fixed features, moved layers, σ with its slope."""

    def __init__(self, network: FeatureNetwork, delta: Float[Tensor, " m"]) -> None:
        super().__init__()
        self.features: Features = network.features
        self.activation: Activation = network.activation
        steps = _steps(network, delta)
        layers = network.affine_layers()
        self.layers: nn.ModuleList = nn.ModuleList(
            MovedAffine(layer, (next(steps), next(steps))) for layer in layers
        )

    def activated(self, z: Tensor, moved: Tensor) -> Pair:
        """σ(z) and σ'(z) ∂z."""
        value, slope = self.activation.derivatives(z, 1)
        return value, slope * moved


class MovedMLP(MovedNetwork):
    """The pair of an `MLP`."""

    def forward(self, x: Float[Tensor, "n d"]) -> Pair:
        a, moved = self.features(x), None
        *hidden, last = self.layers
        for layer in hidden:
            a, moved = self.activated(*layer(a, moved))
        return last(a, moved)


class MovedModifiedMLP(MovedNetwork):
    """The pair of a `ModifiedMLP`: h = Q + o ⊙ (P − Q)."""

    def forward(self, x: Float[Tensor, "n d"]) -> Pair:
        h, moved = self.features(x), None
        encode_P, encode_Q, *hidden, last = self.layers
        (P, dP), (Q, dQ) = (self.activated(*layer(h, None)) for layer in (encode_P, encode_Q))
        for layer in hidden:
            o, do = self.activated(*layer(h, moved))
            h, moved = Q + o * (P - Q), dQ + do * (P - Q) + o * (dP - dQ)
        return last(h, moved)


class Traced(nn.Module):
    """The pair of any network, as a graph of torch operations that is independent of its code.

    J δ is linear in δ, and so the transpose of c ↦ Jᵀ c, which reverse mode gives: it takes two
    reverse passes, and the first one leaves no operation in the graph.

    Raises:
        SettingsError: there is no such graph, or it holds for one number of points only.
    """

    def __init__(self, network: Network, delta: Float[Tensor, " m"]) -> None:
        super().__init__()
        theta = network.trainable()
        self.theta: nn.ParameterList = nn.ParameterList(theta.values())
        for i, step in enumerate(unflatten(delta, list(theta.values()))):
            self.register_buffer(f"step_{i}", step.clone())
        self.graph: nn.Module = _traced(network, self._tensors, delta)

    def forward(self, x: Float[Tensor, "n d"]) -> Pair:
        value, moved = self.graph(x, *self._tensors)
        return value, moved

    @property
    def _tensors(self) -> list[Tensor]:
        """θ and δ, one tensor per parameter."""
        steps = [getattr(self, f"step_{i}") for i in range(len(self.theta))]
        return [*self.theta, *steps]


def _traced(network: Network, tensors: Sequence[Tensor], delta: Float[Tensor, " m"]) -> nn.Module:
    """The graph of `_pair_by_transposition`, checked against forward mode."""
    names = list(network.trainable())

    def pair(x: Tensor, *tensors: Tensor) -> Pair:
        return _pair_by_transposition(network, names, x, tensors)

    x = tensors[0].new_zeros(TRACED_POINTS, network.in_features)
    try:
        trace = make_fx(pair, tracing_mode="symbolic", _allow_non_fake_inputs=True)
        with ONE_THREAD:  # tracing patches torch's own functions meanwhile
            traced = trace(x, *tensors)
        traced.graph.eliminate_dead_code()
        graph = fx.GraphModule(traced, traced.graph)  # without the leftovers of tracing
        differs = any(_differs(graph, tensors, network, delta, count) for count in PROBES)
    except Exception as error:  # anything a user's module or torch raises
        raise _untraceable(network, described(error).splitlines()[0]) from error
    if differs:
        raise _untraceable(network, "it gives other values on another number of points")
    return graph


def _pair_by_transposition(
    network: Network, names: Sequence[str], x: Tensor, tensors: Sequence[Tensor]
) -> Pair:
    """q and J δ by two reverse passes."""
    theta, steps = tensors[: len(names)], tensors[len(names) :]
    with torch.enable_grad():
        moving = [p.detach().requires_grad_() for p in theta]
        values = dict(zip(names, moving, strict=True))
        value = torch.func.functional_call(network, values, (x,))
        c = torch.zeros_like(value).requires_grad_()
        pulled = torch.autograd.grad(value, moving, c, create_graph=True, materialize_grads=True)
        (moved,) = torch.autograd.grad(pulled, c, steps, materialize_grads=True)
    return value, moved


def _differs(
    graph: nn.Module, tensors: Sequence[Tensor], network: Network, delta: Tensor, count: int
) -> bool:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(
        count, network.in_features, dtype=torch.float64, generator=generator, device="cpu"
    )
    x = x.to(tensors[0])
    found = torch.stack(graph(x, *tensors))
    jet, tangent = network.tangent_jet(x, closure(((0,) * network.in_features,)), delta)
    right = torch.stack([jet[0], tangent[0]])
    size = torch.linalg.vector_norm(right)
    return not bool(torch.linalg.vector_norm(found - right) <= CLOSE * size)


def _untraceable(network: Network, why: str) -> SettingsError:
    name = type(network.module if isinstance(network, ModuleNetwork) else network).__name__
    return SettingsError(
        f"{name} cannot be turned into a graph of torch operations ({why}): write sizes as "
        "x.shape[0] instead of len(x), and do not branch on values; or use Solution.predict."
    )


def _steps(network: Network, delta: Float[Tensor, " m"]) -> Iterator[Tensor]:
    """δ in the shape of every parameter, zero for the frozen ones."""
    free = [p for p in network.parameters() if p.requires_grad]
    moving = iter(unflatten(delta, free))
    for p in network.parameters():
        yield next(moving).clone() if p.requires_grad else torch.zeros_like(p)


MOVED: dict[type[Network], type[MovedNetwork]] = {MLP: MovedMLP, ModifiedMLP: MovedModifiedMLP}
"""Networks whose forward mode is written out; subclasses may do something else."""
