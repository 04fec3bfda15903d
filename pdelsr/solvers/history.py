"""What a run did, iteration by iteration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """One iteration.

    Args:
        iteration: from 1; inner records carry the number of the outer iteration that they are in.
        phase: "train", "align", "refine", …
        seconds: since the start.
        train: norm of the weighted stacked residual on the training points.
        heldout: the same on held-out points; None for inner records.
        best: the best held-out norm so far; None for inner records.
        rank: directions of the refinement, where there was one.
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
