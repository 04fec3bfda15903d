"""Parameter directions V ∈ R^{m×r}: dense, sums of parameters, some of them, or the identity."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


class Directions(ABC):
    """The columns of V, by their products with Jacobian rows and reduced unknowns."""

    @property
    @abstractmethod
    def rank(self) -> int:
        """r, the number of directions."""

    @property
    def only(self) -> Int[Tensor, " c"] | None:
        """The parameters that V moves, if rows need no others; None for all."""
        return None

    @property
    def is_whole(self) -> bool:
        """Whether V is the identity, so that a product with it is free."""
        return False

    @abstractmethod
    def project(self, rows: Float[Tensor, "n c"]) -> Float[Tensor, "n r"]:
        """rows · V, for rows of the parameters `only`."""

    @abstractmethod
    def lift(self, y: Float[Tensor, " r"]) -> Float[Tensor, " m"]:
        """V y."""

    @abstractmethod
    def restrict(self, g: Float[Tensor, " m"]) -> Float[Tensor, " r"]:
        """Vᵀ g."""

    def lift_columns(self, Y: Float[Tensor, "r c"]) -> Float[Tensor, "m c"]:
        """V Y; column by column unless a class has a product for all of them."""
        return torch.stack([self.lift(y) for y in Y.T], dim=1)

    def columns(self, part: slice, like: Tensor) -> Float[Tensor, "m c"]:
        """Some of the columns of V.

        Args:
            part: which, from 0 to r.
            like: a tensor of the dtype and device of V.
        """
        start, stop, _ = part.indices(self.rank)
        unit = like.new_zeros(self.rank, stop - start)
        unit[start:stop].fill_diagonal_(1.0)
        return self.lift_columns(unit)


@dataclass(frozen=True)
class Dense(Directions):
    """V as a matrix."""

    V: Float[Tensor, "m r"]

    @property
    def rank(self) -> int:
        return self.V.shape[1]

    def project(self, rows: Float[Tensor, "n m"]) -> Float[Tensor, "n r"]:
        return rows @ self.V

    def lift(self, y: Float[Tensor, " r"]) -> Float[Tensor, " m"]:
        return self.V @ y

    def restrict(self, g: Float[Tensor, " m"]) -> Float[Tensor, " r"]:
        return self.V.T @ g

    def lift_columns(self, Y: Float[Tensor, "r c"]) -> Float[Tensor, "m c"]:
        return self.V @ Y

    def columns(self, part: slice, like: Tensor) -> Float[Tensor, "m c"]:
        return self.V[:, part]


@dataclass(frozen=True)
class Columns(Directions):
    """V made of unit vectors: some of the parameters, the others frozen."""

    index: Int[Tensor, " r"]
    parameter_count: int

    @property
    def rank(self) -> int:
        return self.index.numel()

    @property
    def only(self) -> Int[Tensor, " r"]:
        return self.index

    def project(self, rows: Float[Tensor, "n r"]) -> Float[Tensor, "n r"]:
        return rows

    def lift(self, y: Float[Tensor, " r"]) -> Float[Tensor, " m"]:
        delta = y.new_zeros(self.parameter_count)
        delta[self.index] = y
        return delta

    def lift_columns(self, Y: Float[Tensor, "r c"]) -> Float[Tensor, "m c"]:
        return Y.new_zeros(self.parameter_count, Y.shape[1]).index_copy_(0, self.index, Y)

    def restrict(self, g: Float[Tensor, " m"]) -> Float[Tensor, " r"]:
        return g[self.index]


@dataclass(frozen=True)
class Groups(Directions):
    """V whose columns have disjoint entries: each parameter moves in one direction only.

    Args:
        order: the parameters; those at places i, i + r, i + 2r, … move together.
        weights: their entries of V, in the same order.
        count: r, at most m.
    """

    order: Int[Tensor, " m"]
    weights: Float[Tensor, " m"]
    count: int

    @property
    def rank(self) -> int:
        return self.count

    def project(self, rows: Float[Tensor, "n m"]) -> Float[Tensor, "n r"]:
        moved = rows.index_select(1, self.order).mul_(self.weights)
        whole = len(self.order) // self.count * self.count
        out = moved[:, :whole].unflatten(1, (-1, self.count)).sum(dim=1)
        out[:, : len(self.order) - whole] += moved[:, whole:]
        return out

    def lift(self, y: Float[Tensor, " r"]) -> Float[Tensor, " m"]:
        return self.lift_columns(y[:, None])[:, 0]

    def restrict(self, g: Float[Tensor, " m"]) -> Float[Tensor, " r"]:
        return self.project(g[None])[0]

    def lift_columns(self, Y: Float[Tensor, "r c"]) -> Float[Tensor, "m c"]:
        group = torch.arange(len(self.order), device=Y.device) % self.count
        delta = Y.new_empty(len(self.order), Y.shape[1])
        delta[self.order] = self.weights[:, None] * Y[group]
        return delta


@dataclass(frozen=True)
class Identity(Directions):
    """V = I: the whole tangent space."""

    parameter_count: int

    @property
    def rank(self) -> int:
        return self.parameter_count

    @property
    def is_whole(self) -> bool:
        return True

    def project(self, rows: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
        return rows

    def lift(self, y: Float[Tensor, " m"]) -> Float[Tensor, " m"]:
        return y

    def lift_columns(self, Y: Float[Tensor, "m c"]) -> Float[Tensor, "m c"]:
        return Y

    def restrict(self, g: Float[Tensor, " m"]) -> Float[Tensor, " m"]:
        return g


def as_directions(V: Directions | Float[Tensor, "m r"]) -> Directions:
    """A matrix as directions; directions as they are."""
    return Dense(V) if isinstance(V, torch.Tensor) else V
