"""Networks that grow: untrained ones on linear problems, trained ones where they are full."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import sympy as sp
import torch
from solver_cases import burgers, poisson, poisson_2d

import pdelsr as pl
from pdelsr.resources.clock import Clock
from pdelsr.solvers.growth import growth_policy
from pdelsr.solvers.growth.affordable_step import FEWER_POINTS, USUAL_POWER
from pdelsr.solvers.growth.growth_history import GrowthHistory
from pdelsr.solvers.growth.growth_policy import COARSE, GrowthPolicy
from pdelsr.solvers.methods.ilsr import ILSRIteration
from pdelsr.solvers.prepare import prepare
from pdelsr.solvers.request import Request
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.method import State
from pdelsr.solvers.run.network_maker import Gains
from pdelsr.solvers.run.selection import Selection


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pdelsr.solvers.design.trial.PARAMETERS", 60)
    monkeypatch.setattr(growth_policy, "FULL_LIMIT", 400)
    monkeypatch.setattr(
        pl.ILSR, "default_hidden", lambda self, linear: (6, 6) if linear else (5, 5)
    )


def started(problem: pl.Problem, **options: Any) -> tuple[Context, pl.ILSR]:
    job = Request.of(problem, "ilsr", options).job()
    assert isinstance(job.method, pl.ILSR)
    return prepare(job), job.method


def steps(context: Context, method: pl.ILSR, count: int) -> list[int]:
    """Parameters of the network after each iteration."""
    state, sizes = method.init(context), []
    context.assess(state.candidate, 0)
    for _ in range(count):
        state = method.iterate(context, state)
        context.assess(state.candidate, state.iteration)
        sizes.append(context.network.parameter_count)
    return sizes


def test_untrained_networks_double_while_that_pays(caplog: pytest.LogCaptureFixture) -> None:
    context, method = started(wavy())
    with caplog.at_level("INFO", logger="pdelsr"):
        first, second, third = steps(context, method, 3)
    assert f"more untrained directions: a network of {third} parameters" in caplog.text
    assert second == pytest.approx(2 * first, rel=0.35)
    assert third == pytest.approx(2 * second, rel=0.35)
    assert context.plan.counts["equation"] >= 2 * third  # the points grow with it


def test_growth_ends_at_the_limit_and_returns_what_is_best(monkeypatch) -> None:
    monkeypatch.setattr(growth_policy, "FULL_LIMIT", 55)
    context, method = started(poisson_2d(), alignment_steps=2)
    first, second = steps(context, method, 2)
    assert first == second


def test_a_growth_that_does_not_pay_is_taken_back(monkeypatch) -> None:
    context, method = started(poisson_2d(), alignment_steps=1)
    state = method.init(context)
    context.assess(state.candidate, 0)
    for objective in (1.0, 2.0):  # the second, larger network is worse
        state = method.iterate(context, state)
        context.assess(state.candidate, state.iteration)
        context.objectives[-1] = objective
    small_count = state.memory.growth.kept[0].network.parameter_count
    assert context.network.parameter_count > small_count
    method.iterate(context, state)
    assert context.network.parameter_count == small_count


def test_a_rise_long_after_growth_takes_nothing_back() -> None:
    context, method = started(wavy(), alignment_steps=1)
    state = method.init(context)
    context.assess(state.candidate, 0)
    for objective in (1.0, 0.1, 0.09):  # growth pays once, then ends
        state = method.iterate(context, state)
        context.assess(state.candidate, state.iteration)
        context.objectives[-1] = objective
    count = context.network.parameter_count
    for objective in (0.2, 0.3):
        state = method.iterate(context, state)
        context.assess(state.candidate, state.iteration)
        context.objectives[-1] = objective
        assert context.network.parameter_count == count


def test_the_scale_that_was_given_is_kept() -> None:
    context, method = started(wavy(), weight_scale=1.25, activation="sin")
    steps(context, method, 2)
    assert context.network.settings()["weight_scale"] == 1.25


@pytest.mark.parametrize("option", [{"points": 300}, {"rank": 20}, {"basis": "gaussian"}])
def test_choices_that_fix_the_size_stop_growth(option: dict[str, Any]) -> None:
    context, method = started(wavy(), alignment_steps=1, **option)
    assert len(set(steps(context, method, 3))) == 1


def test_given_networks_do_not_grow() -> None:
    context, method = started(poisson_2d(), hidden=(6, 6), weight_scale=1.0, alignment_steps=1)
    assert len(set(steps(context, method, 3))) == 1


def test_linear_problems_end_without_alignment_once_they_are_exact() -> None:
    solution = pl.solve(poisson(), "ilsr", seed=1)
    assert solution.status is pl.Status.PRECISION_LIMITED
    assert {r.phase for r in solution.history} == {"refine"}
    assert solution.error()["u"].relative_l2 < 1e-9


def test_full_networks_are_widened_without_changing_their_function() -> None:
    context, _ = started(burgers())
    before = context.network
    x = torch.rand(9, 2, dtype=torch.float64)
    values = before(x)
    context.grow(round(1.5 * before.parameter_count), anew=False)
    assert context.network.parameter_count > before.parameter_count
    assert torch.allclose(context.network(x), values, rtol=1e-13, atol=1e-14)
    assert context.heldout.network is context.network


def test_alignment_that_stalls_widens_a_full_network(monkeypatch) -> None:
    monkeypatch.setattr(growth_policy, "FILLED", 0.0)
    monkeypatch.setattr(growth_policy, "PAYS", 1e12)  # nothing gains that much
    context, method = started(burgers(), alignment_steps=1)
    sizes = steps(context, method, 3)
    assert sizes[0] == sizes[1] < sizes[2]


@cache
def once_refined() -> tuple[Context, State]:
    context, method = started(burgers(), alignment_steps=1, hidden=(20, 20), grow=True)
    return context, method.iterate(context, method.init(context))


@pytest.mark.parametrize(
    ("gain", "widened", "left", "factor"),
    [
        (1.9, False, math.inf, 1.5),  # another alignment would gain little
        (3.0, False, math.inf, 1.0),
        (3.0, True, math.inf, 1.0),
        (3.0, False, 100.0, 1.5),  # it gains less than a wider network
        (9.0, False, 100.0, 1.0),
        (9.0, True, 100.0, 1.5),  # the first one of a wider network has gained most
        (3.0, False, 16.0, (16.0 / 11.0) ** (1 / USUAL_POWER)),  # what there is time for
        (3.0, False, 11.0, 1.0),
        (3.0, False, 45.0, (45.0 / 11.0) ** (1 / USUAL_POWER)),  # there is no time for another
    ],
)
def test_a_full_network_is_widened_as_far_as_it_gains_and_fits(
    monkeypatch, gain: float, widened: bool, left: float, factor: float
) -> None:
    monkeypatch.setattr(growth_policy, "FILLED", 0.0)
    monkeypatch.setattr(growth_policy, "FULL_LIMIT", 2000)
    context, state = copy.deepcopy(once_refined())
    now: GrowthHistory = state.memory.growth
    now.alignments, now.widened, now.step_seconds, now.refine_seconds = 2, widened, 10.0, 4.0
    now.measured.clear()
    if math.isfinite(left):
        context = context.timed_by(Clock.after(1000 - left, 1000))
    context.objectives[:] = [gain, 1.0]
    before = context.network.parameter_count
    GrowthPolicy(context, now).take_more_if_full(state)
    assert context.network.parameter_count / before == pytest.approx(factor, rel=0.08)
    assert now.widened == (factor > 1)


def test_points_double_where_the_fit_holds_on_its_own_only() -> None:
    context, method = started(burgers(), alignment_steps=1)
    state = method.iterate(context, method.init(context))
    grown = state.memory.growth
    context.objectives[:] = [1.0, 2.9 * state.train]
    GrowthPolicy(context, grown).add_points_if_overfit(state)
    assert grown.factor == 4
    grown.coarse = True  # on half of the points
    context.objectives[:] = [1.0, 100 * state.train]
    GrowthPolicy(context, grown).add_points_if_overfit(state)
    assert grown.factor == 4
    grown.coarse = False
    for factor in (8, 16, 16):
        context.objectives[:] = [1.0, 3.1 * state.train]
        GrowthPolicy(context, grown).add_points_if_overfit(state)
        assert grown.factor == factor


def test_points_that_the_user_chose_stay() -> None:
    context, method = started(burgers(), alignment_steps=1, points=50)
    state = method.iterate(context, method.init(context))
    context.objectives[:] = [1.0, 100 * state.train]
    GrowthPolicy(context, state.memory.growth).add_points_if_overfit(state)
    assert state.memory.growth.factor == 4


def test_untrained_networks_of_nonlinear_problems_are_aligned_first() -> None:
    phases = {}
    small = {"alignment_steps": 5, "max_iterations": 1}
    for name, problem, options in (
        ("linear", poisson_2d(), {}),
        ("nonlinear", burgers(), {}),
        ("given", burgers(), {"network": pl.MLP(2, 1, (5, 5)), "hard": False}),
        ("published", burgers(), {"alignment": "lbfgs"}),
        ("asked", burgers(), {"refine_first": True}),
    ):
        solution = pl.solve(problem, "ilsr", **small, **options)
        phases[name] = solution.history[0].phase
    assert phases.pop("nonlinear") == "align"
    assert set(phases.values()) == {"refine"}


def test_a_short_time_limit_keeps_the_network_small() -> None:
    context, method = started(wavy(), alignment_steps=1, time_limit=1000)
    state = method.init(context)
    context.assess(state.candidate, 0)
    state = method.iterate(context, state)
    context.objectives[:] = [1.0, 1e-3]
    state.memory.growth.refine_seconds = 1e9
    assert not GrowthPolicy(context, state.memory.growth).take_untrained(state)


def searching(left: int | float, **others: Any) -> tuple[Context, pl.ILSR, Any]:
    """A run after its first refinement, which took a second, with so many seconds left."""
    context, method = started(wavy(), time_limit=1000, **others)
    state = method.init(context)
    context.assess(state.candidate, 0)
    state = method.iterate(context, state)
    context.assess(state.candidate, state.iteration)
    context = context.timed_by(Clock.after(float(1000 - left), 1000))
    state.memory.growth.refine_seconds = 1.0
    state.memory.growth.tried = True  # nobody asks what alignment gains
    return context, method, state


def test_the_network_grows_as_far_as_the_time_allows() -> None:
    context, _, state = searching(4)
    before = context.network.parameter_count
    assert GrowthPolicy(context, state.memory.growth).take_untrained(state)
    assert 1.1 < context.network.parameter_count / before < 1.8


@pytest.mark.parametrize(
    ("gains", "grows"), [(Gains(1.5, 20.0), True), (Gains(300.0, 20.0), False), (None, True)]
)
def test_alignment_comes_before_a_growth_that_gains_less(
    monkeypatch: pytest.MonkeyPatch, gains: Gains | None, grows: bool
) -> None:
    context, _, state = searching(8)
    now: GrowthHistory = state.memory.growth
    now.tried = False
    asked: list[float] = []

    def told(maker: Any, untrained: Any, parameters: int, seconds: float) -> Gains | None:
        asked.append(seconds)
        return gains

    monkeypatch.setattr("pdelsr.solvers.growth.designed_networks.DesignedNetworks.gains", told)
    assert GrowthPolicy(context, now).take_untrained(state) == grows
    assert now.untrained == grows
    GrowthPolicy(context, now)._try_alignment()
    assert asked == [pytest.approx(2.0, rel=0.1)]


def test_without_time_to_grow_another_network_is_tried() -> None:
    context, method, state = searching(1.5)
    before, plan = context.network, context.plan
    assert GrowthPolicy(context, state.memory.growth).take_untrained(state)
    assert context.plan is plan
    assert context.network.parameter_count == before.parameter_count
    assert not torch.equal(context.network.get_vector(), before.get_vector())
    assert 1 < state.memory.growth.points < 1.5
    state = method.iterate(context, replace(state, whole=False))
    assert state.memory.growth.points == 1
    assert context.assess(state.candidate, 2).objective < 10 * context.objectives[1]


def test_draws_differ_and_are_reproducible() -> None:
    drawn = []
    for _ in range(2):
        context, _ = started(wavy(), activation="sin")
        for draw in (1, 2):
            context.redraw(draw)
            drawn.append(context.network.get_vector())
    assert torch.equal(drawn[0], drawn[2])
    assert torch.equal(drawn[1], drawn[3])
    assert not torch.equal(drawn[0], drawn[1])


def test_draws_go_on_in_the_direction_that_gains() -> None:
    context, method, state = searching(1.5)
    best, scale = context.best, context.network.settings()["weight_scale"]
    scales: list[float] = []
    for objective in (0.5, 0.2, 0.3, 0.4, 0.5):
        assert GrowthPolicy(context, state.memory.growth).take_untrained(state)
        scales.append(context.network.settings()["weight_scale"])
        state = method.iterate(context, replace(state, whole=False))
        context.assess(state.candidate, state.iteration)
        context.objectives[-1] = objective * context.objectives[1]
        if objective in (0.5, 0.2):
            best = replace(context.best, candidate=state.candidate)
        selection = Selection(best, context.objectives)
        context = replace(context, selection=selection, clock=Clock.after(998.5, 1000))
        state.memory.growth.refine_seconds = 1.0
    up = 2**0.25
    expected = [up, up**2, up**3, up, up**2]
    assert [s / scale for s in scales] == pytest.approx(expected)


def test_a_scale_that_was_given_is_drawn_again() -> None:
    context, _ = started(wavy(), weight_scale=1.25, activation="sin")
    context.redraw(1, 2.0)
    assert context.network.settings()["weight_scale"] == 1.25


def test_the_end_of_the_time_is_told_with_what_would_come_next() -> None:
    context, method, state = searching(0.2)
    assert method.ended(context, state) is pl.Status.OUT_OF_TIME
    told = method.next_step(context, state)
    assert told is not None
    assert "a larger untrained network with" in told
    assert told.endswith("s")


def test_a_time_limit_takes_the_place_of_the_number_of_iterations() -> None:
    assert started(wavy())[0].max_iterations == pl.ILSR.default_iterations
    assert started(wavy(), time_limit=10)[0].max_iterations > 1000
    assert started(wavy(), time_limit=10, max_iterations=3)[0].max_iterations == 3


def test_the_last_alignment_takes_all_steps_that_there_is_time_for() -> None:
    context, method = started(burgers(), alignment_steps=2, time_limit=1000)
    state = method.iterate(context, method.init(context))
    grown = state.memory.growth
    grown.step_seconds, grown.refine_seconds = 10.0, 4.0
    for left, last in ((100.0, False), (17.0, False), (14.0, True)):
        context = context.timed_by(Clock.after(float(1000 - left), 1000))
        assert GrowthPolicy(context, grown).is_last() == last


@pytest.mark.parametrize("seed", [0, 1])
def test_the_error_estimate_is_near_the_error(seed: int) -> None:
    solution = pl.solve(wavy(), "lsr", hidden=(24, 24), seed=seed)
    assert solution.error_estimate is not None
    ratio = solution.error_estimate / solution.error()["u"].relative_l2
    assert 0.1 < ratio < 10_000  # too large where the residual is rough, as it is here


def wavy() -> pl.Problem:
    """A problem that twelve neurons a layer do not hold to rounding."""
    x, y = pl.coordinates("x y")
    u = pl.unknown("u", x, y)
    exact = sp.sin(3 * sp.pi * x * y) + x**2
    equation = sp.Eq(u.diff(x, 2) + u.diff(y, 2), exact.diff(x, 2) + exact.diff(y, 2))
    box = pl.Box((x, y), (0, 0), (1, 1))
    return pl.Problem("wavy", box, [equation], [pl.Condition(sp.Eq(u, exact))], reference=exact)


@pytest.mark.parametrize(
    ("left", "points"), [(20.0, COARSE), (4.0, 1.0), (1.0, 1 / 1.2), (0.7, 0.7 / 1.2)]
)
def test_refinements_have_fewer_points_where_others_follow_and_where_time_is_short(
    left: float, points: float
) -> None:
    context, method, state = searching(left)
    now: GrowthHistory = state.memory.growth
    now.untrained, now.step_seconds = False, 3.0
    alignment = ILSRIteration(method, context, state).prepared()
    assert alignment is not None
    assert now.points == pytest.approx(points, rel=0.2)
    assert alignment.reserve == pytest.approx(now.points * now.refine_seconds)
    assert now.least_seconds == pytest.approx(1.2 * FEWER_POINTS)


def test_a_refinement_on_fewer_points_is_taken_up_where_time_is_short() -> None:
    context, method = started(burgers(), time_limit=1000, hidden=(12, 12))
    state = method.init(context)
    context.assess(state.candidate, 0)
    state = method.iterate(context, state)
    before = context.assess(state.candidate, state.iteration).objective
    now: GrowthHistory = state.memory.growth
    assert now.coarse
    now.refine_seconds, now.newton_seconds = 100.0, 20.0
    assert now.least_seconds == 20.0

    context = context.timed_by(Clock.after(900.0, 1000))
    assert not GrowthPolicy(context, now).takes_up(), "there is time for an alignment"
    context = context.timed_by(Clock.after(990.0, 1000))
    assert not GrowthPolicy(context, now).takes_up(), "there is no time for one Newton step"
    context = context.timed_by(Clock.after(950.0, 1000))
    network, parameters = context.network, context.network.get_vector()
    state = method.iterate(context, state)
    assert state.iteration == 2
    assert context.network is network
    assert torch.equal(network.get_vector(), parameters)
    assert context.discretization.training is not None
    assert context.discretization.training.row_count == pytest.approx(
        now.factor * context.plan.total, rel=0.01
    )
    assert context.assess(state.candidate, 2).objective < before
    assert (now.refine_seconds, now.coarse, now.again) == (100.0, False, False)
    assert now.least_seconds == pytest.approx(1.2 * 0.3 * 100.0)
