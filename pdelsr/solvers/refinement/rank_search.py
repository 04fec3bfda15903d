"""The choice of a rank on held-out points: doubled as long as that pays."""

from __future__ import annotations

import logging
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

from pdelsr.resources.clock import Clock
from pdelsr.resources.pieces import is_out_of_memory
from pdelsr.solvers.refinement.tangent_newton import Refinement
from pdelsr.solvers.state.interruption import INTERRUPTIONS, status_of

logger: logging.Logger = logging.getLogger(__name__)

PAYS = 2.0  # factor on the held-out residual that makes growth worth it
USABLE = 0.5  # share of directions above rounding from which more may help
DOUBLING = 6.0  # factor on the seconds of a refinement at twice the rank
NO_MEMORY = "twice as many do not fit into memory"
NO_TIME = "no time for twice as many"


class Ranked(ABC):
    """The subject of a rank search: a network on its points, or a module on data.

    Attributes:
        keeps_interrupted: whether Ctrl-C and the clock end the search with what it has; otherwise
            they are passed on.
    """

    keeps_interrupted: ClassVar[bool] = True

    @property
    @abstractmethod
    def first(self) -> int:
        """The rank to begin with."""

    @property
    @abstractmethod
    def most(self) -> int:
        """The largest rank that makes sense."""

    @abstractmethod
    def at_rank(self, rank: int) -> Refinement:
        """The refinement in `rank` directions."""

    @abstractmethod
    def heldout_size(self, found: Refinement) -> float:
        """Its residual on held-out points."""

    @abstractmethod
    def fits(self, rank: int) -> bool:
        """Whether a refinement in `rank` directions fits into the free memory."""


@dataclass(frozen=True)
class RankSearch:
    """Doubles the rank as long as that pays on held-out points.

    The doublings together cost less than twice the last one.

    Args:
        ranked: refines at a given rank.
        clock: of the run.
    """

    ranked: Ranked
    clock: Clock

    def run(self) -> Refinement:
        """The best refinement; its report says why the rank was not raised further."""
        ranked = self.ranked
        rank, best, smallest = ranked.first, None, math.inf
        while True:
            begin, found = self.clock.seconds, None
            try:
                found = ranked.at_rank(rank)
                size = ranked.heldout_size(found)
            except INTERRUPTIONS as interruption:
                so_far = best or found
                if so_far is None or not ranked.keeps_interrupted:
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
            limit = self._limit(found, rank, gained, DOUBLING * (self.clock.seconds - begin))
            if limit is not None:
                return replace(limited(best, limit), stopped=found.stopped)
            rank = min(2 * rank, ranked.most)

    def _limit(self, found: Refinement, rank: int, gained: bool, seconds: float) -> str | None:
        """Why the rank is not doubled once more, or None."""
        report = found.report
        if found.stopped is not None:
            return found.stopped.value
        if report.rank < rank:
            return "the basis gives no more directions"
        if not found.steps:
            return "no step lowered the residual"
        if not gained:
            return f"the last doubling gained less than a factor of {PAYS:g}"
        if report.effective_rank is not None and report.effective_rank < USABLE * rank:
            return "the other directions are below rounding"
        if rank >= self.ranked.most:
            return "more directions need more parameters or points"
        if not self.ranked.fits(min(2 * rank, self.ranked.most)):
            return NO_MEMORY
        return NO_TIME if seconds > self.clock.left else None


def limited(found: Refinement, limit: str) -> Refinement:
    """The same refinement with the reason for its rank in the report."""
    logger.info("rank %d is kept: %s", found.report.rank, limit)
    return replace(found, report=replace(found.report, limit=limit))
