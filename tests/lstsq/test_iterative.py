"""Iterative solvers: they converge, agree with scipy, and see the matrix through its triangle."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import scipy.sparse.linalg
import torch

from pdelsr.lstsq.iterative import ITERATIVE, iterates

F64 = torch.float64


def system(n: int = 200, r: int = 20, decades: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(n + r)
    A = torch.randn(n, r, dtype=F64, generator=generator)
    A *= torch.logspace(3, 3 - decades, r, dtype=F64)  # far from σ_max = 1
    return A, 50 * torch.randn(n, dtype=F64, generator=generator)


@pytest.mark.parametrize(
    ("name", "error"),
    [("adam", 1e-4), ("lbfgs", 1e-6), ("cgls", 1e-12), ("lsqr", 1e-12), ("lsmr", 1e-12)],
)
def test_they_reach_the_direct_solution(name: str, error: float) -> None:
    A, b = system()
    expected = torch.linalg.lstsq(A, b[:, None]).solution[:, 0]
    early, late, same = iterates(name, A, b, [2, 1000, 1500])
    size = torch.linalg.vector_norm(expected)
    assert torch.linalg.vector_norm(late - expected) < error * size
    assert torch.linalg.vector_norm(same - expected) < error * size
    assert torch.linalg.vector_norm(early - expected) > 1e-3 * size


@pytest.mark.parametrize("name", ITERATIVE)
def test_iterates_on_the_triangle_are_those_on_the_matrix(name: str) -> None:
    A, b = system(decades=1.0)
    Q, R = torch.linalg.qr(A)
    counts = [1, 2, 5, 8]
    full, triangle = iterates(name, A, b, counts), iterates(name, R, Q.T @ b, counts)
    torch.testing.assert_close(triangle, full, rtol=1e-8, atol=1e-8 * full.abs().max().item())
    assert (full[0] != full[3]).any()


@pytest.mark.parametrize(
    ("name", "reference", "limit"),
    [
        ("lsqr", scipy.sparse.linalg.lsqr, "iter_lim"),
        ("lsmr", scipy.sparse.linalg.lsmr, "maxiter"),
        ("cgls", scipy.sparse.linalg.lsqr, "iter_lim"),
    ],
)
@pytest.mark.parametrize("count", [1, 4, 8])
def test_iterates_are_those_of_scipy(
    name: str, reference: Callable, limit: str, count: int
) -> None:
    A, b = system(decades=1.0)
    options = {"atol": 0.0, "btol": 0.0, "conlim": 0.0, limit: count}
    expected = torch.as_tensor(reference(A.numpy(), b.numpy(), **options)[0])
    torch.testing.assert_close(iterates(name, A, b, [count])[0], expected, rtol=1e-9, atol=1e-12)


def test_one_call_gives_what_single_calls_give() -> None:
    A, b = system(decades=1.0)
    together = iterates("lsqr", A, b, [1, 3, 8])
    for y, count in zip(together, [1, 3, 8], strict=True):
        assert torch.equal(iterates("lsqr", A, b, [count])[0], y)


@pytest.mark.parametrize("name", ITERATIVE)
def test_scaling_the_problem_scales_the_iterates(name: str) -> None:
    A, b = system()
    one, other = iterates(name, A, b, [3, 6]), iterates(name, 1e-5 * A, 1e-9 * b, [3, 6])
    torch.testing.assert_close(other, 1e-4 * one, rtol=1e-7, atol=0.0)


@pytest.mark.parametrize("name", ITERATIVE)
def test_nothing_to_do(name: str) -> None:
    A, b = system()
    assert not iterates(name, A, 0 * b, [1, 5]).any()
    assert not iterates(name, 0 * A, b, [1, 5]).any()


@pytest.mark.parametrize("name", ["cgls", "lsqr", "lsmr"])
def test_they_stop_at_the_exact_solution(name: str) -> None:
    found = iterates(name, torch.eye(4, dtype=F64), torch.ones(4, dtype=F64), [1, 2, 50])
    torch.testing.assert_close(found, torch.ones(3, 4, dtype=F64))
