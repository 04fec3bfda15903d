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

from pdelsr.linearize import (
    Dense,
    Directions,
    Jets,
    RefinedPredictor,
    StackedResidual,
    reduced_matrix,
)
from pdelsr.linearize.memory import free_bytes
from pdelsr.lstsq import LeastSquares
from pdelsr.solvers.method import RankReport

CORRECTIONS = 4  # steps at most with the factors of one linearization
HALVINGS = 6  # of a step that does not lower the residual
DECREASE = 0.95  # a step that gains less than this factor is the last; far off, steps gain little
BASIS_SHARE = 0.25  # of the free memory that the jets of a dense basis may take


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
    matrix = _reduced_matrix(residual, directions, newton_steps)
    y = residual.like.new_zeros(directions.rank)
    jets = residual.jets_without_graph()
    f = residual.values(jets)
    report: RankReport | None = None
    taken = 0
    for step in range(newton_steps):
        A = matrix(jets)
        b = A @ y - f
        if not torch.isfinite(b).all():  # 0 · NaN is NaN: this sees every entry of A
            break
        state = solver.init(A)
        del A  # the solver owns it now
        target = solver.compute(state, b)
        if not torch.isfinite(target).all():
            break
        found = _backtrack(residual, directions, y, target, f, full=newton_steps == 1)
        before = torch.linalg.vector_norm(f)
        if found is not None:
            y, jets, f = found
            taken = step + 1
        last = found is None or residual.is_linear or taken == newton_steps or stop()
        if not last:
            y, jets, f = _corrected(residual, directions, solver, state, (y, jets, f), stop)
        if last or torch.linalg.vector_norm(f) > DECREASE * before:
            if described:  # an SVD: only of the last system
                report = _report(directions.rank, solver, state)
                # Of Newton steps that are cut short, the directions say nothing of the error.
                converged = torch.linalg.vector_norm(f) > DECREASE * before
                nested = None
                if residual.is_linear or converged:
                    nested = solver.nested(state, b)
                report = replace(report, nested=None if nested is None else y + nested - target)
            break
        del state  # before the next matrix is made
    report = report or RankReport(directions.rank, 0, float("inf"), y.new_zeros(0))
    report = replace(report, directions=directions, y=y)
    train = torch.linalg.vector_norm(f).item()
    return Refinement(directions.lift(y), train, taken, report)


def _backtrack(
    residual: StackedResidual,
    directions: Directions,
    y: Tensor,
    target: Tensor,
    f: Tensor,
    full: bool,
) -> tuple[Tensor, Jets, Tensor] | None:
    """The longest of y + 2⁻ᵏ (target − y) whose true residual is below that at y."""
    size = torch.linalg.vector_norm(f)
    for k in range(1 if full else HALVINGS + 1):
        trial = y + 0.5**k * (target - y)
        predictor = RefinedPredictor(residual.network, directions.lift(trial))
        jets = residual.jets_without_graph(predictor)
        values = residual.values(jets)
        if torch.linalg.vector_norm(values) < size or (full and torch.isfinite(values).all()):
            return trial, jets, values
    return None


def _corrected(
    residual: StackedResidual,
    directions: Directions,
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
        predictor = RefinedPredictor(residual.network, directions.lift(trial))
        trial_jets = residual.jets_without_graph(predictor)
        values = residual.values(trial_jets)
        if not torch.linalg.vector_norm(values) < DECREASE * torch.linalg.vector_norm(f):
            break
        y, jets, f = trial, trial_jets, values
    return y, jets, f


def _reduced_matrix(
    residual: StackedResidual, directions: Directions, newton_steps: int
) -> Callable[[Jets], Tensor]:
    """A(u) as a function of the jets of u.

    Where the basis is dense, rows · V is the expensive part: it is done once an entry, and kept,
    if more than one step will use it and it fits. Elsewhere rows are as cheap as a recombination.
    """
    if isinstance(directions, Dense) and newton_steps > 1 and not residual.is_linear:
        entries = sum(len(b) * len(b.block.entries) for b in residual.blocks)
        size = entries * directions.rank * residual.like.element_size()
        if size < BASIS_SHARE * free_bytes(residual.device):
            phi = residual.basis_jets(directions)
            return lambda jets: recombine(phi, residual.coefficients(jets))
    return lambda jets: reduced_matrix(residual, directions, residual.coefficients(jets))


def recombine(phi: list[Tensor], coefficients: Jets) -> Float[Tensor, "n r"]:
    """A = Σ_α c_α Φ_α, all blocks stacked."""
    return torch.cat(
        [torch.einsum("en,enr->nr", c, p) for c, p in zip(coefficients, phi, strict=True)]
    )


def _report(rank: int, solver: LeastSquares, state: object) -> RankReport:
    spectrum = solver.spectrum(state)
    return RankReport(rank, spectrum.effective_rank, spectrum.condition, spectrum.singular_values)


def with_basis_values(refinement: Refinement, values: Tensor | None) -> Refinement:
    """The same refinement with the singular values of its basis in the report."""
    return replace(refinement, report=replace(refinement.report, basis_values=values))
