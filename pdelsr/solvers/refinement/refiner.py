"""A refinement of the network of a run: at one rank, or at the one that held-out points choose."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize import Identity, Predictor, RefinedPredictor, StackedResidual
from pdelsr.lstsq import solver_named
from pdelsr.resources.clock import Clock
from pdelsr.resources.pieces import is_out_of_memory, release
from pdelsr.solvers.refinement.estimate import Sizes, needed, refinement_fits
from pdelsr.solvers.refinement.fitting import Choice, affordable
from pdelsr.solvers.refinement.refiner_options import RefinerOptions, largest_rank, starting_rank
from pdelsr.solvers.refinement.tangent_newton import (
    Refinement,
    refine_in_subspace,
    with_basis_values,
)
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.interruption import INTERRUPTIONS, status_of
from pdelsr.subspace import Basis

logger: logging.Logger = logging.getLogger(__name__)

PAYS = 2.0  # factor on the held-out residual that makes growth worth it
USABLE = 0.5  # share of directions above rounding from which more of them may help
DOUBLING = 6.0  # times the seconds of a refinement, for one at twice the rank
NO_MEMORY = "twice as many do not fit into memory"
NO_TIME = "no time for twice as many"


@dataclass(frozen=True)
class Refiner(RefinerOptions):
    """Refines the network of a run; see `RefinerOptions` for its fields."""

    def __call__(
        self,
        discretization: Discretization,
        clock: Clock,
        factor: int | float = 1.0,
        adapt_to: Predictor | None = None,
        rank: int | None = None,
        start: Float[Tensor, " m"] | None = None,
    ) -> Refinement:
        """Refine the network on fresh points.

        Args:
            discretization: network, blocks and points.
            clock: of the run.
            factor: times the planned points.
            adapt_to: draw interior points where this predictor's residual is large.
            rank: that an earlier refinement chose.
            start: δ of an earlier refinement of the same network, to begin with; used in the whole
                tangent space only.

        Raises:
            MemoryLimitError: the sizes that the user chose do not fit into the free memory.
        """
        *choices, last = affordable(discretization, self, factor, rank)
        for choice in choices:
            try:
                return self._with(discretization, clock, choice, adapt_to, start)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            release(discretization.plan.device)
        return self._with(discretization, clock, last, adapt_to, start)

    def _with(
        self,
        discretization: Discretization,
        clock: Clock,
        choice: Choice,
        adapt_to: Predictor | None,
        start: Tensor | None,
    ) -> Refinement:
        residual = discretization.fresh_residual(choice.factor, adapt_to)
        basis = self.basis_for(discretization.network.parameter_count)
        if choice.rank is None and basis.has_rank:
            found = self._at_chosen_rank(discretization, clock, residual, basis)
        else:
            found = self._at_rank(discretization, clock, residual, basis, choice.rank, start)
        wanted, most = self.rank or 0, discretization.network.parameter_count
        limit = choice.limit or (f"{wanted:,} exceeds the parameters" if wanted > most else None)
        return found if limit is None else limited(found, limit)

    def bytes_needed(
        self, discretization: Discretization, factor: int | float = 1.0
    ) -> int | float:
        """Of a refinement, or of the first one in a search for the rank."""
        return needed(discretization, self, factor, self.first_rank(discretization, factor))

    def _at_rank(
        self,
        discretization: Discretization,
        clock: Clock,
        residual: StackedResidual,
        basis: Basis,
        rank: int | None,
        start: Tensor | None = None,
    ) -> Refinement:
        subspace = basis.build(residual, rank, discretization.generator)
        whole = isinstance(subspace.directions, Identity)
        refinement = refine_in_subspace(
            residual,
            subspace.directions,
            solver_named(self.lstsq),
            self.newton_steps,
            lambda: clock.expired,
            start=start if whole else None,
            steady=discretization.plan.domain.time is None,
        )
        if not refinement.steps and start is None:
            logger.info("the refinement found nothing better than the network, which stays")
        return with_basis_values(refinement, subspace.singular_values)

    def _at_chosen_rank(
        self, discretization: Discretization, clock: Clock, residual: StackedResidual, basis: Basis
    ) -> Refinement:
        """Double the rank as long as that pays on held-out points; the report says why it ended."""
        most = largest_rank(discretization.network.parameter_count, residual.row_count)
        rank, best, smallest = starting_rank(most), None, math.inf
        while True:
            begin, found = clock.seconds, None
            try:
                found = self._at_rank(discretization, clock, residual, basis, rank)
                predictor = RefinedPredictor(discretization.network, found.delta)
                size = torch.linalg.vector_norm(discretization.heldout.evaluate(predictor)).item()
            except INTERRUPTIONS as interruption:
                so_far = best or found
                if so_far is None:
                    raise
                status = status_of(interruption)
                return replace(limited(so_far, status.value), stopped=status)
            except (MemoryError, RuntimeError) as error:
                if best is None or not is_out_of_memory(error):
                    raise
                return limited(best, NO_MEMORY)
            logger.info("rank %d: held-out residual %.1e", found.report.rank, size)
            gained = PAYS * size <= smallest
            if best is None or size < smallest:
                best, smallest = found, size
            seconds = DOUBLING * (clock.seconds - begin)
            limit = self._limit(discretization, clock, residual, found, rank, gained, most, seconds)
            if limit is not None:
                return replace(limited(best, limit), stopped=found.stopped)
            rank = min(2 * rank, most)

    def _limit(
        self,
        discretization: Discretization,
        clock: Clock,
        residual: StackedResidual,
        found: Refinement,
        rank: int,
        gained: bool,
        most: int,
        seconds: float,
    ) -> str | None:
        """Why the rank is not doubled once more, or None."""
        if found.stopped is not None:
            return found.stopped.value
        if found.report.rank < rank:
            return "the basis gives no more directions"
        if not found.steps:
            return "no step lowered the residual"
        if not gained:
            return f"the last doubling gained less than a factor of {PAYS:g}"
        if (found.report.effective_rank or 0) < USABLE * rank:
            return "the other directions are below rounding"
        if rank >= most:
            return "more directions need more parameters or points"
        m = discretization.network.parameter_count
        twice = Sizes(residual.row_count, min(2 * rank, most), m)
        if not refinement_fits(discretization, twice, self):
            return NO_MEMORY
        return NO_TIME if seconds > clock.left else None


def limited(found: Refinement, limit: str) -> Refinement:
    """The same refinement with the reason for its rank in the report."""
    logger.info("rank %d is kept: %s", found.report.rank, limit)
    return replace(found, report=replace(found.report, limit=limit))
