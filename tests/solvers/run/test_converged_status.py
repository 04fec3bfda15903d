"""A run that says converged is below its tolerance, on fresh points and without its own numbers."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
import torch

import pdelsr as pl
from pdelsr.compile import compile_problem
from pdelsr.linearize.points import PointPlan
from pdelsr.solvers.state.discretization import HELDOUT_SEED

FOLDER = Path(__file__).parents[3] / "problems"
FRESH = 4711  # a stream of points that no run uses
FAR = 3.0  # factor between root mean squares on two sets of points
LSR = {"method": "lsr", "hidden": (20, 20), "weight_scale": 1.0}
ILSR = {"method": "ilsr", "hidden": (14, 14, 14), "alignment_steps": 50}

QUICK: dict[str, dict[str, Any]] = {
    "poisson_2d": {**LSR, "tolerance": 0.05},
    "helmholtz_2d": {**LSR, "tolerance": 0.01},
    "heat_2d": {**LSR, "tolerance": 0.1},
    "wave_1d": {**LSR, "tolerance": 0.1, "hard": True},
    "biharmonic_2d": {**LSR, "tolerance": 1e-3},
    "poisson_holes_2d": {**LSR, "tolerance": 1e-6, "method": "ilsr", "hard": False},
    "stokes_2d": {**LSR, "tolerance": 1e-4, "hard": True, "refine": True},
    "poisson_5d": {**LSR, "tolerance": 0.3, "weight_scale": 0.4, "dtype": "float32"},
}
"""The linear problems, with tolerances that a small network reaches at once."""

LONG: dict[str, dict[str, Any]] = {
    "burgers_1d": {**ILSR, "tolerance": 0.05},
    "kdv_1d": {**ILSR, "tolerance": 0.05},
    "allen_cahn_1d": {**ILSR, "tolerance": 0.05},
}

CASES = [
    *(pytest.param(name, options, id=name) for name, options in QUICK.items()),
    *(pytest.param(n, o, id=n, marks=pytest.mark.slow) for n, o in LONG.items()),
]


def test_every_problem_has_a_case() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == {*QUICK, *LONG}


@pytest.mark.parametrize(("name", "options"), CASES)
def test_converged_means_below_the_tolerance(name: str, options: dict[str, Any]) -> None:
    problem = runpy.run_path(str(FOLDER / f"{name}.py"))["problem"]
    solution = pl.solve(problem, **options)
    assert solution.status is pl.Status.CONVERGED
    for seed in (HELDOUT_SEED, FRESH):
        for block, rms in recomputed(solution, seed).items():
            assert rms <= options["tolerance"], (block, seed)
    known = recomputed(solution, HELDOUT_SEED)
    for block, residual in solution.blocks.items():
        assert residual.heldout_rms <= options["tolerance"]
        assert residual.heldout_rms <= FAR * known[block] + 1e-12


@pytest.mark.parametrize("method", ["pinn", "tsonn", "lsr", "ilsr"])
def test_above_the_tolerance_is_not_converged(method: str) -> None:
    problem = runpy.run_path(str(FOLDER / "helmholtz_2d.py"))["problem"]
    steps = {"pinn": {"adam_steps": 5, "lbfgs_steps": 5}, "tsonn": {"inner_steps": 5}}
    options = {"hidden": (6, 6), "weight_scale": 1.0, "points": 50, "max_iterations": 2}
    options |= steps.get(method, {})
    reached = max(b.heldout_rms for b in pl.solve(problem, method, **options).blocks.values())
    above = pl.solve(problem, method, tolerance=1.01 * reached, **options)
    below = pl.solve(problem, method, tolerance=0.99 * reached, **options)
    assert above.status is pl.Status.CONVERGED
    assert below.status is not pl.Status.CONVERGED


def recomputed(solution: pl.Solution, seed: int) -> dict[str, float]:
    """Root mean square of every block, those that the ansatz satisfies included.

    The jets come from `Solution.derivative`, at points of the given stream.
    """
    problem = solution.problem
    blocks = compile_problem(problem, hard=False).blocks
    plan = PointPlan(problem.domain, {b.name: 1500 for b in blocks})
    found = {}
    for bound in plan.bind(blocks, seed):
        jet = torch.stack([_row(solution, e, bound.sites) for e in bound.block.entries])
        values = bound.block.value(bound.columns, jet)
        found[bound.block.name] = values.square().mean().sqrt().item()
    return found


def _row(solution: pl.Solution, entry: Any, sites: Any) -> torch.Tensor:
    """One derivative of the solution at the points of a site."""
    u = solution.problem.unknowns[entry.component]
    for coordinate, count in zip(solution.problem.coordinates, entry.index, strict=True):
        u = u.diff(coordinate, count) if count else u
    return torch.as_tensor(solution.derivative(u, sites[entry.site])).double()
