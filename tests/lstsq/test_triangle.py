"""QR in blocks of rows: the same solution as in one piece, in memory that does not grow."""

from __future__ import annotations

import pytest
import torch

from pdelsr.lstsq import QR, MatrixSystem
from pdelsr.lstsq.triangle import Triangle


def system(n: int = 300, r: int = 20) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(n)
    A = torch.randn(n, r, dtype=torch.float64, generator=generator)
    A *= torch.logspace(-3, 3, r, dtype=torch.float64)  # columns of very different lengths
    return A, torch.randn(n, dtype=torch.float64, generator=generator)


def streamed(A: torch.Tensor, b: torch.Tensor, size: int) -> Triangle:
    found = Triangle(A.shape[1], A)
    for start in range(0, len(A), size):
        found.update(A[start : start + size], b[start : start + size])
    return found


@pytest.mark.parametrize("size", [1, 7, 127, 128, 129, 150, 1000])
def test_the_solution_is_that_of_one_piece(size: int) -> None:
    A, b = system()
    y = streamed(A, b, size).finish().solution(20)
    solver = QR()
    expected = solver.compute(solver.init(MatrixSystem(A.clone(), b))).solution
    torch.testing.assert_close(y, expected, rtol=1e-10, atol=0.0)


@pytest.mark.parametrize("k", [1, 5, 19, 20])
def test_leading_columns_alone(k: int) -> None:
    A, b = system()
    nested = streamed(A, b, 50).finish()
    expected = torch.linalg.lstsq(A[:, :k], b[:, None]).solution[:, 0]
    torch.testing.assert_close(nested.solution(k), expected, rtol=1e-9, atol=0.0)
    assert nested.padded(k).shape == (20,)
    assert (nested.padded(k)[k:] == 0).all()


def test_fewer_rows_than_columns() -> None:
    A, b = system(8)
    y = streamed(A, b, 3).finish().solution(20)
    assert torch.isfinite(y).all()
    torch.testing.assert_close(A @ y, b, rtol=1e-6, atol=1e-6)


def test_spectrum_and_rank() -> None:
    A, b = system()
    A[:, 4] = A[:, 3]
    spectrum = streamed(A, b, 50).finish().spectrum(20)
    assert spectrum.effective_rank == 19
    values = torch.linalg.svdvals(A)
    torch.testing.assert_close(spectrum.singular_values[:19], values[:19], rtol=1e-8, atol=0.0)


def test_memory_does_not_grow_with_the_rows() -> None:
    A, b = system()
    once, often = streamed(A, b, 50), streamed(A.repeat(9, 1), b.repeat(9), 50)
    assert often._stack.shape == once._stack.shape
    assert (once.rows, often.rows) == (300, 2700)
