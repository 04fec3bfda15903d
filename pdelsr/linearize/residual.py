"""The stacked residual f(θ), its Jacobian G by explicit rows, and the jets of a basis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdelsr.linearize.bound_block import BoundBlock, Predictor, Share, SiteEntries
from pdelsr.linearize.directions import Directions, as_directions
from pdelsr.linearize.random_positions import spread
from pdelsr.linearize.row_source import RowChunks, RowSource
from pdelsr.networks.base import Network
from pdelsr.networks.index_set import IndexSet, closure
from pdelsr.processes import ALONE, Group
from pdelsr.resources.memory import points_per_chunk
from pdelsr.resources.pieces import in_pieces

ROUNDED = 100  # epsilons by which |F| may differ from its terms if it has a single one
ROWS_FOR_BALANCE = 256  # rows of a block from which their mean length is estimated
DOUBLINGS = 30  # of a network that is small compared with the data, at most

Jets = list[Tensor]
"""One (E, n) tensor per block: the values of its jet entries."""


@dataclass(frozen=True)
class StackedResidual(RowSource):
    """f(θ) = [s_b F_b]_b of a network, with G = ∂f/∂θ = A J applied through explicit rows.

    F is symbolic, so row i of G is Σ_α c_α(x_i) ∂_θ u_α(x_i) with c_α = ∂F/∂u_α: one reverse pass
    over the jet, seeded with c, gives it. Rows are built in chunks within `memory_budget`.

    Processes that share a problem each have their own points, and f and G are then the rows of this
    process; norms, means and sums are those of all rows. Or each has all points, as those held out,
    and evaluates its part of them for all.

    Args:
        network: holds θ.
        blocks: the residual blocks on their points.
        memory_budget: bytes that one chunk of rows may take; None for a share of what is free.
        group: processes that share the work.
    """

    network: Network
    blocks: tuple[BoundBlock, ...]
    memory_budget: int | None = None
    group: Group = field(default=ALONE, metadata={"transient": True})

    @property
    def row_count(self) -> int:
        """n, the number of residuals of this process."""
        return sum(len(b) for b in self.blocks)

    @property
    def total_count(self) -> int:
        """The number of residuals of all processes."""
        return sum(b.total for b in self.blocks)

    @property
    def is_dealt(self) -> bool:
        """Whether every process has its own points."""
        return any(b.share is not None for b in self.blocks)

    @property
    def row_group(self) -> Group:
        """The processes that have the other rows; none but this one where it has all of them."""
        return self.group if self.is_dealt else ALONE

    @property
    def helpers(self) -> Group:
        """The processes that evaluate points which all of them have."""
        return ALONE if self.is_dealt else self.group

    @property
    def is_linear(self) -> bool:
        """Whether every block is affine in the unknowns."""
        return all(b.block.linear for b in self.blocks)

    def with_blocks(self, blocks: Sequence[BoundBlock]) -> StackedResidual:
        """The same residual on other points or scales."""
        return replace(self, blocks=tuple(blocks))

    def jets(self, predictor: Predictor | None = None) -> Jets:
        """The jet entries of every block, for the network or another predictor."""
        return [b.jet(predictor or self.network) for b in self.blocks]

    def jets_without_graph(self, predictor: Predictor | None = None) -> Jets:
        """`jets`, chunk by chunk, for solves that differentiate nothing."""
        return [b.jet_without_graph(predictor or self.network) for b in self.blocks]

    def values(self, jets: Jets) -> Float[Tensor, " n"]:
        """f for given jets."""
        return torch.cat([b.scaled_value(jet) for b, jet in zip(self.blocks, jets, strict=True)])

    def coefficients(self, jets: Jets) -> Jets:
        """The scaled coefficients s ∂F/∂u_α for given jets, one (E, n) tensor per block."""
        return [b.scaled_coefficients(jet) for b, jet in zip(self.blocks, jets, strict=True)]

    def evaluate(self, predictor: Predictor | None = None) -> Float[Tensor, " n"]:
        """f of the network or of another predictor, without a graph."""
        like = predictor or self.network
        values = self._by_block(lambda bound: bound.evaluate(like))
        return torch.cat([b.scale * v for b, v in zip(self.blocks, values, strict=True)])

    def block_rms(self, predictor: Predictor | None = None) -> dict[str, float]:
        """Root mean square of F_b on the points of every block, without weights."""
        return self.rms_of(self.block_squares(predictor))

    def block_squares(self, predictor: Predictor | None = None) -> list[Tensor]:
        """F_b² at the points of every block, without weights."""
        like = predictor or self.network
        return [values.square() for values in self._by_block(lambda bound: bound.evaluate(like))]

    def _by_block(self, of: Callable[[BoundBlock], Tensor]) -> list[Tensor]:
        """A value at every point of every block."""
        group = self.helpers
        shares = [Share(group.rank, group.size, len(b)) for b in self.blocks]
        some = [
            b if group.size == 1 else b.part(share.part)
            for b, share in zip(self.blocks, shares, strict=True)
        ]
        found = self.group.together(lambda: [of(bound) for bound in some])
        pairs = zip(self.blocks, found, strict=True)
        return [group.dealt_back(values, len(b)) for b, values in pairs]

    def rms_of(self, squares: Sequence[Tensor]) -> dict[str, float]:
        """Root mean square of every block for given F_b²: Σ q_i F_i² with the shares q.

        A block without weight has equal shares.
        """
        sums = [
            torch.stack([(s := b.scale.square()) @ f, s.sum(), f.sum(), s.new_tensor(len(b))])
            for b, f in zip(self.blocks, squares, strict=True)
        ]
        pairs = zip(self.blocks, self.row_group.sum(torch.stack(sums)).unbind(), strict=True)
        return {
            b.block.name: (weighted / weight if weight > 0 else plain / count).sqrt().item()
            for b, (weighted, weight, plain, count) in pairs
        }

    def size_of(self, squares: Sequence[Tensor]) -> float:
        """‖f‖ for given F_b²."""
        return self.row_group.sum(self.weighted(squares).sum()[None]).sqrt().item()

    def weighted(self, squares: Sequence[Tensor]) -> Float[Tensor, " n"]:
        """s² F² at all points for given F_b²; their sum is ‖f‖²."""
        pairs = zip(self.blocks, squares, strict=True)
        return torch.cat([b.scale.square() * square for b, square in pairs])

    def terms_norm(self, predictor: Predictor, of: Predictor | None = None) -> float:
        """Norm of the stacked sizes of the terms, the scale for ‖f‖.

        Args:
            predictor: u.
            of: a predictor whose terms are taken, with the coefficients at u; None for u itself.
        """
        found = self._by_block(lambda bound: bound.terms(predictor, of))
        sizes = [b.scale * terms for b, terms in zip(self.blocks, found, strict=True)]
        return self.row_group.norm(torch.cat(sizes))

    def data_norm(self) -> float:
        """Norm of the stacked data, f at u = 0."""
        zeros = [b.columns.new_zeros(len(b.block.entries), len(b)) for b in self.blocks]
        pairs = zip(self.blocks, zeros, strict=True)
        with torch.no_grad():
            data = [b.scale * b.block.value(b.columns, jet) for b, jet in pairs]
        return self.row_group.norm(torch.cat(data))

    def adds_up(self, predictor: Predictor) -> bool:
        """Whether some F has several terms; a single term is never small compared with itself."""
        alone = 1 - ROUNDED * torch.finfo(self.like.dtype).eps
        found = self._by_block(lambda b: b.evaluate(predictor).abs() < alone * b.terms(predictor))
        return not self.row_group.all(not any(bool(several.any()) for several in found))

    def block_weights(self) -> dict[str, float]:
        """w_b of ‖f‖² = Σ_b w_b mean(F_b²)."""
        weights = torch.stack([b.scale.square().sum() for b in self.blocks])
        names = [b.block.name for b in self.blocks]
        return dict(zip(names, self.row_group.sum(weights).tolist(), strict=True))

    def mean_square_row(self, bound: BoundBlock) -> float:
        """Mean square length of the unscaled rows of G of one block, on a few of its points.

        The slopes of a nonlinear F depend on u. They are taken at the network, or at the multiple
        of it whose terms are as large as the data F(0): an untrained network is nearly flat, and
        its rows for |∇u|² = 1 would be thirty times shorter than at any solution.
        """
        few = bound.thinned(min(1.0, ROWS_FOR_BALANCE / bound.total))
        group, part = self.row_group, 0.0 if few.stands_in else 1.0
        with torch.no_grad():
            jet = group.together(lambda: few.jet(self.network))
            jet = _as_large_as_data(few, jet, lambda values: group.norm(part * values))

        def squares() -> float:
            with torch.no_grad():
                c = few.block.coefficients(few.columns, jet)
            chunks = self.with_blocks([few]).rows([c])
            return sum(rows.square().sum().item() for _, rows in chunks)

        found = part * group.together(squares)
        return group.sum(self.like.new_tensor([found])).item() / few.total

    def rows(
        self, coefficients: Jets, only: Int[Tensor, " r"] | None = None
    ) -> Iterator[tuple[slice, Float[Tensor, "c q"]]]:
        """Chunks of G = Σ_α c_α ∂_θ u_α, with their slices of rows; all columns, or `only` some."""
        return self._chunks(coefficients, only, lambda part, rows: rows)

    def _chunks(
        self,
        coefficients: Jets,
        only: Int[Tensor, " r"] | None,
        of: Callable[[slice, Tensor], Tensor],
    ) -> Iterator[tuple[slice, Tensor]]:
        """of(part, rows) for every chunk of rows of G and its slice of 0 … n."""
        width = self.network.parameter_count if only is None else len(only)
        step = points_per_chunk(width, self.like, self.memory_budget)
        offset = 0
        for bound, c in zip(self.blocks, coefficients, strict=True):

            def made(
                part: slice, bound: BoundBlock = bound, c: Tensor = c, offset: int = offset
            ) -> Tensor:
                rows = self._block_rows(bound, c[:, part], part, only)
                return of(slice(offset + part.start, offset + part.stop), rows)

            for part, found in in_pieces(len(bound), step, made):
                yield slice(offset + part.start, offset + part.stop), found
            offset += len(bound)

    def matrix(self, coefficients: Jets) -> Float[Tensor, "n m"]:
        """G as a dense matrix, for small networks."""
        out = self.like.new_empty(self.row_count, self.network.parameter_count)
        for part, rows in self.rows(coefficients):
            out[part] = rows
        return out

    def times(
        self, V: Directions | Float[Tensor, "m r"], coefficients: Jets
    ) -> Float[Tensor, "n r"]:
        """G V, at 2 n m r operations once the rows exist (none where V picks coordinates)."""
        directions = as_directions(V)
        out = self.like.new_empty(self.row_count, directions.rank)
        projected = self._chunks(coefficients, directions.only, lambda _, G: directions.project(G))
        for part, rows in projected:
            out[part] = rows
        return out

    def along(self, delta: Float[Tensor, " m"], coefficients: Jets) -> Float[Tensor, " n"]:
        """G δ, by one forward-mode pass."""

        def tangent(x: Tensor, indices: IndexSet) -> Tensor:
            return self.network.tangent_jet(x, indices, delta)[1]

        pairs = zip(coefficients, self.jets_without_graph(tangent), strict=True)
        return torch.cat([(c * jet).sum(0) for c, jet in pairs])

    def transpose_times(self, w: Float[Tensor, " n"], coefficients: Jets) -> Float[Tensor, " m"]:
        """Gᵀ w, by one reverse-mode pass, without rows of G."""
        parameters = [p for p in self.network.parameters() if p.requires_grad]
        out = self.like.new_zeros(self.network.parameter_count)
        weights = w.split([len(b) for b in self.blocks])
        for bound, c, weight in zip(self.blocks, coefficients, weights, strict=True):
            for slopes in bound.in_pieces(partial(self._slopes, parameters, bound, c * weight)):
                out += slopes
        return out

    def _slopes(
        self, parameters: Sequence[Tensor], bound: BoundBlock, c: Float[Tensor, "E n"], part: slice
    ) -> Float[Tensor, " m"]:
        """Σ_i Σ_α c_α(x_i) ∂_θ u_α(x_i) over some points."""
        with torch.enable_grad():
            total = (c[:, part] * bound.jet(self.network, part)).sum()
            found = torch.autograd.grad(total, parameters, materialize_grads=True)
        return torch.cat([slope.reshape(-1) for slope in found])

    def basis_jets(self, V: Directions | Float[Tensor, "m r"]) -> list[Float[Tensor, "E n r"]]:
        """Φ_α = ∂^α(J V) at the points of every block, one tensor per block."""
        directions = as_directions(V)
        return [self._block_basis_jets(bound, directions) for bound in self.blocks]

    def _block_basis_jets(self, bound: BoundBlock, V: Directions) -> Tensor:
        out = self.like.new_empty(len(bound.block.entries), len(bound), V.rank)
        width = self.network.parameter_count if V.only is None else len(V.only)
        step = points_per_chunk(width, self.like, self.memory_budget)
        for points, site in zip(bound.sites, bound.site_entries, strict=True):
            for slot, position, component in zip(
                site.slots, site.positions, site.components, strict=True
            ):
                # One entry needs only the derivatives below it, not the site's whole jet.
                indices = closure((site.indices.indices[position],))

                def projected(
                    part: slice,
                    points: Tensor = points,
                    indices: IndexSet = indices,
                    k: int = component,
                ) -> Tensor:
                    return V.project(self._unit_rows(points[part], indices, k, V.only))

                for part, rows in in_pieces(len(bound), step, projected):
                    out[slot, part] = rows
        return out

    def output_rows(
        self, points: Float[Tensor, "n d"], along: Directions | None = None
    ) -> Iterator[Float[Tensor, "c r"]]:
        """Chunks of rows of the output Jacobian J = ∂q/∂θ at `points`, one output after the other.

        Args:
            points: (n, d).
            along: V, for chunks of J V; None for chunks of J.
        """
        value = closure(((0,) * points.shape[1],))
        only = None if along is None else along.only
        width = self.network.parameter_count if only is None else len(only)
        step = points_per_chunk(width, points, self.memory_budget)
        for component in range(self.network.out_features):

            def made(part: slice, k: int = component) -> Tensor:
                rows = self._unit_rows(points[part], value, k, only)
                return rows if along is None else along.project(rows)

            for _, rows in in_pieces(points.shape[0], step, made):
                yield rows

    def _unit_rows(
        self, points: Tensor, indices: IndexSet, component: int, only: Tensor | None = None
    ) -> Tensor:
        seeds = points.new_zeros(len(indices), points.shape[0], self.network.out_features)
        seeds[-1, :, component] = 1.0
        return self.network.rows(points, indices, seeds, only)

    def _block_rows(
        self, bound: BoundBlock, coefficients: Tensor, part: slice, only: Tensor | None
    ) -> Tensor:
        total: Tensor | None = None
        for points, site in zip(bound.sites, bound.site_entries, strict=True):
            rows = self._site_rows(bound, points[part], site, coefficients, only)
            total = rows if total is None else total.add_(rows)
        assert total is not None
        return total

    def _site_rows(
        self,
        bound: BoundBlock,
        points: Tensor,
        site: SiteEntries,
        coefficients: Tensor,
        only: Tensor | None,
    ) -> Tensor:
        seeds = bound.seeds(site, coefficients, self.network.out_features)
        return self.network.rows(points, site.indices, seeds, only)

    def part(self, part: slice) -> StackedResidual:
        """The residual of this process restricted to a slice of its rows 0 … n."""
        found, offset = [], 0
        for bound in self.blocks:
            here = slice(max(part.start - offset, 0), max(part.stop - offset, 0))
            found.append(bound.part(here))
            offset += len(bound)
        return replace(self, blocks=tuple(b for b in found if len(b)), group=ALONE)

    def sampled(self, share: int | float, seed: int) -> StackedResidual:
        """The same residual on a random share of the points, other ones for each seed."""
        return self.with_blocks([b.sampled(share, seed) for b in self.blocks])

    def dealt(self, group: Group) -> StackedResidual:
        """The residual on the points of this process."""
        if group.size == 1:
            return self
        return replace(self, blocks=tuple(b.of(group) for b in self.blocks), group=group)

    def dealt_back(self) -> StackedResidual:
        """The residual on the points of all processes."""
        if not self.is_dealt:
            return self
        blocks = tuple(b.gathered(self.group) for b in self.blocks)
        return replace(self, blocks=blocks, group=ALONE)

    def thinned(self, share: int | float) -> StackedResidual:
        """The same residual on a random share of the points of every block."""
        return self.with_blocks([b.thinned(share) for b in self.blocks])

    @property
    def like(self) -> Tensor:
        """A tensor of the dtype and device of the residual."""
        return self.blocks[0].columns

    @property
    def parameter_count(self) -> int:
        """m, the number of trainable parameters of the network."""
        return self.network.parameter_count

    @property
    def module(self) -> Network:
        """The network."""
        return self.network

    def draw_output_rows(self, count: int, generator: torch.Generator) -> RowChunks:
        """Rows of all outputs at some points of all blocks; `count` alone decides how many."""
        total, device = self.total_count, self.device
        places = spread(total, -(-count // self.network.out_features), device)
        found, start = [], 0
        for b in self.blocks:
            here = places[(places >= start) & (places < start + b.total)] - start
            found.append(b.sites[0][here if b.share is None else b.share.places_here(here)])
            start += b.total
        points = torch.cat(found)
        return lambda: self.output_rows(points)

    def draw_residual_rows(self, count: int, generator: torch.Generator) -> RowChunks:
        """Rows at some points of every block; `count` alone decides how many."""
        thinned = self.thinned(min(1.0, count / self.total_count))
        coefficients = self.row_group.together(
            lambda: thinned.coefficients(thinned.jets_without_graph())
        )
        # Rows that are not finite say nothing about directions.
        return lambda: (rows.nan_to_num(0.0, 0.0, 0.0) for _, rows in thinned.rows(coefficients))


def _as_large_as_data(
    bound: BoundBlock, jet: Float[Tensor, "E n"], norm: Callable[[Tensor], float]
) -> Float[Tensor, "E n"]:
    """The jet, doubled until its terms are as large as F at zero."""
    if bound.block.linear:
        return jet
    data = bound.block.value(bound.columns, torch.zeros_like(jet))
    for _ in range(DOUBLINGS):
        terms = bound.block.value(bound.columns, jet) - data
        if not norm(terms) < norm(data):
            break  # also if one of them is not a number
        jet = 2 * jet
    return jet
