"""Points and weights of blocks: quadrature, held-out points, adaptive draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
import torch

import pdelsr as pl
from pdelsr.compile import compile_problem
from pdelsr.linearize import StackedResidual
from pdelsr.linearize.points import PointPlan, balanced_weights
from pdelsr.sample import SAMPLERS
from pdelsr.survey import crowds

X, Y = pl.coordinates("x y")
U = pl.unknown("u", X, Y)
SQUARE = pl.Box((X, Y), (0, 0), (2, 1))


def plan(sampler: pl.Sampler, n: int = 400) -> tuple[PointPlan, tuple]:
    problem = pl.Problem("flat", SQUARE, [sp.Eq(U, X**3)], [pl.Dirichlet(U, X**2)])
    blocks = compile_problem(problem, hard=False).blocks
    counts = {b.name: n for b in blocks}
    samplers = {b.name: sampler for b in blocks}
    return PointPlan(problem.domain, counts, samplers), blocks


def zero() -> pl.Network:
    network = pl.MLP(2, 1, (3,))
    network.set_vector(torch.zeros(network.parameter_count, dtype=torch.float64))
    return network


def test_quadrature_weights_reach_the_residual() -> None:
    points, blocks = plan(pl.GaussLegendre())
    residual = StackedResidual(zero(), points.bind(blocks, 0))
    interior, boundary = residual.block_rms().values()
    assert interior**2 == pytest.approx(2**7 / 7 / 2, rel=1e-13)  # mean of x⁶ over [0, 2]
    assert boundary**2 == pytest.approx((2 * 2**5 / 5 + 2**4) / 6, rel=1e-13)
    size = torch.linalg.vector_norm(residual.evaluate()).item()
    assert size**2 == pytest.approx(interior**2 + boundary**2, rel=1e-13)


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
@pytest.mark.parametrize("factor", [1, 4])
def test_no_point_of_a_fit_is_held_out(sampler, factor: int) -> None:
    points, blocks = plan(sampler, 100)
    fitted, held = points.scaled(factor).bind(blocks, 1), points.held_out().bind(blocks, 2)
    for a, b in zip(fitted, held, strict=True):
        apart = torch.cdist(a.sites[0], b.sites[0]).min().item()
        assert apart > 1e-9


class Fixed(pl.UnitSampler):
    """Points that no seed changes, the first ones of a sequence."""

    def fill(self, n: int, dim: int, rng: np.random.Generator) -> np.ndarray:
        return np.random.default_rng(1).random((n, dim))


def test_points_that_repeat_are_not_held_out() -> None:
    points, blocks = plan(Fixed(), 100)
    fitted, held = points.bind(blocks, 1), points.held_out().bind(blocks, 2)
    again = points.bind(blocks, 3)
    for a, b, c in zip(fitted, held, again, strict=True):
        assert torch.equal(a.sites[0], c.sites[0])
        assert torch.cdist(a.sites[0], b.sites[0]).min().item() > 1e-9


def test_rules_keep_their_nodes_and_weights_where_others_adapt() -> None:
    for sampler, moves in ((pl.Sobol(), True), (pl.GaussLegendre(), False)):
        points, blocks = plan(sampler)
        usual = points.bind(blocks, 1)[0]
        adapted = points.bind(blocks, 1, adapt_to=zero())[0]
        assert (adapted.sites[0].mean() > usual.sites[0].mean() + 0.05) == moves
        assert torch.equal(adapted.scale, usual.scale)


def test_a_block_without_weight_still_has_a_residual() -> None:
    points, blocks = plan(pl.Sobol())
    silent = replace(points, weights={blocks[0].name: 0.0})
    residual = StackedResidual(zero(), silent.bind(blocks, 0))
    assert residual.block_rms()[blocks[0].name] == pytest.approx((2**6 / 7) ** 0.5, rel=1e-2)


def test_gauss_rules_of_many_nodes_are_quick_and_exact() -> None:
    nodes = pl.GaussLegendre().unit(40_000, 1)[:, 0]
    weights = pl.GaussLegendre().quadrature(40_000, 1)
    assert len(nodes) == len(weights)
    assert len(nodes) == pytest.approx(40_000, rel=0.05)
    assert weights @ torch.exp(torch.as_tensor(nodes)).numpy() == pytest.approx(
        2.718281828459045 - 1, rel=1e-13
    )


@pytest.mark.parametrize(("planned", "held"), [(10, 40), (4000, 10_000), (12_000, 12_000)])
def test_more_points_are_held_out_than_planned_as_long_as_that_is_cheap(planned, held) -> None:
    points, _ = plan(pl.Sobol(), planned)
    assert set(points.held_out().counts.values()) == {held}


def crowded(width: float, n: int = 2000) -> tuple[PointPlan, PointPlan, tuple]:
    """A plan, the same without crowds, and blocks whose source is a spot."""
    spot = sp.exp(-((X - 0.7) ** 2 + (Y - 0.4) ** 2) / sp.Float(width) ** 2)
    equation = sp.Eq(U.diff(X, 2) + U.diff(Y, 2), spot)
    problem = pl.Problem("spot", SQUARE, [equation], [pl.Dirichlet(U, 0)])
    blocks = compile_problem(problem, hard=False).blocks
    usual = PointPlan(problem.domain, {b.name: n for b in blocks})
    return replace(usual, crowds=crowds(problem, ())), usual, blocks


def test_points_crowd_where_a_source_is_narrow() -> None:
    plan, usual, blocks = crowded(1e-4)
    exact = (torch.pi / 2) ** 0.5 * 1e-4 / SQUARE.measure**0.5  # of mean(F²) for u = 0
    for adapt_to in (None, zero()):
        bound = plan.bind(blocks, 0, adapt_to)
        assert len(bound[0]) == 2500
        assert bound[0].scale.square().sum().item() == pytest.approx(1, rel=1e-12)
        seen = StackedResidual(zero(), bound).block_rms()["equation"]
        assert seen == pytest.approx(exact, rel=0.2)
        missed = StackedResidual(zero(), usual.bind(blocks, 0, adapt_to)).block_rms()["equation"]
        assert missed < exact / 1e3


def test_points_stay_where_they_are_for_a_source_that_they_meet() -> None:
    plan, usual, blocks = crowded(0.2)
    for a, b in zip(plan.bind(blocks, 0), usual.bind(blocks, 0), strict=True):
        assert torch.equal(a.columns, b.columns)
        assert torch.equal(a.scale, b.scale)


@pytest.mark.parametrize("size", [1.0, 1e-2, 1e-4])
def test_the_boundary_of_a_nonlinear_equation_is_not_starved(size: float) -> None:
    """Where u is small, so are the rows of |∇u|² = 1, and not those at the solution."""
    equation = U.diff(X) ** 2 + U.diff(Y) ** 2 - 1
    problem = pl.Problem("eikonal", SQUARE, [equation], [pl.Dirichlet(U, 0)])
    blocks = compile_problem(problem, hard=False).blocks
    points = PointPlan(problem.domain, {b.name: 100 for b in blocks}).bind(blocks, 0)
    network = pl.MLP(2, 1, (12, 12))
    with torch.no_grad():
        network.last.weight.mul_(size)
    weights = balanced_weights(points, StackedResidual(network, points).mean_square_row)
    assert weights["equation"] / weights["dirichlet u"] < 10
