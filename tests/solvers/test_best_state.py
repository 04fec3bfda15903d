"""Which of two refined states a run keeps."""

from __future__ import annotations

import math

import pytest
import torch
from solver_cases import SMALL, poisson, started

import pdelsr as pl
from pdelsr.solvers.candidate import Candidate
from pdelsr.solvers.context import Context


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


@pytest.mark.parametrize(
    ("share", "kept"),
    [
        (0.89, False),  # larger residual
        (0.93, False),  # smaller by a third: the errors may be the other way round
        (0.95, True),  # half of it
    ],
)
def test_a_slightly_smaller_residual_does_not_count(refined, share, kept) -> None:
    context, full = refined
    context.assess(part(full, 0.0), 1)
    first = context.assess(part(full, 0.9), 2)
    assert context.best is first
    second = context.assess(part(full, share), 3)
    assert context.best is (second if kept else first)


def test_a_fall_that_another_state_confirms_counts(refined) -> None:
    context, full = refined
    context.assess(part(full, 0.0), 1)
    first = context.assess(part(full, 0.9), 2)
    context.assess(part(full, 0.92), 3)
    assert context.best is first
    assert context.assess(part(full, 0.93), 4) is context.best


def test_smaller_residuals_that_are_not_the_smallest_do_not_count(refined) -> None:
    context, full = refined
    context.assess(part(full, 0.0), 1)
    first = context.assess(part(full, 0.9), 2)
    for share in (0.93, 0.92, 0.89, 0.93, 0.925, 0.93):
        context.assess(part(full, share), 3)
        assert context.best is first


def test_a_run_may_go_on_by_small_steps(refined) -> None:
    context, full = refined
    context._best = None
    context.assess(part(full, 0.9), 0)  # where the run starts
    assert context.assess(part(full, 0.91), 1) is context.best


def test_a_start_that_is_not_finite_is_replaced(refined) -> None:
    context, full = refined
    context._best = None
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
    monkeypatch.setattr(type(context.heldout), "block_rms", None)
    assert context.heldout_norm(candidate) == found
