"""Which of two refined states a run keeps."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from solver_cases import SMALL, poisson, started

import pdelsr as pl
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.selection import Selection
from pdelsr.solvers.state.candidate import Candidate


@pytest.fixture
def refined() -> tuple[Context, Candidate]:
    """A context after its start was assessed, and a state whose residual is nearly zero."""
    context = started(poisson(), "lsr")
    context.assess(Candidate(context.network, context.network.get_vector(), None), 0)
    method = pl.LSR(**{k: v for k, v in SMALL.items() if k != "points"})
    return context, method.step(context, method.init(context)).candidate


def part(candidate: Candidate, share: float) -> Candidate:
    """A share of the refinement: the residual is 1 − share of that of the network."""
    assert candidate.delta is not None
    return Candidate(candidate.network, candidate.theta, share * candidate.delta)


def test_a_residual_that_is_smaller_everywhere_counts(refined) -> None:
    context, full = refined
    context.assess(part(full, 0.0), 1)
    first = context.assess(part(full, 0.9), 2)
    for share, better in ((0.89, False), (0.91, True), (0.905, False)):
        found = context.assess(part(full, share), 3)
        assert (context.best is found) == better
    assert context.best is not first


def test_a_run_may_go_on_by_small_steps(refined) -> None:
    fresh, full = refined
    context = replace(fresh, selection=Selection())
    context.assess(part(full, 0.9), 0)  # where the run starts
    assert context.assess(part(full, 0.91), 1) is context.best


def test_a_start_that_is_not_finite_is_replaced(refined) -> None:
    fresh, full = refined
    context = replace(fresh, selection=Selection())
    broken = context.assess(Candidate(full.network, torch.full_like(full.theta, math.nan), None), 0)
    assert broken.objective == math.inf
    assert context.assess(part(full, 0.5), 1) is context.best


def test_the_tolerance_ends_a_run_at_the_best_state() -> None:
    first = pl.solve(poisson(), "lsr", seed=0, hidden=(12, 12), weight_scale=2.0)
    again = pl.solve(poisson(), "lsr", start=first, tolerance=1.0, newton_steps=1)
    assert again.heldout <= first.heldout


def test_heldout_residuals_are_those_of_the_state(refined: tuple[Context, Candidate]) -> None:
    context, candidate = refined
    half = part(candidate, 0.5)
    first = context.heldout_norm(candidate)
    assert context.heldout_norm(half) > first  # another state is evaluated, not remembered
    assert context.heldout_norm(candidate) == first
    rms = context.heldout.block_rms(candidate.predictor())
    assert context.assess(candidate, 1).rms == pytest.approx(rms)


def test_a_state_is_evaluated_once(
    refined: tuple[Context, Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, candidate = refined
    found = context.heldout_norm(candidate)
    monkeypatch.setattr(type(context.heldout), "block_squares", None)
    assert context.heldout_norm(candidate) == found
