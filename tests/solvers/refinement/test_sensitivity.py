"""Sensitivities against dense linear algebra."""

from __future__ import annotations

import pytest
import scipy.linalg
import torch
from solver_cases import SMALL, poisson, started

from pdelsr.linearize import Columns, Identity
from pdelsr.lstsq import QR, MatrixSystem, TruncatedSVD
from pdelsr.solvers.refinement.sensitivity import sensitivity


@pytest.mark.parametrize("solver", [QR(), TruncatedSVD()], ids=lambda s: s.name)
@pytest.mark.parametrize("some", [False, True])
def test_the_largest_amplification_is_that_of_the_dense_problem(solver, some: bool) -> None:
    context = started(poisson(), **SMALL)
    residual, m = context.fresh_residual(4.0), context.network.parameter_count
    chosen = torch.arange(0, m, m // 12)  # few enough to be independent
    directions = Columns(chosen, m)
    with torch.no_grad():
        A = residual.times(directions, residual.coefficients(residual.jets()))
    found = sensitivity(residual, directions, solver, solver.init(MatrixSystem(A.clone())))
    assert found is not None
    rows = torch.cat(list(residual.output_rows(found.points, directions)))
    without = torch.ones(len(rows), 1, dtype=rows.dtype) / len(rows) ** 0.5 if some else None
    if without is not None:
        rows = rows - without @ (without.T @ rows)
    left = (rows.T @ rows / len(rows)).numpy()
    largest = scipy.linalg.eigh(left, (A.T @ A).numpy(), eigvals_only=True)[-1] ** 0.5
    modes = found.modes(torch.ones(1, dtype=rows.dtype), without)
    assert modes.largest == pytest.approx(largest, rel=1e-5)
    assert modes.functions[0].norm().item() == pytest.approx(1.0)


def test_output_rows_along_directions() -> None:
    context = started(poisson(), **SMALL)
    residual, m = context.fresh_residual(), context.network.parameter_count
    points = residual.blocks[0].sites[0][:7]
    whole = torch.cat(list(residual.output_rows(points)))
    same = torch.cat(list(residual.output_rows(points, Identity(m))))
    some = torch.cat(list(residual.output_rows(points, Columns(torch.tensor([3, 5]), m))))
    torch.testing.assert_close(whole, same)
    torch.testing.assert_close(whole[:, [3, 5]], some)
