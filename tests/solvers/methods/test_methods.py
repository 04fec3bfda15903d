"""Every method by itself: what it decreases, what its options do, and the published settings."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from solver_cases import SMALL, burgers, cubic, heat, poisson, poisson_2d, started

import pdelsr as pl
from pdelsr.lstsq import SOLVERS
from pdelsr.solvers.descent.gradient import AdamRun, LBFGSRun, SumOfSquares, squared_norm
from pdelsr.solvers.prepare import prepare
from pdelsr.solvers.request import Request
from pdelsr.solvers.run.context import Context
from pdelsr.solvers.run.inner_watch import Watch
from pdelsr.solvers.run.method import Method
from pdelsr.solvers.state.history import Record
from pdelsr.subspace import BASES

PASSES = 10**9


def quiet(context: Context) -> Watch:
    return Watch(context, 1, "test", every=PASSES)


def started_with(method: Method, problem: pl.Problem | None = None, **options: Any) -> Context:
    return prepare(Request.of(problem or poisson(), method, {"points": 20, **options}).job())


@pytest.mark.parametrize(
    ("every", "expected"), [(0, 1), (7, 9), (20, 3), (25, 3), (40, 2), (60, 1), (1000, 1)]
)
def test_pinn_draws_new_points_at_the_steps_asked_for(every: int, expected: int) -> None:
    class Short(pl.PINN):
        adam_chunk = 30

    options = {"adam_steps": 60, "lbfgs_steps": 0, "resample_every": every}
    method = Short(hidden=(4,), weight_scale=1.0, **options)
    context = started_with(method)
    state = method.init(context)
    while state.finished is None:
        state = method.iterate(context, state)
    assert context.discretization.rounds == expected


def test_pinn_takes_as_many_steps_as_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def counted(run: LBFGSRun, *others: Any) -> None:
        taken.append(run.steps)
        run.taken, run.over, run.size = run.steps, True, 1.0 / len(taken)

    monkeypatch.setattr(LBFGSRun, "advance", counted)
    pl.solve(poisson(), "pinn", adam_steps=1, lbfgs_steps=250, **SMALL)
    assert taken == [100, 100, 50]


def test_pinn_lowers_the_learning_rate_across_chunks() -> None:
    class Short(pl.PINN):
        adam_chunk = 10

    method = Short(hidden=(4,), weight_scale=1, adam_steps=30, decay=0.1, resample_every=4)
    context = started_with(method)
    state = method.init(context)
    while state.iteration < 3:
        state = method.iterate(context, state)
    rate = state.memory.adam.state["param_groups"][0]["lr"]
    assert rate == pytest.approx(1e-3 * 0.1 ** (29 / 30))


@pytest.mark.parametrize("adaptive", [False, True])
def test_pinn_with_resampling_learns(adaptive: bool) -> None:
    options = {"adam_steps": 200, "lbfgs_steps": 100, "resample_every": 20, "adaptive": adaptive}
    solution = pl.solve(cubic(), "pinn", learning_rate=1e-2, **options, **SMALL)
    assert solution.errors["u"].relative_l2 < 0.1
    assert {r.phase for r in solution.history} == {"adam", "l-bfgs"}


@pytest.mark.parametrize("steps", [1, 7, 10, 23])
def test_lbfgs_takes_no_more_steps_than_asked_for(steps: int) -> None:
    context = started(cubic(), "pinn")
    loss = squared_norm(context.fresh_residual())
    before = loss().item() ** 0.5
    run = LBFGSRun(steps, history=10)
    while not run.over:
        run.advance(context.network, loss, quiet(context))
    assert run.state is not None
    assert run.state["state"][0]["n_iter"] <= steps
    assert run.size < before
    assert loss().item() ** 0.5 == pytest.approx(run.size, rel=1e-12)


def not_a_number(context: Context) -> SumOfSquares:
    found = squared_norm(context.fresh_residual())
    return SumOfSquares(found.total, lambda part: found.of(part) * torch.nan, found.once)


@pytest.mark.parametrize(
    "make", [lambda: LBFGSRun(10, history=10), lambda: AdamRun(10)], ids=["l-bfgs", "adam"]
)
def test_optimizers_keep_the_last_finite_parameters(make: Any) -> None:
    context = started(cubic(), "pinn")
    theta = context.network.get_vector()
    run = make()
    run.advance(context.network, not_a_number(context), quiet(context))
    assert torch.equal(context.network.get_vector(), theta)
    assert run.over


@pytest.mark.parametrize(
    "make", [lambda: LBFGSRun(40, history=10), lambda: AdamRun(240)], ids=["l-bfgs", "adam"]
)
def test_a_run_goes_on_from_the_state_of_its_optimizer(make: Any) -> None:
    found = []
    for cut in (False, True):
        context = started(cubic(), "pinn")
        run, loss = make(), squared_norm(context.fresh_residual())
        while not run.over:
            run.advance(context.network, loss, quiet(context))
            if cut:
                run = replace(run, state=copy.deepcopy(run.state), _optimizer=None)
        found.append(context.network.get_vector())
    assert torch.equal(*found)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("problem", [poisson, heat], ids=["poisson", "heat"])
def test_tsonn_decreases(optimizer: str, problem: Any) -> None:
    options = {"optimizer": optimizer, "inner_steps": 40, "learning_rate": 1e-2}
    solution = pl.solve(problem(), "tsonn", **options, max_iterations=3, **SMALL)
    outer = [r.heldout for r in solution.history if r.heldout is not None]
    assert solution.heldout < outer[0]
    assert solution.delta is None


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("lstsq", SOLVERS)
@pytest.mark.filterwarnings("ignore:Cholesky")
def test_lsr_with_every_basis_and_solver(basis: str, lstsq: str) -> None:
    solution = pl.solve(poisson(), "lsr", basis=basis, lstsq=lstsq, **SMALL)
    bound = 1.0 if basis == "last_layer" else 1e-2
    assert solution.errors["u"].relative_l2 < bound
    rows = sum(solution.points.values())
    all_of_it = rows if basis in ("output", "residual") else solution.parameters
    assert solution.rank == (9 if basis == "last_layer" else all_of_it)
    if lstsq == "lsmr":  # products with vectors tell no rank, and no condition if they stop early
        assert solution.effective_rank is None
    else:
        assert 0 < (solution.effective_rank or 0) <= (solution.rank or 0)
        assert (solution.condition or 0) > 1


@pytest.mark.parametrize("scaled", [False, True])
def test_lsr_with_a_configured_basis(scaled: bool) -> None:
    solution = pl.solve(poisson(), "lsr", basis=pl.OutputRSVD(scaled=scaled), rank=30, **SMALL)
    assert solution.rank == 30
    assert solution.report is not None
    assert solution.report.basis_values is not None
    assert solution.errors["u"].relative_l2 < 1e-4


def test_lsr_says_when_most_directions_are_below_rounding() -> None:
    wide = {"hidden": (30, 30), "weight_scale": 0.1, "points": 1000}
    solution = pl.solve(poisson_2d(), "lsr", **wide)
    assert solution.status is pl.Status.RANK_DEFICIENT
    assert 2 * (solution.effective_rank or 0) < (solution.rank or 0)


def test_newton_steps_reach_the_refinement() -> None:
    one, many = (pl.solve(cubic(), "lsr", newton_steps=n, **SMALL) for n in (1, 8))
    assert many.errors["u"].relative_l2 < 1e-2 * one.errors["u"].relative_l2


@pytest.mark.parametrize("alignment", ["gauss-newton", "lbfgs"])
@pytest.mark.parametrize("adaptive", [False, True])
def test_ilsr_aligns_the_network(alignment: str, adaptive: bool) -> None:
    options = {"alignment": alignment, "alignment_steps": 50, "adaptive": adaptive}
    narrow = {**SMALL, "hidden": (3,)}  # wider ones are at rounding after one iteration
    solution = pl.solve(cubic(), "ilsr", **options, max_iterations=2, **narrow)
    outer = [r.heldout for r in solution.history if r.heldout is not None]
    assert len(outer) == 2
    assert {r.phase for r in solution.history} == {"align", "refine"}
    assert solution.errors["u"].relative_l2 < 1e-4


def test_ilsr_may_align_first() -> None:
    seen: list[Record] = []
    method = pl.ILSR(refine_first=False, alignment_steps=5, hidden=(6, 6), weight_scale=1.0)
    context = started_with(method, cubic())
    context.listen(seen.append)
    method.iterate(context, method.init(context))
    assert [r.phase for r in seen] == ["align"]


@pytest.mark.parametrize("factor", [1, 2, 3.5])
def test_ilsr_refines_on_more_points(factor: float) -> None:
    method = pl.ILSR(refine_points=factor, hidden=(6, 6), weight_scale=1.0)
    context = started_with(method)
    method.iterate(context, method.init(context))
    assert context.discretization.training is not None
    assert len(context.discretization.training.blocks[0]) == round(20 * factor)


def test_the_published_settings_of_burgers() -> None:
    method = pl.ILSR.paper("burgers")
    assert method.hidden == (128,) * 6
    assert (method.alignment, method.alignment_steps) == ("lbfgs", 500)
    assert (method.pseudo_time_step, method.rank, method.newton_steps) == (0.3, 1000, 1)
    assert method.basis == pl.OutputRSVD(scaled=False)
    assert (method.activation, method.adaptive, method.refine_points) == ("tanh", False, 1.0)
    assert method.weight_scale == 1.0
    context = started_paper(method, burgers())
    assert context.network.get_vector().dtype is torch.float32
    assert context.discretization.compiled.exact == ()
    weights = context.heldout.block_weights()
    assert all(w == pytest.approx(1.0, rel=1e-5) for w in weights.values())
    assert len(weights) == 4


def test_the_published_settings_of_poisson() -> None:
    method = pl.ILSR.paper("poisson")
    assert (method.alignment_steps, method.pseudo_time_step) == (300, 0.001)
    assert method.basis == pl.OutputRSVD(scaled=True)
    weights = started_paper(method, poisson_2d()).heldout.block_weights()
    assert weights == pytest.approx({"equation": 1.0, "dirichlet u": 100.0**2}, rel=1e-5)


def test_only_published_settings_exist() -> None:
    with pytest.raises(pl.SettingsError, match="paper is 'heat': choose one of burgers, poisson"):
        pl.ILSR.paper("heat")


@pytest.mark.parametrize("name", ["burgers", "poisson"])
def test_published_settings_run_at_reduced_size(name: str) -> None:
    problem = burgers() if name == "burgers" else poisson_2d()
    method = replace(pl.ILSR.paper(name), hidden=(8, 8), rank=30, alignment_steps=10)
    solution = pl.solve(problem, method, points=100, max_iterations=2)
    assert {r.phase for r in solution.history} >= {"refine"}
    assert solution.iterations == 2
    assert solution.heldout < 1e3
    assert solution.settings.dtype is torch.float32


def started_paper(method: Method, problem: pl.Problem) -> Context:
    assert method.suggested["points"] == 20_000
    return prepare(Request.of(problem, replace(method, hidden=(6,)), {"points": 50}).job())


@pytest.mark.parametrize("method", ["tsonn", "ilsr", "lsr"])
def test_refine_keeps_what_is_better(method: str) -> None:
    options = {"tsonn": {"inner_steps": 10, "max_iterations": 1}, "ilsr": {"max_iterations": 1}}
    given = {**SMALL, **options.get(method, {})}
    plain, refined = (pl.solve(heat(), method, refine=r, **given) for r in (False, True))
    assert refined.heldout <= plain.heldout
    assert refined.history[-1].phase == "refine"
    assert len(refined.history) == len(plain.history) + 1
    if method == "tsonn":
        assert refined.heldout < 0.1 * plain.heldout
