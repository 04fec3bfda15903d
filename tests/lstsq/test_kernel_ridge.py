"""Kernel ridge regression: its solutions are those of damped least squares, by rows alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

import pdelsr as pl
from pdelsr.lstsq import MatrixSystem, NotFiniteError, System
from pdelsr.lstsq import system as systems


class InChunks(MatrixSystem):
    """A matrix that is given in chunks of three rows alone."""

    def dense(self):
        raise AssertionError

    def outer(self):
        return System.outer(self)

    def chunks(self):
        yield from zip(self.A.split(3), self.b.split(3), strict=True)


def case(n: int = 10, r: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(n, r, dtype=torch.float64, generator=generator)
    return A, torch.randn(n, dtype=torch.float64, generator=generator)


def damped(A: torch.Tensor, b: torch.Tensor, damping: float) -> torch.Tensor:
    """The minimum of ‖A y − b‖² + (λ σ₁)² ‖y‖², from the stacked system."""
    size = damping * torch.linalg.matrix_norm(A, 2)
    rows = torch.cat([A, size * torch.eye(A.shape[1], dtype=A.dtype)])
    return torch.linalg.lstsq(rows, torch.nn.functional.pad(b, (0, A.shape[1]))[:, None])[0][:, 0]


@pytest.mark.parametrize("shape", [(10, 40), (30, 5)])
def test_the_path_is_that_of_damped_least_squares(shape: tuple[int, int]) -> None:
    A, b = case(*shape)
    solver = pl.KernelRidge((0.3, 0.03, 0.003))
    found = list(solver.path(solver.init(InChunks(A, b))))
    assert [one.damping for one in found] == [0.3, 0.03, 0.003]
    assert {one.rank for one in found} == {min(shape)}
    for one in found:
        # the largest singular value comes from a few products
        torch.testing.assert_close(one.solution, damped(A, b, one.damping), rtol=0.02, atol=1e-3)


def test_little_damping_interpolates() -> None:
    A, b = case()
    solver = pl.KernelRidge()
    y = solver.compute(solver.init(InChunks(A, b))).solution
    torch.testing.assert_close(A @ y, b)
    other = solver.compute(solver.init(InChunks(A, b)), 2 * b).solution
    torch.testing.assert_close(other, 2 * y)


@pytest.mark.parametrize("rows", [1, 3, 4, 7, 100])
def test_rows_are_multiplied_block_by_block(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    A, b = case()
    monkeypatch.setattr(systems, "BLOCK", rows * A.shape[1] * 8)
    torch.testing.assert_close(InChunks(A, b).outer(), A @ A.T)


def test_dampings_below_rounding_end_the_path() -> None:
    A, b = case()
    A = torch.randn(10, 2, dtype=torch.float64) @ A[:2]  # A Aᵀ is singular
    solver = pl.KernelRidge((1e-3, 1e-30))
    assert [one.damping for one in solver.path(solver.init(InChunks(A, b)))] == [1e-3]
    assert torch.isfinite(solver.compute(solver.init(InChunks(A, b))).solution).all()
    with pytest.raises(pl.SettingsError, match="above rounding"):
        pl.KernelRidge((1e-30,)).compute(solver.init(InChunks(A, b)))


def test_values_that_are_not_finite_are_named() -> None:
    A, b = case()
    A[3, 2] = float("nan")
    with pytest.raises(NotFiniteError):
        pl.KernelRidge().init(InChunks(A, b))


def test_further_paths_begin_above_what_was_good_before() -> None:
    solver = pl.KernelRidge()
    near = solver.near(1e-4).dampings
    assert 1e-4 in [pytest.approx(x) for x in near]
    assert max(near) < 1e-3
    assert min(near) == min(solver.dampings)  # where patience ends them
    assert solver.near(1e3) == solver
    assert solver.on_part(4).most_rows == 3750


def test_the_largest_eigenvalue_is_that_of_odd_data_as_well() -> None:
    x = torch.linspace(-2, 2, 41, dtype=torch.float64)
    A = torch.stack([x, x**3, x**5], dim=1)  # whose rows sum to zero
    state = pl.KernelRidge().init(InChunks(A, x**7))
    assert state.largest == pytest.approx(torch.linalg.matrix_norm(A, 2).item() ** 2, rel=1e-6)


def test_the_closest_fit_is_that_of_least_squares_where_b_cannot_be_reached() -> None:
    A, b = case(400, 30)
    A = A * torch.logspace(0, -2, 30, dtype=A.dtype)
    exact = torch.linalg.lstsq(A, b[:, None]).solution[:, 0]
    solver = pl.KernelRidge()
    found = solver.compute(solver.init(InChunks(A, b)))
    torch.testing.assert_close(found.solution, exact, rtol=1e-3, atol=1e-3)
    size = torch.linalg.vector_norm(A @ found.solution - b)
    assert size < (1 + 1e-8) * torch.linalg.vector_norm(A @ exact - b)
    assert found.damping > 1e-7


def test_what_can_be_reached_is_fitted_beside_what_cannot() -> None:
    A, b = case(60, 20)
    U, _, Vh = torch.linalg.svd(A, full_matrices=False)
    A = U * torch.logspace(0, -5, 20, dtype=A.dtype) @ Vh
    inside = U @ torch.ones(20, dtype=A.dtype) * 0.1 / math.sqrt(20)
    rest = b - U @ (U.T @ b)
    b = inside + rest / torch.linalg.vector_norm(rest)
    solver = pl.KernelRidge((1e-4,))
    state = solver.init(InChunks(A, b))
    plain, close = (
        U.T @ (A @ y - b) for y in (state.solution(b, 1e-4), solver.compute(state).solution)
    )
    assert torch.linalg.vector_norm(close) < 0.3 * torch.linalg.vector_norm(plain)


WRONG = [
    (),
    (0.1, 0.2),
    (0.1, 0.0),
    (0.1, 0.1),
    (float("nan"),),
    1e-4,
    None,
    ("a",),
    "1e-4",
    "321",
    (math.inf, 1.0),
]


@pytest.mark.parametrize("dampings", WRONG)
def test_dampings_fall(dampings: Any) -> None:
    with pytest.raises(pl.SettingsError, match="dampings are"):
        pl.KernelRidge(dampings)


@pytest.mark.parametrize("most", [0, 63, True])
def test_the_number_of_rows_is_bounded(most: Any) -> None:
    with pytest.raises(pl.SettingsError, match="most_rows is"):
        pl.KernelRidge(most_rows=most)


@pytest.mark.parametrize("make", [np.asarray, torch.DoubleTensor, list])
def test_dampings_may_be_an_array(make: Any) -> None:
    assert pl.KernelRidge(make([1e-2, 2**-10])) == pl.KernelRidge((1e-2, 2**-10))


def test_more_rows_than_the_bound_are_refused() -> None:
    A, b = case(80, 5)
    with pytest.raises(pl.SettingsError, match="80 rows are too many for a kernel, which takes 64"):
        pl.KernelRidge(most_rows=64).init(InChunks(A, b))


def test_the_smallest_damping_above_rounding_is_told() -> None:
    A, b = case()
    solver = pl.KernelRidge((1e-2, 1e-4))
    assert solver.compute(solver.init(InChunks(A, b))).damping == 1e-4


def test_the_closest_fit_goes_beyond_the_smallest_damping() -> None:
    A, b = case(60, 200)
    A = A * torch.logspace(0, -7, 60, dtype=A.dtype)[:, None]  # singular values down to 1e-7
    b = A @ torch.ones(200, dtype=A.dtype)
    solver = pl.KernelRidge((1e-4, 1e-5))
    state = solver.init(InChunks(A, b))
    plain, close = state.solution(b, 1e-5), solver.compute(state).solution
    rests = [torch.linalg.vector_norm(A @ y - b) for y in (plain, close)]
    assert rests[1] < 0.1 * rests[0]
    again = [one.solution for one in solver.path(state)]  # the kernel is as it was
    torch.testing.assert_close(again[-1], plain)
