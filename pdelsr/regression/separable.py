"""J V of separable operators from the Jacobians of their two factors, without rows for pairs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeGuard

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.linearize import Directions
from pdelsr.networks.as_written import has_plain_call
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

    def kernel(self, modes: Float[Tensor, "p j"]) -> Callable[[Tensor], Tensor] | None:
        """The neural tangent kernel of outputs written in modes; None where there is no fast way.

        Args:
            modes: of the outputs at all points.

        Returns:
            A function of input functions (n, s) that gives Mᵀ J Jᵀ M, (n j, n j), over all
            parameters.
        """
        return None

    @property
    def has_kernel(self) -> bool:
        """Whether `kernel` holds for this module as it is."""
        return False

    def kernel_numbers(self, samples: int, components: int) -> int:
        """How many numbers `kernel` holds at once beside its result.

        Args:
            samples: n.
            components: j, the number of modes.
        """
        return 0

    def forward(self, a: Tensor) -> Float[Tensor, "n p"]:
        """The operator's output at all points, for every input function."""
        return self.branch(a) @ self.trunk(self.points).T + self.offset(self.points).T


def is_separable(module: nn.Module) -> TypeGuard[Separable]:
    """Whether a module predicts by the formula of `Separable`: no forward of its own, no hooks."""
    separable = isinstance(module, Separable) and type(module).forward is Separable.forward
    return separable and has_plain_call(module)


def has_kernel(model: Model) -> bool:
    """Whether a module has a kernel of its own, and all of its parameters may move."""
    module = model.module
    if not is_separable(module) or not module.has_kernel:
        return False
    return model.index is None and all(p.requires_grad for p in module.parameters())


@dataclass(frozen=True)
class _Moved:
    """The derivatives of the trunk along all directions, and the way to those of the branch.

    Args:
        general: ∂b V by torch.func; None where the module has a way of its own.
        trunk: ∂T V, (p, K, r).
        offset: ∂c V, (p, 1, r).
    """

    general: JacobianTimes | None
    trunk: Float[Tensor, "p K r"]
    offset: Float[Tensor, "p 1 r"]


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
        self._probe = probe
        whole = self.V.is_whole
        self._matrix = None if whole else self.V.columns(slice(self.rank), model.like)
        self._features = model.of("trunk")((self._module.points,))  # (p, K)

    @cached_property
    def _moved(self) -> _Moved:
        """What all samples share, formed before the first of them: products with vectors do not."""
        points, general = self._module.points, None
        with torch.no_grad():
            trunk = self._module.trunk_along(points, self._directions, self.rank)
            branch = self._module.branch_along(self._probe[0][:1], self._directions, self.rank)
        if branch is None:
            general = self._of("branch", self._probe)
        if trunk is None:
            trunk = self._of("trunk", (points,))((points,)).transpose(0, 1)
        offset = self._of("offset", (points,))((points,))
        return _Moved(general, trunk.transpose(0, 1).contiguous(), offset)

    def narrowed(self, k: int) -> SeparableTimes:
        other = super().narrowed(k)
        assert isinstance(other, SeparableTimes)
        other._matrix = other.V.columns(slice(k), self.model.like)
        now = self._moved
        general = None if now.general is None else now.general.narrowed(k)
        other._moved = _Moved(general, now.trunk[..., :k], now.offset[..., :k])
        return other

    def kernel(self, modes: Float[Tensor, "p j"] | None) -> Callable[[Tensor], Tensor] | None:
        if not self.V.is_whole or not has_kernel(self.model):
            return None
        if modes is None:
            modes = torch.eye(len(self._module.points)).to(self.model.like)
        return self._module.kernel(modes)

    @property
    def samples(self) -> int:
        # The result, and what two layers of the branch hold at once.
        return self._count((self.outputs + 2 * self._features.shape[1]) * self.rank)

    def __call__(self, inputs: Inputs) -> Float[Tensor, "n p r"]:
        b = self.model.of("branch")(inputs)
        trunk, offset = self._moved.trunk, self._moved.offset
        (n, K), (p, _, r) = b.shape, trunk.shape
        out = torch.baddbmm(offset, b.expand(p, n, K), trunk)
        moved = self._branch(inputs).reshape(K, n * r)
        return out.view(p, n * r).addmm_(self._features, moved).view(p, n, r).transpose(0, 1)

    def _branch(self, inputs: Inputs) -> Float[Tensor, "K n r"]:
        """∂b V."""
        if self._moved.general is not None:
            return self._moved.general(inputs).transpose(0, 1)
        with torch.no_grad():
            found = self._module.branch_along(inputs[0], self._directions, self.rank)
        assert found is not None
        return found

    def _directions(self, name: str) -> Tensor | None:
        return self.model.directions(name, self._matrix)

    def _of(self, method: str, probe: Inputs) -> JacobianTimes:
        return JacobianTimes(self.model.of(method), self.V, "auto", probe, self.budget)
