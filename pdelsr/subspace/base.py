"""The contract of subspaces: a recipe that turns a linearization into parameter directions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.linearize import Directions, RowSource


@dataclass(frozen=True)
class Subspace:
    """Directions V, and the singular values where the recipe computes them."""

    directions: Directions
    singular_values: Float[Tensor, " k"] | None = None


class Basis(ABC):
    """A recipe for V ∈ R^{m×r}.

    Attributes:
        name: by which users choose it.
        has_rank: whether more or fewer directions are a choice, at a cost that grows with them.
    """

    name: str
    has_rank: ClassVar[bool] = True

    def width(self, module: nn.Module) -> int | None:
        """The number r of directions, where the map decides it; None where it is a choice."""
        return None

    def numbers(self, rank: int, parameters: int) -> int | float:
        """How many numbers V holds, by which a run estimates its memory.

        Those of a dense matrix here; a choice of parameters, or all of them, holds none.
        """
        return rank * parameters

    def numbers_at_most(self, rank: int, parameters: int) -> int | float:
        """How many numbers are alive at once while V is built, those of V among them."""
        return self.numbers(rank, parameters)

    @abstractmethod
    def build(self, rows: RowSource, rank: int | None, generator: torch.Generator) -> Subspace:
        """Directions for a map at its current θ.

        Args:
            rows: the linearization: of a problem, which is a `StackedResidual` with its jets and
                coefficients, or of a module on data.
            rank: r; at most min(m, what the recipe can give). None for all that it can give, or
                1000 where that has no bound.
            generator: a CPU generator, for the random recipes.
        """


def clipped(rank: int | None, largest: int) -> int:
    """The rank asked for, no larger than what exists."""
    return min(1000 if rank is None else rank, largest)


def gaussian(rows: int, columns: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """A standard normal matrix, the same on every device."""
    values = torch.randn(rows, columns, dtype=torch.float64, generator=generator, device="cpu")
    return values.to(dtype=like.dtype, device=like.device)
