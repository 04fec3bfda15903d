"""Every basis: shapes, ranks, repeatability; the randomized ones against a dense SVD."""

from __future__ import annotations

from functools import cache

import pytest
import sympy as sp
import torch
from torch import Tensor

import pdelsr as pl
from pdelsr.compile import compile_problem
from pdelsr.linearize import Columns, Dense, Groups, Identity, StackedResidual
from pdelsr.linearize.points import PointPlan
from pdelsr.networks import MLP
from pdelsr.subspace import (
    BASES,
    Coordinate,
    Full,
    Gaussian,
    OutputRSVD,
    ResidualRSVD,
    Subspace,
    basis_named,
)

X, Y = pl.coordinates("x y")
RANDOM = torch.Generator()
RANDOMIZED = {"output": OutputRSVD(), "residual": ResidualRSVD()}


@cache
def residual(outputs: int = 1, dtype: torch.dtype = torch.float64) -> StackedResidual:
    """A nonlinear residual with a network of a few dozen parameters."""
    unknowns = [pl.unknown(name, X, Y) for name in "uv"[:outputs]]
    problem = pl.Problem(
        "basis",
        pl.Box((X, Y), (0, 0), (1, 1)),
        [u.diff(X, 2) + u.diff(Y, 2) + u**3 - sp.sin(X) for u in unknowns],
        [pl.Dirichlet(u, 0) for u in unknowns],
    )
    compiled = compile_problem(problem)
    plan = PointPlan(problem.domain, {b.name: 40 for b in compiled.blocks}, dtype=dtype)
    network = MLP(2, outputs, (5, 4), weight_scale=2, dtype=dtype)
    return StackedResidual(network, plan.bind(compiled.blocks, 0))


def build(basis: str | pl.Basis, rank: int | None = None, seed: int = 0, **case: int) -> Subspace:
    generator = torch.Generator().manual_seed(seed)
    return basis_named(basis).build(residual(**case), rank, generator)


def dense(subspace: Subspace) -> Tensor:
    """V as a matrix."""
    V = subspace.directions
    if isinstance(V, Dense):
        return V.V
    return torch.stack([V.lift(y) for y in torch.eye(V.rank, dtype=torch.float64)], dim=1)


def jacobian(kind: str) -> Tensor:
    """J at the points of all blocks, or G."""
    system = residual()
    if kind == "residual":
        return system.matrix(system.coefficients(system.jets_without_graph()))
    points = torch.cat([b.sites[0] for b in system.blocks])
    return torch.cat(list(system.output_rows(points)))


@pytest.mark.parametrize("name", [n for n in BASES if n != "last_layer"])
@pytest.mark.parametrize("rank", [1, 6, 10_000, None])
def test_the_rank_is_the_one_asked_for_or_all_that_there_is(name: str, rank: int | None) -> None:
    m = residual().network.parameter_count
    expected = m if rank is None else min(rank, m)
    subspace = build(name, rank)
    assert subspace.directions.rank == expected
    assert dense(subspace).shape == (m, expected)
    assert subspace.directions.lift(torch.zeros(expected, dtype=torch.float64)).shape == (m,)


