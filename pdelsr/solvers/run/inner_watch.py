"""The watch over an inner iteration: records its progress, and stops it when the time is up."""

from __future__ import annotations

from dataclasses import dataclass

from pdelsr.solvers.run.context import Context
from pdelsr.solvers.state.history import Record


@dataclass
class Watch:
    """Called with ‖f‖ after every inner step; returns True to stop.

    Args:
        context: of the run.
        iteration: outer iteration that the inner one belongs to.
        phase: name of the inner iteration.
        every: steps between two records.
        reserve: seconds to leave for later work.
        count: steps of this phase so far.
        last: ‖f‖ after the last step.
        stopped: whether the time is up.
    """

    context: Context
    iteration: int
    phase: str
    every: int = 1
    reserve: float = 0.0
    count: int = 0
    last: float = float("nan")
    stopped: bool = False

    def __call__(self, size: float) -> bool:
        self.count += 1
        self.last = size
        if self.count % self.every == 0:
            seconds = self.context.clock.seconds
            self.context.report(Record(self.iteration, self.phase, seconds, size))
        reserve = max(self.reserve, self.context.finish_seconds)
        self.stopped = self.context.clock.left <= reserve
        return self.stopped
