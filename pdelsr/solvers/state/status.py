"""The possible ends of a run, and advice for each."""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """Why a run stopped; summaries and JSON print the value."""

    CONVERGED = "converged"
    COMPLETED = "completed"
    STAGNATED = "stagnated"
    PRECISION_LIMITED = "precision-limited"
    RANK_DEFICIENT = "rank-deficient"
    MAX_ITERATIONS = "max-iterations"
    OUT_OF_TIME = "out-of-time"
    OUT_OF_MEMORY = "out-of-memory"
    INTERRUPTED = "interrupted"
    DIVERGED = "diverged"
    NOT_SOLVED = "not-solved"
    NOT_UNIQUE = "not-unique"

    @property
    def advice(self) -> str:
        """One sentence on what the user can do next."""
        return _ADVICE[self]


_ADVICE = {
    Status.CONVERGED: "The held-out residual is below the tolerance.",
    Status.COMPLETED: "The one-shot refinement is done: for more digits use more directions "
    "(rank=), more points (points=), a wider network, or method 'ilsr'.",
    Status.STAGNATED: "More iterations would gain little: try a wider network (hidden=) or "
    "more points (points=).",
    Status.PRECISION_LIMITED: "The held-out residual has reached the rounding errors of this "
    "dtype: nothing more can be gained from this network in it.",
    Status.RANK_DEFICIENT: "Most directions of the subspace are below rounding: this network has "
    "no more to give. An untrained one wants method 'ilsr', which fronts and layers need, or a "
    "larger weight_scale; a trained one wants more training or more width (hidden=).",
    Status.MAX_ITERATIONS: "All iterations are used: raise max_iterations (of pinn adam_steps or "
    "lbfgs_steps), or go on with start=.",
    Status.OUT_OF_TIME: "No time is left for another step: for more digits raise time_limit, or go "
    "on with start=.",
    Status.OUT_OF_MEMORY: "Memory ran out, and this is the best solution so far: lower rank, "
    "points or hidden, or close other programs; go on with start=.",
    Status.INTERRUPTED: "Interrupted: this is the best solution so far; go on with start=.",
    Status.DIVERGED: "The residual became infinite or NaN before any good state was found: check "
    "the equations at the points, or lower the learning rate.",
    Status.NOT_SOLVED: "The residual allows errors as large as the solution: this may not be "
    "it. Check the equations and conditions first; then see the advice for this kind of problem.",
    Status.NOT_UNIQUE: "The equations hold, and leave a part of the solution open: add conditions "
    "or observations that fix it.",
}
