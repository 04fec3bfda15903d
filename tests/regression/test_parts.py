"""Bases and least-squares solvers, built in or of a user's, in a refinement on data."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from own_parts import Doubled, Longest, Normal, Stretched
from regression_cases import F64, bumps, network
from solver_cases import poisson

import pdelsr as pl
from pdelsr.linearize import Columns, Dense, Directions, Identity
from pdelsr.lstsq import SOLVERS, Solved
from pdelsr.lstsq.base import Ended
from pdelsr.progress import PassDisplay
from pdelsr.regression.data import Data
from pdelsr.regression.data_problem import DataProblem
from pdelsr.regression.data_rows import DataRows
from pdelsr.regression.memory import bytes_needed
from pdelsr.regression.model import Model
from pdelsr.regression.parts import Parts
from pdelsr.regression.products import JacobianTimes
from pdelsr.regression.target import Residual, UserResidual
from pdelsr.regression.task import Task
from pdelsr.subspace import BASES, Subspace

STRETCHED = lambda q, t: torch.sinh(q) - t  # noqa: E731


def task(residual: UserResidual | None = None, count: int = 40) -> Task:
    x, t = bumps(count)
    model = Model(network().eval(), 1.0, torch.Generator())
    data = Data((x, t), 16, model.like)
    of_prediction = Residual(residual, tuple(t.shape[1:]))
    return Task(model, model, data, of_prediction, PassDisplay(False), count, 1, 1)


def rms(x: torch.Tensor) -> float:
    return x.square().mean().sqrt().item()


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("lstsq", [pl.QR(), pl.LSMR(), "streaming-qr"], ids=str)
def test_every_basis_goes_with_every_solver(basis: str, lstsq: pl.LeastSquares | str) -> None:
    x, t = bumps()
    rank = 30 if not BASES[basis].takes_all and basis != "last_layer" else "auto"
    refined = pl.refine(network(), x, t, basis=basis, lstsq=lstsq, rank=rank)
    assert refined.rank > 0
    assert rms(refined(x) - t) < 0.7 * rms(network()(x) - t)


@pytest.mark.parametrize("name", [name for name in SOLVERS if name != "cholesky"])
def test_solvers_agree(name: str) -> None:
    x, t = bumps()
    usual, other = (pl.refine(network(), x, t, rank=15, lstsq=s) for s in (pl.QR(), name))
    torch.testing.assert_close(other(x), usual(x), rtol=0, atol=1e-8)


def test_newton_steps_with_a_solver_that_forms_no_matrix() -> None:
    x, t = bumps()
    options = {"rank": 15, "residual": STRETCHED, "newton_steps": 6}
    usual, other = (
        pl.refine(network(), x, t, lstsq=lstsq, **options)
        for lstsq in (pl.StreamingQR(), pl.LSMR())
    )
    torch.testing.assert_close(other(x), usual(x), rtol=0, atol=1e-6)


def test_an_open_rank_is_doubled_where_the_solver_gives_one_at_a_time() -> None:
    x, t = bumps()
    noisy = t + 0.1 * torch.randn(t.shape, dtype=F64, generator=torch.Generator().manual_seed(5))
    refined = pl.refine(network(), x, noisy, lstsq=pl.QR())
    assert refined.history[0].rank == 0
    assert refined.rank in {score.rank for score in refined.history}
    assert refined.effective_rank > 0
    with pytest.raises(pl.SettingsError, match="that keeps all smaller ranks"):
        refined.at_rank(3)


def test_a_solver_of_a_users_that_helps_nowhere_leaves_the_module() -> None:
    class Far(pl.QR):
        def compute(self, state, b=None):
            found = super().compute(state, b)
            return type(found)(found.solution + 100.0)

    x, t = bumps()
    refined = pl.refine(network(), x, t, lstsq=Far())
    assert refined.rank == 0
    assert torch.equal(refined(x), network()(x))


@pytest.mark.parametrize("residual", [None, STRETCHED], ids=["linear", "nonlinear"])
@pytest.mark.parametrize("dense", [True, False], ids=["dense", "all parameters"])
def test_the_system_is_the_same_in_every_form(residual: UserResidual | None, dense: bool) -> None:
    """Whole, in chunks, by products, and against the adjoint identity."""
    one = task(residual)
    generator = torch.Generator().manual_seed(0)
    V: Directions = Identity(one.model.size)
    if dense:
        V = Dense(torch.randn(one.model.size, 7, dtype=F64, generator=generator))
    probe = next(iter(one.data)).inputs
    problem = DataProblem(one, JacobianTimes(one.model, V, "auto", probe))
    y = 0.01 * torch.randn(problem.rank, dtype=F64, generator=generator)
    system = problem.at(y).system()
    A, b = system.dense()
    assert A.shape == system.shape
    torch.testing.assert_close(b, system.b)
    torch.testing.assert_close(system.times(y), A @ y)
    torch.testing.assert_close(system.transpose_times(b), A.T @ b)
    torch.testing.assert_close(system.column_lengths(), torch.linalg.vector_norm(A, dim=0))


@pytest.mark.parametrize("residual", [None, STRETCHED], ids=["linear", "nonlinear"])
def test_drawn_rows_are_rows_of_the_jacobians(residual: UserResidual | None) -> None:
    one = task(residual, 10)
    rows = DataRows(one)
    x = torch.cat([batch.inputs[0] for batch in one.data])
    targets = torch.cat([batch.targets for batch in one.data])
    J = one.model.all_rows((x,)).flatten(0, 1)
    slopes = one.residual.times(one.model((x,)), targets, J[:, None])[:, 0]
    generator = torch.Generator()
    for expected, chunks in (
        (J, rows.draw_output_rows(100, generator)),
        (slopes, rows.draw_residual_rows(100, generator)),
    ):
        for _ in range(2):  # the same at every call
            torch.testing.assert_close(torch.cat(list(chunks())), expected)


def test_a_basis_and_a_solver_of_the_users_work_on_data() -> None:
    x, t = bumps()
    parts = {"basis": Longest(), "lstsq": Normal()}
    refined = pl.refine(network(), x, t, rank=40, **parts)
    assert rms(refined(x) - t) < 0.5 * rms(network()(x) - t)


@pytest.mark.parametrize("products", ["rows", "columns"])
@pytest.mark.parametrize("lstsq", ["streaming-qr", "qr", "lsmr"])
def test_directions_of_the_users_work_on_data(lstsq: str, products: str) -> None:
    x, t = bumps()
    # rounding takes LSMR to other solutions within ten steps
    solver = pl.LSMR(iterations=5) if lstsq == "lsmr" else lstsq
    by_columns, own = (
        pl.refine(network(), x, t, rank=30, lstsq=solver, products=products, basis=basis)
        for basis in (Longest(), Doubled())
    )
    torch.testing.assert_close(own(x), by_columns(x), rtol=0, atol=1e-7)
    searched = pl.refine(network(), x, t, lstsq=lstsq, products=products, basis=Doubled())
    assert rms(searched(x) - t) < 0.5 * rms(network()(x) - t)
    if lstsq == "streaming-qr":
        assert rms(own.at_rank(10)(x) - t) < rms(network()(x) - t)


def test_directions_of_the_users_move_an_operator() -> None:
    grid = torch.linspace(-1, 1, 9, dtype=F64)[:, None]
    a = torch.randn(30, 5, dtype=F64, generator=torch.Generator().manual_seed(0))
    targets = torch.sin(a[:, :1] + grid.T)
    by_columns, own = (
        pl.refine(pl.operators.DeepONet(5, grid, (7, 6)), a, targets, rank=30, basis=basis)
        for basis in (Longest(), Doubled())
    )
    torch.testing.assert_close(own(a), by_columns(a), rtol=0, atol=1e-7)


def test_parts_of_the_users_tell_their_memory() -> None:
    one = task()
    m, size = one.model.size, 8
    probe = next(iter(one.data)).inputs

    def needed(basis: pl.Basis, solver: pl.LeastSquares) -> float:
        parts = Parts(basis, solver, 1, "auto", probe, None, torch.Generator())
        return bytes_needed(one, parts, 10)

    assert needed(Longest(), Normal()) == size * 4 * 10**2
    assert needed(pl.Gaussian(), Normal()) == size * (10 * m + 4 * 10**2)
    assert needed(Longest(), pl.QR()) == size * pl.QR().numbers(40, 10)


def test_the_last_layer_asks_for_all_parameters() -> None:
    x, t = bumps()
    with pytest.raises(pl.SettingsError, match="takes parameters of its own"):
        pl.refine(network(), x, t, basis="last_layer", parameter_fraction=0.5)


def test_an_unknown_part_is_refused() -> None:
    x, t = bumps()
    with pytest.raises(pl.SettingsError, match="'qrr' is not known: choose one of qr, streaming"):
        pl.refine(network(), x, t, lstsq="qrr")
    with pytest.raises(pl.SettingsError, match="basis 'outputs' is not known"):
        pl.refine(network(), x, t, basis="outputs")


def test_a_loader_that_shuffles_serves_solvers_that_read_rows_once() -> None:
    x, t = bumps()
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(x, t), batch_size=32, shuffle=True
    )
    refined = pl.refine(network(), loader, rank=20)
    assert math.isfinite(refined.delta_norm)
    assert np.isfinite(rms(refined(x) - t))


def test_a_loader_that_shuffles_is_refused_by_products_with_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pdelsr.lstsq.lsmr.SMALL", 0)  # nothing is formed
    x, t = bumps()
    data = torch.utils.data.TensorDataset(x, torch.zeros_like(t))  # the inputs alone tell the order
    ordered, shuffled = (torch.utils.data.DataLoader(data, 32, shuffle=s) for s in (False, True))
    assert pl.refine(network(), ordered, rank=20, lstsq=pl.LSMR()).rank == 20
    with pytest.raises(pl.SettingsError, match="in another order each time"):
        pl.refine(network(), shuffled, rank=20, lstsq=pl.LSMR())


def test_ctrl_c_in_a_search_for_the_rank_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    solve, count = pl.QR.compute, itertools.count()

    def interrupted(self: pl.QR, state: Any, b: torch.Tensor | None = None) -> Any:
        if next(count):
            raise KeyboardInterrupt
        return solve(self, state, b)

    monkeypatch.setattr(pl.QR, "compute", interrupted)
    x, t = bumps()
    with pytest.raises(KeyboardInterrupt):
        pl.refine(network(), x, t, lstsq="qr")
    assert next(count) > 1


def test_a_rank_that_the_solver_does_not_tell_is_not_zero() -> None:
    x, t = bumps()
    refined = pl.refine(network(), x, t, rank=20, lstsq=pl.LSMR())
    assert refined.rank == 20
    assert refined.effective_rank is None


class Given(pl.Basis):
    """A basis of a user's that gives something."""

    name = "given"

    def __init__(self, given: Any) -> None:
        self.given = given

    def build(self, rows: Any, rank: Any, generator: Any) -> Any:
        return self.given(rows)


