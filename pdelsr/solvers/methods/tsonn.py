"""Time-stepping-oriented neural network (Cao and Zhang 2025, JCP 520, 113494)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pdelsr.solvers.descent.gradient import AdamRun, GradientRun, LBFGSRun
from pdelsr.solvers.descent.pseudo_time import (
    PseudoTimeResidual,
    pseudo_time_residual,
    stable_signs,
)
from pdelsr.solvers.refinement.memory.fitting import affordable_points
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.inner_watch import Watch
from pdelsr.solvers.run.method import Method, State
from pdelsr.solvers.state.candidate import Candidate
from pdelsr.solvers.state.settings import require_choice, require_positive, require_whole


@dataclass
class _Stepping:
    """The present pseudo-time step, and the signs of all blocks."""

    signs: tuple[int, ...]
    previous: PseudoTimeResidual | None = None
    run: GradientRun | None = None


@dataclass(frozen=True)
class TSONN(Method):
    """Pseudo-time stepping: every iteration minimizes ‖(q − q_prev)/Δτ + σ F(q)‖.

    Args:
        pseudo_time_step: Δτ.
        inner_steps: optimizer steps in one pseudo-time step.
        optimizer: "lbfgs" or "adam".
        learning_rate: of Adam.

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
        >>> method = pl.TSONN(pseudo_time_step=1.0, inner_steps=30, hidden=(10, 10))
        >>> solution = pl.solve(problem, method, points=100, max_iterations=2)
        >>> solution.heldout < solution.heldout_start
        True
    """

    pseudo_time_step: int | float = 0.3
    inner_steps: int = 300
    optimizer: str = "lbfgs"
    learning_rate: int | float = 1e-3

    name = "tsonn"
    default_balance = False
    default_iterations = 30
    memory_types: ClassVar[tuple[type[Any], ...]] = (
        _Stepping,
        PseudoTimeResidual,
        AdamRun,
        LBFGSRun,
    )

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
        memory = _Stepping(stable_signs(context.heldout, context.generator))
        return State(0, Candidate.of_network(context.network), float("nan"), "train", memory=memory)

    def step(self, context: Context, state: State) -> State:
        memory: _Stepping = state.memory
        if memory.previous is None or memory.run is None:
            memory.previous = pseudo_time_residual(
                context.fresh_residual(), context.network, self.pseudo_time_step, memory.signs
            )
            memory.run = self._new_run()
        run, previous = memory.run, memory.previous
        every = 10 if self.optimizer == "adam" else 1
        watch = Watch(context, state.iteration + 1, "pseudo-time step", every, count=run.taken)
        once = affordable_points(context.discretization, previous.residual.row_count, self.history)
        run.advance(context.network, previous.loss(once), watch)
        if not (run.over or watch.stopped):
            return state.unfinished
        memory.previous = memory.run = None
        return State(
            state.iteration + 1,
            Candidate.of_network(context.network),
            previous.residual.row_group.norm(previous.residual.evaluate()),
            "pseudo-time step",
            memory=memory,
        )

    def _new_run(self) -> GradientRun:
        if self.optimizer == "lbfgs":
            return LBFGSRun(self.inner_steps, history=self.inner_steps)
        return AdamRun(self.inner_steps, rate=self.learning_rate)
