"""LSQR on products alone: its iterates, its end, and that no row is formed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy
import torch

import pdelsr as pl
from pdelsr.lstsq import MatrixSystem, NotFiniteError
from pdelsr.lstsq.base import Ended


class Products(MatrixSystem):
    """A matrix of which only products with vectors are given."""

    def dense(self):
        raise AssertionError

    def chunks(self):
        raise AssertionError


def case(n: int = 40, r: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(n, r, dtype=torch.float64, generator=generator)
    return A, torch.randn(n, dtype=torch.float64, generator=generator)


def test_iterates_are_those_of_scipy() -> None:
    A, b = case()
    solver = pl.LSQR(6)
    found = dict(solver.iterates(solver.init(Products(A, b))))
    assert list(found) == [1, 2, 3, 4, 5, 6]
    for k, y in found.items():
        wanted = scipy.sparse.linalg.lsqr(A.numpy(), b.numpy(), atol=0, btol=0, iter_lim=k)[0]
        np.testing.assert_allclose(y, wanted, rtol=1e-9)


def test_it_says_whether_it_has_finished() -> None:
    A, b = case()
    wanted = torch.linalg.lstsq(A, b[:, None]).solution[:, 0]
    short, long = (s.compute(s.init(Products(A, b))) for s in (pl.LSQR(3), pl.LSQR(400)))
    assert short.status is Ended.ITERATIONS
    torch.testing.assert_close(long.solution, wanted)
    other = torch.flip(b, (0,))
    again = pl.LSQR(400).compute(Products(A, b), other)
    torch.testing.assert_close(again.solution, torch.linalg.lstsq(A, other[:, None]).solution[:, 0])


@pytest.mark.parametrize("A", [torch.zeros(5, 3), torch.eye(5, 3)])
def test_it_ends_where_nothing_is_left_to_do(A: torch.Tensor) -> None:
    A = A.double()
    found = pl.LSQR(50).compute(Products(A, A @ torch.ones(3, dtype=torch.float64)))
    assert found.status is Ended.SOLVED
    assert torch.isfinite(found.solution).all()


def test_it_ends_where_rounding_does() -> None:
    A, b = case(50, 3)
    solver = pl.LSQR()
    assert len(list(solver.iterates(Products(A, b)))) < 10
    assert solver.compute(Products(A, b)).status is Ended.SOLVED


def test_values_that_are_not_finite_are_named() -> None:
    A, b = case()
    A[3, 2] = float("inf")
    with pytest.raises(NotFiniteError):
        pl.LSQR(9).compute(Products(A, b))


@pytest.mark.parametrize("iterations", [0, -3, True])
def test_iterations_are_a_whole_number(iterations: Any) -> None:
    with pytest.raises(pl.SettingsError, match="iterations is"):
        pl.LSQR(iterations)
