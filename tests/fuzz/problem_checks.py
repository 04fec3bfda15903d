"""What must hold for every problem: its blocks, its linearization, and how a run of it ends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from block_oracle import Oracle
from torch import Tensor

import pdelsr as pl
from pdelsr.compile import Block, CompiledProblem
from pdelsr.linearize import StackedResidual
from pdelsr.linearize.points import PointPlan

STEPS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
"""Of differences; a row passes at the best of them, since rounding, curvature and kinks differ."""


def check_blocks(problem: pl.Problem, compiled: CompiledProblem, seed: int) -> None:
    """Value and coefficients of every block against the oracle, and against each other."""
    plan = PointPlan(problem.domain, {b.name: 3 for b in compiled.blocks})
    for bound in plan.bind(compiled.blocks, seed):
        columns = bound.columns[:3]
        rng = np.random.default_rng(seed)
        jet = torch.as_tensor(rng.normal(0, 1.5, (len(bound.block.entries), len(columns))))
        check_block(problem, bound.block, columns, jet)
        check_differences(bound.block, columns, jet)


def check_block(problem: pl.Problem, block: Block, columns: Tensor, jet: Tensor) -> None:
    """F and ∂F/∂u_α at points, by the oracle."""
    oracle = Oracle(problem, block)
    values, slopes = block.value(columns, jet), block.coefficients(columns, jet)
    assert slopes.shape == jet.shape
    for i, row in enumerate(torch.cat([columns, jet.T], dim=1).numpy()):
        expected, slack = oracle.value(row), oracle.slack(row)
        _require_close(values[i].item(), expected, slack, f"{block.name}: F = {block.text}")
        if math.isfinite(values[i].item()):
            for e in range(len(block.entries)):
                what = f"{block.name}: slope {block.entries[e]} of {block.text}"
                near = 1e-9 * float(abs(expected) + 1) + 1e3 * slack
                _require_close(slopes[e, i].item(), oracle.slope(row, e), near, what)


def check_differences(block: Block, columns: Tensor, jet: Tensor) -> None:
    """∂F/∂u_α by central differences of the compiled F."""
    slopes = block.coefficients(columns, jet)
    for e in range(len(jet)):
        move = torch.zeros_like(jet)
        move[e] = 1.0
        found = [
            (block.value(columns, jet + h * move) - block.value(columns, jet - h * move)) / (2 * h)
            for h in STEPS
        ]
        size = block.value(columns, jet).abs() + slopes.abs().amax(0) + 1
        _require_one_close(found, slopes[e], size, f"{block.name}: difference of {block.text}")


def residual_of(problem: pl.Problem, compiled: CompiledProblem, seed: int) -> StackedResidual:
    """The stacked residual of a small network on a few points."""
    plan = PointPlan(problem.domain, {b.name: 4 for b in compiled.blocks})
    torch.manual_seed(seed)
    network = pl.MLP(problem.domain.dim, len(problem.unknowns), (5, 4)).double()
    return StackedResidual(network, plan.bind(compiled.blocks, seed))


def check_linearization(residual: StackedResidual, seed: int) -> None:
    """⟨G v, w⟩ = ⟨v, Gᵀ w⟩, and G v against central differences in θ."""
    generator = torch.Generator().manual_seed(seed)
    theta = residual.network.get_vector()
    v = torch.randn(len(theta), dtype=torch.float64, generator=generator)
    w = torch.randn(residual.row_count, dtype=torch.float64, generator=generator)
    with torch.no_grad():
        c = residual.coefficients(residual.jets())
    Gv, Gw = residual.times(v[:, None], c)[:, 0], residual.transpose_times(w, c)
    fine = torch.isfinite(Gv)
    if fine.all():
        size = (Gv.abs() @ w.abs()).item() + (v.abs() @ Gw.abs()).item()
        gap = abs((Gv @ w - v @ Gw).item())
        assert gap <= 1e-11 * size, f"⟨G v, w⟩ and ⟨v, Gᵀ w⟩ differ by {gap:.1e} of {size:.1e}"
    f = residual.evaluate()
    found = [(_at(residual, theta + h * v) - _at(residual, theta - h * v)) / (2 * h) for h in STEPS]
    residual.network.set_vector(theta)
    _require_one_close(found, Gv, f.abs() + Gv.abs() + 1, "G v")


def check_solution(solution: pl.Solution, tolerance: float) -> None:
    """A status with advice; finite values; what is called converged is below the tolerance."""
    assert isinstance(solution.status, pl.Status)
    assert solution.status.advice
    assert solution.summary()
    assert solution.to_json()
    rms = [block.heldout_rms for block in solution.blocks.values()]
    if solution.status is pl.Status.DIVERGED:
        return
    assert all(map(math.isfinite, rms)), f"{solution.status}: residuals {rms}"
    domain = solution.problem.domain
    points = domain.from_unit(np.random.default_rng(0).random((64, domain.unit_dim)))
    values = solution.predict(points)
    for column in values.values() if isinstance(values, dict) else (values,):
        assert np.isfinite(column).all()
    if solution.status is pl.Status.CONVERGED:
        assert max(rms) <= tolerance


def _require_close(found: float, expected: Any, slack: float, what: str) -> None:
    """Equal within `slack`; where the oracle has no real number, no finite one was computed."""
    expected = float(expected)
    if not math.isfinite(slack) or abs(expected) > 1e250:
        return
    if not math.isfinite(expected):
        assert not math.isfinite(found), f"{what}: {found} where there is no real value"
        return
    assert abs(found - expected) <= slack + 1e-300, f"{what}: {found}, not {expected} ± {slack:.1e}"


def _require_one_close(found: list[Tensor], expected: Tensor, size: Tensor, what: str) -> None:
    """Each row agrees with the difference at one of the steps.

    Rows whose differences do not even agree with one another, as where F jumps, say nothing.
    """
    quotients = torch.stack(found)
    errors = (quotients - expected).abs().nan_to_num(nan=math.inf)
    gaps = quotients.diff(dim=0).abs() - 1e-3 * quotients[1:].abs()
    agree = (gaps <= 1e-9 * size).any(0)
    fine = torch.isfinite(expected) & torch.isfinite(size) & agree
    worst = (errors.amin(0) / size)[fine].max().item() if fine.any() else 0.0
    assert worst <= 2e-4, f"{what}: differs by {worst:.1e} of its size"


def _at(residual: StackedResidual, theta: Tensor) -> Tensor:
    residual.network.set_vector(theta)
    return residual.evaluate()
