"""The stacked residual f(θ), its Jacobian G by explicit rows, and the jets of a basis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pdelsr.linearize.bound_block import BoundBlock, Predictor, SiteEntries
from pdelsr.linearize.directions import Directions, as_directions
from pdelsr.linearize.random_positions import spread
from pdelsr.linearize.row_source import RowChunks, RowSource
from pdelsr.networks.base import Network
from pdelsr.networks.index_set import IndexSet, closure
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

    Args:
        network: holds θ.
        blocks: the residual blocks on their points.
        memory_budget: bytes that one chunk of rows may take; None for a share of what is free.
    """

    network: Network
    blocks: tuple[BoundBlock, ...]
    memory_budget: int | None = None

    @property
    def row_count(self) -> int:
        """n, the number of residuals."""
        return sum(len(b) for b in self.blocks)

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
        return torch.cat([b.scale * b.evaluate(like) for b in self.blocks])

    def block_rms(self, predictor: Predictor | None = None) -> dict[str, float]:
        """Root mean square of F_b on the points of every block, without weights."""
        return self.rms_of(self.block_squares(predictor))

    def block_squares(self, predictor: Predictor | None = None) -> list[Tensor]:
        """F_b² at the points of every block, without weights."""
        like = predictor or self.network
        return [b.evaluate(like).square() for b in self.blocks]

    def rms_of(self, squares: Sequence[Tensor]) -> dict[str, float]:
        """Root mean square of every block for given F_b²."""
        pairs = zip(self.blocks, squares, strict=True)
        return {b.block.name: (b.shares @ square).sqrt().item() for b, square in pairs}

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
        sizes = [b.scale * b.terms(predictor, of) for b in self.blocks]
        return torch.linalg.vector_norm(torch.cat(sizes)).item()

    def data_norm(self) -> float:
        """Norm of the stacked data, f at u = 0."""
        zeros = [b.columns.new_zeros(len(b.block.entries), len(b)) for b in self.blocks]
        pairs = zip(self.blocks, zeros, strict=True)
        with torch.no_grad():
            data = [b.scale * b.block.value(b.columns, jet) for b, jet in pairs]
        return torch.linalg.vector_norm(torch.cat(data)).item()

    def adds_up(self, predictor: Predictor) -> bool:
        """Whether some F has several terms; a single term is never small compared with itself."""
        alone = 1 - ROUNDED * torch.finfo(self.like.dtype).eps
        return any(
            bool((b.evaluate(predictor).abs() < alone * b.terms(predictor)).any())
            for b in self.blocks
        )

    def block_weights(self) -> dict[str, float]:
        """w_b of ‖f‖² = Σ_b w_b mean(F_b²)."""
        return {b.block.name: b.scale.square().sum().item() for b in self.blocks}

    def mean_square_row(self, bound: BoundBlock) -> float:
        """Mean square length of the unscaled rows of G of one block, on a few of its points.

        The slopes of a nonlinear F depend on u. They are taken at the network, or at the multiple
        of it whose terms are as large as the data F(0): an untrained network is nearly flat, and
        its rows for |∇u|² = 1 would be thirty times shorter than at any solution.
        """
        few = bound.thinned(min(1.0, ROWS_FOR_BALANCE / len(bound)))
        with torch.no_grad():
            jet = few.jet(self.network)
            c = few.block.coefficients(few.columns, _as_large_as_data(few, jet))
        chunks = self.with_blocks([few]).rows([c])
        return sum(rows.square().sum().item() for _, rows in chunks) / len(few)

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
        """The residual restricted to a slice of its rows 0 … n."""
        found, offset = [], 0
        for bound in self.blocks:
            here = slice(max(part.start - offset, 0), max(part.stop - offset, 0))
            found.append(bound.part(here))
            offset += len(bound)
        return self.with_blocks([bound for bound in found if len(bound)])

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
        points = torch.cat([b.sites[0] for b in self.blocks])
        points = points[spread(len(points), -(-count // self.network.out_features), points.device)]
        return lambda: self.output_rows(points)

    def draw_residual_rows(self, count: int, generator: torch.Generator) -> RowChunks:
        """Rows at some points of every block; `count` alone decides how many."""
        thinned = self.thinned(min(1.0, count / self.row_count))
        coefficients = thinned.coefficients(thinned.jets_without_graph())
        # Rows that are not finite say nothing about directions.
        return lambda: (rows.nan_to_num(0.0, 0.0, 0.0) for _, rows in thinned.rows(coefficients))


def _as_large_as_data(bound: BoundBlock, jet: Float[Tensor, "E n"]) -> Float[Tensor, "E n"]:
    """The jet, doubled until its terms are as large as F at zero."""
    if bound.block.linear:
        return jet
    data = bound.block.value(bound.columns, torch.zeros_like(jet))
    for _ in range(DOUBLINGS):
        terms = bound.block.value(bound.columns, jet) - data
        if not torch.linalg.vector_norm(terms) < torch.linalg.vector_norm(data):
            break  # also if one of them is not a number
        jet = 2 * jet
    return jet
