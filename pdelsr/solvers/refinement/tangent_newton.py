"""LSR with Newton steps in the tangent space: re-linearize F at the refined predictor.

The predictor u(y) = q0 + J V y is linear in y while F need not be. With the network's jets fixed,
each step costs one recombination of Jacobian rows and one least-squares solve; the first one is
the published LSR (Cao and Zhang 2026, Algorithm 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from pdelsr.linearize import Directions, RefinedPredictor, StackedResidual
from pdelsr.lstsq import LeastSquares
from pdelsr.lstsq.base import Ended
from pdelsr.solvers.refinement.newton import Linearization, NewtonSearch, Observer
from pdelsr.solvers.refinement.reduced import Place
from pdelsr.solvers.refinement.report import RankReport
from pdelsr.solvers.refinement.sensitivity import Sensitivity, sensitivity
from pdelsr.solvers.refinement.tangent_problem import TangentPlace, TangentProblem
from pdelsr.solvers.state.interruption import INTERRUPTIONS, status_of
from pdelsr.solvers.state.status import Status


@dataclass(frozen=True)
class Refinement:
    """The result of a refinement: δ, its residual and its report.

    Args:
        delta: δ = V y, (m,).
        train: ‖f‖ of the refined predictor on the points of the solve.
        steps: number of Newton steps taken; 0 if none lowered the residual.
        report: rank, effective rank and condition of the last reduced system.
        stopped: how the run ends, if Ctrl-C or the clock cut the refinement short.
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
    guess: Float[Tensor, " r"] | None = None,
    steady: bool = False,
) -> Refinement:
    """min_y ‖f(q0 + J V y)‖ by Gauss–Newton in y, with step halving on the true residual.

    Each linearization solves min_z ‖ f(y) + A(y) (z − y) ‖ with A = Σ_α c_α(u(y)) Φ_α for the whole
    z, not for the update, so rounding errors do not accumulate. Between two linearizations, updates
    with the same factors follow as long as they lower the residual. On a linear problem these are
    iterative refinement: they remove errors from damping and rounding of the factors, and the error
    at the floor is two to seven times smaller.

    Args:
        residual: on the points to fit.
        directions: V.
        solver: of the reduced problem.
        newton_steps: largest number of steps; 1 is the published method, which takes the full step.
        stop: called between steps; True if the time is up.
        described: include the spectrum and the nested solution in the report, which take time.
            Without them, as in trials, the effective rank is approximate, or None if the solver has
            none, and Ctrl-C and the clock are passed on.
        guess: y to begin with; None for 0, the network.
        steady: whether no coordinate is time, so that waves show whether a solution is unique.
    """
    y = residual.like.new_zeros(directions.rank) if guess is None else guess
    forms_matrix = solver.forms_matrix(residual.row_count, directions.rank)
    problem = TangentProblem(residual, directions, newton_steps, forms_matrix)
    told = _Told(residual, directions, solver, steady)
    observer = told if described else Observer()
    search = NewtonSearch(problem, solver, problem.at(y), observer)
    stopped = None
    try:
        search.run(newton_steps, stop)
        stopped = Status.OUT_OF_TIME if search.cut else None
    except INTERRUPTIONS as interruption:
        if not search.taken or not described:
            raise
        stopped = status_of(interruption)
    return _refinement(search, told, stopped)


@dataclass
class _Told(Observer):
    """Collects the report from the linear problems of a search.

    Args:
        residual: on the points to fit.
        directions: V.
        solver: of the reduced problem.
        steady: whether no coordinate is time.
        report: of the last reduced system, once described.
        sensitivity: of the last linearization, known before its steps are over.
    """

    residual: StackedResidual
    directions: Directions
    solver: LeastSquares
    steady: bool
    report: RankReport | None = None
    sensitivity: Sensitivity | None = None

    def factored(self, now: Linearization) -> None:
        """Measure the sensitivity from the factors."""
        at, place = None, now.place
        assert isinstance(place, TangentPlace)
        if self.steady and self.residual.total_count > self.directions.rank:
            predictor = RefinedPredictor(self.residual.network, self.directions.lift(place.y))
            at = (predictor, place.jets)
        self.sensitivity = sensitivity(self.residual, self.directions, self.solver, now.state, at)

    def ended(self, now: Linearization, place: Place, converged: bool) -> None:
        """Report the spectrum of the last system, by an SVD, and its solution in a part of V.

        If steps were cut short, the solution in a part says nothing about the error.
        """
        spectrum, solved = self.solver.spectrum(now.state), now.solved
        known = (solved.rank, solved.condition, self.residual.like.new_zeros(0))
        if spectrum is not None:
            known = (spectrum.effective_rank, spectrum.condition, spectrum.singular_values)
        self.report = RankReport(self.directions.rank, *known)
        part = self.solver.in_part(now.state) if converged else None
        if part is not None:
            nested = self.directions.lift(place.y + part - solved.solution)
            self.report = replace(self.report, nested=nested)


def _refinement(search: NewtonSearch, told: _Told, stopped: Status | None) -> Refinement:
    """The refinement found so far."""
    y, V = search.place.y, told.directions
    measured = (None if stopped is not None else search.rough_rank, None)
    report = told.report or RankReport(V.rank, *measured, y.new_zeros(0))
    ended = None if search.solved is None else search.solved.status
    solver_ended = None if ended in (None, Ended.SOLVED) else ended.value
    report = replace(
        report, directions=V, y=y, sensitivity=told.sensitivity, solver_ended=solver_ended
    )
    return Refinement(V.lift(y), search.place.size, search.taken, report, stopped)


def with_basis_values(refinement: Refinement, values: Tensor | None) -> Refinement:
    """The same refinement with the singular values of its basis in the report."""
    return replace(refinement, report=replace(refinement.report, basis_values=values))
