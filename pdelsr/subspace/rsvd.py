"""Right singular vectors of a Jacobian by randomized SVD (Cao and Zhang 2026, Algorithm 1)."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize import Dense, RowChunks, RowSource
from pdelsr.processes import ALONE, Group
from pdelsr.subspace.base import Basis, Subspace, clipped, gaussian


@dataclass(frozen=True)
class RandomizedSVD(Basis):
    """V from Y = JΩ, QR, B = QᵀJ, SVD(B): the r leading right singular vectors.

    Args:
        oversampling: extra columns of the Gaussian sketch Ω.
        extra_rows: the basis uses about r + extra_rows Jacobian rows.
        scaled: V Σ⁻¹ instead of V, with singular values cut at rounding.
    """

    oversampling: int = 20
    extra_rows: int = 1000
    scaled: bool = False

    @abstractmethod
    def chunks(self, rows: RowSource, count: int, generator: torch.Generator) -> RowChunks:
        """A function that yields about `count` rows of the Jacobian, the same at every call."""

    def numbers_at_most(self, rank: int, parameters: int) -> int | float:
        r, m = rank, parameters
        s = min(r + self.oversampling, m)
        return 3 * m * s + m * r + 2 * (r + self.extra_rows) * s

    def build(self, rows: RowSource, rank: int | None, generator: torch.Generator) -> Subspace:
        m = rows.parameter_count
        wanted = clipped(rank, m)
        chunks = self.chunks(rows, wanted + self.extra_rows, generator)
        sketch = gaussian(m, min(wanted + self.oversampling, m), rows.like, generator)
        V, values = right_singular_vectors(chunks, sketch, wanted, rows.row_group)
        if self.scaled:
            floor = torch.finfo(values.dtype).eps * values[0]
            V = V / values.clamp_min(floor)
        return Subspace(Dense(V), values)


def right_singular_vectors(
    chunks: RowChunks, sketch: Float[Tensor, "m s"], rank: int, group: Group = ALONE
) -> tuple[Float[Tensor, "m k"], Float[Tensor, " k"]]:
    """The `rank` leading columns of V, and Σ, of the sketched matrix.

    The rows are computed twice and never all held at once; computing them costs a tenth of a
    product.

    Args:
        chunks: rows of this process.
        sketch: Ω.
        rank: columns of V.
        group: processes over which the rows are spread. All of them hold the product with Ω, which
            is small; the rows stay where they are.
    """

    def sketched() -> Tensor:
        return torch.cat([sketch.new_empty(0, sketch.shape[1]), *(G @ sketch for G in chunks())])

    sketches = group.together(sketched)
    counts = group.counts(len(sketches))
    first = sum(counts[: group.rank])
    Q = torch.linalg.qr(group.gathered(sketches)).Q

    def products() -> Tensor:
        B, start = sketch.new_zeros(Q.shape[1], sketch.shape[0]), first
        for rows in chunks():
            B.addmm_(Q[start : start + rows.shape[0]].T, rows)
            start += rows.shape[0]
        return B

    B = group.sum(group.together(products))
    basis, R = torch.linalg.qr(B.T)  # B.T is stored by columns, as LAPACK wants it
    U, values, _ = torch.linalg.svd(R, full_matrices=False)
    return basis @ U[:, :rank], values[:rank]


@dataclass(frozen=True)
class OutputRSVD(RandomizedSVD):
    """The basis from the output Jacobian J, at points of all blocks or on samples, as published."""

    name = "output"

    def chunks(self, rows: RowSource, count: int, generator: torch.Generator) -> RowChunks:
        return rows.draw_output_rows(count, generator)


@dataclass(frozen=True)
class ResidualRSVD(RandomizedSVD):
    """The basis from the residual Jacobian G: directions ranked by effect on the equations."""

    name = "residual"

    def chunks(self, rows: RowSource, count: int, generator: torch.Generator) -> RowChunks:
        return rows.draw_residual_rows(count, generator)
