"""The outer loop: every way to end, and that the best state is never lost."""

from __future__ import annotations

import math
import traceback
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sympy as sp
import torch
from solver_cases import SMALL, X, cubic, never_finite, poisson, started
from torch import nn

import pdelsr as pl
from pdelsr.resources.clock import Clock
from pdelsr.results.collect import final_status
from pdelsr.results.error_estimate import ErrorEstimate
from pdelsr.solvers.methods.ilsr import ILSR
from pdelsr.solvers.prepare import prepare
from pdelsr.solvers.refinement.refiner import Refiner
from pdelsr.solvers.refinement.report import RankReport
from pdelsr.solvers.request import Request
from pdelsr.solvers.run.assessed import Assessed
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.loop import run
from pdelsr.solvers.run.method import Method, State
from pdelsr.solvers.run.stopping import Judge, Outcome
from pdelsr.solvers.state.candidate import Candidate


@dataclass(frozen=True)
class Scripted(Method):
    """Visits states whose residuals are in proportion to the given numbers; the start has 1."""

    sizes: tuple[float, ...] = (1.0,)
    interrupt_at: int = 0

    name = "scripted"

    def default_hidden(self, linear: bool) -> tuple[int, ...]:
        return (1,)

    def default_points(self, parameters: int) -> int:
        return 30

    def init(self, context: Context) -> State:
        return State(0, Candidate.of_network(context.network), math.nan, "start")

    def step(self, context: Context, state: State) -> State:
        context.fresh_residual()
        size = self.sizes[state.iteration]
        context.network.set_vector(torch.tensor([1.0 + size, size], dtype=torch.float64))
        if state.iteration + 1 == self.interrupt_at:
            raise KeyboardInterrupt
        return State(state.iteration + 1, Candidate.of_network(context.network), size, "scripted")


FINE = ErrorEstimate(low=1e-13, high=1e-11)
OPEN = ErrorEstimate(low=1e-13, high=1.0, open=("u is known up to a constant",))


def line() -> pl.Problem:
    u = pl.unknown("u", X)
    start = [pl.Dirichlet(u, 0, on=sp.Eq(X, 0))]
    return pl.Problem("line", pl.Interval(X, 0, 1), [u.diff(X) - 1], start)


def scripted(
    *sizes: float, tolerance: float = 0.0, interrupt_at: int = 0, **options: Any
) -> tuple[Context, Outcome]:
    """u' = 1, u(0) = 0 by u = w x + b, from w = 2 and b = 1."""
    network = nn.Linear(1, 1)
    nn.init.constant_(network.weight, 2.0)
    nn.init.constant_(network.bias, 1.0)
    method = Scripted(sizes=sizes, interrupt_at=interrupt_at)
    given = {"network": network, "max_iterations": len(sizes), "tolerance": tolerance, **options}
    job = Request.of(line(), method, given).job()
    context = prepare(job)
    return context, run(context, method)


def test_the_best_state_is_kept_and_restored() -> None:
    context, outcome = scripted(3.0, 0.01, 2.0)
    assert outcome.status is pl.Status.MAX_ITERATIONS
    assert outcome.iterations == 3
    sizes = [r.heldout for r in context.history]
    assert outcome.best.objective == min(s for s in sizes if s is not None)
    assert outcome.best.iteration == 2
    assert torch.equal(context.network.get_vector(), outcome.best.candidate.theta)
    assert [r.best for r in context.history] == sorted(r.best for r in context.history)[::-1]


@pytest.mark.parametrize("bad", [math.nan, math.inf, 1e200], ids=str)
def test_what_is_not_finite_never_replaces_the_best_state(bad: float) -> None:
    context, outcome = scripted(0.01, bad, bad)
    assert outcome.best.iteration == 1
    assert math.isfinite(outcome.best.objective)
    assert torch.isfinite(context.network.get_vector()).all()


def test_a_start_that_is_best_stays() -> None:
    _, outcome = scripted(3.0, 4.0)
    assert outcome.best.iteration == 0
    assert outcome.best.training is None
    assert outcome.best.report is None


def test_stagnation_after_patience() -> None:
    _, outcome = scripted(*[1.0] * 10)
    assert outcome.status is pl.Status.STAGNATED
    assert outcome.iterations == Scripted.patience + 1


def test_a_time_limit_is_used() -> None:
    _, outcome = scripted(*[1.0] * 10, time_limit=100)
    assert outcome.status is pl.Status.MAX_ITERATIONS
    _, rounded = scripted(*[1e-10] * 10, time_limit=100)
    assert rounded.status is pl.Status.PRECISION_LIMITED


