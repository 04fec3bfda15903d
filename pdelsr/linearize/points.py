"""Compiled blocks put on points: counts, samplers, seeds, residual-adaptive draws."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from pdelsr.compile import AtPoints, Block, Interior, OnParts, PeriodicPair
from pdelsr.declare.domains import Domain
from pdelsr.linearize.bound_block import BoundBlock, Predictor, Share
from pdelsr.linearize.finite import require_finite_statement
from pdelsr.processes import ALONE, Group
from pdelsr.sample import (
    CROWD_SHARE,
    Crowd,
    Points,
    PointSet,
    Sampler,
    Sobol,
    UnitSampler,
    crowding,
    may_crowd,
    refine_by_residual,
    sample_interior,
    sample_pair,
    sample_parts,
    with_crowd,
)

HELD_OUT_POINTS = 10_000  # held-out points of a block, at most unless more are planned
MOST_HELD_OUT = 2**20  # held-out points of a block, at most
CANDIDATES = 4  # interior points drawn for each point that residual-adaptive sampling keeps


@dataclass(frozen=True)
class PointPlan:
    """How many points each block gets, from which sampler, and with which weight.

    Args:
        domain: where the problem is posed.
        counts: points of each block.
        samplers: sampler of each block; Sobol if missing.
        weights: w_b of ‖f‖² = Σ_b w_b mean(F_b²); 1 if missing.
        crowds: where data are narrow, by block and by part of the boundary ("" inside): extra
            points go there if the planned ones would miss them.
        dtype: of the points.
        device: where they live.
        is_held_out: whether the points must not contain any point of a fit.
        dealt_to: processes that share the points: each keeps every `size`-th one of a block.
    """

    domain: Domain
    counts: Mapping[str, int]
    samplers: Mapping[str, Sampler] = field(default_factory=dict)
    weights: Mapping[str, int | float] = field(default_factory=dict)
    crowds: Mapping[str, Mapping[str, Crowd]] = field(default_factory=dict)
    dtype: torch.dtype = torch.float64
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    is_held_out: bool = False
    dealt_to: Group = ALONE

    def scaled(self, factor: int | float) -> PointPlan:
        """The same plan with `factor` times the points, at least one per block."""
        counts = {name: max(1, round(factor * n)) for name, n in self.counts.items()}
        return replace(self, counts=counts)

    def held_out(self) -> PointPlan:
        """The same plan on more points, which contain no point of a fit.

        It has four times as many, up to 10,000 per block, because evaluating is cheap compared with
        fitting; more than a million tell no more, and every process has all of them. Rules whose
        points do not depend on a seed are replaced by Sobol points.
        """
        counts = {
            name: min(max(n, min(4 * n, HELD_OUT_POINTS)), MOST_HELD_OUT)
            for name, n in self.counts.items()
        }
        return replace(self, counts=counts, is_held_out=True, dealt_to=ALONE)

    @property
    def total(self) -> int:
        """Points of all blocks."""
        return sum(self.counts.values())

    def row_count(self, blocks: Sequence[Block], factor: int | float = 1.0) -> int | float:
        """Rows of all blocks with `factor` times the points; the user's own points stay as many."""
        return sum(self._own(b) or factor * self._most(b) for b in blocks)

    def equation_points(self, blocks: Sequence[Block]) -> int:
        """Points of one equation."""
        return max(self.counts[b.name] for b in blocks if isinstance(b.region, Interior))

    def is_given(self, block: Block) -> bool:
        """Whether the user gives the points of a block one by one."""
        return self._own(block) > 0

    def _most(self, block: Block) -> int | float:
        """Planned points of a block, including the extra ones in narrow features."""
        n = self.counts[block.name]
        return (1 + CROWD_SHARE) * n if block.name in self.crowds else n

    def _own(self, block: Block) -> int:
        """Points of a block that the user gives one by one; 0 if a sampler draws them."""
        if isinstance(block.region, AtPoints):
            return len(block.region.points)
        sampler = self.samplers.get(block.name)
        return len(sampler.points) if isinstance(sampler, Points) else 0

    def bind(
        self, blocks: Sequence[Block], seed: int, adapt_to: Predictor | None = None
    ) -> tuple[BoundBlock, ...]:
        """Every block on fresh points; of those dealt out, the ones of this process.

        Args:
            blocks: the compiled blocks.
            seed: equal seeds give equal points; all interior blocks share theirs.
            adapt_to: draw the interior points with a density that follows this predictor's
                residual; None for uniform points.

        Raises:
            ProblemError: a statement is not finite at one of the points.
        """
        points = [self._points(block, seed, i) for i, block in enumerate(blocks)]
        if adapt_to is not None:
            points = self._adapted(blocks, points, seed, adapt_to)
        points = [self._crowded(b, sets, seed) for b, sets in zip(blocks, points, strict=True)]

        def bound() -> tuple[BoundBlock, ...]:
            found = tuple(self._bound(b, sets) for b, sets in zip(blocks, points, strict=True))
            for b in found:
                require_finite_statement(b)
            return found

        return self.dealt_to.together(bound)

    def _points(self, block: Block, seed: int, position: int, factor: int = 1) -> list[PointSet]:
        n, sampler = factor * self.counts[block.name], self._sampler(block)
        region = block.region
        if isinstance(region, Interior):
            return [sample_interior(region.domain, n, sampler, stream(seed, 0))]
        if isinstance(region, OnParts):
            crowds = self.crowds.get(block.name, {})
            return [sample_parts(region.parts, n, sampler, stream(seed, 1 + position), crowds)]
        if isinstance(region, PeriodicPair):
            where = stream(seed, 1 + position)
            return list(sample_pair(self.domain, region.coordinate, n, sampler, where))
        assert isinstance(region, AtPoints)
        return [PointSet(np.asarray(region.points))]

    def _crowd(self, block: Block) -> tuple[Crowd | None, int]:
        """The narrow features of an equation that need extra points, and how many points."""
        if not isinstance(block.region, Interior) or not may_crowd(self._sampler(block)):
            return None, 0
        return crowding(self.crowds.get(block.name, {}).get(""), self.counts[block.name])

    def _crowded(self, block: Block, sets: list[PointSet], seed: int) -> list[PointSet]:
        """The points of an equation with the extra ones in narrow features."""
        crowd, n = self._crowd(block)
        return [with_crowd(self.domain, sets[0], crowd, n, stream(seed, 0))] if crowd else sets

    def _sampler(self, block: Block) -> Sampler:
        sampler = self.samplers.get(block.name, Sobol())
        if self.is_held_out and isinstance(sampler, UnitSampler):
            return Sobol() if sampler.repeats(self._unit_dim(block)) else sampler
        return sampler

    def _unit_dim(self, block: Block) -> int:
        """Dimension of the unit cube from which the points of a block are mapped."""
        if isinstance(block.region, OnParts):
            return max(part.unit_dim for part in block.region.parts)
        inside = isinstance(block.region, Interior)
        return self.domain.unit_dim if inside else self.domain.unit_dim - 1

    def _bound(self, block: Block, sets: list[PointSet]) -> BoundBlock:
        group, total = self.dealt_to, len(sets[0])
        share = Share(group.rank, group.size, total) if group.size > 1 else None
        part = slice(None) if share is None else share.part
        sites = tuple(self._tensor(s.points[part]) for s in sets)
        columns = [sites[0]]
        if block.uses_normals:
            normals = sets[0].normals
            assert normals is not None
            columns.append(self._tensor(normals[part]))
        if block.uses_data:
            assert isinstance(block.region, AtPoints)
            values = np.asarray(block.region.values)[part]
            columns.append(self._tensor(values).reshape(-1, 1))
        weight = block.weight * self.weights.get(block.name, 1.0)
        scale = (weight * self._tensor(_shares(sets[0])[part])).sqrt()
        if share is not None and share.has_none:
            scale = 0 * scale
        return BoundBlock(block, sites, torch.cat(columns, dim=1), scale, share)

    def _adapted(
        self,
        blocks: Sequence[Block],
        points: list[list[PointSet]],
        seed: int,
        predictor: Predictor,
    ) -> list[list[PointSet]]:
        """Replace the points of interior blocks by a draw in proportion to |F| (Wu et al. 2023)."""
        movable = [
            i
            for i, b in enumerate(blocks)
            if isinstance(b.region, Interior) and may_crowd(self._sampler(b))
        ]
        if not movable:
            return points
        first = blocks[movable[0]]
        (candidates,) = self._points(first, seed, 0, CANDIDATES)

        def sizes() -> Tensor:
            bound = [self._bound(blocks[i], [candidates]) for i in movable]
            return torch.stack([_residual_size(b, predictor) for b in bound]).sum(dim=0)

        found = self.dealt_to.together(sizes)
        size = self.dealt_to.dealt_back(found, len(candidates)).cpu().double().numpy()
        chosen = list(points)
        for i in movable:
            n = self.counts[blocks[i].name]
            keep = refine_by_residual(candidates.points, size, n, seed)
            unit = None if candidates.unit is None else candidates.unit[keep]
            chosen[i] = [PointSet(candidates.points[keep], unit=unit)]
        return chosen

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.as_tensor(values, dtype=self.dtype, device=self.device)


