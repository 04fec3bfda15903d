"""Newton in the tangent space against dense least squares, and its convergence."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
import torch
from solver_cases import burgers, cubic, heat, never_finite, poisson, started

from pdelsr.linearize import Dense, Directions, Identity, RefinedPredictor, StackedResidual
from pdelsr.linearize.tangent_model import tangent_model
from pdelsr.lstsq import QR, SOLVERS, MatrixSystem
from pdelsr.solvers.refinement.tangent_newton import refine_in_subspace
from pdelsr.subspace import BASES


def everything(residual: StackedResidual) -> Identity:
    return Identity(residual.network.parameter_count)


def some(residual: StackedResidual, rank: int, basis: str = "gaussian") -> Directions:
    generator = torch.Generator().manual_seed(0)
    return BASES[basis].build(residual, rank, generator).directions


@pytest.mark.parametrize("problem", [poisson, heat], ids=["poisson", "heat"])
def test_a_linear_problem_is_the_dense_least_squares_problem(problem) -> None:
    residual = started(problem()).fresh_residual()
    found = refine_in_subspace(residual, everything(residual), QR(), 5)
    assert found.steps == 1
    G = residual.matrix(residual.coefficients(residual.jets_without_graph())).numpy()
    f = residual.evaluate().numpy()
    lengths = np.linalg.norm(G, axis=0)
    lengths[lengths == 0] = 1.0
    y = np.linalg.lstsq(G / lengths, -f, rcond=1e-14)[0]
    expected = np.linalg.norm(G / lengths @ y + f)
    size = np.linalg.norm(f)
    assert found.train <= 1.05 * expected + 1e-13 * size
    predicted = residual.evaluate(RefinedPredictor(residual.network, found.delta))
    assert torch.linalg.vector_norm(predicted).item() == pytest.approx(found.train)


@pytest.mark.parametrize("name", ["svd", "cholesky"])
@pytest.mark.filterwarnings("ignore:Cholesky")
def test_solvers_agree_in_a_well_conditioned_subspace(name: str) -> None:
    residual = started(heat()).fresh_residual()
    V = some(residual, 10)
    by_qr, other = (refine_in_subspace(residual, V, s) for s in (QR(), SOLVERS[name]))
    torch.testing.assert_close(other.delta, by_qr.delta, rtol=1e-6, atol=1e-8)


def test_a_nonlinear_problem_converges_quadratically() -> None:
    residual = started(cubic(), hidden=(10, 10), weight_scale=2.0).fresh_residual()
    found = [refine_in_subspace(residual, everything(residual), QR(), n) for n in (1, 2, 3, 4, 5)]
    sizes = [f.train for f in found[1:]]
    assert found[-1].train < 1e-6 * found[0].train
    steps = [-np.log10(after / before) for before, after in pairwise(sizes)]
    big = [s for s, size in zip(steps, sizes[1:], strict=True) if size > 1e-9]
    assert big == sorted(big), "every step gains more digits than the one before"


def test_newton_goes_on_from_where_another_one_ended() -> None:
    residual = started(cubic(), hidden=(10, 10), weight_scale=2.0).fresh_residual()
    V = everything(residual)
    first, all_steps = (refine_in_subspace(residual, V, QR(), n) for n in (2, 5))
    further = refine_in_subspace(residual, V, QR(), 5, guess=first.delta)
    assert further.steps < all_steps.steps
    assert further.train == pytest.approx(all_steps.train, rel=0.1)
    assert further.train < 1e-3 * first.train
    settled = refine_in_subspace(residual, V, QR(), 5, guess=further.delta)
    assert settled.train <= further.train


def test_burgers_gains_by_more_steps() -> None:
    residual = started(burgers(), hidden=(40, 40), points=200, weight_scale=2.0).fresh_residual()
    one, many = (refine_in_subspace(residual, everything(residual), QR(), n) for n in (1, 6))
    assert many.steps > 1
    assert many.train < 0.1 * one.train


@pytest.mark.parametrize("problem", [cubic, burgers], ids=["cubic", "burgers"])
def test_recombined_jets_are_the_product(problem) -> None:
    residual = started(problem()).fresh_residual()
    V = some(residual, 7)
    kept, fresh = tangent_model(residual, V, 2), tangent_model(residual, V, 1)
    assert kept.phi is not None
    assert fresh.phi is None
    for y in (torch.zeros(7, dtype=torch.float64), torch.ones(7, dtype=torch.float64)):
        for a, b in zip(kept.jets(y), fresh.jets(y), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)
        expected = residual.times(V, residual.coefficients(fresh.jets(y)))
        for model in (kept, fresh):
            torch.testing.assert_close(
                model.matrix(model.jets(y)), expected, rtol=1e-11, atol=1e-11
            )


@pytest.mark.parametrize("basis", ["gaussian", "coordinate"])
def test_kept_basis_jets_and_fresh_products_give_the_same_refinement(monkeypatch, basis) -> None:
    residual = started(cubic(), weight_scale=3.0).fresh_residual()
    V = some(residual, 40, basis)
    kept = refine_in_subspace(residual, V, QR(), 4)
    monkeypatch.setattr("pdelsr.linearize.tangent_model.KEPT_SHARE", 0.0)
    fresh = refine_in_subspace(residual, V, QR(), 4)
    assert kept.steps == fresh.steps > 1
    assert kept.train == pytest.approx(fresh.train, rel=1e-6)


def test_basis_jets_are_kept_only_where_they_pay(monkeypatch) -> None:
    residual = started(cubic()).fresh_residual()
    V = some(residual, 7)
    assert tangent_model(residual, V, 2).phi is not None
    assert tangent_model(residual, everything(residual), 2).phi is None
    linear = started(poisson()).fresh_residual()
    assert tangent_model(linear, some(linear, 7), 2).phi is None
    monkeypatch.setattr("pdelsr.linearize.tangent_model.KEPT_SHARE", 0.0)
    assert tangent_model(residual, V, 2).phi is None


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rank", [3, 20])
def test_more_than_one_step_never_raises_the_residual(seed: int, rank: int) -> None:
    context = started(cubic(), seed=seed, weight_scale=4.0, points=25)
    residual = context.fresh_residual()
    start = torch.linalg.vector_norm(residual.evaluate()).item()
    sizes = [refine_in_subspace(residual, some(residual, rank), QR(), n).train for n in (2, 3, 6)]
    assert [start, *sizes] == sorted([start, *sizes], reverse=True)


def test_one_step_is_taken_in_full() -> None:
    residual = started(cubic(), weight_scale=4.0, points=25).fresh_residual()
    V = some(residual, 20)
    found = refine_in_subspace(residual, V, QR(), 1)
    A = residual.times(V, residual.coefficients(residual.jets_without_graph()))
    y = QR().compute(QR().init(MatrixSystem(A, -residual.evaluate()))).solution
    torch.testing.assert_close(found.delta, V.lift(y))
    assert found.steps == 1


def test_the_report_is_that_of_the_last_system() -> None:
    residual = started(cubic(), weight_scale=3.0).fresh_residual()
    V = some(residual, 40)
    found = refine_in_subspace(residual, V, QR(), 5)
    assert found.steps > 1
    assert (found.report.rank, found.report.effective_rank) == (40, 40)
    assert found.report.singular_values.shape == (40,)
    assert found.report.directions is V
    assert found.report.y is not None
    torch.testing.assert_close(V.lift(found.report.y), found.delta)


def test_steps_stop_when_they_are_told_to() -> None:
    residual = started(cubic()).fresh_residual()
    found = refine_in_subspace(residual, everything(residual), QR(), 5, lambda: True)
    assert found.steps == 1
    assert found.report.effective_rank > 0


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.filterwarnings("ignore:Cholesky")
def test_a_residual_that_is_not_finite_is_left_alone(name: str) -> None:
    residual = started(never_finite(), "pinn").fresh_residual()
    assert not torch.isfinite(residual.evaluate()).all()
    found = refine_in_subspace(residual, everything(residual), SOLVERS[name], 3)
    assert found.steps == 0
    assert not found.delta.any()
    assert found.report.effective_rank is None


def test_a_dense_basis_in_chunks() -> None:
    context = started(cubic())
    whole = context.fresh_residual()
    pieces = StackedResidual(whole.network, whole.blocks, memory_budget=1)
    V = some(whole, 9)
    assert isinstance(V, Dense)
    first, second = (refine_in_subspace(r, V, QR(), 4) for r in (whole, pieces))
    torch.testing.assert_close(first.delta, second.delta, rtol=1e-6, atol=1e-9)


def test_steps_with_the_same_factors_do_the_work_of_factorizations() -> None:
    residual = started(cubic()).fresh_residual()
    solver = Counting()
    found = refine_in_subspace(residual, everything(residual), solver, 10)
    assert solver.factored[0] < solver.solved[0]
    usual = Counting()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pdelsr.solvers.refinement.tangent_problem.CORRECTIONS", 0)
        expected = refine_in_subspace(residual, everything(residual), usual, 10)
    assert usual.factored[0] == usual.solved[0] > solver.factored[0]
    assert found.train == pytest.approx(expected.train, rel=0.05, abs=5e-12)  # of rounding


@dataclass(frozen=True)
class Counting(QR):
    """QR that counts factorizations and solves."""

    factored: list[int] = field(default_factory=lambda: [0])
    solved: list[int] = field(default_factory=lambda: [0])

    def init(self, system):
        self.factored[0] += 1
        return super().init(system)

    def compute(self, state, b=None):
        self.solved[0] += 1
        return super().compute(state, b)