@pytest.mark.parametrize("name", BASES)
def test_equal_seeds_give_equal_directions(name: str) -> None:
    rank = None if name == "last_layer" else 6
    first, second, other = (dense(build(name, rank, seed)) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    if name != "last_layer":
        assert not torch.equal(first, other)


@pytest.mark.parametrize("kind", RANDOMIZED)
@pytest.mark.parametrize("rank", [3, 12, None])
def test_randomized_directions_are_orthonormal(kind: str, rank: int | None) -> None:
    V = dense(build(kind, rank))
    torch.testing.assert_close(V.T @ V, torch.eye(V.shape[1], dtype=V.dtype), rtol=0, atol=1e-13)


@pytest.mark.parametrize("kind", RANDOMIZED)
def test_singular_values_are_those_of_the_dense_jacobian(kind: str) -> None:
    subspace = build(kind)
    expected = torch.linalg.svdvals(jacobian(kind))
    assert subspace.singular_values is not None
    torch.testing.assert_close(
        subspace.singular_values, expected, rtol=0, atol=1e-13 * expected[0].item()
    )


@pytest.mark.parametrize("kind", RANDOMIZED)
def test_leading_directions_capture_as_much_as_the_dense_svd(kind: str) -> None:
    J = jacobian(kind)
    _, values, Vt = torch.linalg.svd(J, full_matrices=False)
    V = dense(build(kind, 8))
    left_over = torch.linalg.matrix_norm(J - J @ V @ V.T, 2)
    assert left_over < 1.5 * values[8]
    overlap = torch.linalg.svdvals(Vt[:4] @ V)
    torch.testing.assert_close(overlap, torch.ones_like(overlap), rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", RANDOMIZED)
def test_scaled_directions_are_divided_by_their_singular_values(kind: str) -> None:
    scaled = type(RANDOMIZED[kind])(scaled=True)
    plain = build(kind, 12)
    values = plain.singular_values
    assert values is not None
    assert values[-1] > 1e-14 * values[0]
    torch.testing.assert_close(dense(build(scaled, 12)), dense(plain) / values)


def test_scaling_is_cut_at_rounding() -> None:
    lengths = torch.linalg.vector_norm(dense(build(OutputRSVD(scaled=True))), dim=0)
    values = build("output").singular_values
    assert values is not None
    assert lengths.max() <= 1.001 / (torch.finfo(torch.float64).eps * values[0])


def test_extra_rows_bound_the_rows_that_are_read() -> None:
    few = OutputRSVD(extra_rows=10)
    rows = torch.cat(list(few.chunks(residual(), 15, RANDOM)()))
    assert rows.shape[0] == 15
    share = torch.cat(list(ResidualRSVD().chunks(residual(), 20, RANDOM)()))
    assert share.shape[0] == 20
    both = torch.cat(list(few.chunks(residual(outputs=2), 15, RANDOM)()))
    assert both.shape[0] == 16


@pytest.mark.parametrize("kind", RANDOMIZED)
def test_chunks_are_the_same_at_every_call(kind: str) -> None:
    chunks = RANDOMIZED[kind].chunks(residual(), 15, RANDOM)
    torch.testing.assert_close(torch.cat(list(chunks())), torch.cat(list(chunks())), rtol=0, atol=0)


def test_rows_that_are_not_finite_are_left_out() -> None:
    u = pl.unknown("u", X, Y)
    problem = pl.Problem("nan", pl.Box((X, Y), (0, 0), (1, 1)), [sp.sqrt(u) - 1 + u.diff(X)], [])
    compiled = compile_problem(problem)
    plan = PointPlan(problem.domain, {b.name: 40 for b in compiled.blocks})
    bad = StackedResidual(MLP(2, 1, (5, 4)), plan.bind(compiled.blocks, 0))
    assert not torch.isfinite(bad.evaluate()).all()
    subspace = ResidualRSVD().build(bad, 5, torch.Generator().manual_seed(0))
    assert isinstance(subspace.directions, Dense)
    assert torch.isfinite(subspace.directions.V).all()


def test_last_layer_is_the_tail_of_the_parameters() -> None:
    network = residual().network
    assert isinstance(network, MLP)
    subspace = build("last_layer")
    V = subspace.directions
    assert isinstance(V, Columns)
    assert V.rank == 4 + 1
    marked = network.get_vector().zero_()
    marked[V.index] = 1.0
    last = torch.cat([network.last.weight.reshape(-1), network.last.bias]).detach()
    torch.testing.assert_close(network.get_vector()[marked.bool()], last, rtol=0, atol=0)
    assert build("last_layer", rank=100).directions.rank == 5


def test_last_layer_is_taken_whole() -> None:
    with pytest.raises(pl.SettingsError, match=r"rank 3 with the last-layer basis: it has 5"):
        build("last_layer", rank=3)


def test_kinds_of_directions() -> None:
    assert isinstance(build(Full()).directions, Identity)
    assert isinstance(build(Full(), 7).directions, Columns)
    coordinate = build(Coordinate(), 7).directions
    assert isinstance(coordinate, Columns)
    assert len(set(coordinate.index.tolist())) == 7
    lengths = torch.linalg.vector_norm(dense(build(Gaussian(), 30)), dim=0)
    assert 0.7 < lengths.mean() < 1.3


@pytest.mark.parametrize("name", BASES)
def test_single_precision(name: str) -> None:
    single = residual(dtype=torch.float32)
    subspace = BASES[name].build(single, None, torch.Generator().manual_seed(0))
    coefficients = single.coefficients(single.jets_without_graph())
    product = single.times(subspace.directions, coefficients)
    assert product.dtype is torch.float32
    assert torch.isfinite(product).all()


@pytest.mark.parametrize("rank", [1, 7, 30, 10_000])
def test_a_sketch_moves_every_parameter_once(rank: int) -> None:
    V = build("count_sketch", rank).directions
    assert isinstance(V, Groups)
    matrix, rows = dense(build("count_sketch", rank)), torch.randn(5, len(V.order)).double()
    assert ((matrix != 0).sum(dim=1) == 1).all()
    counts = (matrix != 0).sum(dim=0)
    assert counts.max() - counts.min() <= 1
    unit = torch.eye(V.rank, dtype=torch.float64)
    torch.testing.assert_close(matrix.T @ matrix, unit, rtol=0, atol=1e-14)
    torch.testing.assert_close(V.project(rows), rows @ matrix)
    torch.testing.assert_close(V.restrict(rows[0]), rows[0] @ matrix)
    torch.testing.assert_close(V.columns(slice(0, 1), rows), matrix[:, :1])


def test_names() -> None:
    names = "full output residual gaussian count_sketch coordinate last_layer"
    assert list(BASES) == names.split()
    own = OutputRSVD(oversampling=3)
    assert basis_named(own) is own
    assert all(basis_named(name).name == name for name in BASES)
    message = "'rsvd' is not known: choose one of full, output, residual, gaussian, count_sketch"
    with pytest.raises(pl.SettingsError, match=message):
        basis_named("rsvd")
