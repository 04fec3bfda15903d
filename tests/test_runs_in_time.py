"""The time limit holds inside steps, trials and functions of the user that never return."""

from __future__ import annotations

import itertools
import textwrap
import time
from typing import Any

import pytest
import sympy as sp
import torch
from solver_cases import started

import pdelsr as pl
from pdelsr.linearize import Identity
from pdelsr.lstsq import QR
from pdelsr.resources.time_is_up import TimeIsUp
from pdelsr.solvers.refinement.tangent_newton import refine_in_subspace
from pdelsr.solvers.run.context import Context

X, Y = pl.coordinates("x y")
U = pl.unknown("u", X, Y)
SLACK = 6.0  # seconds: the machine of a test may be busy with other things


def poisson(source: Any = 1) -> pl.Problem:
    equation = sp.Eq(U.diff(X, 2) + U.diff(Y, 2), source)
    return pl.Problem("square", pl.Box((X, Y), (0, 0), (1, 1)), [equation], [pl.Dirichlet(U, 0)])


def cubic(source: Any = 1) -> pl.Problem:
    equation = sp.Eq(U.diff(X, 2) + U.diff(Y, 2) - U**3, source)
    return pl.Problem("cubic", pl.Box((X, Y), (0, 0), (1, 1)), [equation], [pl.Dirichlet(U, 0)])


