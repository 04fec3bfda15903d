"""What one GPU gives, beside published figures: each part takes less than eight minutes.

    python docs/experiments/on_a_gpu.py burgers --seconds 346
    python docs/experiments/on_a_gpu.py smooth --seconds 110
    python docs/experiments/on_a_gpu.py step
    python docs/experiments/on_a_gpu.py instances --count 100

"burgers" is ν = 0.01, whose published error is 8e-14 in 346 s on an H100 (Webb, Jerad and Cartis
2026, arXiv 2607.02194); "smooth" is the wave equation (1e-15 there) and Poisson's equation with
u = Σ cos πx_i in five and ten dimensions (3e-16 and 6e-12). "step" compares a one-shot step, rows
and least squares, with the float64 matrix product of the card. "instances" refines an operator for
so many initial values, one after the other. `--device cpu` tries a part without a GPU. For Table 1
of the paper see `table1.py --device cuda`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import sympy as sp
import torch

import pdelsr as pl
from pdelsr.compile import compile_problem
from pdelsr.linearize import Identity, StackedResidual
from pdelsr.linearize.points import PointPlan
from pdelsr.lstsq import QR
from pdelsr.networks import MLP
from pdelsr.solvers.refinement.tangent_problem import TangentProblem

PROBLEMS = Path(__file__).resolve().parents[2] / "problems"
STEP = {"points": 60_000, "width": 60}  # about 3,900 directions


def poisson(dimensions: int) -> pl.Problem:
    """−Δu = π² Σ cos πx_i in the unit cube."""
    x = pl.coordinates(" ".join(f"x{i}" for i in range(dimensions)))
    u = pl.unknown("u", *x)
    exact = sum((sp.cos(sp.pi * one) for one in x), sp.S(0))
    return pl.Problem(
        name=f"poisson_{dimensions}d",
        domain=pl.Box(x, (0,) * dimensions, (1,) * dimensions),
        equations=[sp.Eq(sum((u.diff(one, 2) for one in x), sp.S(0)), -(sp.pi**2) * exact)],
        conditions=[pl.Dirichlet(u, exact)],
        reference=exact,
    )


def told(problem: pl.Problem, seconds: float, device: str, hard: bool | None = None) -> None:
    """Solve, and print the error."""
    found = pl.solve(problem, time_limit=seconds, device=device, hard=hard)
    error = max(e.relative_l2 for e in found.error().values())
    print(
        f"{problem.name}: {error:.1e} in {found.seconds:.0f} s, estimate {found.error_estimate}, "
        f"{found.parameters:,} parameters, {found.status.value}",
        flush=True,
    )


def median(work: Callable[[], object], device: str) -> float:
    """Seconds of the third of five runs, in order, with all work of the card done."""
    found = []
    for _ in range(6):
        begin = time.perf_counter()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - begin)
    return sorted(found[1:])[2]


def step(device: str) -> None:
    """Operations a second of rows and least squares, and of a matrix product."""
    problem = pl.load_problem(PROBLEMS / "poisson_2d.py")
    blocks = compile_problem(problem).blocks
    counts = {b.name: STEP["points"] for b in blocks}
    bound = PointPlan(problem.domain, counts, device=torch.device(device)).bind(blocks, 0)
    width = STEP["width"]
    network = MLP(2, 1, (width, width), device=device)
    residual = StackedResidual(network, bound)
    n, r = residual.row_count, residual.parameter_count
    reduced = TangentProblem(residual, Identity(r), 1)
    place = reduced.at(residual.like.new_zeros(r))
    solver = QR()

    def shot() -> torch.Tensor:
        return solver.compute(solver.init(place.system())).solution

    A, B = torch.randn(2, 8192, 8192, dtype=torch.float64, device=device).unbind()
    product = 2 * 8192**3 / median(lambda: A @ B, device)
    rate = 2 * n * r**2 / median(shot, device)
    print(
        f"{n:,} rows, {r:,} directions: {rate:.2e} operations a second, a matrix product "
        f"{product:.2e}: {rate / product:.0%}"
    )


def instances(count: int, device: str) -> None:
    """Seconds of so many refinements of one operator."""
    problem = pl.load_problem(PROBLEMS / "parametric" / "burgers.py")
    torch.manual_seed(0)
    sensors = np.linspace(0, 1, 32, endpoint=False)
    operator = pl.operators.PIDeepONet(sensors, 2, (50,) * 4, "modified_mlp").to(device)
    pl.refine_many(operator, problem, 2, rank=100, function_seed=9)
    begin = time.perf_counter()
    found = pl.refine_many(operator, problem, count, rank=500)
    print(f"{found}\n{count} instances in {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=("burgers", "smooth", "step", "instances"))
    parser.add_argument("--seconds", type=float, default=110.0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--device", default="cuda")
    chosen = parser.parse_args()
    if chosen.part == "burgers":
        burgers = pl.load_problem(PROBLEMS / "burgers_1d.py")
        told(burgers.with_parameters(nu=0.01), chosen.seconds, chosen.device)
    elif chosen.part == "smooth":
        told(pl.load_problem(PROBLEMS / "wave_1d.py"), chosen.seconds, chosen.device)
        for dimensions in (5, 10):  # the lift of hard conditions would be the solution itself
            told(poisson(dimensions), chosen.seconds, chosen.device, hard=False)
    elif chosen.part == "step":
        step(chosen.device)
    else:
        instances(chosen.count, chosen.device)
