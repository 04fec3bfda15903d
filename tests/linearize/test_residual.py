"""G by rows against autograd, the adjoint identity, measured slopes, and chunking."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
import torch
from residual_cases import CASES, IDS, PROBLEMS, assert_close, build, coefficients, normal
from torch import Tensor

import pdelsr as pl
from pdelsr.linearize import Columns, Dense, Identity, StackedResidual
from pdelsr.solvers.prepare import prepare
from pdelsr.solvers.request import Request

AT_ONCE = 10**9
ONE_ROW = 1


def autograd_matrix(residual: StackedResidual) -> Tensor:
    """∂f/∂θ by one reverse pass a row through values and jets."""
    parameters = list(residual.network.parameters())
    values = residual.values(residual.jets())
    rows = [torch.autograd.grad(v, parameters, retain_graph=True) for v in values]
    return torch.stack([torch.cat([g.reshape(-1) for g in row]) for row in rows])


@pytest.mark.parametrize(("problem", "network"), CASES, ids=IDS)
def test_matrix_is_the_jacobian_of_the_residual(problem: str, network: str) -> None:
    residual = build(problem, network)
    assert_close(residual.matrix(coefficients(residual)), autograd_matrix(residual))


@pytest.mark.parametrize(("problem", "network"), CASES, ids=IDS)
def test_adjoint_identity(problem: str, network: str) -> None:
    residual = build(problem, network)
    c = coefficients(residual)
    v = normal(residual.network.parameter_count, 1)
    w = normal(residual.row_count, seed=1)
    left = torch.dot(residual.times(v, c)[:, 0], w)
    right = torch.dot(v[:, 0], residual.transpose_times(w, c))
    assert_close(left, right, 1e-12)


@pytest.mark.parametrize(("problem", "network"), CASES, ids=IDS)
def test_linearization_error_falls_with_the_square_of_the_step(problem: str, network: str) -> None:
    residual = build(problem, network)
    network_ = residual.network
    theta, f = network_.get_vector(), residual.evaluate()
    v = normal(network_.parameter_count, 1)
    slope = residual.times(v, coefficients(residual))[:, 0]
    steps = np.logspace(-2, -4, 5)
    errors = []
    for step in steps:
        network_.set_vector(theta + step * v[:, 0])
        errors.append(torch.linalg.vector_norm(residual.evaluate() - f - step * slope).item())
    order = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert order == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize(("problem", "network"), CASES, ids=IDS)
def test_basis_jets_recombine_to_the_product(problem: str, network: str) -> None:
    residual = build(problem, network)
    c = coefficients(residual)
    V = normal(residual.network.parameter_count, 4)
    basis = residual.basis_jets(V)
    recombined = torch.cat([(a[:, :, None] * b).sum(dim=0) for a, b in zip(c, basis, strict=True)])
    assert_close(recombined, residual.times(V, c), 1e-12)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_directions_agree_with_their_matrices(problem: str) -> None:
    residual = build(problem)
    c, m = coefficients(residual), residual.network.parameter_count
    eye = torch.eye(m, dtype=torch.float64)
    index = torch.tensor([3, 0, 11])
    for directions, V in ((Identity(m), eye), (Columns(index, m), eye[:, index])):
        assert_close(residual.times(directions, c), residual.times(Dense(V), c), 1e-13)
        for a, b in zip(residual.basis_jets(directions), residual.basis_jets(V), strict=True):
            assert_close(a, b, 1e-13)
        y = normal(directions.rank)
        assert_close(directions.lift(y), V @ y, 1e-14)


@pytest.mark.parametrize(("problem", "network"), CASES, ids=IDS)
def test_chunks_give_identical_results(problem: str, network: str) -> None:
    whole = build(problem, network, AT_ONCE)
    m = whole.network.parameter_count
    V, w = normal(m, 3), normal(whole.row_count)
    c = coefficients(whole)
    assert len(list(whole.rows(c))) == len(whole.blocks)
    for budget in (ONE_ROW, 4 * 8 * m):
        pieces = build(problem, whole.network, budget)
        for part, rows in pieces.rows(c):
            assert rows.numel() * rows.element_size() <= max(budget, 8 * m)
            assert part.stop - part.start == len(rows)
        assert_close(pieces.times(V, c), whole.times(V, c), 1e-13)
        assert_close(pieces.transpose_times(w, c), whole.transpose_times(w, c), 1e-13)
        for a, b in zip(pieces.basis_jets(V), whole.basis_jets(V), strict=True):
            assert_close(a, b, 1e-13)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_pieces_of_points_give_the_same_jets_and_values(
    problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    residual = build(problem)
    jets, values = residual.jets(), residual.evaluate()
    monkeypatch.setattr("pdelsr.resources.memory.ON_CPU", 7)
    assert len(residual.blocks[0].in_pieces(lambda part: torch.zeros(1))) > 1
    for a, b in zip(residual.jets_without_graph(), jets, strict=True):
        assert_close(a, b.detach(), 1e-14)
    assert_close(residual.evaluate(), values, 1e-14)


def test_linearity_is_that_of_the_blocks() -> None:
    residual = build("burgers")
    assert not residual.is_linear
    assert residual.with_blocks(residual.blocks[1:]).is_linear


@pytest.mark.parametrize("problem", PROBLEMS)
def test_single_precision(problem: str) -> None:
    double, single = build(problem), build(problem, dtype=torch.float32)
    rows = single.matrix(coefficients(single))
    assert rows.dtype == torch.float32
    assert_close(rows.double(), double.matrix(coefficients(double)), 1e-4)


@pytest.mark.parametrize(("source", "several"), [(0, False), (1e-9, True)])
def test_several_terms_are_told_down_to_rounding(source: float, several: bool) -> None:
    x = pl.coordinates("x")
    u = pl.unknown("u", x)
    equation = u.diff(x, 2) - source * sp.cos(20 * x)
    problem = pl.Problem("line", pl.Interval(x, 0, 1), [equation], [pl.Dirichlet(u, 0)])
    options = {"hidden": (8,), "points": 60, "hard": True}
    context = prepare(Request.of(problem, "pinn", options).job())
    assert context.heldout.adds_up(context.network) is several
