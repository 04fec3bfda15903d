"""Gauss–Newton steps on very many points: all rows, their CountSketch, or fewer points.

    python docs/experiments/sketched_steps.py burgers_1d 20 30 8 60

takes a problem, the width of three layers, points per parameter, rows per parameter of the sketch,
and seconds for each way. New points are drawn every ten steps where the residual is large, as in a
run. A CountSketch S has one entry ±1 in every column, at a random row; the step is that of
min ‖S (f + G δ)‖, and it is taken if it lowers ‖f‖ on all points. "Fewer points" has as many points
as the sketch has rows. The table has the held-out residual after some shares of the seconds.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

import pdelsr as pl
from pdelsr.linearize import StackedResidual
from pdelsr.solvers.descent.levenberg_marquardt import (
    BEND,
    DAMPINGS,
    LARGEST_DAMPING,
    LOWER,
    PROBE,
    RAISE,
    LevenbergMarquardt,
    gram,
)
from pdelsr.solvers.prepare import prepare
from pdelsr.solvers.request import Request

PROBLEMS = Path(__file__).resolve().parents[2] / "problems"
RESAMPLE_EVERY = 10  # steps
SHARES = (0.25, 0.5, 1.0)  # of the seconds


@dataclass
class Sketched:
    """A step from compressed rows.

    Args:
        residual: on all points.
        rows: of the sketch.
        generator: of the sketch, new at every step.
    """

    residual: StackedResidual
    rows: int
    generator: torch.Generator

    def __post_init__(self) -> None:
        n, device = self.residual.row_count, self.residual.device
        self.to = torch.randint(self.rows, (n,), generator=self.generator).to(device)
        signs = torch.randint(0, 2, (n,), generator=self.generator) * 2 - 1
        self.signs = signs.to(self.residual.like)
        self.theta = self.residual.network.get_vector()
        jets = self.residual.jets_without_graph()
        self.f, coefficients = self.residual.values(jets), self.residual.coefficients(jets)
        self.size = torch.linalg.vector_norm(self.f).item()
        self.G = self.f.new_zeros(self.rows, self.residual.parameter_count)
        for part, rows in self.residual.rows(coefficients):
            self.G.index_add_(0, self.to[part], rows * self.signs[part, None])
        self.normal = gram(self.G)

    def of(self, values: Tensor) -> Tensor:
        """S times a vector of all rows."""
        return values.new_zeros(self.rows).index_add_(0, self.to, values * self.signs)

    def moved(self, delta: Tensor) -> Tensor:
        """f at θ + δ."""
        self.residual.network.set_vector(self.theta + delta)
        return self.residual.evaluate()

    def step(self, damping: float) -> Tensor | None:
        """δ₁ + δ₂ / 2, as in `LevenbergMarquardt`."""
        shifted = self.normal.clone()
        shifted.diagonal().add_(damping * self.normal.diagonal().mean())
        factor, info = torch.linalg.cholesky_ex(shifted)
        if int(info) != 0:
            return None
        Sf = self.of(self.f)
        first = -torch.cholesky_solve(self.G.T @ Sf[:, None], factor)[:, 0]
        bend = 2 / PROBE * ((self.of(self.moved(PROBE * first)) - Sf) / PROBE - self.G @ first)
        second = -torch.cholesky_solve(self.G.T @ bend[:, None], factor)[:, 0]
        small = torch.linalg.vector_norm(second) <= BEND * torch.linalg.vector_norm(first)
        return first + 0.5 * second if small else first


def sketched_step(
    descent: LevenbergMarquardt, residual: StackedResidual, rows: int, generator: torch.Generator
) -> None:
    """One step, with the damping of the descent."""
    local = Sketched(residual, rows, generator)
    for _ in range(DAMPINGS):
        delta = local.step(descent.damping)
        if delta is not None:
            after = torch.linalg.vector_norm(local.moved(delta)).item()
            if after < local.size:
                descent.damping /= LOWER if after < 0.9 * local.size else LOWER**0.5
                return
        descent.damping = min(descent.damping * RAISE, LARGEST_DAMPING)
    residual.network.set_vector(local.theta)


def measured(
    problem: pl.Problem, way: str, width: int, per_parameter: float, sketch: float, limit: float
) -> str:
    """Points, steps, and held-out residuals after some shares of the time."""
    job = Request.of(problem, "ilsr", {"hidden": (width,) * 3, "points": 1000}).job()
    discretization = prepare(job).discretization
    network, m = discretization.network, discretization.network.parameter_count
    factor = per_parameter * m / discretization.plan.total
    factor *= sketch / per_parameter if way == "fewer points" else 1.0
    descent, generator = LevenbergMarquardt(), torch.Generator().manual_seed(0)
    begin, steps, found, spent = time.perf_counter(), 0, [], 0.0
    residual = discretization.fresh_residual(factor)
    step: Callable[[], object] = lambda: descent.step(residual, generator)  # noqa: E731
    if way == "sketch":
        rows = round(sketch * m)
        step = lambda: sketched_step(descent, residual, rows, generator)  # noqa: E731
    for share in SHARES:
        while time.perf_counter() - begin - spent < share * limit:
            if steps and steps % RESAMPLE_EVERY == 0:
                residual = discretization.fresh_residual(factor, network)
            step()
            steps += 1
        now = time.perf_counter()  # the assessment does not count
        found.append(torch.linalg.vector_norm(discretization.heldout.evaluate()).item())
        spent += time.perf_counter() - now
    told = " | ".join(f"{size:.1e}" for size in found)
    return f"| {way} | {m:,} | {residual.row_count:,} | {steps} | {told} |"


def main(name: str, width: int, per_parameter: float, sketch: float, limit: float) -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    problem = pl.load_problem(PROBLEMS / f"{name}.py")
    shares = " | ".join(f"after {share * limit:g} s" for share in SHARES)
    print(f"| way | m | n | steps | {shares} |\n| --- | --- | --- | --- | --- | --- | --- |")
    for way in ("all rows", "sketch", "fewer points"):
        print(measured(problem, way, width, per_parameter, sketch, limit), flush=True)


if __name__ == "__main__":
    given = sys.argv[1:]
    main(given[0], int(given[1]), *map(float, given[2:]))
