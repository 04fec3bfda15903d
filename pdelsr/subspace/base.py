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
    """Directions V, and the singular values if the recipe computes them."""

    directions: Directions
    singular_values: Float[Tensor, " k"] | None = None


class Basis(ABC):
    """A recipe for V ∈ R^{m×r}.

    Attributes:
        name: by which users choose it.
        has_rank: whether the number of directions is a choice, at a cost that grows with it.
    """

    name: str
    has_rank: ClassVar[bool] = True

    def width(self, module: nn.Module) -> int | None:
        """The number r of directions if the map fixes it; None if it is a choice."""
        return None

    def numbers(self, rank: int, parameters: int) -> int | float:
        """The size of V in numbers, from which a run estimates its memory.

        The default is a dense matrix; a choice of parameters, or all of them, takes none.
        """
        return rank * parameters

    def row_width(self, rank: int, parameters: int) -> int:
        """The length of the rows of G that are formed, of which one chunk is in memory at a time.

        The default is all parameters; a choice of parameters needs their slopes alone.
        """
        return parameters

    def numbers_at_most(self, rank: int, parameters: int) -> int | float:
        """Numbers held at once while V is built, including V."""
        return self.numbers(rank, parameters)

    @abstractmethod
    def build(self, rows: RowSource, rank: int | None, generator: torch.Generator) -> Subspace:
        """Directions for a map at its current θ.

        Args:
            rows: the linearization of a problem (a `StackedResidual` with jets and coefficients),
                or of a module on data.
            rank: r; at most m and the number of directions of the recipe. None for all of them, or
                1000 if there is no bound.
            generator: a CPU generator, for the random recipes.
        """


def clipped(rank: int | None, largest: int) -> int:
    """The requested rank, at most `largest`."""
    return min(1000 if rank is None else rank, largest)


def gaussian(rows: int, columns: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """A standard normal matrix, the same on every device."""
    values = torch.randn(rows, columns, dtype=torch.float64, generator=generator, device="cpu")
    return values.to(dtype=like.dtype, device=like.device)
