"""The one-shot step by explicit rows against its published structure, in one run.

Both versions solve Poisson's equation, u = sin(4πx²) sin(πy), on the same points with the same
network and rank: basis, product G V, least-squares solve. "published" forms G V by `jvp` through
nested `jacrev` under `vmap`, over points and over columns, as the published code does; "columns" is
the same without the `vmap` over columns, which takes the least memory; "rows" is the way of this
package. Each version runs in a process of its own, to measure its peak memory.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import sympy as sp
import torch
from rich.table import Table
from torch import Tensor

from pdelsr.benchmark.process import in_fresh_process
from pdelsr.compile import compile_problem
from pdelsr.declare import Box, Dirichlet, Problem, coordinates, unknown
from pdelsr.linearize import Dense, RefinedPredictor, StackedResidual
from pdelsr.linearize.points import PointPlan
from pdelsr.linearize.reference import nested_reverse_jet, times_by_jvp
from pdelsr.lstsq import QR, MatrixSystem
from pdelsr.networks import MLP, closure
from pdelsr.resources.memory import peak_memory
from pdelsr.subspace.base import gaussian
from pdelsr.subspace.rsvd import right_singular_vectors

VERSIONS = ("published", "columns", "rows")
PUBLISHED_BATCH = 16  # columns under one vmap


@dataclass(frozen=True)
class StepSettings:
    """Size of the comparison; the defaults are those of the documentation."""

    hidden: tuple[int, ...] = (64, 64, 64, 64)
    interior: int = 4000
    boundary: int = 400
    rank: int = 600


WARM_UP = StepSettings((8, 8), 40, 8, 10)


@dataclass(frozen=True)
class Step:
    """Seconds of the parts of one step, its sizes, and its error.

    Args:
        basis: seconds for V.
        product: seconds for G V.
        solve: seconds for the reduced problem.
        rows: n.
        parameters: m.
        relative_l2: of the refined predictor.
    """

    basis: float
    product: float
    solve: float
    rows: int
    parameters: int
    relative_l2: float

    @property
    def seconds(self) -> float:
        """Seconds of the whole step."""
        return self.basis + self.product + self.solve


@dataclass(frozen=True)
class StepMeasurement:
    """One step of one version, and the peak memory of its process."""

    version: str
    step: Step
    peak_memory_bytes: int
    memory_at_start: int


def measure_step(settings: StepSettings = StepSettings()) -> list[StepMeasurement]:
    """Measure all versions, one after the other, each in a fresh process."""
    return [in_fresh_process(run_version, version, settings) for version in VERSIONS]


def run_version(version: str, settings: StepSettings) -> StepMeasurement:
    """Run one version in this process, after a small warm-up of the same code."""
    take_step(version, WARM_UP)
    at_start = peak_memory()
    step = take_step(version, settings)
    return StepMeasurement(version, step, peak_memory(), at_start)


def step_problem() -> Problem:
    """Poisson's equation of the paper."""
    x, y = coordinates("x y")
    u = unknown("u", x, y)
    exact = sp.sin(4 * sp.pi * x**2) * sp.sin(sp.pi * y)
    return Problem(
        name="poisson",
        domain=Box((x, y), (0, 0), (1, 1)),
        equations=[sp.Eq(u.diff(x, 2) + u.diff(y, 2), exact.diff(x, 2) + exact.diff(y, 2))],
        conditions=[Dirichlet(u, 0)],
        reference=exact,
    )


def take_step(version: str, settings: StepSettings) -> Step:
    """One step of these sizes in this process."""
    problem = step_problem()
    network = MLP(2, 1, settings.hidden, bounds=[(0.0, 1.0), (0.0, 1.0)], weight_scale=1.5)
    counts = {"equation": settings.interior, "dirichlet u": settings.boundary}
    plan = PointPlan(problem.domain, counts, weights={"dirichlet u": 1e3})
    blocks = plan.bind(compile_problem(problem).blocks, seed=0)
    residual = StackedResidual(network, blocks)
    sketch = gaussian(
        network.parameter_count,
        settings.rank + 20,
        residual.like,
        torch.Generator().manual_seed(0),
    )
    clock = [time.perf_counter()]
    rank = settings.rank
    V = right_singular_vectors(_chunks(version, residual, rank), sketch, rank)[0]
    clock.append(time.perf_counter())
    jets = residual.jets_without_graph()
    coefficients = residual.coefficients(jets)
    if version == "rows":
        A = residual.times(V, coefficients)
    else:
        batch = PUBLISHED_BATCH if version == "published" else None
        A = times_by_jvp(residual, V, coefficients, nested_reverse_jet, batch, False)
    clock.append(time.perf_counter())
    solver = QR()
    y = solver.compute(solver.init(MatrixSystem(A, -residual.values(jets)))).solution
    clock.append(time.perf_counter())
    error = _error(problem, RefinedPredictor(network, Dense(V).lift(y)))
    basis, product, solve = (after - before for before, after in itertools.pairwise(clock))
    return Step(basis, product, solve, residual.row_count, network.parameter_count, error)


def _chunks(version: str, residual: StackedResidual, rank: int):
    """Rows of the output Jacobian at r + 1000 points."""
    points = residual.blocks[0].sites[0][: rank + 1000]
    if version == "rows":
        return lambda: residual.output_rows(points)
    return lambda: _reverse_rows(residual, points)


def _reverse_rows(residual: StackedResidual, points: Tensor) -> Iterator[Tensor]:
    network = residual.network
    parameters = network.trainable()

    def value(p: dict[str, Tensor], x: Tensor) -> Tensor:
        return torch.func.functional_call(network, p, (x[None],))[0, 0]

    rows = torch.func.vmap(torch.func.grad(value), in_dims=(None, 0))(parameters, points)
    yield torch.cat([r.reshape(points.shape[0], -1) for r in rows.values()], dim=1)


def _error(problem: Problem, predictor: RefinedPredictor) -> float:
    line = torch.linspace(0, 1, 101, dtype=torch.float64)
    points = torch.cartesian_prod(line, line)
    exact = torch.as_tensor(problem.reference_values(points.numpy()))[:, 0]
    found = predictor(points, closure(((0, 0),)))[0, :, 0]
    return ((found - exact).norm() / exact.norm()).item()


def step_table(found: list[StepMeasurement]) -> Table:
    """Seconds, memory and error of all versions, and their ratios."""
    table = Table("version", "basis s", "G V s", "solve s", "total s", "peak MB", "error")
    for m in found:
        step = m.step
        table.add_row(
            m.version,
            *(f"{s:.2f}" for s in (step.basis, step.product, step.solve, step.seconds)),
            f"{m.peak_memory_bytes / 1e6:.0f} (start {m.memory_at_start / 1e6:.0f})",
            f"{step.relative_l2:.2e}",
        )
    *references, fast = found
    table.add_section()
    for slow in references:
        memory = slow.peak_memory_bytes / fast.peak_memory_bytes
        error = fast.step.relative_l2 / slow.step.relative_l2
        times = f"{slow.step.seconds / fast.step.seconds:.0f}×"
        name = f"{slow.version} / rows"
        table.add_row(name, "", "", "", times, f"{memory:.2f}×", f"{error:.2f}×")
    return table
