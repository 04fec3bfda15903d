"""The physics-informed neural network: Adam, then L-BFGS, on the stacked residual."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pdelsr.linearize import StackedResidual
from pdelsr.solvers.candidate import Candidate
from pdelsr.solvers.context import Context
from pdelsr.solvers.fitting import affordable_points
from pdelsr.solvers.gradient import SumOfSquares, adam, lbfgs, squared_norm
from pdelsr.solvers.method import Method, State
from pdelsr.solvers.settings import require_at_least, require_positive, require_whole
from pdelsr.solvers.status import Status
from pdelsr.solvers.watch import Watch


@dataclass(frozen=True)
class _Training:
    """Points and progress of a training run."""

    residual: StackedResidual
    adam: int
    lbfgs: int
    optimizer: torch.optim.Adam | None = None
    size: float = float("inf")
    end: Status = Status.MAX_ITERATIONS


@dataclass(frozen=True)
class PINN(Method):
    """Raissi, Perdikaris and Karniadakis (2019): min_θ ‖f(θ)‖² by gradients.

    One iteration of the outer loop is `adam_chunk` Adam steps while any are left, then
    `lbfgs_chunk` steps of L-BFGS.

    Args:
        adam_steps: in all.
        learning_rate: of Adam, at the start.
        decay: factor on the learning rate over all Adam steps.
        lbfgs_steps: in all; points stay fixed during L-BFGS.
        resample_every: Adam steps between new points; 0 keeps the first ones.
        adaptive: draw new points where the residual is large.
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

    def __post_init__(self) -> None:
        super().__post_init__()
        require_whole("adam_steps", self.adam_steps, 0)
        require_whole("lbfgs_steps", self.lbfgs_steps, 0)
        require_whole("resample_every", self.resample_every, 0)
        require_positive("learning_rate", self.learning_rate)
        require_positive("decay", self.decay)
        require_at_least("adam_steps + lbfgs_steps", self.adam_steps + self.lbfgs_steps, 1)

    def default_hidden(self, linear: bool) -> tuple[int, ...]:
        return (32, 32, 32)

    def default_points(self, parameters: int) -> int:
        return 2000

    def init(self, context: Context) -> State:
        residual = context.fresh_residual()
        memory = _Training(residual, 0, 0)
        return State(0, Candidate.of_network(context.network), float("nan"), "train", memory=memory)

    def step(self, context: Context, state: State) -> State:
        done: _Training = state.memory
        if done.adam < self.adam_steps:
            size, memory = self._adam(context, done, state.iteration + 1)
        else:
            size, memory = self._lbfgs(context, done, state.iteration + 1)
        finished = None
        if memory.adam >= self.adam_steps and memory.lbfgs >= self.lbfgs_steps:
            finished = memory.end
        return State(
            state.iteration + 1,
            Candidate.of_network(context.network),
            size,
            "adam" if done.adam < self.adam_steps else "l-bfgs",
            memory=memory,
            finished=finished,
        )

    def _adam(self, context: Context, done: _Training, iteration: int) -> tuple[float, _Training]:
        watch = Watch(context, iteration, "adam", every=100)
        steps = min(self.adam_chunk, self.adam_steps - done.adam)
        residual, optimizer, taken = done.residual, done.optimizer, 0
        decay_per_step = self.decay ** (1.0 / self.adam_steps)
        while taken < steps and not watch.stopped:
            total, now = done.adam + taken, steps - taken
            if self.resample_every:
                if total and total % self.resample_every == 0:
                    residual = self._renewed(context)
                now = min(now, self.resample_every - total % self.resample_every)
            rate = self.learning_rate * decay_per_step**total
            optimizer = adam(
                context.network,
                self._loss(context, residual),
                now,
                rate,
                decay_per_step**now,
                watch,
                optimizer,
            )
            taken += now
        return watch.last, _Training(residual, done.adam + taken, 0, optimizer)

    def _lbfgs(self, context: Context, done: _Training, iteration: int) -> tuple[float, _Training]:
        watch = Watch(context, iteration, "l-bfgs", every=1)
        loss = self._loss(context, done.residual)
        steps = min(self.lbfgs_chunk, self.lbfgs_steps - done.lbfgs)
        size = lbfgs(context.network, loss, steps, self.lbfgs_chunk, watch)
        stalled = size >= 0.999 * done.size
        taken = self.lbfgs_steps if stalled else done.lbfgs + steps
        end = Status.STAGNATED if stalled else Status.MAX_ITERATIONS
        return size, _Training(done.residual, done.adam, taken, None, size, end)

    def _loss(self, context: Context, residual: StackedResidual) -> SumOfSquares:
        once = affordable_points(context, residual.row_count, self.history)
        return squared_norm(residual, once)

    def _renewed(self, context: Context) -> StackedResidual:
        return context.fresh_residual(adapt_to=context.network if self.adaptive else None)
