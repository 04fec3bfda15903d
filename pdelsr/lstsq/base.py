"""The contract of least-squares solvers: factor once, solve for any right-hand side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.lstsq.nested import Nested
from pdelsr.lstsq.spectrum import Spectrum
from pdelsr.lstsq.system import System
from pdelsr.processes import ALONE, Group


class Ended(Enum):
    """How a solver ended."""

    SOLVED = "solved"
    ITERATIONS = "the iterations were over before the tolerance was reached"


@dataclass(frozen=True)
class Solved:
    """What a solver found.

    Args:
        solution: y.
        rank: approximate effective rank, if the solver knows it at no cost; else None.
        condition: of A, if the solver knows it at no cost; else None.
        status: how the solver ended.
        damping: λ of min ‖A y − b‖² + (λ σ₁)² ‖y‖², where that was solved in place of A y = b.
    """

    solution: Float[Tensor, " r"]
    rank: int | None = None
    condition: float | None = None
    status: Ended = Ended.SOLVED
    damping: float = 0.0


@dataclass(frozen=True)
class OnPath:
    """A solution on a regularization path.

    Args:
        solution: y.
        rank: directions that it combines, such as the dimension of a Krylov space.
        damping: λ of min ‖A y − b‖² + (λ σ₁)² ‖y‖², relative to the largest singular value σ₁; 0
            for none.
    """

    solution: Float[Tensor, " r"]
    rank: int
    damping: float = 0.0


class LeastSquares(ABC):
    """Solves min_y ‖A y − b‖ for a `System`: a matrix, its rows, or its products with vectors.

    Attributes:
        name: by which users choose it.
        keeps_leading: whether `leading` gives the solutions in the first k directions.
        serves_again: whether another right-hand side costs far less than the first one.
        reads_rows: whether `dense` or `chunks` of the system are read, rather than its products and
            `outer`.
        has_path: whether `path` gives solutions that fit closer and closer, of which `refine`
            chooses one on held-out data.
        patience: solutions on the path that gain nothing on held-out data, one after another,
            before it is left.
        shares_rows: whether the rows of a system may be spread over processes.
        most_rows: the largest number of rows it takes, where that is bounded; `refine` writes
            outputs in fewer components then. None for any number.
    """

    name: str
    keeps_leading: ClassVar[bool] = False
    serves_again: ClassVar[bool] = True
    reads_rows: ClassVar[bool] = True
    has_path: ClassVar[bool] = False
    patience: ClassVar[int] = 4
    shares_rows: ClassVar[bool] = False
    most_rows: int | None = None

    def numbers(self, n: int | float, r: int) -> int | float:
        """How many numbers are held at once for A (n, r), by which a run estimates its memory.

        The default is that of a direct solver, which holds A and its factors.
        """
        return 2 * n * r + 2 * r**2

    def forms_matrix(self, n: int | float, r: int) -> bool:
        """Whether the whole of A (n, r) is formed, rather than chunks of rows or products."""
        return True

    @abstractmethod
    def init(self, system: System) -> Any:
        """What the solver needs of A to solve for any right-hand side, such as its factors."""

    @abstractmethod
    def compute(self, state: Any, b: Float[Tensor, " n"] | None = None) -> Solved:
        """The solution for a right-hand side; None for the one of the system."""

    def path(self, state: Any) -> Iterator[OnPath]:
        """Solutions that fit closer and closer: after more iterations, or with less damping."""
        return iter(())

    def on_part(self, share: int) -> LeastSquares:
        """The solver for a trial on one of `share` equal parts of the data."""
        return self

    def near(self, damping: float) -> LeastSquares:
        """A solver whose path begins not far above the damping that fewer data favoured."""
        return self

    def in_part(
        self, state: Any, b: Float[Tensor, " n"] | None = None
    ) -> Float[Tensor, " r"] | None:
        """The solution in a part of the directions, if the factors give it at no cost.

        Its distance from the full solution estimates the error of both. The part is chosen at
        random; see `leading` for directions in order.
        """
        return None

    def leading(self, state: Any) -> Nested | None:
        """The solutions in the first k directions, for every k, if the factors give them."""
        return None

    def left_over(self, state: Any, b: Float[Tensor, " n"] | None = None) -> float | None:
        """‖A y − b‖ of the solution y, without A; None if the factors do not tell."""
        return None

    def root_covariance(
        self, state: Any, rows: Float[Tensor, "q r"]
    ) -> Float[Tensor, "q s"] | None:
        """X with X Xᵀ = rows (AᵀA)⁻¹ rowsᵀ, where values of A below rounding count as rounding.

        Its largest singular value bounds the values `rows` · y relative to A y: how far the
        solution moves for a residual of norm one. None if the solver keeps no factors.
        """
        return None

    def spectrum(self, state: Any) -> Spectrum | None:
        """Singular values of A; None if the solver keeps no factors."""
        return None


def equilibrate(
    A: Float[Tensor, "n r"], group: Group = ALONE
) -> tuple[Float[Tensor, "n r"], Float[Tensor, " r"]]:
    """Scale the columns of A to unit length, in place; zero columns stay.

    Tangent directions differ by many orders of magnitude; a cut by rounding is only meaningful
    between columns of one length.

    Args:
        A: rows of this process.
        group: processes over which the rows are spread.
    """
    lengths = group.gathered(torch.linalg.vector_norm(A, dim=0)[None])
    lengths = torch.linalg.vector_norm(lengths, dim=0)
    lengths = torch.where(lengths > 0, lengths, torch.ones_like(lengths))
    return A.div_(lengths), lengths
