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

from pdelsr.linearize import Directions, Jets, StackedResidual
from pdelsr.linearize.tangent_model import TangentModel, tangent_model
from pdelsr.lstsq import LeastSquares
from pdelsr.solvers.method import RankReport

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
        interrupted: whether Ctrl-C ended the search for a better rank.
    """

    delta: Float[Tensor, " m"]
    train: float
    steps: int
    report: RankReport
    interrupted: bool = False


def refine_in_subspace(
    residual: StackedResidual,
    directions: Directions,
    solver: LeastSquares,
    newton_steps: int = 1,
    stop: Callable[[], bool] = lambda: False,
    described: bool = True,
) -> Refinement:
    """min_y ‖f(q0 + J V y)‖ by Gauss–Newton in y, with step halving on the true residual.

    Each linearization solves min_z ‖ f(y) + A(y) (z − y) ‖ with A = Σ_α c_α(u(y)) Φ_α for the whole
    z, not for the update: rounding errors of one do not pile up on the next. Between two of them,
    updates with the same factors follow, as long as they lower the residual.

    Args:
        residual: on the points to fit.
        directions: V.
        solver: of the reduced problem.
        newton_steps: at most; 1 is the published method, which takes the full step.
        stop: asked between steps.
        described: with the spectrum and the nested solution in the report, which take time.
    """
    model = tangent_model(residual, directions, newton_steps)
    y = residual.like.new_zeros(directions.rank)
    jets = model.start
    f = residual.values(jets)
    report: RankReport | None = None
    taken = 0
    for step in range(newton_steps):
        A = model.matrix(jets)
        b = A @ y - f
        if not torch.isfinite(b).all():  # 0 · NaN is NaN: this sees every entry of A
            break
        state = solver.init(A)
        del A  # the solver owns it now
        target = solver.compute(state, b)
        if not torch.isfinite(target).all():
            break
        found = _backtrack(model, y, target, f, full=newton_steps == 1)
        before = torch.linalg.vector_norm(f)
        if found is not None:
            y, jets, f = found
            taken = step + 1
        last = found is None or residual.is_linear or taken == newton_steps or stop()
        if not last:
            y, jets, f = _corrected(model, solver, state, (y, jets, f), stop)
        if last or torch.linalg.vector_norm(f) > DECREASE * before:
            if described:  # an SVD: only of the last system
                report = _report(directions.rank, solver, state)
                # Of Newton steps that are cut short, the directions say nothing of the error.
                converged = torch.linalg.vector_norm(f) > DECREASE * before
                if residual.is_linear or converged:
                    part = solver.nested(state, b)
                    nested = None if part is None else directions.lift(y + part - target)
                    report = replace(report, nested=nested)
            break
        del state  # before the next matrix is made
    report = report or RankReport(directions.rank, 0, float("inf"), y.new_zeros(0))
    report = replace(report, directions=directions, y=y)
    train = torch.linalg.vector_norm(f).item()
    return Refinement(directions.lift(y), train, taken, report)


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
    """Further steps with the same factors (the simplified Newton method), as long as they help."""
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


def _report(rank: int, solver: LeastSquares, state: object) -> RankReport:
    spectrum = solver.spectrum(state)
    return RankReport(rank, spectrum.effective_rank, spectrum.condition, spectrum.singular_values)


def with_basis_values(refinement: Refinement, values: Tensor | None) -> Refinement:
    """The same refinement with the singular values of its basis in the report."""
    return replace(refinement, report=replace(refinement.report, basis_values=values))