def test_progress_is_not_stagnation() -> None:
    _, outcome = scripted(*[0.5**k for k in range(8)])
    assert outcome.status is pl.Status.MAX_ITERATIONS


def test_rounding_errors_are_told_from_stagnation() -> None:
    assert scripted(*[1e-10] * 10)[1].status is pl.Status.PRECISION_LIMITED
    assert scripted(*[1e-6] * 10)[1].status is pl.Status.STAGNATED


@pytest.mark.parametrize(
    ("fall", "status", "estimate", "found"),
    [
        (1e-15, pl.Status.OUT_OF_TIME, FINE, pl.Status.PRECISION_LIMITED),
        (1e-15, pl.Status.MAX_ITERATIONS, FINE, pl.Status.PRECISION_LIMITED),
        (1e-15, pl.Status.INTERRUPTED, FINE, pl.Status.INTERRUPTED),
        (1e-13, pl.Status.OUT_OF_TIME, FINE, pl.Status.OUT_OF_TIME),
        (1e-13, pl.Status.OUT_OF_TIME, OPEN, pl.Status.NOT_UNIQUE),
        (1e-13, pl.Status.STAGNATED, ErrorEstimate(high=2.0), pl.Status.NOT_SOLVED),
        (1e-13, pl.Status.CONVERGED, ErrorEstimate(high=2.0), pl.Status.CONVERGED),
        (0.5, pl.Status.OUT_OF_TIME, ErrorEstimate(), pl.Status.NOT_SOLVED),
        (1e-3, pl.Status.OUT_OF_TIME, ErrorEstimate(), pl.Status.OUT_OF_TIME),
    ],
)
def test_why_a_run_stopped_says_little_at_rounding_or_far_off(
    fall, status, estimate, found
) -> None:
    context, outcome = scripted(fall)
    assert final_status(context, replace(outcome, status=status), estimate) is found


@pytest.mark.parametrize("given", ["network", "start"])
def test_a_refinement_that_is_rejected_is_no_news(given: str) -> None:
    first = pl.solve(poisson(), "lsr", **{**SMALL, "hidden": (3,)})
    begin = {"start": first} if given == "start" else {"network": first.module().requires_grad_()}
    solution = pl.solve(poisson(), "lsr", points=3, **begin)
    assert solution.best_iteration == 0
    assert solution.heldout < 10 * first.heldout
    assert solution.status is pl.Status.STAGNATED


def test_tolerance_is_met_by_the_largest_block() -> None:
    context, outcome = scripted(0.1, 1.0, tolerance=0.5)
    assert outcome.status is pl.Status.CONVERGED
    assert outcome.iterations == 1
    tight = scripted(0.1, 1.0, tolerance=0.05)[1]
    assert tight.status is pl.Status.MAX_ITERATIONS
    assert context.history[-1].phase == "scripted"


def test_time_limit() -> None:
    with pytest.raises(pl.TimeLimitError, match="before the first step"):
        scripted(1.0, 1.0, time_limit=1e-9)


def test_interruption_in_a_step_takes_the_network_as_it_is() -> None:
    _, outcome = scripted(2.0, 0.01, interrupt_at=2)
    assert outcome.status is pl.Status.INTERRUPTED
    assert outcome.iterations == 1
    assert outcome.best.iteration == 1
    _, worse = scripted(0.01, 5.0, interrupt_at=2)
    assert worse.best.iteration == 1
    assert worse.status is pl.Status.INTERRUPTED


def test_interruption_by_a_callback_returns_the_best_so_far() -> None:
    seen: list[pl.Record] = []

    def stop(progress: pl.Record) -> None:
        seen.append(progress)
        raise KeyboardInterrupt

    solution = pl.solve(cubic(), "pinn", callback=stop, adam_steps=2000, **SMALL)
    assert solution.status is pl.Status.INTERRUPTED
    assert len(solution.history) == 1
    assert math.isfinite(solution.heldout)
    assert isinstance(seen[0], pl.Record)
    assert seen[0].phase == "adam"


DIVERGING: dict[str, dict[str, Any]] = {
    "adam": {"learning_rate": 1e200, "adam_steps": 30, "lbfgs_steps": 10},
    "adaptive": {
        "learning_rate": 1e200,
        "adam_steps": 30,
        "lbfgs_steps": 0,
        "resample_every": 5,
        "adaptive": True,
    },
}


@pytest.mark.parametrize("case", DIVERGING)
def test_a_huge_learning_rate_leaves_a_finite_solution(case: str) -> None:
    solution = pl.solve(cubic(), "pinn", **SMALL, **DIVERGING[case])
    assert math.isfinite(solution.heldout)
    assert torch.isfinite(solution.network.get_vector()).all()


