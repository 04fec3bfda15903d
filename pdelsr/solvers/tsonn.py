"""Time-stepping-oriented neural network (Cao and Zhang 2025, JCP 520, 113494)."""

from __future__ import annotations

from dataclasses import dataclass

from pdelsr.solvers.candidate import Candidate
from pdelsr.solvers.context import Context
from pdelsr.solvers.fitting import affordable_points
from pdelsr.solvers.gradient import adam, lbfgs
from pdelsr.solvers.method import Method, State
from pdelsr.solvers.pseudo_time import pseudo_time_residual, stable_signs
from pdelsr.solvers.settings import require_choice, require_positive, require_whole
from pdelsr.solvers.watch import Watch


@dataclass(frozen=True)
class TSONN(Method):
    """Pseudo-time stepping: every iteration minimizes ‖(q − q_prev)/Δτ + σ F(q)‖.

    Args:
        pseudo_time_step: Δτ.
        inner_steps: of the optimizer in one pseudo-time step.
        optimizer: "lbfgs" or "adam".
        learning_rate: of Adam.
    """

    pseudo_time_step: int | float = 0.3
    inner_steps: int = 300
    optimizer: str = "lbfgs"
    learning_rate: int | float = 1e-3

    name = "tsonn"
    default_balance = False
    default_iterations = 30

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("pseudo_time_step", self.pseudo_time_step)
        require_whole("inner_steps", self.inner_steps, 1)
        require_choice("optimizer", self.optimizer, ("lbfgs", "adam"))
        require_positive("learning_rate", self.learning_rate)

    @property
    def history(self) -> int:
        return self.inner_steps if self.optimizer == "lbfgs" else 0

    def default_hidden(self, linear: bool) -> tuple[int, ...]:
        return (32, 32, 32)

    def default_points(self, parameters: int) -> int:
        return 2000

    def init(self, context: Context) -> State:
        signs = stable_signs(context.heldout, context.generator)
        return State(0, Candidate.of_network(context.network), float("nan"), "train", memory=signs)

    def step(self, context: Context, state: State) -> State:
        residual = context.fresh_residual()
        previous = pseudo_time_residual(
            residual, context.network, self.pseudo_time_step, state.memory
        )
        loss = previous.loss(affordable_points(context, residual.row_count, self.history))
        watch = Watch(context, state.iteration + 1, "pseudo-time step", every=10)
        if self.optimizer == "lbfgs":
            lbfgs(context.network, loss, self.inner_steps, self.inner_steps, watch)
        else:
            adam(context.network, loss, self.inner_steps, self.learning_rate, 1.0, watch)
        return State(
            state.iteration + 1,
            Candidate.of_network(context.network),
            residual.evaluate().norm().item(),
            "pseudo-time step",
            memory=state.memory,
        )
