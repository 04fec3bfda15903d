"""QR by Householder reflections: factored by panels, applied in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.resources.time_is_up import check_time

PANEL = 128  # columns that are factored at once
OPERATIONS = 2e10  # about, of one call, during which the clock is not read


@dataclass(frozen=True)
class Householder:
    """Q R = A with Q the product of I − V T Vᵀ over panels of reflections.

    Args:
        reflectors: R in the upper triangle, below it the columns of V without their leading 1.
        triangles: T (b, b) of every panel.
        trapezoid: rows at the end of A that were an upper triangle; V ends on its diagonal.
    """

    reflectors: Float[Tensor, "n r"]
    triangles: tuple[Tensor, ...]
    trapezoid: int = 0

    @property
    def R(self) -> Float[Tensor, "q r"]:
        """The triangular factor."""
        return self.reflectors[: min(self.reflectors.shape)].triu()

    def rotated(self, b: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Qᵀ b.

        LAPACK's `ormqr` takes twenty times as long for a single vector, because torch copies all
        reflectors for it.
        """
        out = b.clone()
        panels = _panels(self.reflectors, self.trapezoid)
        for (rows, columns), T in zip(panels, self.triangles, strict=True):
            V, part, width = self.reflectors[rows, columns], out[rows], len(T)
            top, below = _unit_lower(V[:width]), V[width:]
            head, tail = part[:width], part[width:]
            w = T.T @ (top.T @ head + below.T @ tail)
            head -= top @ w
            tail -= below @ w
        return out


def factored(A: Float[Tensor, "n r"], trapezoid: int = 0) -> Householder:
    """The factors of A, which is overwritten.

    LAPACK factors a panel of columns, and matrix products apply it to the columns right of it, at
    the speed of the machine; LAPACK's `geqrf` and `ormqr` take 1.4 times as long for the whole.
    The clock is read between two pieces, while one call for the whole takes tens of seconds
    on large matrices.

    Args:
        A: the matrix.
        trapezoid: r if the last r rows are an upper triangle, else 0. Zeros below its diagonal are
            neither read nor filled.
    """
    r, triangles = A.shape[1], []
    for rows, columns in _panels(A, trapezoid):
        check_time()
        V, tau = torch.geqrf(A[rows, columns])
        A[rows, columns] = V
        width = len(tau)
        V[:width] = _unit_lower(V[:width])
        T = _triangle(V, tau)
        triangles.append(T)
        piece = max(PANEL, int(OPERATIONS / (2 * V.numel())))
        for start in range(columns.stop, r, piece):
            check_time()
            right = A[rows, start : start + piece]
            torch.addmm(right, V, T.T @ (V.T @ right), alpha=-1, out=right)
    return Householder(A, tuple(triangles), trapezoid)


def _panels(A: Tensor, trapezoid: int) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of every panel."""
    n, r = A.shape
    for start in range(0, min(n, r), PANEL):
        stop = min(start + PANEL, n, r)
        last = n - trapezoid + stop if trapezoid else n
        yield slice(start, last), slice(start, stop)


def _unit_lower(square: Tensor) -> Tensor:
    """A copy of the lower triangle, with ones on the diagonal."""
    lower = square.tril(-1)
    lower.diagonal().fill_(1)
    return lower


def _triangle(V: Float[Tensor, "n b"], tau: Float[Tensor, " b"]) -> Float[Tensor, "b b"]:
    """T of the product I − V T Vᵀ of reflections I − τ v vᵀ.

    Its inverse is the upper triangle of VᵀV with 1/τ on the diagonal (Joffrain et al. 2006, ACM
    Trans. Math. Softw. 32, 169). If τ is 0 there is no reflection, and its row and column are zero.
    """
    is_one = (tau != 0).to(tau)
    inverse = (V.T @ V).triu(1) * is_one * is_one[:, None]
    inverse.diagonal().copy_(torch.where(tau == 0, 1.0, tau).reciprocal())
    identity = torch.eye(len(tau), dtype=tau.dtype, device=tau.device)
    T = torch.linalg.solve_triangular(inverse, identity, upper=True)
    return T * is_one * is_one[:, None]
