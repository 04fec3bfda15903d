"""The physics-informed neural network: Adam, then L-BFGS, on the stacked residual."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from pdelsr.linearize import StackedResidual
from pdelsr.networks import Network
from pdelsr.solvers.descent.gradient import (
    ADAM_PIECE,
    AdamRun,
    LBFGSRun,
    SumOfSquares,
    squared_norm,
)
from pdelsr.solvers.refinement.memory.fitting import affordable_points
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.inner_watch import Watch
from pdelsr.solvers.run.method import Method, State
from pdelsr.solvers.state.candidate import Candidate
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.settings import (
    require_at_least,
    require_flag,
    require_positive,
    require_whole,
)
from pdelsr.solvers.state.status import Status


@dataclass
class _Training:
    """Points and progress of a training run.

    Args:
        residual: on the points of the present steps.
        adam: all Adam steps.
        lbfgs: steps of L-BFGS so far.
        piece: of L-BFGS, in the present iteration.
        size: ‖f‖ after the last outer iteration of L-BFGS.
    """

    residual: StackedResidual
    adam: AdamRun
    lbfgs: int = 0
    piece: LBFGSRun | None = None
    size: float = math.inf


@dataclass(frozen=True)
class PINN(Method):
    """Raissi, Perdikaris and Karniadakis (2019): min_θ ‖f(θ)‖² by gradients.

    One iteration of the outer loop is `adam_chunk` Adam steps while any are left, then
    `lbfgs_chunk` steps of L-BFGS.

    Args:
        adam_steps: number of Adam steps in all.
        learning_rate: of the first Adam step.
        decay: factor on the learning rate over all Adam steps.
        lbfgs_steps: number of L-BFGS steps in all; points stay fixed meanwhile.
        resample_every: Adam steps between new points; 0 keeps the first ones.
        adaptive: draw new points where the residual is large.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x = pl.coordinates("x")
        >>> u = pl.unknown("u", x)
        >>> problem = pl.Problem(
        ...     name="string",
        ...     domain=pl.Interval(x, 0, 1),
        ...     equations=[sp.Eq(u.diff(x, 2), -sp.pi**2 * sp.sin(sp.pi * x))],
        ...     conditions=[pl.Dirichlet(u, 0)],
        ...     reference=sp.sin(sp.pi * x),
        ... )
        >>> method = pl.PINN(adam_steps=100, lbfgs_steps=100, hidden=(10, 10))
        >>> solution = pl.solve(problem, method, points=100, refine=True)  # one LSR at the end
        >>> solution.error()["u"].relative_l2 < 1e-4
        True
    """

    adam_steps: int = 2000
    learning_rate: int | float = 1e-3
    decay: int | float = 0.1
    lbfgs_steps: int = 5000
    resample_every: int = 0
    adaptive: bool = False

    name = "pinn"
    default_balance = False
    default_iterations = 100_000
    patience = 20
    adam_chunk = 500
    lbfgs_chunk = history = 100
    memory_types: ClassVar[tuple[type[Any], ...]] = (_Training, AdamRun, LBFGSRun)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_whole("adam_steps", self.adam_steps, 0)
        require_whole("lbfgs_steps", self.lbfgs_steps, 0)
        require_whole("resample_every", self.resample_every, 0)
        require_positive("learning_rate", self.learning_rate)
        require_positive("decay", self.decay)
        require_flag("adaptive", self.adaptive)
        require_at_least("adam_steps + lbfgs_steps", self.adam_steps + self.lbfgs_steps, 1)

    def default_hidden(self, linear: bool) -> tuple[int, ...]:
        return (32, 32, 32)

    def default_points(self, parameters: int) -> int:
        return 2000

    def init(self, context: Context) -> State:
        adam = AdamRun(self.adam_steps, rate=self.learning_rate, decay=self.decay)
        adam.over = self.adam_steps == 0
        memory = _Training(context.fresh_residual(), adam)
        return State(0, Candidate.of_network(context.network), float("nan"), "train", memory=memory)

    def step(self, context: Context, state: State) -> State:
        return (self._lbfgs if state.memory.adam.over else self._adam)(context, state)

    def _adam(self, context: Context, state: State) -> State:
        training: _Training = state.memory
        run = training.adam
        watch = Watch(context, state.iteration + 1, "adam", every=100, count=run.taken)
        to_next = self.adam_chunk - run.taken % self.adam_chunk
        most = min(ADAM_PIECE, to_next)
        if self.resample_every:
            if run.taken and run.taken % self.resample_every == 0:
                adapt_to = context.network if self.adaptive else None
                training.residual = context.fresh_residual(adapt_to=adapt_to)
            most = min(most, self.resample_every - run.taken % self.resample_every)
        network = context.network
        loss = self._loss(context.discretization, training.residual)
        run.advance(network, loss, watch, most)
        if not (run.over or watch.stopped or run.taken % self.adam_chunk == 0):
            return state.unfinished
        last = run.over and not self.lbfgs_steps
        return self._state(network, state, watch.last, "adam", last)

    def _lbfgs(self, context: Context, state: State) -> State:
        training: _Training = state.memory
        run = training.piece
        if run is None:
            steps = min(self.lbfgs_chunk, self.lbfgs_steps - training.lbfgs)
            run = training.piece = LBFGSRun(steps, history=self.lbfgs_chunk)
        watch = Watch(context, state.iteration + 1, "l-bfgs")
        network = context.network
        loss = self._loss(context.discretization, training.residual)
        run.advance(network, loss, watch)
        if not run.over:
            return state.unfinished
        stalled = not watch.stopped and run.size >= 0.999 * training.size
        training.lbfgs += run.taken
        training.piece, training.size = None, run.size
        last = stalled or training.lbfgs >= self.lbfgs_steps
        end = Status.STAGNATED if stalled else Status.MAX_ITERATIONS
        return self._state(network, state, run.size, "l-bfgs", last, end)

    def _state(
        self,
        network: Network,
        state: State,
        size: float,
        phase: str,
        last: bool,
        end: Status = Status.MAX_ITERATIONS,
    ) -> State:
        """The state after an iteration."""
        return State(
            state.iteration + 1,
            Candidate.of_network(network),
            size,
            phase,
            memory=state.memory,
            finished=end if last else None,
        )

    def _loss(self, discretization: Discretization, residual: StackedResidual) -> SumOfSquares:
        once = affordable_points(discretization, residual.row_count, self.history)
        return squared_norm(residual, once)
