"""Alignment in pieces: new points now and then, an end by count or by the clock."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from solver_cases import cubic, started

from pdelsr.resources.clock import Clock
from pdelsr.solvers.descent.alignment import Alignment, GaussNewtonAlignment, PseudoTimeAlignment
from pdelsr.solvers.descent.gradient import LBFGSRun
from pdelsr.solvers.descent.levenberg_marquardt import LevenbergMarquardt
from pdelsr.solvers.descent.pseudo_time import pseudo_time_residual
from pdelsr.solvers.run.context import Context


def gauss_newton(context: Context, **others: int) -> GaussNewtonAlignment:
    options = {"steps": 8, "resample_every": 3, **others}
    return GaussNewtonAlignment(1, 0.0, LevenbergMarquardt(), **options, adaptive=True)


def pseudo_time(context: Context) -> PseudoTimeAlignment:
    problem = pseudo_time_residual(context.fresh_residual(), context.network, 0.3, (1, 0))
    return PseudoTimeAlignment(1, 0.0, problem, LBFGSRun(25, history=25))


def pieces(alignment: Alignment, context: Context) -> int:
    count = 1
    while not alignment.advance(context.discretization, alignment.watch(context)):
        count += 1
    return count


def test_gauss_newton_takes_its_steps_on_new_points_now_and_then() -> None:
    context = started(cubic())
    before = context.heldout.evaluate().norm()
    alignment = gauss_newton(context)
    assert pieces(alignment, context) == 8
    assert context.discretization.rounds == 3
    assert context.heldout.evaluate().norm() < before
    assert [record.phase for record in context.history] == ["align"]


def test_pseudo_time_takes_its_steps_in_tens() -> None:
    context = started(cubic())
    alignment = pseudo_time(context)
    before = alignment.problem.loss()()
    assert pieces(alignment, context) == 3
    assert alignment.run.taken == 25
    assert alignment.problem.loss()() < before


@pytest.mark.parametrize("make", [gauss_newton, pseudo_time])
def test_the_reserve_ends_an_alignment(make) -> None:
    context = started(cubic()).timed_by(Clock(limit=1e6))
    assert pieces(replace(make(context), reserve=2e6), context) == 1
    assert pieces(replace(make(context), reserve=1.0), context) > 1
    assert math.isfinite(context.history[-1].train)
