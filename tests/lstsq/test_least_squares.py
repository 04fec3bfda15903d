"""Every least-squares solver against `numpy.linalg.lstsq`, and what it says about the matrix."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch

from pdelsr.errors import SettingsError
from pdelsr.lstsq import (
    LSMR,
    QR,
    SOLVERS,
    Cholesky,
    LeastSquares,
    MatrixSystem,
    NormalEquationsWarning,
    NotFiniteError,
    StreamingQR,
    TruncatedSVD,
    solver_named,
)
from pdelsr.lstsq.base import Ended, equilibrate
from pdelsr.lstsq.lsmr import SMALL, IterationsWarning
from pdelsr.lstsq.qr import estimated_values

DIRECT = ("qr", "streaming-qr", "svd")
WITH_FACTORS = [name for name in SOLVERS if name != "lsmr"]


@pytest.fixture(autouse=True)
def _quiet() -> object:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NormalEquationsWarning)
        yield


def matrix(n: int, values: np.ndarray, seed: int = 0) -> np.ndarray:
    """n × r with these singular values."""
    rng = np.random.default_rng(seed)
    left = np.linalg.qr(rng.standard_normal((n, len(values))))[0]
    right = np.linalg.qr(rng.standard_normal((len(values), len(values))))[0]
    return (left * values) @ right


def right_hand_side(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n)


def solved(solver: LeastSquares, A: np.ndarray, b: np.ndarray) -> np.ndarray:
    system = MatrixSystem(torch.tensor(A), torch.tensor(b))
    return solver.compute(solver.init(system)).solution.numpy()


def factored(solver: LeastSquares, A: np.ndarray | torch.Tensor) -> Any:
    """The state of a solver for a matrix, of which it may overwrite a copy."""
    return solver.init(MatrixSystem(torch.tensor(A) if isinstance(A, np.ndarray) else A.clone()))


def excess(A: np.ndarray, b: np.ndarray, y: np.ndarray) -> float:
    """‖A y − b‖ over the smallest possible one."""
    best = np.linalg.lstsq(A, b, rcond=None)[0]
    return float(np.linalg.norm(A @ y - b) / np.linalg.norm(A @ best - b))


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("n", [40, 12], ids=["tall", "square"])
def test_well_conditioned(name: str, n: int) -> None:
    A, b = matrix(n, np.linspace(1, 2, 12)), right_hand_side(n)
    expected = np.linalg.lstsq(A, b, rcond=None)[0]
    np.testing.assert_allclose(solved(SOLVERS[name], A, b), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("name", DIRECT)
def test_ill_conditioned_residual_is_the_smallest(name: str) -> None:
    A, b = matrix(60, np.logspace(0, -10, 20)), right_hand_side(60)
    assert excess(A, b, solved(SOLVERS[name], A, b)) < 1 + 1e-7


@pytest.mark.parametrize("name", DIRECT)
def test_consistent_systems_are_solved_to_rounding(name: str) -> None:
    A = matrix(60, np.logspace(0, -10, 20))
    b = A @ right_hand_side(20)
    assert np.linalg.norm(A @ solved(SOLVERS[name], A, b) - b) < 1e-13 * np.linalg.norm(b)


def test_normal_equations_lose_half_of_the_digits() -> None:
    A = matrix(60, np.logspace(0, -10, 20))
    b = A @ np.ones(20)
    by_cholesky, by_qr = (np.linalg.norm(A @ solved(s, A, b) - b) for s in (Cholesky(), QR()))
    assert by_cholesky > 1e2 * by_qr
    assert by_cholesky < 1e-6 * np.linalg.norm(b)


@pytest.mark.parametrize("name", SOLVERS)
def test_badly_scaled_columns_do_no_harm(name: str) -> None:
    A, b = matrix(40, np.linspace(1, 2, 10)), right_hand_side(40)
    lengths = np.logspace(-12, 12, 10)
    expected = np.linalg.lstsq(A, b, rcond=None)[0] / lengths
    np.testing.assert_allclose(solved(SOLVERS[name], A * lengths, b), expected, rtol=1e-9)


def test_equilibration_is_in_place_and_keeps_zero_columns() -> None:
    A = torch.tensor([[3.0, 0.0, 1e-100], [4.0, 0.0, 0.0]], dtype=torch.float64)
    scaled, lengths = equilibrate(A)
    assert scaled is A
    torch.testing.assert_close(torch.linalg.vector_norm(A, dim=0), A.new_tensor([1.0, 0.0, 1.0]))
    torch.testing.assert_close(lengths, A.new_tensor([5.0, 1.0, 1e-100]), rtol=1e-15, atol=0)


@pytest.mark.parametrize("name", SOLVERS)
def test_zero_columns_get_finite_unknowns(name: str) -> None:
    A, b = matrix(30, np.linspace(1, 2, 5)), right_hand_side(30)
    A[:, 2] = 0.0
    y = solved(SOLVERS[name], A, b)
    assert np.isfinite(y).all()
    assert excess(A, b, y) < 1 + 1e-10
    if name in WITH_FACTORS:
        assert SOLVERS[name].spectrum(factored(SOLVERS[name], A)).effective_rank == 4


@pytest.mark.parametrize("name", WITH_FACTORS)
@pytest.mark.parametrize("rank", [1, 7, 20])
def test_effective_rank_is_that_of_the_matrix(name: str, rank: int) -> None:
    rng = np.random.default_rng(3)
    A = rng.standard_normal((50, rank)) @ rng.standard_normal((rank, 20))
    spectrum = SOLVERS[name].spectrum(factored(SOLVERS[name], A))
    assert spectrum.effective_rank == rank
    assert spectrum.singular_values.shape == (20,)
    assert (spectrum.singular_values.diff() <= 0).all()


def test_the_rough_rank_of_qr_is_near_the_effective_one() -> None:
    decaying = torch.tensor(matrix(300, np.logspace(0, -40, 200)))
    full = torch.tensor(matrix(300, np.logspace(0, -3, 200)))
    solver = QR()
    effective = solver.spectrum(factored(solver, decaying)).effective_rank
    rough = solver.compute(factored(solver, decaying)).rank
    assert rough is not None
    assert 0.8 * effective < rough < 1.3 * effective
    assert solver.compute(factored(solver, full)).rank == 200
    assert Cholesky().compute(factored(Cholesky(), torch.eye(2))).rank is None


@pytest.mark.parametrize("name", WITH_FACTORS)
def test_condition_is_that_of_the_equilibrated_matrix(name: str) -> None:
    A = matrix(50, np.logspace(0, -3, 15)) * np.logspace(-5, 5, 15)
    expected = np.linalg.cond(A / np.linalg.norm(A, axis=0))
    spectrum = SOLVERS[name].spectrum(factored(SOLVERS[name], A))
    assert spectrum.condition == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", SOLVERS)
def test_one_factorization_serves_many_right_hand_sides(name: str) -> None:
    A = matrix(40, np.linspace(1, 3, 8))
    state = factored(SOLVERS[name], A)
    for seed in range(3):
        b = right_hand_side(40, seed)
        expected = np.linalg.lstsq(A, b, rcond=None)[0]
        y = SOLVERS[name].compute(state, torch.tensor(b)).solution.numpy()
        np.testing.assert_allclose(y, expected, atol=1e-11)


@pytest.mark.parametrize("name", ["qr", "svd", "lsmr"])
def test_fewer_equations_than_unknowns(name: str) -> None:
    A, b = matrix(20, np.linspace(1, 2, 8)).T.copy(), right_hand_side(8)
    y = solved(SOLVERS[name], A, b)
    assert np.linalg.norm(A @ y - b) < 1e-10
    assert np.linalg.norm(y) < 10


@pytest.mark.parametrize("name", SOLVERS)
def test_single_precision(name: str) -> None:
    A, b = matrix(40, np.linspace(1, 2, 8)), right_hand_side(40)
    single = torch.float32
    state = factored(SOLVERS[name], torch.tensor(A, dtype=single))
    y = SOLVERS[name].compute(state, torch.tensor(b, dtype=single)).solution
    assert y.dtype is single
    np.testing.assert_allclose(y.numpy(), np.linalg.lstsq(A, b, rcond=None)[0], atol=1e-5)
    if name in WITH_FACTORS:
        assert SOLVERS[name].spectrum(state).effective_rank == 8


def test_rank_deficient_solutions_stay_small() -> None:
    rng = np.random.default_rng(4)
    A = rng.standard_normal((50, 5)) @ rng.standard_normal((5, 20))
    b = A @ rng.standard_normal(20)
    for name in DIRECT:
        y = solved(SOLVERS[name], A, b)
        assert np.linalg.norm(A @ y - b) < 1e-12 * np.linalg.norm(b)
        assert np.linalg.norm(y) < 100


def test_the_cut_of_the_truncated_svd() -> None:
    A = torch.diag(torch.tensor([1.0, 1.0, 1.0], dtype=torch.float64))
    A[0, 1] = 1.0 - 1e-6
    assert TruncatedSVD().spectrum(factored(TruncatedSVD(), A)).effective_rank == 3
    coarse = TruncatedSVD(cut=0.9)
    assert coarse.spectrum(factored(coarse, A)).effective_rank < 3


def test_damping_of_qr_bounds_the_unknowns() -> None:
    A, b = matrix(40, np.logspace(0, -14, 20)), right_hand_side(40)
    sizes = [np.linalg.norm(solved(QR(damping=d), A, b)) for d in (1.0, 1e6)]
    assert sizes[1] < 1e-2 * sizes[0]
    ranks = [_rank(QR(damping=d), A) for d in (1.0, 1e6)]
    assert ranks[1] < ranks[0] <= 20


def test_damping_of_cholesky_does_not_count_as_rank() -> None:
    A = np.repeat(right_hand_side(30)[:, None], 3, axis=1)
    for damping in (0.0, 1.0, 1e4):
        assert _rank(Cholesky(damping=damping), A) == 1


def test_lsmr_stops_after_its_iterations() -> None:
    A, b = matrix(60, np.logspace(0, -6, 20)), right_hand_side(60)
    early, late = (excess(A, b, solved(LSMR(iterations=i), A, b)) for i in (2, 2000))
    assert early > late
    assert late == pytest.approx(1.0, abs=1e-6)


class OnlyProducts(MatrixSystem):
    """A system that nobody may ask for the whole matrix."""

    def dense(self) -> tuple[torch.Tensor, torch.Tensor]:
        raise AssertionError("the matrix was formed")


@pytest.mark.parametrize("solver", [LSMR(), StreamingQR()], ids=lambda s: s.name)
def test_solvers_that_form_no_matrix(solver: LeastSquares) -> None:
    n, r = SMALL // 8 + 1, 8
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(n, r, dtype=torch.float64, generator=generator)
    b = torch.randn(n, dtype=torch.float64, generator=generator)
    state = solver.init(OnlyProducts(A, b))
    for right_side in (b, 3 * b.flip(0)):
        found = solver.compute(state, right_side).solution
        torch.testing.assert_close(found, torch.linalg.lstsq(A, right_side[:, None]).solution[:, 0])
    assert LSMR().numbers(100 * n, 100 * r) < 0.2 * (100 * n) * (100 * r)


def test_lsmr_tells_condition_and_status() -> None:
    A, b = matrix(60, np.logspace(0, -3, 20)), right_hand_side(60)
    unit = A / np.linalg.norm(A, axis=0)
    state = factored(LSMR(), unit)
    found = LSMR().compute(state, torch.tensor(b))
    assert found.status is Ended.SOLVED
    assert found.rank is None
    assert LSMR().spectrum(state) is None
    assert found.condition == pytest.approx(np.linalg.cond(unit), rel=1.0)
    with pytest.warns(IterationsWarning, match=r"the iterations were over .* Raise iterations"):
        early = LSMR(iterations=3).compute(state, torch.tensor(b))
    assert early.status is Ended.ITERATIONS
    assert early.condition is None


@pytest.mark.parametrize("name", SOLVERS)
def test_the_right_hand_side_of_the_system_is_the_one_to_solve_for(name: str) -> None:
    A, b = matrix(40, np.linspace(1, 3, 8)), right_hand_side(40)
    own = solved(SOLVERS[name], A, b)
    given = SOLVERS[name].compute(factored(SOLVERS[name], A), torch.tensor(b)).solution
    np.testing.assert_allclose(own, given, atol=1e-13)


def test_a_matrix_that_is_not_finite_is_refused_by_lsmr() -> None:
    A = torch.ones(5, 2, dtype=torch.float64)
    A[1, 1] = torch.nan
    state = LSMR().init(MatrixSystem(A, torch.ones(5, dtype=torch.float64)))
    with pytest.raises(NotFiniteError, match="not finite"):
        LSMR().compute(state)


def test_streaming_qr_knows_what_its_solution_leaves() -> None:
    A, b = matrix(60, np.logspace(0, -4, 20)), right_hand_side(60)
    solver = StreamingQR()
    state = solver.init(MatrixSystem(torch.tensor(A), torch.tensor(b)))
    y = solver.compute(state).solution.numpy()
    assert solver.left_over(state) == pytest.approx(np.linalg.norm(A @ y - b), rel=1e-12)
    assert solver.left_over(state, torch.tensor(b)) is None
    leading = solver.leading(state).solution(7).numpy()
    assert excess(A[:, :7], b, leading) < 1 + 1e-10


def test_cholesky_warns() -> None:
    with pytest.warns(NormalEquationsWarning, match="squares the condition number"):
        factored(Cholesky(), torch.eye(3, dtype=torch.float64))


def test_names() -> None:
    assert list(SOLVERS) == ["qr", "streaming-qr", "svd", "cholesky", "lsmr"]
    own = QR(damping=3)
    assert solver_named(own) is own
    assert all(solver_named(name).name == name for name in SOLVERS)
    message = "'qrr' is not known: choose one of qr, streaming-qr, svd, cholesky, lsmr"
    with pytest.raises(SettingsError, match=message):
        solver_named("qrr")


def _rank(solver: LeastSquares, A: np.ndarray) -> int:
    state = factored(solver, A)
    return solver.spectrum(state).effective_rank


@pytest.mark.parametrize("decades", [2, 8, 16])
def test_estimated_singular_values_are_within_a_small_factor(decades: int) -> None:
    values = np.logspace(0, -decades, 300)
    R = torch.linalg.qr(torch.tensor(matrix(300, values))).R
    found = estimated_values(R).numpy() / values
    above_rounding = values > 1e-13
    assert found[above_rounding].min() > 0.5
    assert found[above_rounding].max() < 2.0
    assert np.median(found[above_rounding]) == pytest.approx(1.0, abs=0.05)


def test_the_nested_solution_is_that_of_a_part_of_the_columns() -> None:
    A, b = matrix(60, np.linspace(1, 3, 20)), right_hand_side(60)
    state = factored(QR(), A)
    nested = QR().in_part(state, torch.tensor(b))
    assert nested is not None
    kept = nested.numpy() != 0
    assert kept.sum() == 17  # 85 % of 20
    expected = np.linalg.lstsq(A[:, kept], b, rcond=None)[0]
    np.testing.assert_allclose(nested.numpy()[kept], expected, rtol=1e-9)


def test_solvers_without_a_nested_solution_say_so() -> None:
    A, b = torch.tensor(matrix(20, np.ones(4))), torch.tensor(right_hand_side(20))
    assert Cholesky().in_part(factored(Cholesky(), A), b) is None


@pytest.mark.parametrize("solver", [QR(), StreamingQR(), TruncatedSVD()], ids=lambda s: s.name)
def test_root_covariance_is_that_of_the_dense_inverse(solver: LeastSquares) -> None:
    rng = np.random.default_rng(0)
    A, rows = rng.standard_normal((40, 12)) * 10.0 ** rng.integers(-3, 4, 12), rng.random((5, 12))
    X = solver.root_covariance(factored(solver, A), torch.tensor(rows))
    assert X is not None
    expected = rows @ np.linalg.inv(A.T @ A) @ rows.T
    np.testing.assert_allclose((X @ X.T).numpy(), expected, rtol=1e-9)


def test_what_a_system_leaves_open_is_amplified_up_to_rounding() -> None:
    A = torch.eye(6, 4, dtype=torch.float64)
    A[:, 3] = A[:, 2]  # the difference of two unknowns is open
    difference = torch.tensor([[0.0, 0.0, 1.0, -1.0], [1.0, 0.0, 0.0, 0.0]], dtype=torch.float64)
    for solver in (QR(), TruncatedSVD()):
        X = solver.root_covariance(factored(solver, A), difference)
        assert X is not None
        lengths = torch.linalg.vector_norm(X, dim=1)
        assert lengths[0] > 1e12
        assert lengths[1] == pytest.approx(1.0)


def test_columns_whose_lengths_overflow_have_no_covariance_that_is_told() -> None:
    A = torch.full((6, 3), 1e30, dtype=torch.float32)  # its squares are infinite
    solver = TruncatedSVD()
    state = factored(solver, A)
    assert state.Wt.shape[0] == 0  # no direction is left
    X = solver.root_covariance(state, torch.ones(2, 3, dtype=torch.float32))
    assert not torch.linalg.vector_norm(X, dim=1).isfinite().any()
