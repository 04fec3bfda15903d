"""A residual block bound to its points: what to evaluate where, and with which scale."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdelsr.compile import Block
from pdelsr.linearize.random_positions import drawn
from pdelsr.networks.index_set import Index, IndexSet, closure
from pdelsr.processes import Group
from pdelsr.resources.memory import points_at_once
from pdelsr.resources.pieces import in_pieces

Predictor = Callable[[Tensor, IndexSet], Tensor]
"""Maps points (n, d) and an index set to the jet (A, n, k): a network, or a refined predictor."""


@dataclass(frozen=True)
class SiteEntries:
    """The jet entries of one site: which of the block's entries, and their positions in the jet."""

    slots: tuple[int, ...]
    indices: IndexSet
    positions: tuple[int, ...]
    components: tuple[int, ...]


@dataclass(frozen=True)
class Share:
    """The points of a block that belong to one of several processes: every `size`-th one.

    Args:
        rank: number of the process, which has the points rank, rank + size, …
        size: number of processes.
        total: points of all of them.
    """

    rank: int
    size: int
    total: int

    @property
    def has_none(self) -> bool:
        """Whether there are too few; a point without weight stands in, as no block may be empty."""
        return self.rank >= self.total

    @property
    def part(self) -> slice:
        """The points among those of all processes."""
        return slice(0, 1) if self.has_none else slice(self.rank, None, self.size)

    def places_here(self, places: Int[Tensor, " k"]) -> Int[Tensor, " q"]:
        """Places among the points of this process, for those of `places` that belong to it.

        Args:
            places: among the points of all processes.
        """
        if self.has_none:
            return places[:0]
        return places[places % self.size == self.rank] // self.size


