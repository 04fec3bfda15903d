"""The rank of a randomized basis, where the user leaves it open."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from solver_cases import SMALL, cubic, poisson, poisson_2d

import pdelsr as pl
from pdelsr.solvers.growth import growth_policy
from pdelsr.solvers.refinement import rank_search, refiner, refiner_options

WIDE = {"hidden": (16, 16), "weight_scale": 1.5, "activation": "sin", "points": 800}


@pytest.fixture(autouse=True)
def from_few_directions(monkeypatch) -> None:
    monkeypatch.setattr(refiner_options, "FIRST_RANK", 20)


@pytest.mark.parametrize("basis", ["output", "residual", "gaussian", "count_sketch", "coordinate"])
def test_the_rank_doubles_while_that_pays(basis: str) -> None:
    solution = pl.solve(poisson_2d(), "lsr", basis=basis, **WIDE)
    fixed = pl.solve(poisson_2d(), "lsr", basis=basis, rank=20, **WIDE)
    assert (solution.rank or 0) > 20
    assert solution.heldout < fixed.heldout / 2
    assert solution.report is not None
    assert solution.report.limit in (
        "the last doubling gained less than a factor of 2",
        "the other directions are below rounding",
        "more directions need more parameters or points",
    )
    assert f"{solution.rank}: {solution.report.limit}" in str(solution.summary())
    assert fixed.report is not None
    assert fixed.report.limit is None


def test_rows_limit_the_rank(monkeypatch) -> None:
    monkeypatch.setattr(rank_search, "PAYS", 0.0)  # every doubling does
    options = {**WIDE, "points": 60, "hard": True}
    solution = pl.solve(poisson_2d(), "lsr", basis="gaussian", **options)
    assert solution.rank == 30
    assert solution.report is not None
    assert "more parameters or points" in (solution.report.limit or "")


@pytest.mark.parametrize(
    ("constant", "value", "reason"),
    [
        ("DOUBLING", 1e9, "no time"),
        ("refinement_fits", lambda context, sizes, refiner: False, "memory"),
        ("USABLE", 2.0, "below rounding"),
    ],
)
def test_the_report_says_what_stopped_it(constant, value, reason, monkeypatch) -> None:
    place = rank_search if hasattr(rank_search, constant) else refiner
    monkeypatch.setattr(place, constant, value)
    solution = pl.solve(poisson_2d(), "lsr", basis="gaussian", time_limit=1000, **WIDE)
    assert solution.report is not None
    assert (solution.rank, reason in (solution.report.limit or "")) == (20, True)


def test_ilsr_keeps_the_rank_until_alignment_stalls(monkeypatch) -> None:
    monkeypatch.setattr(rank_search, "DOUBLING", 1e9)  # one rank only in every search
    monkeypatch.setattr(growth_policy, "FILLED", 0.0)
    monkeypatch.setattr(growth_policy, "PAYS", 1e12)  # nothing gains that much
    options = {"hidden": (8, 8), "points": 200, "weight_scale": 1.0, "alignment_steps": 1}
    solution = pl.solve(
        cubic(), "ilsr", basis="gaussian", max_iterations=5, time_limit=1000, **options
    )
    ranks = [record.rank for record in solution.history if record.rank is not None]
    assert ranks[:3] == [20, 20, 40]
    assert ranks == sorted(ranks)


def test_the_reason_is_saved(tmp_path) -> None:
    solution = pl.solve(poisson_2d(), "lsr", basis="gaussian", **WIDE)
    solution.save(tmp_path / "found.pt")
    loaded = pl.load(tmp_path / "found.pt", poisson_2d())
    assert loaded.report is not None
    assert solution.report is not None
    assert loaded.report.limit == solution.report.limit


def test_ctrl_c_in_the_search_keeps_what_was_found(monkeypatch) -> None:
    usual, ranks = refiner.Refiner.at_rank, []

    def interrupted(self, discretization, clock, residual, basis, rank):
        ranks.append(rank)
        if len(ranks) == 3:
            raise KeyboardInterrupt
        return usual(self, discretization, clock, residual, basis, rank)

    monkeypatch.setattr(refiner.Refiner, "at_rank", interrupted)
    solution = pl.solve(poisson_2d(), "lsr", basis="gaussian", **WIDE)
    assert solution.status is pl.Status.INTERRUPTED
    assert ranks == [20, 40, 80]
    assert solution.rank == 40


def test_a_rank_above_the_parameters_is_told() -> None:
    found = pl.solve(poisson(), "lsr", rank=10_000, basis="gaussian", **SMALL)
    assert found.rank == found.parameters
    assert "10,000 exceeds the parameters" in found.summary()


@pytest.mark.parametrize("method", ["lsr", "ilsr"])
def test_ctrl_c_in_a_doubling_that_does_not_pay_ends_the_run(method, monkeypatch) -> None:
    usual, ranks = refiner.Refiner.at_rank, []

    def interrupted(self, discretization, clock, residual, basis, rank, guess=None):
        ranks.append(rank)
        found = usual(self, discretization, clock, residual, basis, rank)
        if len(ranks) < 2:
            return found
        return replace(found, delta=torch.zeros_like(found.delta), stopped=pl.Status.INTERRUPTED)

    monkeypatch.setattr(refiner.Refiner, "at_rank", interrupted)
    solution = pl.solve(poisson_2d(), method, basis="gaussian", **WIDE)
    assert solution.status is pl.Status.INTERRUPTED
    assert ranks == [20, 40]
    assert solution.rank == 20


def test_ctrl_c_in_a_pass_that_does_not_pay_is_the_last(monkeypatch) -> None:
    usual, calls = refiner.Refiner.__call__, []

    def interrupted(self, *arguments, **named):
        calls.append(named)
        found = usual(self, *arguments, **named)
        if len(calls) < 2:
            return found
        return replace(found, delta=torch.zeros_like(found.delta), stopped=pl.Status.INTERRUPTED)

    monkeypatch.setattr(refiner.Refiner, "__call__", interrupted)
    solution = pl.solve(poisson_2d(), "lsr", passes=4, **WIDE)
    assert solution.status is pl.Status.INTERRUPTED
    assert len(calls) == 2
