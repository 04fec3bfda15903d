"""Kernel ridge regression: least squares in all parameters by the products of their rows."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.errors import SettingsError
from pdelsr.lstsq.base import LeastSquares, OnPath, Solved
from pdelsr.lstsq.system import BLOCK, System, require_finite
from pdelsr.resources.time_is_up import check_time

logger: logging.Logger = logging.getLogger(__name__)

MOST_ROWS = 15_000  # whose kernel takes 1.8 GB, twice
LEAST_ROWS = 64
MORE = 5.0  # times a damping, from where on others are tried; more data need less of it
POWERS = 30  # products by which the largest eigenvalue is measured
CLOSER = 40  # steps beyond the smallest damping, at most
FALLING = 1 - 1e-6  # of the residual, after a step that is worth it


if TYPE_CHECKING:
    Dampings: TypeAlias = Sequence[float]
else:
    Dampings = object  # checked by KernelRidge, in the user's words


@dataclass(frozen=True)
class Kernel:
    """A Aᵀ of a system.

    Args:
        system: A and b.
        K: A Aᵀ; its diagonal changes with the damping.
        diagonal: that of A Aᵀ.
        largest: σ₁², its largest eigenvalue.
    """

    system: System
    K: Float[Tensor, "n n"]
    diagonal: Float[Tensor, " n"]
    largest: float

    def factor(self, damping: float) -> Float[Tensor, "n n"] | None:
        """L Lᵀ = A Aᵀ + (λ σ₁)² I; None where rounding makes that matrix indefinite."""
        check_time()
        self.K.diagonal().copy_(self.diagonal + damping**2 * self.largest)
        L, failed = torch.linalg.cholesky_ex(self.K)
        return None if failed else L

    def solution(self, b: Float[Tensor, " n"], damping: float) -> Float[Tensor, " r"] | None:
        """Aᵀ (A Aᵀ + (λ σ₁)² I)⁻¹ b; None where the matrix cannot be factored."""
        L = self.factor(damping)
        return None if L is None else self.system.transpose_times(solved(L, b))

    def closest(self, b: Float[Tensor, " n"], damping: float) -> Float[Tensor, " r"] | None:
        """The same, and then closer: (λ σ₁)² falls with the square of the number of steps.

        A ν-method with ν = 1 (Brakhage 1987, in Inverse and Ill-Posed Problems, 165; Hanke 1991,
        Numer. Math. 60, 341) on w ← w + (L Lᵀ)⁻¹ (b − A Aᵀ w), which ends where the residual falls
        by less than a millionth: what of b no y can reach would make w grow, and rounding with it.
        """
        L = self.factor(damping)
        if L is None:
            return None
        self.K.diagonal().copy_(self.diagonal)
        before = w = solved(L, b)
        best, least = w, math.inf
        for k in range(1, CLOSER + 1):
            check_time()
            r = b - self.K @ w
            size = torch.linalg.vector_norm(r).item()
            if not size < least * FALLING:
                break
            best, least = w, size
            step = 4 * (2 * k + 1) * k / ((k + 1) * (2 * k + 3))
            momentum = (k - 1) * (2 * k - 3) * (2 * k + 1) / ((k + 1) * (2 * k + 3) * (2 * k - 1))
            before, w = w, w + momentum * (w - before) + step * solved(L, r)
        return self.system.transpose_times(best)


def solved(L: Float[Tensor, "n n"], b: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """(L Lᵀ)⁻¹ b; torch.cholesky_solve would copy L."""
    half = torch.linalg.solve_triangular(L, b[:, None], upper=False)
    return torch.linalg.solve_triangular(L.mT, half, upper=True)[:, 0]


@dataclass(frozen=True)
class KernelRidge(LeastSquares):
    """Kernel ridge regression (Saunders, Gammerman and Vovk 1998), y = Aᵀ (A Aᵀ + (λ σ₁)² I)⁻¹ b.

    It solves min ‖A y − b‖² + (λ σ₁)² ‖y‖² in the space of the rows. So its cost only grows in
    proportion to the number of unknowns, and with basis="full" the kernel A Aᵀ is the neural
    tangent kernel on the data: every direction of the tangent space takes part, and none has to be
    chosen. `refine` with rank="auto" chooses λ on held-out data, from large values to small ones.
    With a rank it fits as closely as rounding allows, a little beyond the smallest λ.

    The kernel has n² entries for n rows. Where data have more rows than `most_rows`, `refine` fits
    the leading principal components of the residual over the outputs, as many as there is room for.

    Args:
        dampings: λ that are compared, in falling order; kept as a tuple of floats.
        most_rows: the largest number of rows.

    Raises:
        SettingsError: dampings are not positive and falling, or most_rows is no whole number from
            64 on.
    """

    dampings: Dampings = tuple(10 ** (-i / 2) for i in range(4, 16))
    most_rows: int | None = MOST_ROWS
    name = "kernel-ridge"
    reads_rows = False
    has_path = True
    patience = 2

    def __post_init__(self) -> None:
        given: object = self.dampings
        try:
            dampings = () if isinstance(given, str) else tuple(map(float, self.dampings))
        except (TypeError, ValueError):
            dampings = ()
        falling = all(a > b for a, b in pairwise(dampings))
        if not dampings or not falling or not 0 < min(dampings) <= max(dampings) < math.inf:
            raise SettingsError(
                f"dampings are {given!r:.60}: give positive numbers in falling order, as "
                "(1e-2, 1e-4)."
            )
        most: object = self.most_rows
        if isinstance(most, bool) or not isinstance(most, int) or most < LEAST_ROWS:
            raise SettingsError(
                f"most_rows is {most!r:.60}: give a whole number from {LEAST_ROWS} on."
            )
        object.__setattr__(self, "dampings", dampings)

    @property
    def _most(self) -> int:
        assert self.most_rows is not None
        return self.most_rows

    def on_part(self, share: int) -> KernelRidge:
        return replace(self, most_rows=max(LEAST_ROWS, self._most // share))

    def near(self, damping: float) -> KernelRidge:
        kept = tuple(x for x in self.dampings if x < damping * MORE)
        return replace(self, dampings=kept) if kept else self

    def numbers(self, n: int | float, r: int) -> int | float:
        n = min(n, self._most)
        blocks = 2 * min(n * r, BLOCK // 8)  # of rows, before there is a factor
        return max(2 * n**2, n**2 + blocks) + r

    def forms_matrix(self, n: int | float, r: int) -> bool:
        return False

    def init(self, system: System) -> Kernel:
        """A Aᵀ and its largest eigenvalue.

        Raises:
            NotFiniteError: an entry is not finite.
            SettingsError: there are more rows than `most_rows`.
        """
        n = system.shape[0]
        if n > self._most:
            raise SettingsError(
                f"{n:,} rows are too many for a kernel, which takes {self._most:,}: give fewer "
                "points, raise most_rows of pl.KernelRidge, or take another solver."
            )
        K = system.outer()
        require_finite(K, K)
        v = torch.randn(n, generator=torch.Generator().manual_seed(0), dtype=K.dtype).to(K.device)
        for _ in range(POWERS):
            v = K @ (v / torch.linalg.vector_norm(v).clamp_min(torch.finfo(v.dtype).tiny))
        return Kernel(system, K, K.diagonal().clone(), torch.linalg.vector_norm(v).item())

    def compute(self, state: Kernel, b: Float[Tensor, " n"] | None = None) -> Solved:
        """As close as rounding allows: from the damping whose residual is smallest.

        Where b cannot be reached, the smallest dampings give large w, whose rounding shows in y.
        """
        b = state.system.b if b is None else b
        require_finite(b, b)
        best, least = None, math.inf
        for damping in reversed(self.dampings):
            y = state.closest(b, damping)
            if y is None:
                continue
            size = torch.linalg.vector_norm(state.system.times(y) - b).item()
            if size > least:
                break
            if not math.isfinite(size):
                continue
            best, least = Solved(y, damping=damping), size
        if best is None:
            raise SettingsError("not one of the dampings is above rounding: give larger ones.")
        return best

    def path(self, state: Kernel) -> Iterator[OnPath]:
        """The solutions for all dampings that are above rounding."""
        b, rank = state.system.b, min(state.system.shape)
        require_finite(b, b)
        for damping in self.dampings:
            found = state.solution(b, damping)
            if found is None:
                logger.info("kernel ridge: %.0e is below rounding", damping)
                return
            yield OnPath(found, rank, damping)
