"""Points and rows that are dealt out: sums, means and steps are those of all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sympy as sp
import torch
from thread_group import Threads, in_threads
from torch import Tensor

import pdelsr as pl
from pdelsr.compile import compile_problem
from pdelsr.linearize import RefinedPredictor, StackedResidual
from pdelsr.linearize.points import PointPlan, balanced_weights
from pdelsr.networks import MLP
from pdelsr.processes import ALONE, Group
from pdelsr.solvers.descent.gradient import squared_norm
from pdelsr.solvers.descent.levenberg_marquardt import LevenbergMarquardt
from pdelsr.solvers.refinement.waves import annihilated

X, Y = pl.coordinates("x y")
U = pl.unknown("u", X, Y)
PROBLEM = pl.Problem(
    name="mixed",
    domain=pl.Box((X, Y), (0, 0), (1, 1)),
    equations=[sp.Eq(U.diff(X, 2) + U.diff(Y, 2) + U**2, sp.sin(X))],
    conditions=[
        pl.Dirichlet(U, 0, on="x=0"),
        pl.Neumann(U, 1, on=["y=0", "y=1"]),
        pl.Observations(U, [[0.5, 0.5], [0.2, 0.7], [0.9, 0.1]], [1.0, 2.0, 3.0]),
    ],
)
BLOCKS = compile_problem(PROBLEM, hard=False).blocks
SIZES = [2, 5]


def network() -> MLP:
    return MLP(2, 1, (7, 7), seed=1)


def plan(group: Group = ALONE, count: int = 61) -> PointPlan:
    counts = {b.name: count if i == 0 else 13 for i, b in enumerate(BLOCKS)}
    weights = {b.name: 1.0 + i for i, b in enumerate(BLOCKS)}
    return PointPlan(PROBLEM.domain, counts, weights=weights, dealt_to=group)


def residual(group: Group = ALONE, adapt: bool = False) -> StackedResidual:
    map_ = network()
    blocks = plan(group).bind(BLOCKS, 3, map_ if adapt else None)
    return StackedResidual(map_, blocks, group=group)


@pytest.mark.parametrize("adapt", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_the_points_of_all_processes_are_those_of_one(size: int, adapt: bool) -> None:
    whole = residual(adapt=adapt)
    for found in in_threads(size, lambda group: residual(group, adapt).dealt_back()):
        for block, expected in zip(found.blocks, whole.blocks, strict=True):
            assert torch.equal(block.columns, expected.columns)
            assert torch.equal(block.scale, expected.scale)
            for points, others in zip(block.sites, expected.sites, strict=True):
                assert torch.equal(points, others)


@pytest.mark.parametrize("size", SIZES)
def test_a_process_without_points_of_a_block_adds_nothing(size: int) -> None:
    def work(group: Threads) -> tuple[list[bool], float, int]:
        dealt = residual(group)
        return (
            [b.stands_in for b in dealt.blocks],
            dealt.row_group.norm(dealt.evaluate()),
            len(dealt.blocks),
        )

    expected = torch.linalg.vector_norm(residual().evaluate()).item()
    for rank, (stands_in, norm, count) in enumerate(in_threads(size, work)):
        assert norm == pytest.approx(expected, rel=1e-13)
        assert stands_in == [False] * (count - 1) + [rank >= 3]  # of three observations


def measured(group: Group) -> dict[str, Any]:
    """What is told of a residual."""
    dealt = residual(group)
    map_ = dealt.network
    theta = map_.get_vector()
    refined = RefinedPredictor(map_, 0.1 * torch.sin(torch.arange(len(theta)).to(theta)))
    weights = balanced_weights(dealt.blocks, dealt.mean_square_row)
    squares = dealt.block_squares(refined)
    descent, generator = LevenbergMarquardt(), torch.Generator().manual_seed(0)
    thinned = dealt.thinned(0.3)
    found = {
        "rms": dealt.block_rms(),
        "weights": dealt.block_weights(),
        "balanced": weights,
        "size": dealt.size_of(squares),
        "terms": dealt.terms_norm(refined),
        "parts": dealt.terms_norm(refined, map_),
        "data": dealt.data_norm(),
        "adds up": dealt.adds_up(refined),
        "rows": dealt.total_count,
        "thinned": thinned.row_group.norm(thinned.evaluate()),
    }
    loss = squared_norm(dealt)
    found["loss"] = loss().item()
    parameters = [p for p in map_.parameters() if p.requires_grad]
    loss.backward(parameters)
    found["slopes"] = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])
    found["step"] = descent.step(dealt, generator)
    found["theta"] = map_.get_vector()
    return found


@pytest.mark.parametrize("size", SIZES)
def test_what_is_told_of_a_residual_is_that_of_all_rows(size: int) -> None:
    expected = measured(ALONE)
    for found in in_threads(size, measured):
        for name, value in expected.items():
            if isinstance(value, Tensor):
                assert torch.allclose(found[name], value, rtol=1e-7, atol=1e-9), name
            else:
                assert found[name] == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize("size", [1, *SIZES])
def test_a_sample_of_the_points_keeps_the_mean_and_is_dealt_out(size: int) -> None:
    def work(group: Threads) -> tuple[StackedResidual, StackedResidual]:
        some = residual(group).sampled(0.5, 7)
        return some.dealt_back(), residual(group).sampled(0.5, 8).dealt_back()

    whole = residual()
    for found, other in in_threads(size, work):
        for block, another, expected in zip(found.blocks, other.blocks, whole.blocks, strict=True):
            assert len(block) == round(0.5 * len(expected))
            known = {tuple(row) for row in expected.columns.tolist()}
            assert len({tuple(row) for row in block.columns.tolist()} & known) == len(block)
            assert not torch.equal(block.columns, another.columns) or len(block) < 3
        weights, right = found.block_weights(), whole.block_weights()
        assert weights == pytest.approx(right, rel=0.1)  # two sides have a point more or less


def test_held_out_points_are_the_same_everywhere_and_evaluated_in_turn() -> None:
    held = plan().held_out()
    whole = StackedResidual(network(), held.bind(BLOCKS, 9))

    def work(group: Threads) -> Tensor:
        of_rank = plan(group).held_out()
        assert of_rank.dealt_to is ALONE
        return StackedResidual(network(), of_rank.bind(BLOCKS, 9), group=group).evaluate()

    for found in in_threads(3, work):
        assert torch.allclose(found, whole.evaluate(), rtol=1e-14, atol=1e-15)


def test_a_statement_that_fails_in_one_process_is_refused_by_all() -> None:
    bad = sp.Piecewise((sp.log(-1 - X), sp.And(X > 0.3, X < 0.32)), (1, True))
    problem = replace(PROBLEM, equations=[sp.Eq(U.diff(X, 2), bad)])
    blocks = compile_problem(problem, hard=False).blocks
    counts = {b.name: 400 for b in blocks}

    def work(group: Threads) -> str:
        with pytest.raises(pl.ProblemError, match="not finite") as caught:
            PointPlan(problem.domain, counts, dealt_to=group).bind(blocks, 0)
        return str(caught.value)

    assert len(set(in_threads(4, work))) == 1


def test_waves_are_searched_at_points_of_all_processes() -> None:
    x, y = pl.coordinates("x y")
    u = pl.unknown("u", x, y)
    helmholtz = pl.Problem(
        name="helmholtz",
        domain=pl.Box((x, y), (0, 0), (1, 1)),
        equations=[sp.Eq(u.diff(x, 2) + u.diff(y, 2) + 400 * u, 1)],
        conditions=[pl.Dirichlet(u, 0)],
    )
    blocks = compile_problem(helmholtz, hard=False).blocks

    def work(group: Group) -> list[Tensor]:
        counts = {b.name: 40 for b in blocks}
        bound = PointPlan(helmholtz.domain, counts, dealt_to=group).bind(blocks, 0)
        map_ = network()
        return [w.k for w in annihilated(StackedResidual(map_, bound, group=group), map_)]

    expected = work(ALONE)
    assert expected
    results = in_threads(3, work)
    for found in results:
        assert len(found) == len(expected)
        assert all(torch.equal(a, b) for a, b in zip(found, results[0], strict=True))
