"""Stacked residuals of small problems on random points."""

from __future__ import annotations

from functools import cache

import numpy as np
import sympy as sp
import torch
from torch import Tensor

from pdelsr.compile import AtPoints, Block, CompiledProblem, compile_problem
from pdelsr.declare import (
    Disk,
    Initial,
    Interval,
    Observations,
    Periodic,
    Problem,
    Robin,
    TimeInterval,
    coordinates,
    unknown,
)
from pdelsr.linearize import BoundBlock, StackedResidual
from pdelsr.networks import MLP, HardConditions, ModifiedMLP, ModuleNetwork, Network

X, Y, T = coordinates("x y t")


def burgers() -> Problem:
    """Nonlinear, periodic pairs of values and slopes."""
    u = unknown("u", X, T)
    return Problem(
        "burgers",
        Interval(X, -1, 1) * TimeInterval(T, 0, 1),
        [u.diff(T) + u * u.diff(X) - u.diff(X, 2) / 100],
        [Initial(sp.Eq(u, -sp.sin(sp.pi * X))), Periodic(u, X)],
    )


def coupled() -> Problem:
    """Two fields, normals, observations."""
    u, v = unknown("u", X, Y), unknown("v", X, Y)
    seen = np.array([[0.1, 0.2], [0.3, -0.1], [0.0, 0.5]])
    return Problem(
        "coupled",
        Disk((X, Y)),
        [u.diff(X, 2) + u.diff(Y, 2) + u * v - 1, v.diff(X, Y) - u**2 - X],
        [Robin(u, 1, 2, X), Robin(v, 1, 1, 0), Observations(v, seen, np.array([1.0, 2.0, 0.5]))],
    )


PROBLEMS = {"burgers": burgers, "coupled": coupled}


class Form:
    """u = 1 + x_0 N."""

    def lift_jet(self, x: Tensor, indices: tuple[tuple[int, ...], ...]) -> Tensor:
        return torch.stack([torch.full_like(x[:, 0], float(sum(i) == 0)) for i in indices])

    def factor_jet(self, x: Tensor, indices: tuple[tuple[int, ...], ...]) -> Tensor:
        rows = {(0, 0): x[:, 0], (1, 0): torch.ones_like(x[:, 0])}
        return torch.stack([rows.get(i, torch.zeros_like(x[:, 0])) for i in indices])


NETWORKS = {
    "mlp": lambda k: MLP(2, k, (7, 6)),
    "modified mlp": lambda k: ModifiedMLP(2, k, (6, 6)),
    "hard": lambda k: HardConditions(MLP(2, k, (7, 6)), [Form()] * k),
    "generic": lambda k: ModuleNetwork(MLP(2, k, (7, 6)), 2),
}
CASES = [(problem, network) for problem in PROBLEMS for network in NETWORKS]
IDS = [f"{problem}, {network}" for problem, network in CASES]


def build(
    problem: str = "burgers",
    network: str | Network = "mlp",
    budget: int | None = None,
    n: int = 9,
    dtype: torch.dtype = torch.float64,
) -> StackedResidual:
    """A residual with n random points a block, each row with its own scale."""
    compiled = _compiled(problem)
    if isinstance(network, str):
        network = NETWORKS[network](len(compiled.unknowns))
    bound = [_bind(b, n, seed, dtype) for seed, b in enumerate(compiled.blocks)]
    return StackedResidual(network.to(dtype), tuple(bound), budget)


@cache
def _compiled(problem: str) -> CompiledProblem:
    return compile_problem(PROBLEMS[problem]())


def _bind(block: Block, n: int, seed: int, dtype: torch.dtype) -> BoundBlock:
    rng = np.random.default_rng(seed)
    observed = isinstance(block.region, AtPoints)
    first = np.asarray(block.region.points) if observed else rng.uniform(-1, 1, (n, 2))
    sites = [first, rng.uniform(-1, 1, first.shape)][: block.sites]
    columns = [first]
    if block.uses_normals:
        columns.append(rng.standard_normal(first.shape))
    if block.uses_data:
        columns.append(np.asarray(block.region.values).reshape(-1, 1))
    scale = rng.uniform(0.5, 2.0, len(first))

    def tensor(array: np.ndarray) -> Tensor:
        return torch.as_tensor(array, dtype=dtype)

    stacked = np.concatenate(columns, axis=1)
    return BoundBlock(block, tuple(map(tensor, sites)), tensor(stacked), tensor(scale))


def coefficients(residual: StackedResidual) -> list[Tensor]:
    """s ∂F/∂jet at the network itself."""
    with torch.no_grad():
        return residual.coefficients(residual.jets())


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Random numbers, for directions."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator).to(dtype)


def assert_close(actual: Tensor, expected: Tensor, relative: float = 1e-10) -> None:
    """Compare against the largest expected entry."""
    assert actual.shape == expected.shape
    scale = max(1.0, expected.abs().max().item())
    assert (actual - expected).abs().max().item() <= relative * scale
