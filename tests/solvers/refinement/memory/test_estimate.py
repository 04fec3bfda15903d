"""The estimate of memory against what processes of their own took at most."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from own_parts import Doubled, GaussNewton, Longest, Normal

import pdelsr as pl
from pdelsr.benchmark.process import in_fresh_process
from pdelsr.entry.solve import run_job
from pdelsr.resources.memory import peak_memory
from pdelsr.solvers.prepare import prepare
from pdelsr.solvers.request import Request

PROBLEMS = Path(__file__).parents[4] / "problems"
FACTOR = 0.5, 1.5  # of measured over estimated
LSR = {"weight_scale": 2.0}
STEPS = {"alignment_steps": 2, "max_iterations": 1}
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "full": ("poisson_2d", "lsr", {"hidden": (48, 48), "points": 8000, **LSR}),
    "svd": (
        *("poisson_2d", "lsr"),
        {"hidden": (48, 48), "points": 4000, "rank": 1000, "basis": "coordinate", "lstsq": "svd"},
    ),
    "cholesky": (
        *("poisson_2d", "lsr"),
        {"hidden": (48, 48), "points": 8000, "rank": 1500, "basis": "coordinate"}
        | {"lstsq": "cholesky"},
    ),
    "lsmr": (
        *("poisson_2d", "lsr"),
        {"hidden": (48, 48), "points": 8000, "rank": 600, "basis": "coordinate"}
        | {"lstsq": pl.LSMR(iterations=10)},
    ),
    "output": (
        *("poisson_2d", "lsr"),
        {"hidden": (200, 200), "points": 2000, "rank": 600, "basis": "output", **LSR},
    ),
    "gaussian": (
        *("poisson_2d", "lsr"),
        {"hidden": (100, 100), "points": 20_000, "rank": 500, "basis": "gaussian", **LSR},
    ),
    "sketch": (
        *("poisson_2d", "lsr"),
        {"hidden": (100, 100), "points": 8000, "rank": 1000, "basis": "count_sketch", **LSR},
    ),
    "single": (
        *("poisson_2d", "lsr"),
        {"hidden": (100, 100), "points": 8000, "rank": 1000, "basis": "output"}
        | {"dtype": "float32", **LSR},
    ),
    "newton": (
        *("burgers_1d", "lsr"),
        {"hidden": (40, 40), "points": 4000, "rank": 1000, "basis": "coordinate"}
        | {"newton_steps": 3, **LSR},
    ),
    "many points": ("poisson_2d", "lsr", {"hidden": (8, 8), "points": 200_000, **LSR}),
    "ilsr": ("burgers_1d", "ilsr", {"hidden": (24, 24, 24), "points": 2000, **STEPS}),
    "alignment": (
        *("burgers_1d", "ilsr"),
        {"hidden": (40, 40, 40), "points": 4000, "refine_points": 0.5, "rank": 300, **STEPS},
    ),
    "pinn": (
        *("poisson_2d", "pinn"),
        {"hidden": (64, 64, 64), "points": 40_000, "adam_steps": 3, "lbfgs_steps": 3},
    ),
    "tsonn": (
        *("burgers_1d", "tsonn"),
        {"hidden": (64, 64), "points": 40_000, "inner_steps": 3, "max_iterations": 1},
    ),
}
WARM = {"hidden": (8, 8), "points": 50, "weight_scale": 1.0, "max_iterations": 1}


def measured(problem: str, method: str | pl.Method, options: dict[str, Any]) -> tuple[float, float]:
    """Estimated bytes of a run, and by how much it raised the peak of its process."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    declared = pl.load_problem(PROBLEMS / f"{problem}.py")
    warm_up(declared, method)
    before = peak_memory()
    job = Request.of(declared, method, options).job()
    context = prepare(job)
    estimate = job.method.bytes_needed(context.discretization)
    run_job(job, context)
    return estimate, peak_memory() - before


def warm_up(problem: pl.Problem, method: str | pl.Method) -> None:
    """Have all libraries loaded, by a small run."""
    if isinstance(method, str):
        pl.solve(problem, method, **{**few(method), **WARM})
    else:
        pl.solve(problem, replace(method, hidden=(8, 8)), points=50, max_iterations=1)


def few(method: str) -> dict[str, int]:
    steps = {"pinn": ("adam_steps", "lbfgs_steps"), "ilsr": ("alignment_steps",)}
    return dict.fromkeys(steps.get(method, ()), 1)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_estimate_is_right_within_a_factor(case: str) -> None:
    estimate, taken = in_fresh_process(measured, *CASES[case])
    assert FACTOR[0] * estimate <= taken <= FACTOR[1] * estimate, f"{taken / estimate:.2f}"
    print(f"{case}: estimated {estimate / 2**20:.0f} MiB, ratio {taken / estimate:.2f}")


def test_one_case_that_is_quick() -> None:
    options = {"hidden": (32, 32), "points": 3000, "rank": 700, "basis": "coordinate", **LSR}
    estimate, taken = in_fresh_process(measured, "poisson_2d", "lsr", options)
    assert FACTOR[0] * estimate <= taken <= FACTOR[1] * estimate


OWN: dict[str, tuple[str | pl.Method, dict[str, Any]]] = {
    "basis": ("lsr", {"hidden": (48, 48), "points": 6000, "rank": 1000, "basis": Longest()}),
    "solver": ("lsr", {"hidden": (48, 48), "points": 6000, "lstsq": Normal(), **LSR}),
    "method": (GaussNewton(hidden=(36, 36), steps=2), {"points": 6000, "max_iterations": 1}),
}


@pytest.mark.parametrize("kind", OWN)
def test_a_part_of_the_users_works_and_its_memory_is_told(kind: str) -> None:
    method, options = OWN[kind]
    estimate, taken = in_fresh_process(measured, "poisson_2d", method, options)
    print(f"{kind}: estimated {estimate / 2**20:.0f} MiB, ratio {taken / estimate:.2f}")
    assert FACTOR[0] * estimate <= taken <= FACTOR[1] * estimate


def test_parts_of_the_users_together() -> None:
    problem = pl.load_problem(PROBLEMS / "poisson_2d.py")
    options: dict[str, Any] = {"rank": 60, "hidden": (20, 20), "weight_scale": 1.5}
    own = pl.solve(problem, "lsr", **options, basis=Longest(), lstsq=Normal())
    by_qr = pl.solve(problem, "lsr", **options, basis=Longest())
    assert own.rank == 60
    assert own.heldout < 1.01 * by_qr.heldout < by_qr.heldout_start
    stretched = pl.solve(problem, "lsr", **options, basis=Doubled(), lstsq=Normal())
    assert stretched.heldout == pytest.approx(own.heldout, rel=1e-3)
    found = pl.solve(problem, GaussNewton(hidden=(8, 8), steps=3), max_iterations=1)
    assert found.heldout < found.heldout_start