@pytest.mark.parametrize("method", ["pinn", "tsonn", "lsr", "ilsr"])
@pytest.mark.parametrize("refine", [False, True])
def test_equations_that_are_never_finite_diverge_without_a_traceback(
    method: str, refine: bool
) -> None:
    options = {"pinn": {"adam_steps": 20, "lbfgs_steps": 20}, "tsonn": {"inner_steps": 5}}
    limits = {} if method == "pinn" else {"max_iterations": 2}
    given = {**SMALL, **options.get(method, {}), **limits}
    solution = pl.solve(never_finite(), method, refine=refine, **given)
    assert solution.status is pl.Status.DIVERGED
    assert solution.heldout == math.inf


@pytest.mark.parametrize("basis", ["output", "residual", "gaussian"])
def test_never_finite_with_every_dense_basis(basis: str) -> None:
    solution = pl.solve(never_finite(), "lsr", basis=basis, lstsq="svd", rank=10, **SMALL)
    assert solution.status is pl.Status.DIVERGED


def test_contexts_draw_new_points_every_time() -> None:
    context = started(poisson())
    first, second = (context.fresh_residual().blocks[0].sites[0] for _ in range(2))
    assert not torch.equal(first, second)
    held = context.heldout.blocks[0].sites[0]
    assert not any(torch.equal(points, held) for points in (first, second))
    again = started(poisson())
    assert torch.equal(again.fresh_residual().blocks[0].sites[0], first)


def test_a_method_that_is_done_is_not_out_of_time() -> None:
    late = Clock.after(99.0, 100.0)
    context = replace(started(poisson(), points=60), clock=late, assess_seconds=10.0)
    judge = Judge(context)
    context.assess(Candidate.of_network(context.network), 0)
    context.assess(Candidate.of_network(context.network), 1)
    state = State(1, context.best.candidate, 1.0, "refine")
    assert judge.verdict(state, None) is pl.Status.OUT_OF_TIME
    assert judge.verdict(state, pl.Status.RANK_DEFICIENT) is not pl.Status.OUT_OF_TIME


def fails_when(late: list[pl.Record], **others: Any) -> pl.Problem:
    """u'' + u³ = sin x with a source by code, which fails as soon as the list holds something."""
    u = pl.unknown("u", X)

    def source(x: torch.Tensor) -> torch.Tensor:
        return torch.full_like(x, torch.nan) if late else torch.sin(x)

    f = pl.coefficient("f", source, X)
    equation = u.diff(X, 2) + u**3 - f
    return pl.Problem("string", pl.Interval(X, 0, 1), [equation], [pl.Dirichlet(u, 0)], **others)


LATE: dict[str, Any] = {"hidden": (3,), "points": 60, "max_iterations": 9, "alignment_steps": 3}


@pytest.mark.parametrize("track", [False, True])
def test_a_coefficient_that_fails_late_costs_no_result(track: bool) -> None:
    late: list[pl.Record] = []

    def watch(record: pl.Record) -> None:
        if record.phase == "refine":
            late.append(record)

    problem = fails_when(late, reference=sp.sin(X) if track else None)
    with pytest.raises(pl.ProblemError, match="in iteration 2") as raised:
        pl.solve(problem, "ilsr", callback=watch, track_errors=track, **LATE)
    assert raised.value.solution.status is pl.Status.INTERRUPTED
    assert raised.value.solution.best_iteration > 0
    assert bool(raised.value.solution.error_history) is track


def test_an_iteration_that_fails_when_it_is_assessed_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late: list[pl.Record] = []
    usual = Context.assess

    def assess(
        self: Context, candidate: Candidate, iteration: int, report: RankReport | None = None
    ) -> Assessed:
        if iteration == 2:
            late.append(self.history[-1])
        return usual(self, candidate, iteration, report)

    monkeypatch.setattr(Context, "assess", assess)
    with pytest.raises(pl.ProblemError, match="in iteration 2") as raised:
        pl.solve(fails_when(late), "ilsr", **LATE)
    assert raised.value.solution.iterations == 1
    assert raised.value.__cause__ is not None
    frames = traceback.extract_tb(raised.value.__cause__.__traceback__)
    assert not any(frame.name in ("assess", "step") for frame in frames)