def dense(*shape: int, dtype: torch.dtype = F64, grad: bool = False) -> Any:
    return lambda rows: Subspace(Dense(torch.ones(shape, dtype=dtype, requires_grad=grad)))


def columns(*index: Any, m: int = 49) -> Any:
    return lambda rows: Subspace(Columns(torch.tensor(index), m))


def changed(rows: Any) -> Any:
    for p in rows.module.parameters():
        p.data.mul_(1.0)
        with torch.no_grad():
            p.mul_(2.0)
    return Subspace(Identity(49))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda rows: None, "gives NoneType: expected Subspace"),
        (lambda rows: Dense(torch.ones(49, 2)), "gives Dense: expected Subspace"),
        (dense(2, 49), r"V of shape \(2, 49\): expected \(49, r\)"),
        (dense(49, 0), r"V of shape \(49, 0\)"),
        (dense(49, 2, dtype=torch.float32), "float32 on cpu: expected torch.float64"),
        (dense(49, 2, grad=True), "requires grad"),
        (columns(1, 1), "no choice of different parameters from 0 to 48"),
        (columns(0, 49), "no choice of different parameters"),
        (columns(0, 1, m=3), "3 parameters: expected 49"),
        (lambda rows: Subspace(Identity(3)), "Identity with 3 parameters: expected 49"),
        (lambda rows: Subspace(Stretched(torch.arange(3), 50)), r"lift to \(50,\): expected a ten"),
        (lambda rows: Subspace(Stretched(torch.arange(0), 49)), "rank 0: expected a whole number"),
        (changed, "has changed the parameters"),
    ],
)
def test_what_a_basis_of_a_users_gives_is_checked(given: Any, message: str) -> None:
    problem = poisson()
    with pytest.raises(pl.SettingsError, match=rf"Given\.build .*{message}"):
        pl.solve(problem, "lsr", basis=Given(given), hidden=(16,), points=60, weight_scale=1.0)
    with pytest.raises(pl.SettingsError, match=r"Given\.build"):
        pl.refine(network(), *bumps(), basis=Given(given), rank=2)


