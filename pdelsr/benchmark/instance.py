"""One refinement of an operator for one instance: explicit rows against forward-mode columns.

Burgers' equation at one input function, with a modified MLP of the published size (Wang, Wang and
Perdikaris 2021) and random directions among its parameters. Columns take one forward-mode pass
through the jets each; a few directions are timed, and the table scales their seconds to all. The
whole refinement is timed too, from the operator to the solution.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp
import torch
from rich.table import Table
from torch import Tensor

from pdelsr.benchmark.process import in_fresh_process
from pdelsr.compile import compile_problem
from pdelsr.declare import (
    Initial,
    Interval,
    Periodic,
    Problem,
    TimeInterval,
    coordinates,
    input_function,
    unknown,
)
from pdelsr.entry.refine import refine_instance
from pdelsr.linearize import Columns, StackedResidual
from pdelsr.linearize.points import PointPlan
from pdelsr.linearize.reference import times_by_jvp
from pdelsr.lstsq import QR, MatrixSystem
from pdelsr.operators import PIDeepONet
from pdelsr.resources.memory import peak_memory

WAYS = ("columns", "rows", "refinement")


@dataclass(frozen=True)
class InstanceSettings:
    """Sizes of the measurement.

    Args:
        sensors: where the input function is read.
        hidden: widths of branch and trunk.
        rank: r.
        points: of the equation; each condition gets a fifth of them.
        few: directions on which columns are timed.
    """

    sensors: int = 101
    hidden: tuple[int, ...] = (100,) * 7
    rank: int = 800
    points: int = 12_000
    few: int = 40


WARM_UP = InstanceSettings(5, (8, 8), 10, 40, 2)


@dataclass(frozen=True)
class InstanceCost:
    """The cost of one way.

    Args:
        way: of `WAYS`.
        rows: n.
        parameters: m.
        directions: that were timed.
        product: seconds for G V in these directions.
        rest: seconds for the reduced problem, or for the whole refinement; not measured for
            columns.
        peak_memory_bytes: of the process.
        memory_at_start: peak before the measurement.
        product_sum: weighted sum of the entries of G V in the first few directions, to compare the
            ways; NaN for the refinement.
    """

    way: str
    rows: int
    parameters: int
    directions: int
    product: float
    rest: float
    peak_memory_bytes: int
    memory_at_start: int
    product_sum: float

    def seconds_for(self, rank: int) -> float:
        """Seconds for `rank` directions."""
        return self.product * rank / self.directions + self.rest


def measure_instance(
    settings: InstanceSettings = InstanceSettings(),
    apply: Callable[..., InstanceCost] = in_fresh_process,
) -> list[InstanceCost]:
    """Measure every way, one after the other, each in a fresh process."""
    return [apply(measure_way, way, settings) for way in WAYS]


def instance_problem() -> Problem:
    """Burgers' equation from a(x) = sin(2πx), periodic on [0, 1]."""
    x, t = coordinates("x t")
    u, a = unknown("u", x, t), input_function("a", x)
    problem = Problem(
        name="burgers",
        domain=Interval(x, 0, 1) * TimeInterval(t, 0, 1),
        equations=[sp.Eq(u.diff(t) + u * u.diff(x) - 0.01 * u.diff(x, 2), 0)],
        conditions=[Initial(sp.Eq(u, a)), Periodic(u, x)],
    )
    return problem.at(lambda x: np.sin(2 * np.pi * x))


def measure_way(way: str, settings: InstanceSettings) -> InstanceCost:
    """Measure one way in this process, after a small warm-up of the same code."""
    run_way(way, WARM_UP)
    return run_way(way, settings)


def run_way(way: str, settings: InstanceSettings) -> InstanceCost:
    """Measure one way in this process."""
    problem = instance_problem()
    sensors = np.linspace(0, 1, settings.sensors)
    operator = PIDeepONet(sensors, 2, settings.hidden, "modified_mlp")
    residual = residual_at(operator, problem, settings.points)
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(residual.network.parameter_count, generator=generator, device="cpu")
    index = order[: settings.rank]
    coefficients = residual.coefficients(residual.jets_without_graph())
    at_start = peak_memory()
    begin = time.perf_counter()
    if way == "refinement":
        refine_instance(operator, problem, rank=settings.rank, points=settings.points)
        product, weighed = 0.0, float("nan")
    else:
        if way == "columns":
            index = index[: settings.few]
            A = times_by_jvp(residual, unit_vectors(residual, index), coefficients)
        else:
            A = residual.times(Columns(index, residual.network.parameter_count), coefficients)
        product = time.perf_counter() - begin
        weighed = weighed_sum(A[:, : settings.few])
        begin = time.perf_counter()
        if way == "rows":
            solver = QR()
            solver.compute(solver.init(MatrixSystem(A, -residual.evaluate())))
    return InstanceCost(
        way,
        residual.row_count,
        residual.network.parameter_count,
        len(index),
        product,
        time.perf_counter() - begin,
        peak_memory(),
        at_start,
        weighed,
    )


def weighed_sum(A: Tensor) -> float:
    """Σ_ij sin(i + 1) cos(j) A_ij: matrices with equal sums are almost surely equal."""
    i, j = (torch.arange(n).to(A) for n in A.shape)
    return ((i + 1).sin() @ A @ j.cos()).item()


def residual_at(operator: PIDeepONet, problem: Problem, points: int) -> StackedResidual:
    """The residual of the operator at the problem's input function."""
    blocks = compile_problem(problem).blocks
    counts = {block.name: points // 5 for block in blocks} | {"equation": points}
    bound = PointPlan(problem.domain, counts).bind(blocks, seed=0)
    network = operator.at(torch.sin(2 * torch.pi * operator.sensors[:, 0]))
    return StackedResidual(network, bound)


def unit_vectors(residual: StackedResidual, index: Tensor) -> Tensor:
    """The directions of some parameters, as a matrix."""
    V = residual.like.new_zeros(residual.network.parameter_count, len(index))
    return V.scatter_(0, index[None], 1.0)


def instance_table(found: list[InstanceCost], settings: InstanceSettings) -> Table:
    """Seconds and memory of every way, and the ratio of columns to rows."""
    columns, rows, _ = found
    title = f"Burgers, m {rows.parameters}, r {settings.rank}, n {rows.rows}"
    table = Table("way", "directions timed", "s", "columns / this", "peak MB", title=title)
    for f in found:
        table.add_row(
            {"columns": "G V by columns", "rows": "G V by rows, and solve"}.get(
                f.way, "pl.refine, from operator to solution"
            ),
            str(f.directions),
            f"{f.seconds_for(settings.rank):.1f}",
            f"{columns.seconds_for(settings.rank) / f.seconds_for(settings.rank):.0f}×",
            f"{f.peak_memory_bytes / 1e6:.0f} (start {f.memory_at_start / 1e6:.0f})",
        )
    return table
