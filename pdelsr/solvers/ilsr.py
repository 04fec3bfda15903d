"""Iterative LSR: refinement in the tangent space, alternated with alignment of the network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from pdelsr.linearize.points import PointPlan
from pdelsr.lstsq import LeastSquares
from pdelsr.solvers.candidate import Candidate
from pdelsr.solvers.context import Context
from pdelsr.solvers.gradient import lbfgs
from pdelsr.solvers.levenberg_marquardt import LevenbergMarquardt, minimize
from pdelsr.solvers.lsr import FULL_LIMIT, Refiner
from pdelsr.solvers.method import Method, State
from pdelsr.solvers.pseudo_time import pseudo_time_residual, stable_signs
from pdelsr.solvers.settings import (
    require_at_least,
    require_choice,
    require_positive,
    require_whole,
)
from pdelsr.solvers.status import Status
from pdelsr.solvers.tangent_newton import Refinement
from pdelsr.solvers.watch import Watch
from pdelsr.subspace import Basis, OutputRSVD

_COMMON: dict[str, Any] = {
    "hidden": (128,) * 6,
    "activation": "tanh",
    "weight_scale": 1.0,
    "alignment": "lbfgs",
    "adaptive": False,
    "refine_first": True,
    "refine_points": 1.0,
    "rank": 1000,
    "newton_steps": 1,
}
_RUN: dict[str, Any] = {"points": 20_000, "dtype": "float32", "hard": False, "balance": False}
PUBLISHED: dict[str, dict[str, Any]] = {
    "burgers": {
        **_COMMON,
        "basis": OutputRSVD(),
        "alignment_steps": 500,
        "pseudo_time_step": 0.3,
        "suggested": _RUN,
    },
    "poisson": {
        **_COMMON,
        "basis": OutputRSVD(scaled=True),
        "alignment_steps": 300,
        "pseudo_time_step": 0.001,
        "suggested": {**_RUN, "weights": {"dirichlet u": 100.0**2}},
    },
}


GROWTH, WIDENING = 2, 1.5  # factors on the parameters, of untrained and of aligned networks
PAYS = 2.0  # factor on the residual that makes an iteration worth it
EXACT, HELD = 0.75, 0.45  # powers of epsilon: falls of the residual that need no more, and no other
TRIALS = 2.5  # times of a refinement that a growth takes, with the trials of its scale
FILLED = 0.9  # share of directions above rounding from which a network is full


@dataclass
class _Memory:
    """What a run carries from one iteration to the next.

    Args:
        descent: state of the Gauss–Newton alignment.
        signs: of the published alignment.
        growing: whether the next iteration takes a larger untrained network.
        kept: state and plan before the last growth.
        refine_seconds: that the last refinement took.
        step_seconds: that the last iteration took.
    """

    descent: LevenbergMarquardt
    signs: tuple[int, ...]
    growing: bool = False
    kept: tuple[Candidate, PointPlan] | None = None
    refine_seconds: float = 0.0
    step_seconds: float = 0.0


@dataclass(frozen=True)
class ILSR(Method):
    """Repeat: align the network, then refine it in its tangent space.

    The first iteration refines the untrained network, which is enough for many linear problems.
    Alignment by "gauss-newton" lowers the residual of the network itself by damped Gauss–Newton
    steps, so that the next tangent space is adapted to the solution. Alignment by "lbfgs" is the
    published one: L-BFGS on the TSONN residual with q_prev the refined predictor.

    Args:
        alignment: "gauss-newton" or "lbfgs".
        alignment_steps: optimizer steps in one iteration.
        resample_every: Gauss–Newton steps between new points.
        adaptive: draw interior points where the residual is large.
        pseudo_time_step: Δτ of the published alignment.
        refine_first: refine before the first alignment.
        refine_points: times the planned points, for the refinement.
        basis: as in `LSR`.
        rank: as in `LSR`.
        lstsq: as in `LSR`.
        newton_steps: as in `LSR`.
    """

    harmonics: int = 3
    alignment: str = "gauss-newton"
    alignment_steps: int = 30
    resample_every: int = 10
    adaptive: bool = True
    pseudo_time_step: int | float = 0.3
    refine_first: bool = True
    refine_points: int | float = 2.0
    basis: str | Basis | None = None
    rank: int | None = None
    lstsq: str | LeastSquares = "qr"
    newton_steps: int = 6

    name = "ilsr"
    tries_designs = True
    default_hard = True
    default_iterations = 12

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("alignment", self.alignment, ("gauss-newton", "lbfgs"))
        require_whole("alignment_steps", self.alignment_steps, 1)
        require_whole("resample_every", self.resample_every, 1)
        require_positive("pseudo_time_step", self.pseudo_time_step)
        require_at_least("refine_points", self.refine_points, 0.1)
        self.refiner()

    @classmethod
    def paper(cls, problem: str) -> ILSR:
        """The published settings for one problem of Cao and Zhang (2026).

        6×128 tanh, 20,000 points, rank 1000, one linear step, alignment by L-BFGS on the TSONN
        residual, soft conditions and single precision.

        Args:
            problem: "burgers" (Δτ = 0.3, 500 L-BFGS steps, V unscaled) or "poisson" (Δτ = 0.001
                as in the published code, 300 steps, V Σ⁻¹, boundary residual times 100).

        Raises:
            SettingsError: no settings were published for it.
        """
        require_choice("paper", problem, tuple(PUBLISHED))
        return cls(**PUBLISHED[problem])

    def refiner(self) -> Refiner:
        """The refinement with these options."""
        return Refiner(self.basis, self.rank, self.lstsq, self.newton_steps)

    def default_hidden(self, linear: bool) -> tuple[int, ...]:
        return (32, 32) if linear else (24, 24, 24)

    def default_points(self, parameters: int) -> int:
        return 2 * min(self.rank or FULL_LIMIT, parameters)

    def init(self, context: Context) -> State:
        signs = ()
        if self.alignment == "lbfgs":
            signs = stable_signs(context.heldout, context.generator)
        memory = _Memory(LevenbergMarquardt(), signs, self._may_grow(context))
        return State(0, Candidate.of_network(context.network), float("nan"), "start", memory=memory)

    def step(self, context: Context, state: State) -> State:
        iteration = state.iteration + 1
        start = context.clock.seconds
        if iteration > 1 or not self.refine_first:
            self._prepare(context, state, iteration)
        begin = context.clock.seconds
        found = self._refine(context, state)
        state.memory.refine_seconds = context.clock.seconds - begin
        state.memory.step_seconds = context.clock.seconds - start
        delta = found.delta if found.steps else None
        candidate = Candidate(context.network, context.network.get_vector(), delta)
        return State(
            iteration,
            candidate,
            found.train,
            "refine",
            found.report,
            state.memory,
            next_seconds=state.memory.refine_seconds,
        )

    def _may_grow(self, context: Context) -> bool:
        """Untrained tangent spaces hold the solution of a linear problem, if they are large."""
        linear = context.heldout.is_linear
        return linear and self.refine_first and self.basis is None and context.growth is not None

    def _prepare(self, context: Context, state: State, iteration: int) -> None:
        """What precedes a refinement: a larger untrained network, or alignment."""
        if state.memory.growing and self._grown_anew(context, state):
            return
        if self._is_too_small(context, state):
            context.grow(round(WIDENING * context.network.parameter_count), anew=False)
        self._align(context, state, iteration)

    def _grown_anew(self, context: Context, state: State) -> bool:
        """Take a larger untrained network, as long as that pays; otherwise return to the best."""
        memory: _Memory = state.memory
        memory.growing = self._growth_pays(context, memory)
        if memory.growing:
            memory.kept = state.candidate, context.plan
            context.grow(GROWTH * context.network.parameter_count, anew=True)
        elif memory.kept and context.objectives[-1] > context.objectives[-2]:
            candidate, context.plan = memory.kept
            context.return_to(candidate)
        return memory.growing

    def ended(self, context: Context, state: State) -> Status | None:
        """Alignment adds little to a linear problem that untrained networks hold to many digits."""
        memory: _Memory = state.memory
        if not memory.growing or self._growth_pays(context, memory):
            return None
        epsilon = torch.finfo(context.heldout.like.dtype).eps
        if min(context.objectives) > epsilon**HELD * context.objectives[0]:
            return None
        return Status.STAGNATED if self._growth_fits(context, memory) else Status.OUT_OF_TIME

    def _growth_pays(self, context: Context, memory: _Memory) -> bool:
        epsilon = torch.finfo(context.heldout.like.dtype).eps
        objectives = context.objectives
        rounded = objectives[-1] < epsilon**EXACT * objectives[0]
        gained = objectives[-2] / objectives[-1] if memory.kept else math.inf
        parameters = GROWTH * context.network.parameter_count
        larger = parameters <= FULL_LIMIT and self._growth_fits(context, memory)
        return gained >= PAYS and larger and not rounded

    def _growth_fits(self, context: Context, memory: _Memory) -> bool:
        return GROWTH**3 * TRIALS * memory.refine_seconds < context.clock.left

    def _is_too_small(self, context: Context, state: State) -> bool:
        """Whether alignment has filled the network, and a larger one is affordable."""
        if context.growth is None or state.iteration < 3 or state.report is None:
            return False
        parameters = round(WIDENING * context.network.parameter_count)
        full = state.report.effective_rank > FILLED * state.report.rank
        stalled = context.objectives[-2] < PAYS * context.objectives[-1]
        affordable = WIDENING**3 * state.memory.step_seconds < context.clock.left
        return full and stalled and affordable and parameters <= FULL_LIMIT

    def _refine(self, context: Context, state: State) -> Refinement:
        # The residual of an untrained network says nothing about where points are needed.
        aligned = not state.memory.growing and (state.iteration > 0 or not self.refine_first)
        adapt_to = context.network if self.adaptive and aligned else None
        return self.refiner()(context, self.refine_points, adapt_to)

    def _align(self, context: Context, state: State, iteration: int) -> None:
        reserve = state.memory.refine_seconds
        watch = Watch(context, iteration, "align", every=5, reserve=reserve)
        if self.alignment == "lbfgs":
            self._align_in_pseudo_time(context, state, watch)
            return

        def renew():
            return context.fresh_residual(adapt_to=context.network if self.adaptive else None)

        minimize(
            state.memory.descent,
            renew(),
            self.alignment_steps,
            renew,
            self.resample_every,
            context.generator,
            watch,
        )

    def _align_in_pseudo_time(self, context: Context, state: State, watch: Watch) -> None:
        previous = state.candidate.predictor()
        problem = pseudo_time_residual(
            context.fresh_residual(), previous, self.pseudo_time_step, state.memory.signs
        )
        steps = self.alignment_steps
        lbfgs(context.network, problem.loss, steps, steps, watch)
