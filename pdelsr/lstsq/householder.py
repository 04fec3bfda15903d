"""QR by Householder reflections: factored by panels, applied to vectors in place."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

PANEL, FEW = 768, 128  # columns of a panel, at most and at least
OPERATIONS = 2e10  # of one call, about, for which the clock has to wait
BLOCK = 32  # reflections that are applied at once


@dataclass(frozen=True)
class Householder:
    """Q R = A with Q = H_1 H_2 ⋯ H_q and H_j = I − τ_j v_j v_jᵀ.

    Args:
        reflectors: R in the upper triangle, below it the v_j without their leading 1.
        inverses: T⁻¹ (b, b) of every block of reflections I − V T Vᵀ, the upper triangle of
            VᵀV with 1/τ on the diagonal (Joffrain et al. 2006, ACM Trans. Math. Softw. 32, 169).
    """

    reflectors: Float[Tensor, "n r"]
    inverses: tuple[Tensor, ...]

    @property
    def R(self) -> Float[Tensor, "q r"]:
        """The triangular factor."""
        return self.reflectors[: min(self.reflectors.shape)].triu()

    def rotated(self, b: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
        """Qᵀ b.

        LAPACK's `ormqr` takes twenty times as long for a single vector, since torch copies all
        reflectors for it.
        """
        out = b.clone()
        for start, inverse in zip(self._starts, self.inverses, strict=True):
            top, below = _block(self.reflectors, start)
            head, tail = out[start : start + top.shape[0]], out[start + top.shape[0] :]
            seen = top.T @ head + below.T @ tail
            w = torch.linalg.solve_triangular(inverse.T, seen[:, None], upper=False)[:, 0]
            head -= top @ w
            tail -= below @ w
        return out

    @property
    def _starts(self) -> range:
        return range(0, min(self.reflectors.shape), BLOCK)


def _block(reflectors: Tensor, start: int) -> tuple[Tensor, Tensor]:
    """V of the reflections from `start` on: its unit lower triangle, and what is below it."""
    stop = min(start + BLOCK, *reflectors.shape)
    top = reflectors[start:stop, start:stop].tril(-1)
    top.diagonal().fill_(1)
    return top, reflectors[stop:, start:stop]


def factored(A: Float[Tensor, "n r"]) -> Householder:
    """The factors of A, which is overwritten."""
    tau = factor(A)
    inverses = []
    for start in range(0, len(tau), BLOCK):
        top, below = _block(A, start)
        inverse = (top.T @ top + below.T @ below).triu(1)
        # without a reflection τ is 0, and its share of w is 0 by an endless diagonal
        inverse.diagonal().copy_(tau[start : start + BLOCK].reciprocal())
        inverses.append(inverse)
    return Householder(A, tuple(inverses))


def factor(A: Float[Tensor, "n r"]) -> Float[Tensor, " q"]:
    """Replace A by reflectors and R as LAPACK's geqrf gives them; returns the factors τ.

    By panels of columns, each of which is factored and then applied to the columns right of it.
    Between two pieces Python can look at the clock, while one call for the whole takes tens of
    seconds on large matrices; and no time is lost.
    """
    n, r = A.shape
    count = min(n, r)
    tau = A.new_empty(count)
    width = min(PANEL, max(FEW, int((OPERATIONS / (2 * max(n, 1))) ** 0.5)))
    for start in range(0, count, width):
        stop = min(start + width, count)
        rows, columns = slice(start, n), slice(start, stop)
        panel, tau[columns] = torch.geqrf(A[rows, columns])
        A[rows, columns] = panel
        for left in range(stop, r, width):
            part = slice(left, min(left + width, r))
            A[rows, part] = torch.ormqr(panel, tau[columns], A[rows, part], transpose=True)
    return tau
