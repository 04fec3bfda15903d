"""The parametric problems: they load, and their references satisfy their conditions."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import pdelsr as pl
from pdelsr.compile import OnParts, compile_problem
from pdelsr.linearize.points import PointPlan
from pdelsr.operators import published_operator
from pdelsr.operators.loss import drawn_functions
from pdelsr.problem_file import load_problem

FOLDER = Path(__file__).parents[2] / "problems" / "parametric"
PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "wang2021"
FILES = sorted(FOLDER.glob("*.py"))


def instance(problem: pl.Problem, seed: int) -> pl.Problem:
    """One of its instances."""
    drawn = drawn_functions(problem, 1, seed)
    return problem.at(**{name: found[0] for name, found in drawn.items()})


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_references_satisfy_the_conditions(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        problem = load_problem(path)
        at = instance(problem, 3)
    blocks = [b for b in compile_problem(at).blocks if isinstance(b.region, OnParts)]
    plan = PointPlan(at.domain, {b.name: 40 for b in blocks})
    for bound in plan.bind(blocks, 0):
        values = torch.from_numpy(at.reference_values(bound.sites[0].numpy()))
        jet = torch.stack([values[:, entry.component] for entry in bound.block.entries])
        residual = bound.block.value(bound.columns, jet)
        assert residual.abs().max() < 1e-9, bound.block.name


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_references_satisfy_the_equations(path: Path) -> None:
    """By central differences, away from the kink of the transport and the corners."""
    at = instance(load_problem(path), 1)
    blocks = [b for b in compile_problem(at).blocks if b.kind == "equation"]
    d, h = len(at.coordinates), 1e-3
    low, high = ((0.85, 0.95), (0.3, 0.4)) if path.stem == "advection" else ((0.3, 0.7),) * 2
    points = np.random.default_rng(0).uniform(*np.array([low, high][:d]).T, (20, d))
    stencil = [s * h * e for e in np.eye(d) for s in (2, -2, 1, -1)]
    at_once = at.reference_values(np.concatenate([points + e for e in (np.zeros(d), *stencil)]))
    middle, *others = at_once.reshape(-1, len(points), len(at.unknowns))
    values = {(0,) * d: middle}
    for axis in range(d):
        far, near = others[4 * axis : 4 * axis + 2], others[4 * axis + 2 : 4 * axis + 4]
        first, second = np.eye(d, dtype=int)[axis], 2 * np.eye(d, dtype=int)[axis]
        values[tuple(first)] = (8 * (near[0] - near[1]) - (far[0] - far[1])) / (12 * h)
        values[tuple(second)] = (
            16 * (near[0] + near[1]) - (far[0] + far[1]) - 30 * values[(0,) * d]
        ) / (12 * h**2)
    for block in blocks:
        columns = [values[entry.index][:, entry.component] for entry in block.entries]
        jet = torch.from_numpy(np.stack(columns))
        residual = block.value(torch.from_numpy(points), jet).abs().max()
        assert residual < 1e-3 * (1 + jet.abs().max()), block.name


@pytest.mark.slow
@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published parameters are not here")
@pytest.mark.parametrize(
    ("name", "sensors", "layers", "columns", "share"),
    [("burgers", 101, 7, (1, 0), 0.1), ("advection", 100, 6, (0, 1), 0.4)],
)
def test_published_operators_gain_digits(
    name: str, sensors: int, layers: int, columns: tuple[int, int], share: float
) -> None:
    path = PUBLISHED / f"{name}_modified_mlp.npy"
    operator = published_operator(path, np.linspace(0, 1, sensors), (100,) * layers, columns)
    problem = load_problem(FOLDER / f"{name}.py")
    (row,) = pl.refine_many(operator, problem, 1, rank=300, passes=2).rows
    assert row.error_before < 0.05
    assert row.error < share * row.error_before
