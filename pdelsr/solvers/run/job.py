"""One run: problem, method and settings with every choice made, and its start, if any."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pdelsr.compile import CompiledProblem, compile_problem
from pdelsr.declare import Problem
from pdelsr.sample import Sampler
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.run.predecessor import Predecessor
from pdelsr.solvers.state.settings import RunSettings

NO_LIMIT = 10**9  # iterations


@dataclass(frozen=True, eq=False)
class Job:
    """The complete description of a run; `solvers/request.py` makes it from a user's request.

    Preparation, run, checkpoint and collection read the user's choices here. What only trials on
    points can tell, the design of a default network and the weights, is found in preparation.

    Args:
        problem: the declaration.
        method: with its options.
        settings: of the run, with `hard` and `grow` chosen, and with its own copy of a network.
        compiled: the compiled problem, with hard conditions as `settings.hard` says.
        memory_budget: bytes of one chunk of rows, throughout the run.
        start: the solution that the run goes on from, if any.
    """

    problem: Problem
    method: Method
    settings: RunSettings
    compiled: CompiledProblem
    memory_budget: int
    start: Predecessor | None = None

    def __post_init__(self) -> None:
        chosen = (self.settings.hard, self.settings.grow)
        assert None not in chosen, "a job has every choice made"

    @property
    def hard(self) -> bool:
        """Whether the ansatz satisfies all conditions that it can."""
        return self.settings.hard is True

    @property
    def grow(self) -> bool:
        """Whether network and points may become larger."""
        return self.settings.grow is True

    @property
    def balance(self) -> bool:
        """Whether the rows of every block get the same mean length."""
        given = self.settings.balance
        return self.method.default_balance if given is None else given

    @property
    def points(self) -> int | Mapping[str, int] | None:
        """Points chosen by the user, for the run or else with the problem."""
        given = self.settings.points
        return self.problem.points if given is None else given

    @property
    def sampler(self) -> Sampler | Mapping[str, Sampler] | None:
        """Samplers chosen by the user, for the run or else with the problem."""
        given = self.settings.sampler
        return self.problem.sampler if given is None else given

    @property
    def max_iterations(self) -> int:
        """The user's choice; else the method's, or as many as there is time for."""
        if self.settings.max_iterations is not None:
            return self.settings.max_iterations
        limited = not math.isinf(self.settings.time_limit)
        return NO_LIMIT if limited and self.method.uses_time else self.method.default_iterations

    @property
    def soft(self) -> Job:
        """The same job with soft conditions, except those declared with hard=True."""
        settings = replace(self.settings, hard=False)
        return replace(self, settings=settings, compiled=compile_problem(self.problem, False))
