"""The source of Jacobian rows for a basis: a problem on its points, or a module on data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.processes import ALONE, Group

RowChunks = Callable[[], Iterator[Float[Tensor, "c m"]]]
"""Yields the same rows at every call, in chunks."""


class RowSource(ABC):
    """A map q(x; θ) and its residual f, which give rows of ∂q/∂θ and ∂f/∂θ."""

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
        """The device of the rows."""
        return self.like.device

    @property
    def row_group(self) -> Group:
        """The processes over which the rows are spread; a single one by default."""
        return ALONE

    @property
    @abstractmethod
    def module(self) -> nn.Module:
        """The map, whose parameters are θ."""

    @abstractmethod
    def draw_output_rows(self, count: int, generator: torch.Generator) -> RowChunks:
        """About `count` rows of J = ∂q/∂θ, drawn at random; those of this process.

        Args:
            count: number of rows of all processes.
            generator: a CPU generator, so that the seed decides.
        """

    @abstractmethod
    def draw_residual_rows(self, count: int, generator: torch.Generator) -> RowChunks:
        """About `count` rows of G = ∂f/∂θ, drawn at random; those of this process.

        Args:
            count: number of rows of all processes.
            generator: a CPU generator, so that the seed decides.
        """
