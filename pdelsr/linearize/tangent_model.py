"""The predictor u(y) = q0 + J V y at the points of a residual, for a solve in y."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize.directions import Directions
from pdelsr.linearize.products import reduced_matrix
from pdelsr.linearize.refined import RefinedPredictor
from pdelsr.linearize.residual import Jets, StackedResidual
from pdelsr.resources.free_memory import free_bytes

KEPT_SHARE = 0.5  # of the free memory that Φ, A and its factors may take
CHUNK = 256  # rows that are recombined at once, few enough for the cache
SOLVE = 5  # times A: memory of a solve


@dataclass(frozen=True)
class TangentModel:
    """u(y), by its jets and A(u) = G(u) V.

    Args:
        residual: on its points.
        directions: V.
        origin: jets of q0.
        phi: Φ_α = ∂^α(J V), one (E, n, r) tensor per block, which replaces passes through the
            network; None for passes through the network.
    """

    residual: StackedResidual
    directions: Directions
    origin: Jets
    phi: list[Tensor] | None = None

    def jets(self, y: Float[Tensor, " r"]) -> Jets:
        """The jets of u(y)."""
        if self.phi is not None:
            return [q0 + phi @ y for q0, phi in zip(self.origin, self.phi, strict=True)]
        predictor = RefinedPredictor(self.residual.network, self.directions.lift(y))
        return self.residual.jets_without_graph(predictor)

    def matrix(self, jets: Jets) -> Float[Tensor, "n r"]:
        """A(u) from the jets of u, all blocks stacked; A = Σ_α c_α Φ_α if Φ is kept."""
        coefficients = self.residual.coefficients(jets)
        if self.phi is None:
            return reduced_matrix(self.residual, self.directions, coefficients)
        out = self.residual.like.new_empty(self.residual.row_count, self.directions.rank)
        for part, rows in self._recombined(coefficients):
            out[part] = rows
        return out

    def rows(self, jets: Jets) -> Iterator[tuple[slice, Float[Tensor, "c r"]]]:
        """Chunks of rows of A(u) with their slices of 0 … n, one in memory at a time."""
        c = self.residual.coefficients(jets)
        if self.phi is not None:
            yield from self._recombined(c)
            return
        for part, rows in self.residual.rows(c, self.directions.only):
            yield part, self.directions.project(rows)

    def _recombined(self, coefficients: Jets) -> Iterator[tuple[slice, Float[Tensor, "c r"]]]:
        """Σ_α c_α Φ_α in chunks."""
        assert self.phi is not None
        offset = 0
        for c, phi in zip(coefficients, self.phi, strict=True):
            for start in range(0, c.shape[1], CHUNK):
                part = slice(start, min(start + CHUNK, c.shape[1]))
                rows = c[0, part, None] * phi[0, part]
                for factor, basis in zip(c[1:, part], phi[1:, part], strict=True):
                    rows.addcmul_(factor[:, None], basis)
                yield slice(offset + part.start, offset + part.stop), rows
            offset += c.shape[1]

    def times(self, y: Float[Tensor, " r"], jets: Jets) -> Float[Tensor, " n"]:
        """A(u) y, by one pass through the network."""
        return self.residual.along(self.directions.lift(y), self.residual.coefficients(jets))

    def transpose_times(self, w: Float[Tensor, " n"], jets: Jets) -> Float[Tensor, " r"]:
        """A(u)ᵀ w of the rows of this process, by one pass backward through the network."""
        slopes = self.residual.transpose_times(w, self.residual.coefficients(jets))
        return self.directions.restrict(slopes)


def tangent_model(
    residual: StackedResidual, directions: Directions, newton_steps: int, forms_matrix: bool = True
) -> TangentModel:
    """The model that is cheaper for the given number of steps, see `keeps_jets`."""
    origin = residual.jets_without_graph()
    entries = sum(len(b) * len(b.block.entries) for b in residual.blocks)
    forms = forms_matrix and not directions.is_whole
    rows, rank = residual.row_count, directions.rank
    kept = keeps_jets(residual, entries, rows, rank, newton_steps, forms)
    phi = residual.basis_jets(directions) if kept else None
    return TangentModel(residual, directions, origin, phi)


def keeps_jets(
    residual: StackedResidual,
    entries: int | float,
    rows: int | float,
    rank: int,
    newton_steps: int,
    forms_product: bool,
) -> bool:
    """Whether Φ is worth its memory, and fits beside a solve.

    It costs one reverse pass per entry, and rows · V if V is dense: worth it if more than one step
    forms A from it. In the whole tangent space a solve costs far more than either.

    Args:
        residual: of the same problem, on any points.
        entries: jet entries at all points of the solve.
        rows: n of the solve.
        rank: r.
        newton_steps: largest number of steps.
        forms_product: whether the solver forms A, and V is not the identity.
    """
    if not forms_product or newton_steps == 1 or residual.is_linear:
        return False
    size = (entries + SOLVE * rows) * rank * residual.like.element_size()
    return size < KEPT_SHARE * free_bytes(residual.like.device)
