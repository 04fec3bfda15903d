"""The neural tangent kernel of DeepONet and MultiONet, from products of their layers."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.operators.layers import Layers
from pdelsr.regression.separable import Separable
from pdelsr.resources.time_is_up import check_time

BLOCK = 64  # input functions whose rows are formed at once


class Layered(Separable):
    """A separable operator whose factors are made of the outputs of plain layers.

    Attributes:
        branch_network: the layers of the branch.
        trunk_network: those of the trunk.
    """

    branch_network: Layers
    trunk_network: Layers

    @abstractmethod
    def trunk_seeds(self) -> list[Tensor | None]:
        """∂T/∂(outputs) of every layer of the trunk, (K, w); None for zero."""

    @abstractmethod
    def seeds(self, features: Float[Tensor, "j K"]) -> list[Tensor | None]:
        """∂(b · features)/∂(outputs) of every layer of the branch, (j, w); None for zero."""

    def weight_rows(
        self, a: Float[Tensor, "n s"], features: Float[Tensor, "j K"]
    ) -> list[Float[Tensor, "n j"]]:
        """∂(b · features) by parameters of the branch that are in none of its layers."""
        return []

    def kernel(self, modes: Float[Tensor, "p j"]) -> OperatorKernel:
        return OperatorKernel(self, modes)

    @property
    def has_kernel(self) -> bool:
        """Whether the parameters are those of plain layers, with biases, and one constant."""
        networks = [
            network
            for network in (self._modules["branch_network"], self._modules["trunk_network"])
            if isinstance(network, Layers) and network.is_plain
        ]
        if len(networks) < 2:
            return False
        own = [
            parameter
            for network in networks
            for layer in network.linear
            for parameter in (layer.weight, layer.bias)
        ]
        expected = {id(parameter) for parameter in (*own, *self.others)}
        return (
            len(expected) == len(own) + len(self.others)
            and len(own) == 2 * sum(len(network.layers) for network in networks)
            and expected == {id(parameter) for parameter in self.parameters()}
        )

    @property
    @abstractmethod
    def others(self) -> tuple[Tensor, ...]:
        """The parameters outside the layers: those of `weight_rows`, and the constant c."""

    def kernel_numbers(self, samples: int, components: int) -> int:
        branch, trunk = self.branch_network.linear, self.trunk_network.linear
        features = self.trunk(self.points[:1]).shape[1]
        size, pairs = features * components, components**2 * samples
        moved = len(self.points) * features * sum(layer.out_features for layer in trunk)
        rows = size * max(layer.weight.numel() + layer.out_features for layer in trunk)
        # ⟨∂T, ∂T⟩ from the rows of a layer; then b times it, all δ of the branch, and a block of
        # the result with what is added to it
        deltas = samples * components * sum(layer.out_features for layer in branch)
        block = 3 * min(BLOCK, samples) * pairs
        return size**2 + max(moved + rows, features * pairs + deltas + block)


class OperatorKernel:
    """Mᵀ J Jᵀ M of all pairs of input functions, over all parameters of an operator.

    With u_j(a) = Σ_k b_k(a) T_kj + c 1_j, where T_kj are the features of the trunk in the modes M,
    and 1_j = Σ_x M_xj,

        ⟨∂u_i(a), ∂u_j(a')⟩ = Σ_l ⟨δ_il(a), δ_jl(a')⟩ (⟨h_l(a), h_l(a')⟩ + 1)
                              + Σ_kk' b_k(a) ⟨∂T_ki, ∂T_k'j⟩ b_k'(a')
                              + Σ_w ∂_w u_i(a) ∂_w u_j(a') + 1_i 1_j ,

    where h_l enters layer l of the branch, δ_l is the derivative by what leaves it, and w are
    parameters outside of the layers, as the weights of layers of a MultiONet. No row of J is formed
    for a function, and the cost of a layer is that of two products of matrices; rows of the trunk
    are formed once for all functions.

    Args:
        operator: whose tangent space it is.
        modes: M of the outputs, (p, j).
    """

    def __init__(self, operator: Layered, modes: Float[Tensor, "p j"]) -> None:
        self.operator, self.modes = operator, modes
        with torch.no_grad():
            self.trunk: Float[Tensor, "j K"] = modes.T @ operator.trunk(operator.points)
            self.gram: Float[Tensor, "K j K j"] = self._trunk_gram()

    def _trunk_gram(self) -> Float[Tensor, "K j K j"]:
        """⟨∂T_ki, ∂T_k'j⟩, layer by layer; no layer moves the features of those before it."""
        operator, modes = self.operator, self.modes
        (j, K), points = self.trunk.shape, operator.points
        gram = modes.new_zeros(K * j, K * j)
        for moved, entering in operator.trunk_network.backward(points, operator.trunk_seeds()):
            check_time()
            used = moved[:, self._first_moved(moved) :]
            rows = modes.new_empty(used.shape[1], j, moved.shape[2], entering.shape[1] + 1)
            h = torch.cat([entering, torch.ones_like(entering[:, :1])], dim=1)
            spread = used.flatten(1)  # (p, K w)
            for i in range(j):
                rows[:, i] = (spread.T @ (modes[:, i, None] * h)).view_as(rows[:, i])
            flat = rows.flatten(2).flatten(0, 1)
            first = j * (K - used.shape[1])
            gram[first:, first:].addmm_(flat, flat.T)
        return gram.view(K, j, K, j)

    def _first_moved(self, moved: Float[Tensor, "p K w"]) -> int:
        """The first feature that is not constant in the parameters of a layer."""
        some = moved.flatten(2).any(dim=2).any(dim=0).nonzero()
        return int(some[0]) if len(some) else moved.shape[1]

    @torch.no_grad()
    def __call__(self, a: Float[Tensor, "n s"]) -> Float[Tensor, "l l"]:
        """All pairs, (n j, n j): the modes of a function stand together."""
        operator = self.operator
        layers = operator.branch_network.backward(a, operator.seeds(self.trunk))
        (n, j), b = (len(a), self.modes.shape[1]), operator.branch(a)
        half = torch.einsum("pl,fklj->fkpj", b, self.gram).flatten(1)  # (K, j n j)
        total = self.modes.sum(dim=0)
        constant = (total[:, None] * total)[None, :, None, :]
        weights = [rows.flatten() for rows in operator.weight_rows(a, self.trunk)]
        K = a.new_empty(n, j, n, j)
        for start in range(0, n, BLOCK):
            check_time()
            part = slice(start, start + BLOCK)
            rows = (b[part] @ half).view(-1, j, n, j) + constant
            for moved, entering in layers:
                pairs = moved[part].flatten(0, 1) @ moved.flatten(0, 1).T
                near = entering[part] @ entering.T + 1
                rows += pairs.view_as(rows).mul_(near[:, None, :, None])
            for w in weights:
                own = w.view(n, j)[part].flatten()
                rows += (own[:, None] * w).view_as(rows)
            K[part] = rows
        return K.view(n * j, n * j)
