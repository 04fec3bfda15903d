"""Waves that the equations nearly annihilate."""

from __future__ import annotations

import math

import pytest
import sympy as sp
import torch
from solver_cases import SMALL, started

import pdelsr as pl
from pdelsr.linearize import Identity, Predictor, StackedResidual
from pdelsr.lstsq import QR, Cholesky, LeastSquares, MatrixSystem, TruncatedSVD
from pdelsr.lstsq.cholesky import NormalEquationsWarning
from pdelsr.networks import HardConditions, closure
from pdelsr.solvers.refinement.waves import Wave, annihilated, leftovers

X, Y = pl.coordinates("x y")
U, V, W = (pl.unknown(name, X, Y) for name in "uvw")
SQUARE = pl.Box((X, Y), (0, 0), (1, 1))
K = sp.Integer(12)


def square(*equations: sp.Expr, hard: bool = False) -> StackedResidual:
    """A residual of these equations for networks of a few neurons."""
    unknowns = sorted({f for e in equations for f in e.atoms(sp.Function)}, key=str)
    conditions = [pl.Dirichlet(u, 0) for u in unknowns]
    problem = pl.Problem("square", SQUARE, list(equations), conditions)
    return started(problem, **SMALL, hard=hard).fresh_residual(4.0)


EQUATIONS = {
    "Helmholtz": [U.diff(X, 2) + U.diff(Y, 2) + K**2 * U],
    "of first order": [V - U.diff(X), W - U.diff(Y), V.diff(X) + W.diff(Y) + K**2 * U],
    "of an oscillator in x alone": [U.diff(X, 2) + U.diff(Y, 2) / 100 + K**2 * U],
}


@pytest.mark.parametrize("name", EQUATIONS)
def test_waves_of_the_wave_number_are_found(name: str) -> None:
    residual = square(*EQUATIONS[name])
    waves = annihilated(residual, residual.network)
    assert waves
    along_x = min(waves, key=lambda w: abs(w.k[1]))
    assert 0.7 < along_x.length / (2 * math.pi / 12) < 1


NONE = {
    "Poisson": [U.diff(X, 2) + U.diff(Y, 2) + 1],
    "with a reaction of the good sign": [U.diff(X, 2) + U.diff(Y, 2) - K**2 * U],
    "transport along x, whose waves may be short": [U.diff(X) + U / 10**6],
    "waves, which may be short as well": [U.diff(X, 2) - U.diff(Y, 2)],
}


@pytest.mark.parametrize("name", NONE)
def test_other_equations_annihilate_no_waves_or_waves_of_all_lengths(name: str) -> None:
    residual = square(*NONE[name])
    assert annihilated(residual, residual.network) == []


@pytest.mark.parametrize("solver", [QR(), TruncatedSVD()], ids=lambda s: s.name)
@pytest.mark.parametrize("hard", [False, True])
def test_what_is_left_of_a_wave_is_that_of_dense_algebra(solver: LeastSquares, hard: bool) -> None:
    residual = square(*EQUATIONS["Helmholtz"], hard=hard)
    assert isinstance(residual.network, HardConditions) is hard
    jets = residual.jets_without_graph()
    A = residual.times(Identity(residual.network.parameter_count), residual.coefficients(jets))
    state = solver.init(MatrixSystem(A.clone()))
    found = leftovers(residual, residual.network, jets, solver, state)
    for wave, left in zip(annihilated(residual, residual.network), found, strict=True):
        change = residual.evaluate(_added(residual, wave)) - residual.evaluate()
        y = torch.linalg.lstsq(A, change[:, None], driver="gelsd").solution[:, 0]
        share = (change - A @ y).norm() / change.norm()
        terms = residual.terms_norm(residual.network, wave)
        assert left.left == pytest.approx((share * terms).item(), rel=1e-6)
        assert left.relative(2 * left.sizes) == pytest.approx(2 * left.left)


def test_solvers_that_cannot_tell_say_nothing() -> None:
    residual = square(*EQUATIONS["Helmholtz"])
    jets = residual.jets_without_graph()
    A = residual.times(Identity(residual.network.parameter_count), residual.coefficients(jets))
    solver = Cholesky()
    with pytest.warns(NormalEquationsWarning):
        state = solver.init(MatrixSystem(A))
    assert leftovers(residual, residual.network, jets, solver, state) == ()


def test_a_wave_has_exact_derivatives() -> None:
    residual = square(*EQUATIONS["Helmholtz"])
    k = torch.tensor([2.0, -3.0], dtype=torch.float64)
    a = torch.tensor([0.6 + 0.8j], dtype=torch.complex128)
    wave = Wave(residual.network, k, a, 0.5)
    x = torch.rand(5, 2, dtype=torch.float64)
    jet = wave(x, closure(((1, 2),)))
    phase = x @ k + 0.5 + math.atan2(0.8, 0.6)
    at = closure(((1, 2),)).positions
    torch.testing.assert_close(jet[at[0, 0], :, 0], torch.cos(phase))
    torch.testing.assert_close(jet[at[1, 2], :, 0], 2 * 9 * torch.sin(phase))


def _added(residual: StackedResidual, wave: Wave) -> Predictor:
    return lambda x, indices: residual.network(x, indices) + wave(x, indices)
