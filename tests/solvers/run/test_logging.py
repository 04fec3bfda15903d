"""The log: silent by default, decisions at INFO, inner iterations at DEBUG, trouble aloud."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from solver_cases import SMALL, cubic, never_finite, poisson

import pdelsr as pl


def test_the_library_is_silent() -> None:
    program = "import logging, pdelsr; logging.getLogger('pdelsr.any').warning('trouble')"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert found.stderr == found.stdout == ""


def test_iterations_and_decisions_are_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pdelsr.solvers.design.trial.PARAMETERS", 60)
    with caplog.at_level(logging.INFO, logger="pdelsr"):
        solution = pl.solve(poisson(), "lsr", activation="sin", hidden=(8, 8))
    trial, start, iteration, end = caplog.messages
    assert "sin at weight scale" in trial
    assert " designs that were tried" in trial
    assert "parameters, points: " in start
    assert iteration == str(solution.history[0])
    assert iteration.startswith("iteration 1, refine: training ")
    assert end.startswith(f"poisson by lsr: {solution.status.value}. ")
    assert {r.levelno for r in caplog.records} == {logging.INFO}


def test_inner_iterations_are_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="pdelsr"):
        solution = pl.solve(cubic(), "pinn", adam_steps=100, lbfgs_steps=5, **SMALL)
    inner = [r for r in solution.history if r.heldout is None]
    found = [r.getMessage() for r in caplog.records if r.levelno == logging.DEBUG]
    assert inner
    assert [str(r) for r in inner] == found


def test_the_choice_of_a_rank_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="pdelsr"):
        solution = pl.solve(poisson(), "lsr", basis="output", **SMALL)
    assert solution.report is not None
    assert f"rank {solution.rank} is kept: {solution.report.limit}" in caplog.text


def test_trouble_that_does_not_raise_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    solution = pl.solve(never_finite(), "lsr", **SMALL)
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert solution.status is pl.Status.DIVERGED
    assert any("residual on held-out points is not finite" in w for w in warnings)
    assert "lsr: diverged." in warnings[-1]