def test_a_coefficient_that_fails_after_an_interruption_costs_no_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late: list[pl.Record] = []
    usual = ILSR.step

    def step(self: ILSR, context: Context, state: State) -> State:
        if state.iteration == 1:
            late.append(context.history[-1])
            raise KeyboardInterrupt
        return usual(self, context, state)

    monkeypatch.setattr(ILSR, "step", step)
    solution = pl.solve(fails_when(late), "ilsr", **LATE)
    assert solution.status is pl.Status.INTERRUPTED
    assert solution.best_iteration == 1


def test_a_coefficient_that_fails_in_the_refinement_afterwards_costs_no_result() -> None:
    late: list[pl.Record] = []

    def watch(record: pl.Record) -> None:
        if record.heldout is not None:
            late.append(record)

    options = {"hidden": (3,), "points": 60, "adam_steps": 20, "lbfgs_steps": 0}
    with pytest.raises(pl.ProblemError, match="the attribute `solution`") as raised:
        pl.solve(fails_when(late), "pinn", refine=True, callback=watch, **options)
    assert raised.value.solution.best_iteration == late[-1].iteration


def test_a_coefficient_that_fails_after_the_run_costs_no_result() -> None:
    late: list[pl.Record] = []

    def watch(record: pl.Record) -> None:
        if record.heldout is not None:
            late.append(record)

    options = {"hidden": (3,), "points": 60}
    solution = pl.solve(fails_when(late), "lsr", callback=watch, **options)
    assert math.isfinite(solution.heldout)
    assert all(math.isnan(block.train_rms) for block in solution.blocks.values())
    assert "came to light after the run" in solution.doubts[0]


def test_memory_that_ends_twice_costs_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Context.assess

    def limited(
        self: Context, candidate: Candidate, iteration: int, report: RankReport | None = None
    ) -> Assessed:
        if iteration > 1:
            raise MemoryError
        return usual(self, candidate, iteration, report)

    monkeypatch.setattr(Context, "assess", limited)
    options = {"hidden": (3,), "points": 60, "max_iterations": 5, "alignment_steps": 3}
    solution = pl.solve(cubic(), "ilsr", **options)
    assert solution.status is pl.Status.OUT_OF_MEMORY
    assert solution.best_iteration == 1


@dataclass(frozen=True)
class Wrong(Scripted):
    """A method of a user's that gives something."""

    gives: Any = None
    in_init: bool = False

    def init(self, context: Context) -> Any:
        usual = super().init(context)
        return self.gives(usual, context) if self.in_init else usual

    def step(self, context: Context, state: State) -> Any:
        return self.gives(super().step(context, state), context)


def refinement(state: State, context: Context) -> Any:
    return Refiner()(context.discretization, context.clock)


def unchecked(state: State, **given: Any) -> State:
    """The state with other fields, past the checks of types in tests."""
    changed = replace(state)
    for name, value in given.items():
        object.__setattr__(changed, name, value)
    return changed


WRONG = {
    "nothing": (lambda s, c: None, "gives NoneType: expected a State"),
    "candidate": (lambda s, c: s.candidate, "gives Candidate: expected a State"),
    "network": (
        lambda s, c: unchecked(s, candidate=c.network),
        "a State whose candidate is a .*: expected Candidate.of_network",
    ),
    "refinement": (
        lambda s, c: unchecked(s, candidate=refinement(s, c)),
        "a State whose candidate is a Refinement: expected",
    ),
    "delta": (
        lambda s, c: replace(s, candidate=replace(s.candidate, delta=s.candidate.theta[:1])),
        r"a candidate with delta of shape \(1,\): expected \(2,\)",
    ),
    "report": (
        lambda s, c: unchecked(s, report=refinement(s, c)),
        "a State whose report is a Refinement: expected the `report` of a refinement",
    ),
}


@pytest.mark.parametrize("in_init", [True, False], ids=["init", "step"])
@pytest.mark.parametrize("case", WRONG)
def test_what_a_method_of_a_users_gives_is_checked(case: str, in_init: bool) -> None:
    gives, message = WRONG[case]
    method = Wrong(sizes=(0.5,), gives=gives, in_init=in_init)
    with pytest.raises(
        pl.SettingsError, match=f"Wrong.{'init' if in_init else 'step'} .*{message}"
    ):
        pl.solve(line(), method, network=nn.Linear(1, 1), points=20, max_iterations=1)


def test_a_refinement_without_a_report_claims_no_error() -> None:
    def refined(state: State, context: Context) -> State:
        found = refinement(state, context)
        return replace(state, candidate=replace(state.candidate, delta=found.delta))

    solution = pl.solve(
        line(), Wrong(sizes=(1.0,), gives=refined), network=nn.Linear(1, 1), points=20
    )
    assert "the method gives no report of its refinement" in " ".join(solution.summary().split())