@pytest.mark.parametrize(
    ("method", "told", "message"),
    [
        ("width", 0, "width gives 0: expected a whole number from 1 on, or None"),
        ("width", "7", "width gives '7'"),
        ("numbers", None, "numbers gives None: expected how many numbers"),
        ("numbers_at_most", float("nan"), "numbers_at_most gives nan"),
    ],
)
def test_what_a_basis_of_a_users_tells_is_checked(
    method: str, told: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    basis = Given(lambda rows: Subspace(Identity(rows.parameter_count)))
    monkeypatch.setattr(Given, method, lambda self, *args: told, raising=False)
    with pytest.raises(pl.SettingsError, match=rf"Given\.{message}"):
        pl.solve(poisson(), "lsr", basis=basis, hidden=(16,), points=60, weight_scale=1.0)
    with pytest.raises(pl.SettingsError, match=rf"Given\.{message}"):
        pl.refine(network(), *bumps(), basis=basis, rank=2)


class Answering(pl.QR):
    """A solver of a user's that answers something."""

    answer: Any = None

    def compute(self, state: Any, b: Any = None) -> Any:
        return type(self).answer(super().compute(state, b).solution)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda y: y, "gives Tensor: expected Solved"),
        (
            lambda y: Solved(y[1:]),
            r"a solution of shape \(19,\) in torch.float64: expected \(20,\)",
        ),
        (lambda y: Solved(y.float()), "in torch.float32: expected"),
    ],
)
def test_what_a_solver_of_a_users_gives_is_checked(
    answer: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answering, "answer", staticmethod(answer))
    with pytest.raises(pl.SettingsError, match=rf"Answering\.compute .*{message}"):
        pl.refine(network(), *bumps(), rank=20, lstsq=Answering())


