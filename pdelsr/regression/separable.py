"""J V of separable operators from the Jacobians of their two factors, without rows for pairs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeGuard

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.linearize import Directions
from pdelsr.regression.model import Inputs, Model
from pdelsr.regression.products import JacobianTimes

DirectionsByName = Callable[[str], Tensor | None]
"""The directions of a parameter by its name, in its shape and (…, r); None where it is frozen."""


class Separable(nn.Module, ABC):
    """q(a)(x_j) = Σ_k b_k(a) T_k(x_j) + c on a fixed set of points x_j.

    A subclass that can move all r directions through its layers at once, by matrix products,
    defines `branch_along` and `trunk_along`; without them torch.func differentiates its factors.

    Attributes:
        points: x_j, (p, d), a buffer.
    """

    points: Tensor

    @abstractmethod
    def branch(self, a: Tensor) -> Float[Tensor, "n K"]:
        """b_k of every input function."""

    @abstractmethod
    def trunk(self, points: Float[Tensor, "p d"]) -> Float[Tensor, "p K"]:
        """T_k at points."""

    @abstractmethod
    def offset(self, points: Float[Tensor, "p d"]) -> Float[Tensor, "p 1"]:
        """c at points."""

    def branch_along(
        self, a: Tensor, directions: DirectionsByName, rank: int
    ) -> Float[Tensor, "K n r"] | None:
        """∂b along r directions of the parameters; None to leave it to torch.func."""
        return None

    def trunk_along(
        self, points: Float[Tensor, "p d"], directions: DirectionsByName, rank: int
    ) -> Float[Tensor, "K p r"] | None:
        """∂T along r directions of the parameters; None to leave it to torch.func."""
        return None

    def forward(self, a: Tensor) -> Float[Tensor, "n p"]:
        """The operator's output at all points, for every input function."""
        return self.branch(a) @ self.trunk(self.points).T + self.offset(self.points).T


def is_separable(module: nn.Module) -> TypeGuard[Separable]:
    """Whether a module predicts by the formula of `Separable`, and by no forward of its own."""
    return isinstance(module, Separable) and type(module).forward is Separable.forward


class SeparableTimes(JacobianTimes):
    """J V for all pairs (a_i, x_j):

        (J V)_ij = Σ_k (∂b_k(a_i) V) T_k(x_j) + b_k(a_i) (∂T_k(x_j) V) + ∂c(x_j) V

    ∂T V and ∂c V are formed once, ∂b V once a sample: no row of J for a pair is ever built.

    Args:
        model: of a `Separable` module.
        V: directions among the parameters that may move.
        probe: samples on which rows of the factors are timed against columns, if needed.
        budget: bytes of one chunk; None for a share of what is free.
    """

    def __init__(
        self,
        model: Model,
        V: Directions | Float[Tensor, "m r"],
        probe: Inputs,
        budget: int | None = None,
    ) -> None:
        super().__init__(model, V, "separable", probe, budget)
        assert isinstance(model.module, Separable)
        self._module = model.module
        whole = self.V.is_whole
        self._matrix = None if whole else self.V.columns(slice(self.rank), model.like)
        points = self._module.points
        self._general = None
        with torch.no_grad():
            trunk = self._module.trunk_along(points, self._directions, self.rank)
            branch = self._module.branch_along(probe[0][:1], self._directions, self.rank)
        if branch is None:
            self._general = self._of("branch", probe)
        if trunk is None:
            trunk = self._of("trunk", (points,))((points,)).transpose(0, 1)
        self._trunk = trunk.transpose(0, 1).contiguous()  # (p, K, r)
        self._offset = self._of("offset", (points,))((points,))  # (p, 1, r)
        self._features = model.of("trunk")((points,))  # (p, K)

    def narrowed(self, k: int) -> SeparableTimes:
        other = super().narrowed(k)
        assert isinstance(other, SeparableTimes)
        other._matrix = other.V.columns(slice(k), self.model.like)
        other._general = None if self._general is None else self._general.narrowed(k)
        other._trunk, other._offset = self._trunk[..., :k], self._offset[..., :k]
        return other

    @property
    def samples(self) -> int:
        # The result, and what two layers of the branch hold at once.
        return self._count((self.outputs + 2 * self._features.shape[1]) * self.rank)

    def __call__(self, inputs: Inputs) -> Float[Tensor, "n p r"]:
        b = self.model.of("branch")(inputs)
        (n, K), (p, _, r) = b.shape, self._trunk.shape
        out = torch.baddbmm(self._offset, b.expand(p, n, K), self._trunk)
        moved = self._branch(inputs).reshape(K, n * r)
        return out.view(p, n * r).addmm_(self._features, moved).view(p, n, r).transpose(0, 1)

    def _branch(self, inputs: Inputs) -> Float[Tensor, "K n r"]:
        """∂b V."""
        if self._general is not None:
            return self._general(inputs).transpose(0, 1)
        with torch.no_grad():
            found = self._module.branch_along(inputs[0], self._directions, self.rank)
        assert found is not None
        return found

    def _directions(self, name: str) -> Tensor | None:
        return self.model.directions(name, self._matrix)

    def _of(self, method: str, probe: Inputs) -> JacobianTimes:
        return JacobianTimes(self.model.of(method), self.V, "auto", probe, self.budget)
