"""J V of separable operators from the Jacobians of their two factors, without rows for pairs."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.batch.model import Inputs, Model
from pdelsr.batch.products import JacobianTimes


class Separable(nn.Module, ABC):
    """q(a)(x_j) = Σ_k b_k(a) T_k(x_j) + c on a fixed set of points x_j.

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

    def forward(self, a: Tensor) -> Float[Tensor, "n p"]:
        """The operator's output at all points, for every input function."""
        return self.branch(a) @ self.trunk(self.points).T + self.offset(self.points).T


class SeparableTimes(JacobianTimes):
    """J V for all pairs (a_i, x_j):

        (J V)_ij = Σ_k (∂b_k(a_i) V) T_k(x_j) + b_k(a_i) (∂T_k(x_j) V) + ∂c(x_j) V

    ∂T V and ∂c V are formed once, ∂b V once a sample: no row of J for a pair is ever built.

    Args:
        model: of a `Separable` module.
        V: directions; None for all parameters.
        probe: samples to time rows against columns of the factors on.
        budget: bytes of one chunk; None for a share of what is free.
    """

    def __init__(
        self, model: Model, V: Float[Tensor, "m r"] | None, probe: Inputs, budget: int | None = None
    ) -> None:
        super().__init__(model, V, "separable", probe, budget)
        module = model.module
        assert isinstance(module, Separable)
        points = module.points

        def factor(method: str, inputs: Inputs) -> JacobianTimes:
            return JacobianTimes(model.of(method), V, "auto", inputs, budget)

        self._branch = factor("branch", probe)
        self._trunk = factor("trunk", (points,))((points,))
        self._offset = factor("offset", (points,))((points,))[:, 0]
        self._features = model.of("trunk")((points,))

    def narrowed(self, k: int) -> SeparableTimes:
        other = super().narrowed(k)
        assert isinstance(other, SeparableTimes)
        other._branch = self._branch.narrowed(k)
        other._trunk, other._offset = self._trunk[..., :k], self._offset[..., :k]
        return other

    @property
    def samples(self) -> int:
        return self._count((self.outputs + self._branch.outputs) * self.rank)

    def __call__(self, inputs: Inputs) -> Float[Tensor, "n p r"]:
        b = self.model.of("branch")(inputs)
        p, K, r = self._trunk.shape
        out = torch.matmul(self._features, self._branch(inputs))  # (p, K) (n, K, r)
        out += (b @ self._trunk.transpose(0, 1).reshape(K, p * r)).reshape(-1, p, r)
        return out.add_(self._offset)
