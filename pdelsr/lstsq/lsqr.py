"""Least squares by LSQR: the best solution in Krylov spaces, one dimension after another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.lstsq.base import Ended, LeastSquares, OnPath, Solved
from pdelsr.lstsq.iterative import lsqr
from pdelsr.lstsq.system import System, require_finite
from pdelsr.resources.time_is_up import check_time

SPACING = 2**0.5  # between the iterations on the path
VECTORS = 6  # of length n and of length r, that the iteration holds


@dataclass(frozen=True)
class LSQR(LeastSquares):
    """Golub–Kahan iteration (Paige and Saunders 1982), on products A y and Aᵀw alone.

    The k-th iterate is the minimum of ‖A y − b‖ over the Krylov space of k dimensions that AᵀA and
    Aᵀb span, the directions in which b is seen best. So the number of iterations takes the place of
    a rank, and the whole tangent space that of a basis: no matrix, no row and no decomposition is
    ever formed. On data, an early stop regularizes as a small rank does; `refine` with rank="auto"
    chooses it on held-out data.

    Args:
        iterations: at most; they also end where an iterate is the one before, up to rounding.

    Raises:
        SettingsError: iterations is no whole number from 1 on.
    """

    iterations: int = 2000
    name = "lsqr"
    serves_again = False
    reads_rows = False
    has_path = True
    shares_rows = True

    def __post_init__(self) -> None:
        given: object = self.iterations
        if isinstance(given, bool) or not isinstance(given, int) or given < 1:
            raise SettingsError(f"iterations is {given!r:.60}: give a whole number from 1 on.")

    def numbers(self, n: int | float, r: int) -> int | float:
        return VECTORS * (n + r)

    def forms_matrix(self, n: int | float, r: int) -> bool:
        return False

    def init(self, system: System) -> System:
        """The system itself."""
        return system

    def compute(self, state: System, b: Float[Tensor, " n"] | None = None) -> Solved:
        taken, y = 0, state.like.new_zeros(state.shape[1])
        for taken, y in self.iterates(state, b):  # noqa: B007
            pass
        return Solved(y, status=Ended.SOLVED if taken < self.iterations else Ended.ITERATIONS)

    def path(self, state: System) -> Iterator[OnPath]:
        """The iterates whose numbers are in geometric progression, and the last one."""
        due, last = 1.0, None
        for number, y in self.iterates(state):
            last = OnPath(y, min(number, state.shape[1]))
            if number < due:
                continue
            due = max(number + 1.0, number * SPACING)
            yield last
            last = None
        if last is not None:
            yield last

    def iterates(
        self, state: System, b: Float[Tensor, " n"] | None = None
    ) -> Iterator[tuple[int, Float[Tensor, " r"]]]:
        """The number of every iteration, and y after it; ends when nothing is left to do.

        Raises:
            NotFiniteError: b or the first iterate is not finite.
        """
        b = state.b if b is None else b
        state.group.together(lambda: require_finite(b, b))
        steps = lsqr(_Products(state), b, state.group)
        before = torch.zeros_like(b[:0])
        for number, y in zip(count(1), steps, strict=False):
            if number == 1:
                require_finite(y, y)
            elif not torch.isfinite(y).all():
                return
            yield number, y
            size, eps = torch.linalg.vector_norm(y), torch.finfo(y.dtype).eps
            same = number > 1 and torch.linalg.vector_norm(y - before) <= eps * size
            if same or number == self.iterations:
                return
            before = y


@dataclass(frozen=True)
class _Products:
    """The products of a system, written as those of a matrix."""

    system: System
    transposed: bool = False

    @property
    def T(self) -> _Products:
        """Aᵀ."""
        return _Products(self.system, not self.transposed)

    def __matmul__(self, other: Tensor) -> Tensor:
        check_time()
        if self.transposed:
            return self.system.transpose_times(other)
        return self.system.times(other)
