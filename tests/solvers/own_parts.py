"""A basis, a least-squares solver and a method, each as a user would write it in one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

import pdelsr as pl
from pdelsr.linearize import Columns, Directions, RowSource
from pdelsr.lstsq import Solved, System
from pdelsr.solvers.descent.levenberg_marquardt import LevenbergMarquardt
from pdelsr.solvers.refinement.memory.estimate import alignment_bytes
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.method import State
from pdelsr.solvers.state.candidate import Candidate
from pdelsr.solvers.state.discretization import Discretization
from pdelsr.subspace.base import Subspace


@dataclass(frozen=True)
class Longest(pl.Basis):
    """The parameters that the residual depends on most."""

    name = "longest"

    def numbers(self, rank: int, parameters: int) -> int:
        return 0

    def build(self, rows: RowSource, rank: int | None, generator: torch.Generator) -> Subspace:
        chunks = rows.draw_residual_rows(200, generator)
        sizes = sum((part.square().sum(dim=0) for part in chunks()), torch.zeros(()))
        index = sizes.topk(min(rank or 1000, rows.parameter_count)).indices.sort().values
        return Subspace(Columns(index, rows.parameter_count))


@dataclass(frozen=True)
class Stretched(Directions):
    """Twice some of the parameters, without a matrix."""

    index: torch.Tensor
    parameter_count: int

    @property
    def rank(self) -> int:
        return len(self.index)

    @property
    def only(self) -> torch.Tensor:
        return self.index

    def project(self, rows: torch.Tensor) -> torch.Tensor:
        return 2 * rows

    def lift(self, y: torch.Tensor) -> torch.Tensor:
        delta = y.new_zeros(self.parameter_count)
        delta[self.index] = 2 * y
        return delta

    def restrict(self, g: torch.Tensor) -> torch.Tensor:
        return 2 * g[self.index]


@dataclass(frozen=True)
class Doubled(Longest):
    """The same parameters, in directions of the user's own."""

    name = "doubled"

    def build(self, rows: RowSource, rank: int | None, generator: torch.Generator) -> Subspace:
        found = super().build(rows, rank, generator).directions
        assert isinstance(found, Columns)
        return Subspace(Stretched(found.index, found.parameter_count))


@dataclass(frozen=True)
class Normal(pl.LeastSquares):
    """The normal equations, gathered from chunks of rows."""

    name = "normal"

    def numbers(self, n: int | float, r: int) -> int | float:
        return 4 * r**2

    def init(self, system: System) -> Any:
        r = system.shape[1]
        gram, slope = system.like.new_zeros(r, r), system.like.new_zeros(r)
        for A, b in system.chunks():
            gram += A.T @ A
            slope += A.T @ b
        lengths = gram.diagonal().sqrt()
        unit = gram.div_(lengths).div_(lengths[:, None])
        unit.diagonal().add_(1e-12)
        return torch.linalg.cholesky(unit), lengths, slope, system

    def compute(self, state: Any, b: torch.Tensor | None = None) -> Solved:
        factor, lengths, slope, system = state
        slope = slope if b is None else system.transpose_times(b)
        return Solved(torch.cholesky_solve((slope / lengths)[:, None], factor)[:, 0] / lengths)


@dataclass(frozen=True)
class GaussNewton(pl.Method):
    """Damped Gauss–Newton alone, on new points in every iteration."""

    steps: int = 4
    name = "gauss-newton"
    default_hard = True
    default_iterations = 3

    def default_hidden(self, linear: bool) -> tuple[int, ...]:
        return (20, 20)

    def default_points(self, parameters: int) -> int:
        return 2 * parameters

    def bytes_needed(self, discretization: Discretization) -> int | float:
        m = discretization.network.parameter_count
        return alignment_bytes(discretization, discretization.fresh_row_count, m)

    def init(self, context: Context) -> State:
        now = Candidate.of_network(context.network)
        return State(0, now, float("nan"), "start", memory=LevenbergMarquardt())

    def step(self, context: Context, state: State) -> State:
        residual, train = context.fresh_residual(), float("nan")
        for _ in range(self.steps):
            train = state.memory.step(residual, context.generator)
        now = Candidate.of_network(context.network)
        return State(state.iteration + 1, now, train, "gauss-newton", memory=state.memory)