def endless_after(seconds: float) -> Any:
    """A coefficient that never returns again, so many seconds after it was first called."""
    begin: list[float] = []

    def source(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        begin.append(time.perf_counter())
        while time.perf_counter() >= begin[0] + seconds:
            pass
        return torch.ones_like(x)

    return pl.coefficient("f", source, X, Y)


def timed(limit: float, *args: Any, **options: Any) -> pl.Solution:
    begin = time.perf_counter()
    solution = pl.solve(*args, time_limit=limit, **options)
    assert time.perf_counter() - begin < 1.1 * limit + SLACK
    return solution


@pytest.mark.parametrize("method", ["ilsr", "lsr"])
def test_a_step_that_is_too_long_is_cut(method: str) -> None:
    solution = timed(3.0, cubic(), method, hidden=(60, 60), points=60_000)
    assert solution.ended is pl.Status.OUT_OF_TIME
    assert torch.isfinite(torch.as_tensor(solution.predict(x=[0.5], y=0.5))).all()


def test_trials_of_designs_take_a_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(self: Any, network: Any) -> float:
        while True:
            pass

    monkeypatch.setattr("pdelsr.solvers.design.trial.Trial.refinement", endless)
    monkeypatch.setattr("pdelsr.solvers.design.trial.PARAMETERS", 200)
    monkeypatch.setattr("pdelsr.solvers.design.trial.DESIGN_SHARE", 0.03)
    solution = timed(30.0, poisson(), "lsr", hidden=(10, 10), points=400)
    assert solution.heldout < solution.heldout_start
    assert solution.status in (pl.Status.COMPLETED, pl.Status.RANK_DEFICIENT)


def test_a_coefficient_that_never_returns_before_the_run_is_named() -> None:
    begin = time.perf_counter()
    with pytest.raises(pl.TimeLimitError, match=r"limit of 1 s .* in source \(test_runs_in"):
        pl.solve(poisson(endless_after(0)), "pinn", time_limit=1)
    assert time.perf_counter() - begin < 1.1 + SLACK


@pytest.mark.parametrize("method", ["pinn", "tsonn", "ilsr"])
def test_a_coefficient_that_never_returns_in_the_run_ends_it(method: str) -> None:
    options = {"hidden": (8, 8), "points": 100, "max_iterations": 10_000}
    solution = timed(3.0, cubic(endless_after(1.5)), method, **options)
    assert solution.ended is pl.Status.OUT_OF_TIME


def test_a_coefficient_that_catches_everything_cannot_stop_the_clock() -> None:
    endless = endless_after(1.0)

    def careless(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        try:
            return endless._imp_(x, y)
        except BaseException:
            return torch.ones_like(x)

    solution = timed(2.0, poisson(pl.coefficient("g", careless, X, Y)), "pinn", hidden=(10,))
    assert solution.ended is pl.Status.OUT_OF_TIME


def test_a_refinement_that_follows_a_method_is_within_the_limit() -> None:
    options = {"hidden": (8, 8), "points": 100, "refine": True}
    solution = timed(2.0, cubic(), "pinn", adam_steps=100_000, **options)
    assert solution.delta is not None
    assert [record.phase for record in solution.history][-1] == "refine"
    solution = timed(3.0, cubic(), "pinn", hidden=(60, 60), points=60_000, refine=True)
    assert solution.ended is pl.Status.OUT_OF_TIME


def test_newton_steps_that_were_taken_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    init, count = QR.init, itertools.count()

    def slow(self: QR, A: torch.Tensor) -> Any:
        if next(count):
            raise TimeIsUp
        return init(self, A)

    monkeypatch.setattr(QR, "init", slow)
    options = {"hidden": (10, 10), "weight_scale": 2.0, "points": 300}
    solution = pl.solve(cubic(), "lsr", **options)
    assert solution.ended is pl.Status.OUT_OF_TIME
    assert solution.delta is not None
    assert solution.heldout < 1e-2 * solution.heldout_start
    assert solution.effective_rank is None
    assert "no time to measure" in solution.summary()


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("somewhere/code.py", r"endless \(code.py, line \d+\)"),
        ("site-packages/pdelsr/code.py", "the preparation of the run"),
        (textwrap.__file__, r"assess_by_user \(test_runs_in_time.py, line \d+\)"),
    ],
)
def test_a_start_that_takes_too_long_to_assess_is_no_solution(
    file: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(*_: Any) -> float:
        while True:
            pass

    renamed = type(endless)(endless.__code__.replace(co_filename=file), globals())

    def assess_by_user(*_: Any) -> float:
        return renamed()

    monkeypatch.setattr("pdelsr.solvers.state.interruption.OWN", "site-packages/pdelsr")
    monkeypatch.setattr(Context, "assess", assess_by_user)
    with pytest.raises(pl.TimeLimitError, match=f"limit of 0.5 s .* in {place}: raise"):
        pl.solve(cubic(), "pinn", points=50, hidden=(4,), time_limit=0.5)


def test_steps_that_the_clock_ends_between_two_of_them_are_cut() -> None:
    context = started(cubic(), hidden=(10, 10), weight_scale=2.0)
    residual = context.fresh_residual()
    V = Identity(residual.network.parameter_count)
    found = refine_in_subspace(residual, V, QR(), 5, stop=lambda: True)
    assert (found.stopped, found.steps) == (pl.Status.OUT_OF_TIME, 1)
    whole = refine_in_subspace(residual, V, QR(), 1, stop=lambda: True)
    assert whole.stopped is None


def test_a_search_for_the_rank_that_time_ends_is_out_of_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pdelsr.solvers.refinement.refiner_options.FIRST_RANK", 20)
    monkeypatch.setattr("pdelsr.solvers.refinement.rank_search.DOUBLING", 1e9)
    options = {"hidden": (12, 12), "basis": "output", "weight_scale": 2.0, "points": 300}
    solution = timed(60.0, poisson(), "lsr", **options)
    assert (solution.ended, solution.rank) == (pl.Status.OUT_OF_TIME, 20)


def test_the_clock_within_a_piece_of_an_optimizer_is_no_stagnation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def little(self: Any, network: Any, loss: Any, watch: Any, *_: Any) -> None:
        self.over, self.taken, self.size, watch.stopped = True, 1, 1.0, True

    monkeypatch.setattr("pdelsr.solvers.methods.pinn.LBFGSRun.advance", little)
    options = {"adam_steps": 0, "lbfgs_steps": 200, "max_iterations": 3}
    solution = pl.solve(poisson(), "pinn", hidden=(4,), points=50, **options)
    assert solution.ended is pl.Status.MAX_ITERATIONS
    assert solution.iterations == 3


def test_a_limit_that_is_over_at_once_ends_in_words() -> None:
    with pytest.raises(pl.TimeLimitError, match="raise time_limit"):
        pl.solve(poisson(), "lsr", time_limit=1e-6)
