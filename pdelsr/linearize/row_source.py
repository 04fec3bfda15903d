"""Where a basis finds rows of Jacobians: a problem on its points, or a module on data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

RowChunks = Callable[[], Iterator[Float[Tensor, "c m"]]]
"""Yields the same rows at every call, chunk by chunk."""


class RowSource(ABC):
    """A map q(x; θ), and a residual of it, that can be asked for rows of ∂q/∂θ and of ∂f/∂θ."""

    @property
    @abstractmethod
    def parameter_count(self) -> int:
        """m, the number of parameters that may move."""

    @property
    @abstractmethod
    def like(self) -> Tensor:
        """A tensor of the dtype and on the device of the rows."""

    @property
    def device(self) -> torch.device:
        """Where the rows are."""
        return self.like.device

    @property
    @abstractmethod
    def module(self) -> nn.Module:
        """The map, whose parameters are θ."""

    @abstractmethod
    def draw_output_rows(self, count: int, generator: torch.Generator) -> RowChunks:
        """About so many rows of J = ∂q/∂θ, drawn at random.

        Args:
            count: of the rows.
            generator: a CPU generator, from which the seed decides.
        """

    @abstractmethod
    def draw_residual_rows(self, count: int, generator: torch.Generator) -> RowChunks:
        """About so many rows of G = ∂f/∂θ, drawn at random.

        Args:
            count: of the rows.
            generator: a CPU generator, from which the seed decides.
        """
