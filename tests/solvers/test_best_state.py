"""Which of two refined states a run keeps."""

from __future__ import annotations

import pytest
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
        (0.93, True),  # smaller by less than half, at nearly the same prediction
        (1.07, False),  # as small, on the other side: the errors may be the other way round
        (1.03, True),  # clearly smaller
    ],
)
def test_a_slightly_smaller_residual_counts_only_nearby(refined, share, kept) -> None:
    context, full = refined
    context.assess(part(full, 0.0), 1)
    first = context.assess(part(full, 0.9), 2)
    assert context.best is first
    second = context.assess(part(full, share), 3)
    assert context.best is (second if kept else first)
