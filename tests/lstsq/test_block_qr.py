"""Householder QR against LAPACK's."""

from __future__ import annotations

import pytest
import torch

from pdelsr.lstsq.block_qr import PANEL, factored

SHAPES = [(3, 1), (PANEL, PANEL), (300, 2 * PANEL), (300, 70), (40, 64), (1100, 900)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_vector_is_rotated_as_by_lapack(shape: tuple[int, int], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    A, b = torch.randn(shape, dtype=dtype), torch.randn(shape[0], dtype=dtype)
    reflectors, tau = torch.geqrf(A)
    expected = torch.ormqr(reflectors, tau, b[:, None], transpose=True)[:, 0]
    found = factored(A.clone())
    assert torch.allclose(found.rotated(b), expected, rtol=0, atol=200 * torch.finfo(dtype).eps)
    R = reflectors[: min(shape)].triu()
    assert torch.allclose(found.R, R, rtol=0, atol=1e3 * torch.finfo(dtype).eps)


def test_columns_that_vanish_are_no_reflections() -> None:
    A = torch.randn(50, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    A[:, 1:3] = 0
    found, b = factored(A.clone()), torch.linspace(-1, 1, 50, dtype=torch.float64)
    rotated = found.rotated(b)
    assert torch.isfinite(rotated).all()
    assert torch.allclose(rotated.norm(), b.norm(), rtol=1e-14)
    assert torch.allclose(A.T @ b, found.R.T @ rotated[:4], rtol=0, atol=1e-13)


def test_the_matrix_is_overwritten_by_its_factors() -> None:
    A = torch.randn(600, 300, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected, _ = torch.geqrf(A)
    factored(A)
    assert torch.allclose(A, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("r", [1, 20, PANEL, 2 * PANEL + 30])
def test_zeros_below_a_triangle_stay_zero(r: int) -> None:
    generator = torch.Generator().manual_seed(0)
    above = torch.randn(2 * r, r, dtype=torch.float64, generator=generator)
    triangle = torch.randn(r, r, dtype=torch.float64, generator=generator).triu()
    A, b = torch.cat([above, triangle]), torch.linspace(-1, 1, 3 * r, dtype=torch.float64)
    reflectors, tau = torch.geqrf(A)
    found = factored(A.clone(), trapezoid=r)
    assert torch.allclose(found.reflectors, reflectors, rtol=0, atol=1e-13)
    assert not found.reflectors[2 * r :].tril(-1).any()
    expected = torch.ormqr(reflectors, tau, b[:, None], transpose=True)[:, 0]
    assert torch.allclose(found.rotated(b), expected, rtol=0, atol=1e-13)
