"""The refinement of a run's network: at a given rank, or at one chosen on held-out points."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize import Predictor, RefinedPredictor, StackedResidual
from pdelsr.lstsq import solver_named
from pdelsr.resources.clock import Clock
from pdelsr.resources.pieces import is_out_of_memory, release
from pdelsr.solvers.refinement.memory.estimate import needed, refinement_fits, sizes_on
from pdelsr.solvers.refinement.memory.fitting import Choice, affordable
from pdelsr.solvers.refinement.rank_search import Ranked, RankSearch, limited
from pdelsr.solvers.refinement.refiner_options import RefinerOptions, initial_rank, largest_rank
from pdelsr.solvers.refinement.tangent_newton import (
    Refinement,
    refine_in_subspace,
    with_basis_values,
)
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.subspace import Basis
from pdelsr.subspace.base import built, is_searched

logger: logging.Logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Refiner(RefinerOptions):
    """Refines the network of a run, and returns a `Refinement`; its fields are `RefinerOptions`."""

    def __call__(
        self,
        discretization: Discretization,
        clock: Clock,
        factor: int | float = 1.0,
        adapt_to: Predictor | None = None,
        rank: int | None = None,
        guess: Float[Tensor, " m"] | None = None,
    ) -> Refinement:
        """Refine the network on fresh points.

        Args:
            discretization: network, blocks and points.
            clock: of the run.
            factor: times the planned points.
            adapt_to: draw interior points where this predictor's residual is large.
            rank: chosen by an earlier refinement.
            guess: δ of an earlier refinement of the same network, to begin with; used in the whole
                tangent space only.

        Raises:
            MemoryLimitError: the user's sizes do not fit into the free memory.
        """
        *choices, last = affordable(discretization, self, factor, rank)
        for choice in choices:
            try:
                return self._with(discretization, clock, choice, adapt_to, guess)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            release(discretization.plan.device)
        return self._with(discretization, clock, last, adapt_to, guess)

    def _with(
        self,
        discretization: Discretization,
        clock: Clock,
        choice: Choice,
        adapt_to: Predictor | None,
        guess: Tensor | None,
    ) -> Refinement:
        residual = discretization.fresh_residual(choice.factor, adapt_to)
        basis = self.basis_for(discretization.network.parameter_count)
        if choice.rank is None and is_searched(basis, discretization.network):
            searched = _OnPoints(self, discretization, clock, residual, basis)
            found = RankSearch(searched, clock).run()
        else:
            found = self.at_rank(discretization, clock, residual, basis, choice.rank, guess)
        wanted, most = self.rank or 0, discretization.network.parameter_count
        limit = choice.limit or (f"{wanted:,} exceeds the parameters" if wanted > most else None)
        return found if limit is None else limited(found, limit)

    def bytes_needed(
        self, discretization: Discretization, factor: int | float = 1.0
    ) -> int | float:
        """Bytes of a refinement, or of the first one in a search for the rank."""
        return needed(discretization, self, factor, self.first_rank(discretization, factor))

    def at_rank(
        self,
        discretization: Discretization,
        clock: Clock,
        residual: StackedResidual,
        basis: Basis,
        rank: int | None,
        guess: Tensor | None = None,
    ) -> Refinement:
        """Refine the network on given points.

        Args:
            discretization: of the network.
            clock: of the run.
            residual: on the points.
            basis: recipe for V.
            rank: r; None for all directions of the basis.
            guess: δ to begin with, in the whole tangent space.
        """
        subspace = built(basis, residual, rank, discretization.generator)
        whole = subspace.directions.is_whole
        refinement = refine_in_subspace(
            residual,
            subspace.directions,
            solver_named(self.lstsq),
            self.newton_steps,
            lambda: clock.expired,
            guess=guess if whole else None,
            steady=discretization.plan.domain.time is None,
        )
        if not refinement.steps and guess is None:
            logger.info("the refinement found nothing better than the network, which stays")
        return with_basis_values(refinement, subspace.singular_values)


@dataclass(frozen=True)
class _OnPoints(Ranked):
    """A network on the points of one residual."""

    refiner: Refiner
    discretization: Discretization
    clock: Clock
    residual: StackedResidual
    basis: Basis

    @property
    def first(self) -> int:
        return initial_rank(self.most)

    @property
    def most(self) -> int:
        return largest_rank(self.discretization.network.parameter_count, self.residual.total_count)

    def at_rank(self, rank: int) -> Refinement:
        return self.refiner.at_rank(
            self.discretization, self.clock, self.residual, self.basis, rank
        )

    def heldout_size(self, found: Refinement) -> float:
        predictor = RefinedPredictor(self.discretization.network, found.delta)
        return torch.linalg.vector_norm(self.discretization.heldout.evaluate(predictor)).item()

    def fits(self, rank: int) -> bool:
        sizes = sizes_on(self.discretization, self.refiner, self.residual.total_count, rank)
        return refinement_fits(self.discretization, sizes, self.refiner)
