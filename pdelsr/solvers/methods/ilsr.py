"""Iterative LSR: refinement in the tangent space, alternated with alignment of the network."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from torch import Tensor

from pdelsr.lstsq import LeastSquares
from pdelsr.solvers.descent.alignment import (
    ALIGNMENT_TYPES,
    Alignment,
    GaussNewtonAlignment,
    PseudoTimeAlignment,
    step_share,
)
from pdelsr.solvers.descent.gradient import LBFGSRun
from pdelsr.solvers.descent.levenberg_marquardt import LevenbergMarquardt
from pdelsr.solvers.descent.pseudo_time import pseudo_time_residual, stable_signs
from pdelsr.solvers.growth.growth_history import GrowthHistory
from pdelsr.solvers.growth.growth_policy import GrowthPolicy
from pdelsr.solvers.refinement.memory.estimate import alignment_bytes, gradient_bytes
from pdelsr.solvers.refinement.memory.fitting import affordable
from pdelsr.solvers.refinement.refiner import Refiner
from pdelsr.solvers.refinement.refiner_options import FULL_LIMIT
from pdelsr.solvers.refinement.tangent_newton import Refinement
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.method import Method, State
from pdelsr.solvers.run.network_maker import Gains
from pdelsr.solvers.state.candidate import Candidate
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.solvers.state.settings import (
    require_at_least,
    require_choice,
    require_flag,
    require_positive,
    require_whole,
)
from pdelsr.solvers.state.status import Status
from pdelsr.subspace import Basis, OutputRSVD

UNLIMITED_STEPS = 10**9  # Gauss–Newton steps, until the time is over
FIRST_SHARE = 0.3  # of the time limit, kept for the first refinement
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


@dataclass
class _Memory:
    """The memory of a run from one step to the next.

    Args:
        descent: state of the Gauss–Newton alignment.
        signs: of the published alignment.
        growth: history of the network's growth.
        alignment: the present one.
        begun: seconds on the clock when the present iteration began.
    """

    descent: LevenbergMarquardt
    signs: tuple[int, ...]
    growth: GrowthHistory
    alignment: Alignment | None = None
    begun: float = 0.0


@dataclass(frozen=True)
class ILSR(Method):
    """Repeat: align the network, then refine it in its tangent space.

    On linear problems the first iteration refines the untrained network, which is often enough.
    Alignment by "gauss-newton" lowers the residual of the network itself by damped Gauss–Newton
    steps, which adapts the next tangent space to the solution. Alignment by "lbfgs" is the
    published one: L-BFGS on the TSONN residual, with q_prev the refined predictor.

    Args:
        alignment: "gauss-newton" or "lbfgs".
        alignment_steps: optimizer steps in one iteration; a Gauss–Newton step is taken on half of
            the planned points, and at most eight rows for each parameter that it moves.
        resample_every: Gauss–Newton steps between new points.
        adaptive: draw interior points where the residual is large.
        pseudo_time_step: Δτ of the published alignment.
        refine_first: refine before the first alignment; None for yes, except with the default
            alignment for an untrained network on a nonlinear problem, or a start that is already
            refined.
        refine_points: factor on the planned points for the refinement; None for 2 on linear
            problems and 4 on others, and for more if the fit turns out to hold only on its points.
        basis: as in `LSR`.
        rank: as in `LSR`.
        lstsq: as in `LSR`.
        newton_steps: as in `LSR`.

    Example:
        >>> import sympy as sp
        >>> import pdelsr as pl
        >>> x = pl.coordinates("x")
        >>> u = pl.unknown("u", x)
        >>> problem = pl.Problem(
        ...     name="cubic",
        ...     domain=pl.Interval(x, 0, 1),
        ...     equations=[sp.Eq(u.diff(x, 2) + u**3, -1)],
        ...     conditions=[pl.Dirichlet(u, 0)],
        ... )
        >>> method = pl.ILSR(alignment_steps=5, hidden=(12, 12))
        >>> solution = pl.solve(problem, method, tolerance=1e-6)
        >>> solution.status
        <Status.CONVERGED: 'converged'>
    """

    harmonics: int = 3
    alignment: str = "gauss-newton"
    alignment_steps: int = 30
    resample_every: int = 10
    adaptive: bool = True
    pseudo_time_step: int | float = 0.3
    refine_first: bool | None = None
    refine_points: int | float | None = None
    basis: str | Basis | None = None
    rank: int | None = None
    lstsq: str | LeastSquares = "qr"
    newton_steps: int = 6

    name = "ilsr"
    tries_designs = True
    default_hard = True
    default_iterations = 12
    uses_time = True
    memory_types: ClassVar[tuple[type[Any], ...]] = (
        _Memory,
        GrowthHistory,
        Gains,
        *ALIGNMENT_TYPES,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("alignment", self.alignment, ("gauss-newton", "lbfgs"))
        require_whole("alignment_steps", self.alignment_steps, 1)
        require_whole("resample_every", self.resample_every, 1)
        require_positive("pseudo_time_step", self.pseudo_time_step)
        if self.refine_points is not None:
            require_at_least("refine_points", self.refine_points, 0.1)
        require_flag("adaptive", self.adaptive)
        require_flag("refine_first", self.refine_first, open=True)
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

    def refinement_factor(self, linear: bool) -> int | float:
        """Factor on the planned points for the first refinement."""
        return self.refine_points or (2 if linear else 4)

    def init(self, context: Context) -> State:
        signs = ()
        if self.alignment == "lbfgs":
            signs = stable_signs(context.heldout, context.generator)
        memory = _Memory(LevenbergMarquardt(), signs, self.growth(context))
        return State(0, Candidate.of_network(context.network), float("nan"), "start", memory=memory)

    def step(self, context: Context, state: State) -> State:
        return ILSRIteration(self, context, state).advance()

    def bytes_needed(self, discretization: Discretization) -> int | float:
        factor = self.refinement_factor(discretization.heldout.is_linear)
        refinement = self.refiner().bytes_needed(discretization, factor)
        points = discretization.fresh_row_count
        if self.alignment == "lbfgs":
            return max(refinement, gradient_bytes(discretization, points, self.alignment_steps))
        columns = min(LevenbergMarquardt().largest, discretization.network.parameter_count)
        rows = step_share(discretization, columns) * points
        return max(refinement, alignment_bytes(discretization, rows, columns))

    def require_memory(self, discretization: Discretization) -> None:
        factor = self.refinement_factor(discretization.heldout.is_linear)
        affordable(discretization, self.refiner(), factor)

    def ended(self, context: Context, state: State) -> Status | None:
        return state.finished or GrowthPolicy(context, state.memory.growth).verdict()

    def next_step(self, context: Context, state: State) -> str | None:
        growth: GrowthHistory = state.memory.growth
        if not growth.refine_seconds:
            return None
        if growth.untrained:
            step = GrowthPolicy(context, growth).wanted()
            return None if step is None else str(step)
        seconds = max(growth.step_seconds, growth.refine_seconds)
        return f"another alignment and refinement, about {seconds:.0f} s"

    @property
    def sizes_open(self) -> bool:
        return super().sizes_open and self.takes_all

    @property
    def takes_all(self) -> bool:
        """Whether a larger network means more directions."""
        return self.basis is None and self.rank is None

    def growth(self, context: Context) -> GrowthHistory:
        """The first history; large untrained tangent spaces suffice for linear problems."""
        linear = context.heldout.is_linear
        widens = self.takes_all and context.maker is not None
        fresh = not context.trained or context.earlier.untrained
        untrained = widens and linear and fresh and self.refine_first is not False
        seconds = context.earlier.seconds if linear else 0.0  # then an iteration is a refinement
        return GrowthHistory(
            self.refinement_factor(linear),
            widens,
            untrained,
            refine_seconds=seconds,
            tried=self.alignment != "gauss-newton",  # the only one that is tried
        )


@dataclass(frozen=True)
class ILSRIteration:
    """One outer iteration, from the state before it.

    Args:
        method: with its options.
        context: of the run.
        state: from which the iteration, or the rest of it, begins.
    """

    method: ILSR
    context: Context
    state: State

    @property
    def memory(self) -> _Memory:
        """The memory of the run from one step to the next."""
        return self.state.memory

    def advance(self) -> State:
        """The state after the next piece of the iteration."""
        memory, discretization = self.memory, self.context.discretization
        if self.state.whole:
            memory.begun = self.context.clock.seconds
            if self.state.iteration or not self._refines_first():
                memory.alignment = self.prepared()
        elif memory.alignment is not None:
            watch = memory.alignment.watch(self.context)
            if memory.alignment.advance(discretization, watch):
                memory.alignment = None
                return self.state.unfinished
        return self._refined() if memory.alignment is None else self.state.unfinished

    def _refined(self) -> State:
        """The state after the refinement that ends an iteration."""
        growth, clock, network = self.memory.growth, self.context.clock, self.context.network
        begin = clock.seconds
        guess = self.state.candidate.delta if growth.again else None
        found = self._refine(guess)
        now = clock.seconds
        growth.learn(network.parameter_count, now - begin, found.steps, now - self.memory.begun)
        delta = found.delta if found.steps or guess is not None else None
        least = growth.refine_seconds if self.method.refine_points else growth.least_seconds
        return State(
            self.state.iteration + 1,
            Candidate(network, network.get_vector(), delta),
            found.train,
            "refine",
            found.report,
            self.memory,
            finished=found.stopped,
            next_seconds=least,
        )

    def _refines_first(self) -> bool:
        """Whether the first iteration begins with a refinement."""
        method, context = self.method, self.context
        if method.refine_first is not None:
            return method.refine_first
        if method.alignment == "lbfgs":  # the published alignment needs a refined predictor
            return True
        linear_or_trained = context.heldout.is_linear or context.trained
        return linear_or_trained and not context.earlier.refined

    def prepared(self) -> Alignment | None:
        """Prepare a refinement: by a larger untrained network, or by the alignment returned."""
        policy = GrowthPolicy(self.context, self.memory.growth)
        if policy.take_untrained(self.state) or policy.takes_up():
            return None
        policy.take_more_if_full(self.state)
        if self.method.refine_points is None:
            policy.add_points_if_overfit(self.state)
            policy.take_fewer_points()
        return self._alignment()

    def _refine(self, guess: Tensor | None) -> Refinement:
        growth, discretization = self.memory.growth, self.context.discretization
        # The residual of an untrained network does not show where points are needed.
        adapt_to = discretization.network if self.method.adaptive and growth.alignments else None
        points, refine = growth.points * growth.factor, self.method.refiner()
        found = refine(discretization, self.context.clock, points, adapt_to, growth.rank, guess)
        limit, m = found.report.limit, discretization.network.parameter_count
        if limit is not None and (found.report.rank < m or not self.method.takes_all):
            growth.rank, growth.limit = found.report.rank, limit
        return replace(found, report=replace(found.report, limit=growth.limit or limit))

    def _alignment(self) -> Alignment:
        """A new alignment, which leaves time for the refinement after it."""
        method, context, memory = self.method, self.context, self.memory
        growth, left = memory.growth, context.clock.left
        growth.alignments += 1
        # Before the first refinement its time is unknown.
        first = FIRST_SHARE * left if math.isfinite(left) else 0.0
        reserve = growth.points * growth.refine_seconds or first
        iteration, steps = self.state.iteration + 1, method.alignment_steps
        if method.alignment == "gauss-newton":
            steps = UNLIMITED_STEPS if GrowthPolicy(context, growth).is_last() else steps
            every, adaptive = method.resample_every, method.adaptive
            return GaussNewtonAlignment(iteration, reserve, memory.descent, steps, every, adaptive)
        previous, step = self.state.candidate.predictor(), method.pseudo_time_step
        problem = pseudo_time_residual(context.fresh_residual(), previous, step, memory.signs)
        return PseudoTimeAlignment(iteration, reserve, problem, LBFGSRun(steps, history=steps))
