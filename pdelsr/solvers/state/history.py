"""The records of a run, iteration by iteration."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass

logger: logging.Logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Record:
    """One iteration.

    Args:
        iteration: number, from 1; inner records have the number of their outer iteration.
        phase: "train", "align", "refine", …
        seconds: since the run began.
        train: norm of the weighted stacked residual on the training points.
        heldout: the same on held-out points; None for inner records.
        best: the best held-out norm so far; None for inner records.
        rank: directions of the refinement, if there was one.
        effective_rank: of the reduced system.
        condition: of the reduced system, after column equilibration.
    """

    iteration: int
    phase: str
    seconds: float
    train: float
    heldout: float | None = None
    best: float | None = None
    rank: int | None = None
    effective_rank: int | None = None
    condition: float | None = None

    def __str__(self) -> str:
        text = f"iteration {self.iteration}, {self.phase}: training {self.train:.1e}"
        if self.heldout is not None:
            text += f", held-out {self.heldout:.1e}"
        if self.effective_rank is not None:
            text += f", effective rank {self.effective_rank} of {self.rank}"
        return f"{text}, {self.seconds:.1f} s"

    def log(self) -> None:
        """Log outer iterations at INFO, inner ones at DEBUG, non-finite residuals as warnings."""
        logger.log(logging.DEBUG if self.heldout is None else logging.INFO, "%s", self)
        if self.heldout is not None and not math.isfinite(self.heldout):
            logger.warning(
                "iteration %d, %s: the residual on held-out points is not finite; the best state "
                "so far stays",
                self.iteration,
                self.phase,
            )