@dataclass(frozen=True)
class BoundBlock:
    """A block and its points.

    Args:
        block: value and coefficients of the residual as functions of the jet.
        sites: one (n, d) tensor of coordinates per site (two for a periodic pair).
        columns: (n, c), the first argument of `block.value`: coordinates, normals, data.
        scale: (n,), multiplies the residual: s_i = sqrt(w · q_i) with Σ q_i = 1 over the block.
        share: which points of the block these are; None for all of them.
    """

    block: Block
    sites: tuple[Tensor, ...]
    columns: Float[Tensor, "n c"]
    scale: Float[Tensor, " n"]
    share: Share | None = field(default=None, metadata={"transient": True})

    def __len__(self) -> int:
        return self.columns.shape[0]

    @property
    def stands_in(self) -> bool:
        """Whether the only point is one without weight, where this process has none."""
        return self.share is not None and self.share.has_none

    @property
    def total(self) -> int:
        """Points of all processes."""
        return len(self) if self.share is None else self.share.total

    @cached_property
    def site_entries(self) -> tuple[SiteEntries, ...]:
        """The entries of each site."""
        return tuple(
            _site_entries(self.block, site, self.sites[site].shape[1])
            for site in range(len(self.sites))
        )

    def jet(self, predictor: Predictor, part: slice = slice(None)) -> Float[Tensor, "E n"]:
        """The values of the block's jet entries, at the points of `part`."""
        found: list[Tensor] = [torch.empty(0)] * len(self.block.entries)
        for points, site in zip(self.sites, self.site_entries, strict=True):
            jet = predictor(points[part], site.indices)
            for slot, position, component in zip(
                site.slots, site.positions, site.components, strict=True
            ):
                found[slot] = jet[position, :, component]
        return torch.stack(found)

    def jet_without_graph(self, predictor: Predictor) -> Float[Tensor, "E n"]:
        """`jet`, chunk by chunk, for solves that differentiate nothing."""
        with torch.no_grad():
            return torch.cat(self.in_pieces(lambda part: self.jet(predictor, part)), dim=1)

    def evaluate(self, predictor: Predictor) -> Float[Tensor, " n"]:
        """F at the points, without scale and graph, chunk by chunk."""

        def value(part: slice) -> Tensor:
            return self.block.value(self.columns[part], self.jet(predictor, part))

        with torch.no_grad():
            return torch.cat(self.in_pieces(value))

    def terms(self, predictor: Predictor, of: Predictor | None = None) -> Float[Tensor, " n"]:
        """Size of the terms of F at the points: Σ_α |c_α u_α| + |F − Σ_α c_α u_α|.

        For a linear F these are its terms and its data, otherwise those of its linearization. A
        term that is not finite, such as the slope of a root at zero, does not count.

        Args:
            predictor: u, at which c_α = ∂F/∂u_α.
            of: a predictor whose jet is multiplied by c_α instead; None for u.
        """

        def size(part: slice) -> Tensor:
            columns, jet = self.columns[part], self.jet(predictor, part)
            c = self.block.coefficients(columns, jet)
            data = self.block.value(columns, jet) - (c * jet).sum(0)
            terms = c * (jet if of is None else self.jet(of, part))
            return torch.cat([terms, data[None]]).abs().nan_to_num(0.0, 0.0, 0.0).sum(0)

        with torch.no_grad():
            return torch.cat(self.in_pieces(size))

    def in_pieces(self, of: Callable[[slice], Tensor]) -> list[Tensor]:
        """`of` for all points, in pieces that are evaluated at once."""
        step = points_at_once(self.columns.device)
        return [found for _, found in in_pieces(len(self), step, of)]

    def part(self, part: slice) -> BoundBlock:
        """Some of the points, with their scales."""
        sites = tuple(points[part] for points in self.sites)
        return BoundBlock(self.block, sites, self.columns[part], self.scale[part])

    def seeds(
        self, site: SiteEntries, coefficients: Float[Tensor, "E n"], outputs: int
    ) -> Float[Tensor, "A n k"]:
        """Scatter the coefficients of one site to the seeds of its reverse pass."""
        n = coefficients.shape[1]
        seeds = coefficients.new_zeros(len(site.indices), n, outputs)
        for slot, position, component in zip(
            site.slots, site.positions, site.components, strict=True
        ):
            seeds[position, :, component] += coefficients[slot]
        return seeds

    def scaled_value(self, jet: Float[Tensor, "E n"]) -> Float[Tensor, " n"]:
        """s · F(x, jet)."""
        return self.scale * self.block.value(self.columns, jet)

    def scaled_coefficients(self, jet: Float[Tensor, "E n"]) -> Float[Tensor, "E n"]:
        """s · ∂F/∂jet."""
        return self.scale * self.block.coefficients(self.columns, jet)

    def thinned(self, share: int | float) -> BoundBlock:
        """A random share of the points, at least one; the scale grows to keep the mean.

        They are the same ones for any number of processes.
        """
        n = self.total
        keep = max(1, round(share * n))
        generator = torch.Generator().manual_seed(n)
        index = drawn(n, keep, generator, self.columns.device)
        found, factor = None, (n / keep) ** 0.5
        if self.share is not None:
            index = self.share.places_here(index)
            found = Share(0 if len(index) else keep, self.share.size, keep)
            if not len(index):
                index, factor = index.new_zeros(1), 0.0
        part = self.at(index)
        return replace(part, scale=part.scale * factor, share=found)

    def sampled(self, share: int | float, seed: int) -> BoundBlock:
        """A random share of the points, other ones for each seed; the scale keeps the mean.

        Each process draws from its own points, so that those of all are dealt out again.
        """
        total, rank, size = max(1, round(share * self.total)), 0, 1
        if self.share is not None:
            rank, size = self.share.rank, self.share.size
        kept = Share(rank, size, total)
        generator = torch.Generator().manual_seed(seed * size + rank)
        count = len(range(total)[kept.part])
        part = self.at(drawn(len(self), count, generator, self.columns.device))
        factor = 0.0 if kept.has_none else (self.total / total) ** 0.5
        found = None if self.share is None else kept
        return replace(part, scale=factor * part.scale, share=found)

    def at(self, places: Int[Tensor, " k"]) -> BoundBlock:
        """The points at some places."""
        sites = tuple(points[places] for points in self.sites)
        return BoundBlock(self.block, sites, self.columns[places], self.scale[places])

    def of(self, group: Group) -> BoundBlock:
        """The points of this process."""
        share = Share(group.rank, group.size, len(self))
        part = self.part(share.part)
        return replace(part, scale=0 * part.scale if share.has_none else part.scale, share=share)

    def gathered(self, group: Group) -> BoundBlock:
        """The points of all processes."""
        sites = tuple(group.dealt_back(points, self.total) for points in self.sites)
        columns = group.dealt_back(self.columns, self.total)
        return BoundBlock(self.block, sites, columns, group.dealt_back(self.scale, self.total))


def _site_entries(block: Block, site: int, dim: int) -> SiteEntries:
    slots = [i for i, entry in enumerate(block.entries) if entry.site == site]
    wanted: list[Index] = [block.entries[i].index for i in slots]
    indices = closure(tuple(wanted)) if wanted else closure(((0,) * dim,))
    return SiteEntries(
        slots=tuple(slots),
        indices=indices,
        positions=tuple(indices.positions[index] for index in wanted),
        components=tuple(block.entries[i].component for i in slots),
    )
