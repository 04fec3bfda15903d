"""From what a user asks for to a job, in which every choice is made once."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import sympy as sp
import torch
from solver_cases import SMALL, X, Y, cubic, poisson, poisson_2d

import pdelsr as pl
from pdelsr.cli.show import show_text
from pdelsr.solvers.prepare import prepare
from pdelsr.solvers.request import Request
from pdelsr.solvers.run.job import Job

FEW: dict[str, Any] = {"max_iterations": 1, "alignment_steps": 1}


def plate() -> pl.Problem:
    """Fixed below, convecting to the right: hard conditions spoil the flux in the corner."""
    u = pl.unknown("u", X, Y)
    conditions = [
        pl.Dirichlet(u, 100, on="y=0"),
        pl.Neumann(u, 0, on="x=0"),
        pl.Robin(u, alpha=10, beta=1, value=0, on=["x=1", "y=1"]),
    ]
    square = pl.Box((X, Y), (0, 0), (1, 1))
    return pl.Problem("plate", square, [u.diff(X, 2) + u.diff(Y, 2)], conditions)


def smooth() -> pl.Problem:
    """u'' = 2 with u = x², fixed left, with a flux to the right."""
    u = pl.unknown("u", X)
    conditions = [pl.Dirichlet(u, 0, on=sp.Eq(X, 0)), pl.Neumann(u, 2, on=sp.Eq(X, 1))]
    return pl.Problem("line", pl.Interval(X, 0, 1), [sp.Eq(u.diff(X, 2), 2)], conditions)


def chosen(job: Job) -> dict[str, Any]:
    """What a job has decided."""
    return {
        "method": job.method,
        "hard": job.hard,
        "grow": job.grow,
        "balance": job.balance,
        "points": job.points,
        "iterations": job.max_iterations,
        "exact": job.compiled.exact,
        "memory": job.memory_budget is not None,
        "seed": job.settings.seed,
        "dtype": job.settings.dtype,
    }


@pytest.mark.parametrize(
    ("problem", "method", "options"),
    [
        (plate(), "ilsr", {}),
        (poisson_2d(), "ilsr", {"hidden": (5, 5), "weight_scale": 1.0}),
        (smooth(), "ilsr", {"points": {"equation": 70}, "seed": 3}),
        (cubic(), "lsr", {"hidden": (5, 5), "dtype": "float32", "hard": True}),
        (cubic(), "pinn", {"hidden": (5, 5), "adam_steps": 3, "lbfgs_steps": 0}),
    ],
    ids=["soft by trial", "hard", "points", "float32", "pinn"],
)
def test_show_and_solve_make_the_same_job(
    problem: pl.Problem, method: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Job] = []
    usual = Request.job

    def noted(request: Request, *args: Any) -> Job:
        made.append(usual(request, *args))
        return made[-1]

    monkeypatch.setattr(Request, "job", noted)
    monkeypatch.setattr("pdelsr.solvers.design.trial.PARAMETERS", 100)
    few = {**options, **(FEW if method == "ilsr" else {})}
    show_text(problem, method, few)
    solution = pl.solve(problem, method, **few)
    shown, solved = made
    assert chosen(shown) == chosen(solved)
    assert (solution.settings.hard, solution.settings.grow) == (solved.hard, solved.grow)
    assert solution.settings is solved.settings
    assert solution.compiled is solved.compiled


def test_the_form_of_conditions_is_tried_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="pdelsr"):
        pl.solve(plate(), hidden=(6, 6), weight_scale=1.0, points=100, **FEW)
    assert caplog.text.count("conditions are soft") == 1


@pytest.mark.parametrize("kept", [False, True])
def test_the_form_of_a_checkpoint_wins_over_a_trial(
    kept: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="pdelsr"):
        job = Request.of(plate(), "ilsr", {}).job(kept_form=kept)
    assert job.hard is kept
    assert "conditions" not in caplog.text
    assert Request.of(plate(), "ilsr", {"hard": True}).job(kept_form=False).hard


def test_a_job_is_what_its_context_consists_of() -> None:
    job = Request.of(poisson(), "ilsr", {"memory_budget": 5000, **SMALL}).job()
    context = prepare(job)
    assert context.discretization.compiled is job.compiled
    assert context.discretization.memory_budget == job.memory_budget == 5000
    assert context.max_iterations == job.max_iterations
    assert (context.maker is not None) is job.grow


def test_bytes_that_nobody_chose_are_none_of_the_settings() -> None:
    job = Request.of(poisson(), "lsr", SMALL).job()
    assert job.settings.memory_budget is None
    assert job.memory_budget > 0


def test_every_job_has_a_network_of_its_own() -> None:
    given = torch.nn.Linear(1, 1)
    request = Request.of(poisson(), "lsr", {"network": given, "points": 20})
    first, second = (request.job().settings.network for _ in range(2))
    assert first is not given
    assert first is not second
    assert first is not None
    assert torch.equal(first.weight, given.weight)  # pyright: ignore[reportArgumentType]


def test_what_a_start_decides() -> None:
    start = pl.solve(poisson(), "lsr", hard=True, seed=3, dtype="float32", **SMALL)
    job = Request.of(poisson(), "lsr", {}, start).job()
    assert job.start is start
    assert (job.hard, job.settings.seed, job.settings.dtype) == (True, 3, torch.float32)
    assert (job.settings.weights, job.balance) == (start.weights, False)
    other = Request.of(poisson(), "pinn", {}, start).job()
    assert other.settings.weights is None
    assert Request.of(poisson(), "lsr", {"balance": True}, start).job().balance


def test_a_job_with_an_open_choice_cannot_be() -> None:
    job = Request.of(poisson(), "lsr", SMALL).job()
    with pytest.raises(AssertionError, match="every choice"):
        Job(job.problem, job.method, pl.RunSettings(), job.compiled, job.memory_budget)


def test_show_refuses_options_for_blocks_without_points_as_solve_does() -> None:
    options = {"hard": True, "points": {"dirichlet u": 9}}
    for refused in (
        lambda: pl.solve(poisson(), "lsr", **options),
        lambda: show_text(poisson(), "lsr", options),
    ):
        with pytest.raises(pl.SettingsError, match="holds exactly by the form of the ansatz"):
            refused()
