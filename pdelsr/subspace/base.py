"""The contract of subspaces: a recipe that turns a linearization into parameter directions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.errors import SettingsError
from pdelsr.linearize import Columns, Dense, Directions, Identity, RowSource
from pdelsr.processes import Group


@dataclass(frozen=True)
class Subspace:
    """Directions V, and the singular values if the recipe computes them."""

    directions: Directions
    singular_values: Float[Tensor, " k"] | None = None


class Basis(ABC):
    """A recipe for V ∈ R^{m×r}.

    Attributes:
        name: by which users choose it.
        takes_all: whether all directions are taken where no rank is asked for; otherwise it is
            doubled as long as that pays.
    """

    name: str
    takes_all: ClassVar[bool] = False

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


def width_of(basis: Basis, module: nn.Module) -> int | None:
    """`basis.width`, which may be a user's.

    Raises:
        SettingsError: it is no number of directions.
    """
    width: object = basis.width(module)
    if width is not None and (isinstance(width, bool) or not isinstance(width, int) or width < 1):
        raise SettingsError(
            f"{type(basis).__name__}.width gives {width!r:.60}: expected a whole number from 1 on, "
            "or None."
        )
    return width


def is_searched(basis: Basis, module: nn.Module) -> bool:
    """Whether the number of directions is searched where no rank is asked for."""
    return not basis.takes_all and width_of(basis, module) is None


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
            "Columns, Identity or another Directions."
        )
    trouble = _trouble(directions, rows)
    if trouble is not None:
        raise SettingsError(f"{name} gives {type(directions).__name__} with {trouble}.")
    return replace(found, directions=_agreed(directions, rows.row_group))


def _agreed(directions: Directions, group: Group) -> Directions:
    """The directions of the first process, where those of others may be built from other rows."""
    if isinstance(directions, Dense):
        return Dense(group.agreed(directions.V))
    if isinstance(directions, Columns):
        return replace(directions, index=group.agreed(directions.index))
    return directions


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
    if not isinstance(directions, Dense | Columns | Identity):
        return _own_trouble(directions, rows)
    return None


def _own_trouble(directions: Directions, rows: RowSource) -> str | None:
    """The same for a user's class of directions: whether its three products fit each other."""
    r, m = directions.rank, rows.parameter_count
    if isinstance(r, bool) or not isinstance(r, int) or r < 1:
        return f"rank {r!r:.60}: expected a whole number from 1 on"
    only = directions.only
    zeros = rows.like.new_zeros
    products = {
        "lift": (directions.lift(zeros(r)), (m,)),
        "restrict": (directions.restrict(zeros(m)), (r,)),
        "project": (directions.project(zeros(2, m if only is None else len(only))), (2, r)),
    }
    for name, (found, shape) in products.items():
        if not isinstance(found, Tensor) or tuple(found.shape) != shape:
            what = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            return f"{name} to {what}: expected a tensor of shape {shape}"
        if found.dtype != rows.like.dtype or found.device != rows.like.device:
            return f"{name} in {found.dtype} on {found.device}: expected those of the rows"
    return None


def clipped(rank: int | None, largest: int) -> int:
    """The requested rank, at most `largest`."""
    return min(1000 if rank is None else rank, largest)


def gaussian(rows: int, columns: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """A standard normal matrix, the same on every device."""
    values = torch.randn(rows, columns, dtype=torch.float64, generator=generator, device="cpu")
    return values.to(dtype=like.dtype, device=like.device)