def _shares(points: PointSet) -> np.ndarray:
    """q of mean(F²) ≈ Σ q_i F_i²: quadrature weights of sum 1; equal if there are none."""
    if points.weights is None or not points.weights.sum() > 0:
        return np.full(len(points), 1 / len(points))
    return points.weights / points.weights.sum()


def _residual_size(bound: BoundBlock, predictor: Predictor) -> Tensor:
    """s |F| at the points of a block; 0 where it is not finite."""
    size = (bound.scale * bound.evaluate(predictor)).abs().double()
    return size.nan_to_num(0.0, 0.0, 0.0)


def stream(seed: int, position: int) -> np.random.SeedSequence:
    """An independent random stream for one use of one seed."""
    return np.random.SeedSequence([seed, position])


def balanced_weights(
    blocks: Sequence[BoundBlock], mean_square_row: Callable[[BoundBlock], float]
) -> dict[str, float]:
    """Weights that give the rows of every block the same mean square length.

    Second derivatives of a network are orders of magnitude larger than its values, so unweighted
    boundary rows would drown in the equation's. The block with the longest rows keeps weight 1.
    """
    sizes = {b.block.name: mean_square_row(b) for b in blocks}
    usable = {name: size for name, size in sizes.items() if 0 < size < math.inf}
    largest = max(usable.values(), default=1.0)
    return {name: largest / usable[name] if name in usable else 1.0 for name in sizes}
