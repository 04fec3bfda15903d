"""The contract of subspaces: a recipe that turns a linearization into parameter directions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.errors import SettingsError
from pdelsr.linearize import Columns, Dense, Directions, Identity, RowSource


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


def built(basis: Basis, rows: RowSource, rank: int | None, generator: torch.Generator) -> Subspace:
    """What `basis.build` gives, which may be a user's.

    Raises:
        SettingsError: it is no subspace of the parameters, or building it has changed them.
    """
    before = _versions(rows)
    found = basis.build(rows, rank, generator)
    name = f"{type(basis).__name__}.build"
    if _versions(rows) != before:
        raise SettingsError(f"{name} has changed the parameters of the map: change a copy of them.")
    directions = found.directions if isinstance(found, Subspace) else found
    if not isinstance(found, Subspace) or not isinstance(directions, Directions):
        raise SettingsError(
            f"{name} gives {type(directions).__name__}: expected Subspace(directions), with Dense, "
            "Columns or Identity."
        )
    trouble = _trouble(directions, rows)
    if trouble is not None:
        raise SettingsError(f"{name} gives {type(directions).__name__} with {trouble}.")
    return found


def _versions(rows: RowSource) -> list[int]:
    """How often each parameter has changed in place; torch does not count it in inference mode."""
    return [p._version for p in rows.module.parameters() if not p.is_inference()]


def _trouble(directions: Directions, rows: RowSource) -> str | None:
    """What makes these no directions of the parameters; None if they are."""
    m, like = rows.parameter_count, rows.like
    if isinstance(directions, Dense):
        V = directions.V
        if not isinstance(V, Tensor) or V.ndim != 2 or V.shape[0] != m or not V.shape[1]:
            shape = tuple(V.shape) if isinstance(V, Tensor) else type(V).__name__
            return f"V of shape {shape}: expected ({m}, r), a row for each parameter"
        if V.dtype != like.dtype or V.device != like.device or V.requires_grad:
            with_slopes = ", which requires grad" if V.requires_grad else ""
            return (
                f"V in {V.dtype} on {V.device}{with_slopes}: expected {like.dtype} on {like.device}"
            )
    elif isinstance(directions, Columns):
        index = directions.index
        if not isinstance(index, Tensor) or index.dtype != torch.int64 or index.ndim != 1:
            kind = index.dtype if isinstance(index, Tensor) else type(index).__name__
            return f"an index of {kind}: expected positions of parameters, int64"
        inside = bool(((index >= 0) & (index < m)).all())
        if not inside or not len(index) or len(index.unique()) < len(index):
            return f"an index that is no choice of different parameters from 0 to {m - 1}"
    if isinstance(directions, Columns | Identity) and directions.parameter_count != m:
        return f"{directions.parameter_count} parameters: expected {m}"
    return None


def clipped(rank: int | None, largest: int) -> int:
    """The requested rank, at most `largest`."""
    return min(1000 if rank is None else rank, largest)


def gaussian(rows: int, columns: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """A standard normal matrix, the same on every device."""
    values = torch.randn(rows, columns, dtype=torch.float64, generator=generator, device="cpu")
    return values.to(dtype=like.dtype, device=like.device)