def test_a_solver_that_has_not_finished_is_told() -> None:
    class Unfinished(pl.QR):
        def compute(self, state: Any, b: Any = None) -> Any:
            return Solved(super().compute(state, b).solution + 100, status=Ended.ITERATIONS)

        def left_over(self, state: Any, b: Any = None) -> None:
            return None

    refined = pl.refine(network(), *bumps(), rank=20, lstsq=Unfinished())
    assert refined.rank == 0
    assert "does not lower the residual: the iterations were over" in refined.status


def test_an_error_of_a_users_solver_is_not_the_modules() -> None:
    class Failing(pl.QR):
        def compute(self, state: Any, b: Any = None) -> Any:
            raise RuntimeError("my own")

    with pytest.raises(RuntimeError, match=r"^my own$"):
        pl.refine(network(), *bumps(), rank=20, lstsq=Failing())


def test_a_residual_that_torch_cannot_differentiate_is_named() -> None:
    class Opaque(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, q: torch.Tensor) -> torch.Tensor:
            return q.clone()

    x, t = bumps()
    with pytest.raises(pl.SettingsError, match=r"cannot differentiate residual="):
        pl.refine(network(), x, t, rank=5, residual=lambda q, t: Opaque.apply(q) - t)


def test_huge_targets_are_no_error_of_python() -> None:
    x, t = bumps()
    assert pl.refine(network(), x, 1e200 * t, rank=5).rank == 0


def test_few_samples_leave_a_last_layer_whole() -> None:
    x, t = bumps()
    assert pl.refine(network(), x[:30], t[:30], basis="last_layer").history[-1].rank > 15


def test_a_wide_last_layer_is_taken_whole_by_a_solver_of_one_rank() -> None:
    x, t = bumps()
    torch.manual_seed(0)
    wide = torch.nn.Sequential(torch.nn.Linear(2, 50), torch.nn.Tanh(), torch.nn.Linear(50, 1))
    refined = pl.refine(wide, x, t, basis="last_layer", lstsq=pl.QR())
    assert [score.rank for score in refined.history] == [0, 51]


@pytest.mark.parametrize(("name", "given"), [("kernel-ridge", "KernelRidge"), ("lsqr", "LSQR")])
def test_solvers_of_data_are_told_from_unknown_ones(name: str, given: str) -> None:
    with pytest.raises(pl.SettingsError, match=rf"is for data: .* give the object pl\.{given}\(\)"):
        pl.solve(poisson(), "lsr", lstsq=name)
