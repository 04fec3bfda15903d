"""Signed sums of a few parameters each."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pdelsr.linearize import Groups, RowSource
from pdelsr.subspace.base import Basis, Subspace, clipped


@dataclass(frozen=True)
class CountSketch(Basis):
    """Every parameter, with a random sign, in one of r directions chosen at random.

    All parameters take part, as with `Gaussian`, but a product with a row costs m operations
    instead of m r, and V takes 2 m numbers. The groups are of equal size, up to one parameter, and
    the directions orthonormal. The leading k directions are groups of the same size, so that a
    smaller rank of one refinement moves fewer parameters than a sketch of that rank would.

    Source: Charikar, Chen and Farach-Colton (2002), ICALP, LNCS 2380, 693; for subspaces Clarkson
    and Woodruff (2013), STOC, 81.
    """

    name = "count_sketch"

    def numbers(self, rank: int, parameters: int) -> int:
        return 2 * parameters

    def build(self, rows: RowSource, rank: int | None, generator: torch.Generator) -> Subspace:
        m, like = rows.parameter_count, rows.like
        r = clipped(rank, m)
        order = torch.randperm(m, generator=generator, device="cpu")
        signs = torch.randint(0, 2, (m,), generator=generator, device="cpu") * 2 - 1
        sizes = torch.bincount(torch.arange(m, device="cpu") % r)
        weights = signs / sizes.double().sqrt().repeat(-(-m // r))[:m]
        return Subspace(Groups(order.to(like.device), weights.to(like), r))
