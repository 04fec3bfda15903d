"""LSR with Newton steps in the tangent space: re-linearize F at the refined predictor.

The predictor u(y) = q0 + J V y is linear in y while F need not be. With the network's jets fixed,
each step costs one recombination of Jacobian rows and one least-squares solve; the first one is
the published LSR (Cao and Zhang 2026, Algorithm 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize import Directions, Jets, RefinedPredictor, StackedResidual
from pdelsr.linearize.tangent_model import TangentModel, tangent_model
from pdelsr.lstsq import LeastSquares
from pdelsr.solvers.refinement.report import RankReport
from pdelsr.solvers.refinement.sensitivity import Sensitivity, sensitivity
from pdelsr.solvers.state.interruption import INTERRUPTIONS, status_of
from pdelsr.solvers.state.status import Status

CORRECTIONS = 4  # steps at most with the factors of one linearization
HALVINGS = 6  # of a step that does not lower the residual
DECREASE = 0.95  # a step that gains less than this factor is the last; far off, steps gain little


@dataclass(frozen=True)
class Refinement:
    """What a refinement found.

    Args:
        delta: δ = V y, (m,).
        train: ‖f‖ of the refined predictor on the points of the solve.
        steps: Newton steps that were taken; 0 where none lowered the residual.
        report: rank, effective rank and condition of the last reduced system.
        stopped: how the run ends, where Ctrl-C or the clock cut the refinement short.
    """

    delta: Float[Tensor, " m"]
    train: float
    steps: int
    report: RankReport
    stopped: Status | None = None


def refine_in_subspace(
    residual: StackedResidual,
    directions: Directions,
    solver: LeastSquares,
    newton_steps: int = 1,
    stop: Callable[[], bool] = lambda: False,
    described: bool = True,
    start: Float[Tensor, " r"] | None = None,
    steady: bool = False,
) -> Refinement:
    """min_y ‖f(q0 + J V y)‖ by Gauss–Newton in y, with step halving on the true residual.

    Each linearization solves min_z ‖ f(y) + A(y) (z − y) ‖ with A = Σ_α c_α(u(y)) Φ_α for the whole
    z, not for the update: rounding errors of one do not pile up on the next. Between two of them,
    updates with the same factors follow, as long as they lower the residual. On a linear problem
    these are iterative refinement: they take back what the damping and the rounding errors of the
    factors left, and the error at the floor is two to seven times smaller.

    Args:
        residual: on the points to fit.
        directions: V.
        solver: of the reduced problem.
        newton_steps: at most; 1 is the published method, which takes the full step.
        stop: asked between steps, whether the time is up.
        described: with the spectrum and the nested solution in the report, which take time. Without
            them, as in trials, the effective rank is a rough one, or 0 where the solver has none,
            and Ctrl-C and the clock are passed on.
        start: y to begin with; None for 0, the network.
        steady: whether no coordinate is time, so that waves tell whether a solution is unique.
    """
    y = residual.like.new_zeros(directions.rank) if start is None else start
    search = _Search(residual, directions, solver, y, steady)
    stopped = None
    try:
        search.run(newton_steps, stop, described)
        stopped = Status.OUT_OF_TIME if search.cut else None
    except INTERRUPTIONS as interruption:
        if not search.taken or not described:
            raise
        stopped = status_of(interruption)
    return search.found(stopped)


@dataclass
class _Search:
    """Where Newton's method in y stands; what it has reached outlives an interruption.

    Args:
        residual: on the points to fit.
        directions: V.
        solver: of the reduced problem.
        y: the reduced unknowns so far.
        steady: whether no coordinate is time.
        size: ‖f‖ there.
        taken: steps so far.
        cut: whether it was stopped between two steps.
        report: of the last reduced system, once it was described.
        sensitivity: of the last linearization, known before its steps are over.
        rough_rank: of the last linearization.
    """

    residual: StackedResidual
    directions: Directions
    solver: LeastSquares
    y: Tensor
    steady: bool = False
    size: float = float("nan")
    taken: int = 0
    cut: bool = False
    report: RankReport | None = None
    sensitivity: Sensitivity | None = None
    rough_rank: int | None = None

    def run(self, newton_steps: int, stop: Callable[[], bool], described: bool) -> None:
        """Take steps until they help no more."""
        residual, solver = self.residual, self.solver
        model = tangent_model(residual, self.directions, newton_steps)
        y = self.y
        jets = model.jets(y) if y.any() else model.start
        f = residual.values(jets)
        self.size = _norm(f)
        for step in range(newton_steps):
            A = model.matrix(jets)
            b = A @ y - f
            if not torch.isfinite(b).all():  # 0 · NaN is NaN: this sees every entry of A
                return
            state = solver.init(A)
            del A  # the solver owns it now
            target = solver.compute(state, b)
            if not torch.isfinite(target).all():
                return
            if described:
                self.sensitivity = self._sensitivity(state, y, jets)
            self.rough_rank = solver.rough_rank(state)
            found = _backtrack(model, y, target, f, full=newton_steps == 1)
            before = self.size
            if found is not None:
                y, jets, f = found
                self._take(y, f, step + 1)
            last = found is None or self.taken == newton_steps
            if not last:
                y, jets, f = _corrected(model, solver, state, (y, jets, f), stop)
                self._take(y, f, self.taken)
            slow = self.size > DECREASE * before
            last = last or residual.is_linear
            self.cut = not (last or slow) and stop()
            if last or slow or self.cut:
                if described:  # an SVD: only of the last system
                    # Of steps that are cut short, the directions say nothing of the error.
                    self._describe(state, b, target, residual.is_linear or slow)
                return
            del state  # before the next matrix is made

    def _sensitivity(self, state: object, y: Tensor, jets: Jets) -> Sensitivity | None:
        """That of the linearization at y, whose factors these are."""
        at = None
        if self.steady and self.residual.row_count > self.directions.rank:
            at = (RefinedPredictor(self.residual.network, self.directions.lift(y)), jets)
        return sensitivity(self.residual, self.directions, self.solver, state, at)

    def _take(self, y: Tensor, f: Tensor, taken: int) -> None:
        self.y, self.size, self.taken = y, _norm(f), taken

    def _describe(self, state: object, b: Tensor, target: Tensor, converged: bool) -> None:
        """Spectrum of the last reduced system, and its nested solution."""
        spectrum = self.solver.spectrum(state)
        self.report = RankReport(
            self.directions.rank,
            spectrum.effective_rank,
            spectrum.condition,
            spectrum.singular_values,
        )
        part = self.solver.nested(state, b) if converged else None
        if part is not None:
            nested = self.directions.lift(self.y + part - target)
            self.report = replace(self.report, nested=nested)

    def found(self, stopped: Status | None) -> Refinement:
        """The refinement as far as it came."""
        rank, nothing = self.directions.rank, self.y.new_zeros(0)
        measured = (self.rough_rank or 0, float("inf")) if stopped is None else (None, None)
        report = self.report or RankReport(rank, *measured, nothing)
        report = replace(report, directions=self.directions, y=self.y, sensitivity=self.sensitivity)
        return Refinement(self.directions.lift(self.y), self.size, self.taken, report, stopped)


def _backtrack(
    model: TangentModel, y: Tensor, target: Tensor, f: Tensor, full: bool
) -> tuple[Tensor, Jets, Tensor] | None:
    """The longest of y + 2⁻ᵏ (target − y) whose true residual is below that at y."""
    size = torch.linalg.vector_norm(f)
    for k in range(1 if full else HALVINGS + 1):
        trial = y + 0.5**k * (target - y)
        jets = model.jets(trial)
        values = model.residual.values(jets)
        if torch.linalg.vector_norm(values) < size or (full and torch.isfinite(values).all()):
            return trial, jets, values
    return None


def _corrected(
    model: TangentModel,
    solver: LeastSquares,
    state: object,
    at: tuple[Tensor, Jets, Tensor],
    stop: Callable[[], bool],
) -> tuple[Tensor, Jets, Tensor]:
    """Further steps with the same factors, as long as they help.

    On nonlinear problems the simplified Newton method, on linear ones iterative refinement
    (Björck 1996, Numerical Methods for Least Squares Problems, section 2.9).
    """
    y, jets, f = at
    for _ in range(CORRECTIONS):
        if stop():
            break
        trial = y + solver.compute(state, -f)
        trial_jets = model.jets(trial)
        values = model.residual.values(trial_jets)
        if not torch.linalg.vector_norm(values) < DECREASE * torch.linalg.vector_norm(f):
            break
        y, jets, f = trial, trial_jets, values
    return y, jets, f


def _norm(f: Tensor) -> float:
    return torch.linalg.vector_norm(f).item()


def with_basis_values(refinement: Refinement, values: Tensor | None) -> Refinement:
    """The same refinement with the singular values of its basis in the report."""
    return replace(refinement, report=replace(refinement.report, basis_values=values))
