"""`solve`: methods, options, going on, refinement afterwards, interruption."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from torch import nn

import pdelsr as pl
from pdelsr.entry.solve import require_kinds

X = pl.coordinates("x")
U = pl.unknown("u", X)
SMALL: dict[str, Any] = {"hidden": (8, 8), "points": 60, "weight_scale": 1.0}


def poisson(name: str = "poisson_1d", source: float = 1.0) -> pl.Problem:
    exact = source * sp.sin(sp.pi * X)
    return pl.Problem(
        name,
        pl.Interval(X, 0, 1),
        [sp.Eq(-U.diff(X, 2), sp.pi**2 * exact)],
        [pl.Dirichlet(U, 0)],
        reference=exact,
    )


METHODS: dict[str, tuple[dict[str, Any], float]] = {
    "pinn": ({"adam_steps": 100, "lbfgs_steps": 200}, 1e-2),
    "tsonn": ({"inner_steps": 50, "max_iterations": 3}, 0.2),
    "lsr": ({}, 1e-7),
    "ilsr": ({"max_iterations": 2, "alignment_steps": 5}, 1e-9),
}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_solves(method: str) -> None:
    options, bound = METHODS[method]
    solution = pl.solve(poisson(), method, **SMALL, **options)
    assert solution.errors["u"].relative_l2 < bound
    assert solution.method.name == method
    assert solution.status.advice
    assert all(np.isfinite(b.train_rms) for b in solution.blocks.values())


def test_ilsr_is_the_default() -> None:
    solution = pl.solve(poisson(), max_iterations=1, **SMALL)
    assert isinstance(solution.method, pl.ILSR)


def test_a_method_may_be_an_instance_with_its_own_options() -> None:
    method = pl.LSR(hidden=(6,), weight_scale=1.0, rank=5, basis=pl.Gaussian())
    solution = pl.solve(poisson(), method, points=40)
    assert solution.rank == 5
    assert solution.method is method
    with pytest.raises(pl.SettingsError, match="has no option 'rank'"):
        pl.solve(poisson(), method, rank=6)


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "method": ("lrs", {}, "method 'lrs' is not known: did you mean 'lsr'"),
    "option": ("lsr", {"rnak": 3}, "method 'lsr' has no option 'rnak': did you mean 'rank'"),
    "other method": ("lsr", {"adam_steps": 3}, "has no option 'adam_steps'"),
    "value": ("lsr", {"rank": 0}, "rank is 0: give a whole number from 1 on"),
    "dtype": ("lsr", {"dtype": "float16"}, "dtype is 'float16': choose one of float64, float32"),
    "device": ("lsr", {"device": "tpu"}, "device 'tpu' cannot be used here"),
    "block": ("lsr", {"points": {"equations": 9}}, "points names the block 'equations'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_options_are_refused(case: str) -> None:
    method, options, message = REFUSED[case]
    with pytest.raises(pl.SettingsError, match=message):
        pl.solve(poisson(), method, **options)


def test_paths_in_the_place_of_objects_are_refused() -> None:
    require_kinds(poisson(), None)
    with pytest.raises(pl.SettingsError, match=r"problem is 'a.py': give a pl.Problem"):
        require_kinds("a.py", None)
    with pytest.raises(pl.SettingsError, match=r"start is 'a.run': give a solution, such as"):
        require_kinds(poisson(), "a.run")


@pytest.mark.parametrize("method", METHODS)
def test_going_on_never_gets_worse(method: str) -> None:
    first = pl.solve(poisson(), "lsr", balance=False, **SMALL)
    before = first.network.get_vector()
    options = METHODS[method][0]
    second = pl.solve(poisson(), method, start=first, points=60, balance=False, **options)
    assert second.heldout <= first.heldout
    torch.testing.assert_close(first.network.get_vector(), before, rtol=0, atol=0)


def test_going_on_with_the_same_method_uses_new_points_and_the_same_weights() -> None:
    first = pl.solve(poisson(), "lsr", **SMALL)
    second = pl.solve(poisson(), "lsr", start=first, points=60)
    assert second.weights == first.weights
    assert second.heldout <= first.heldout
    assert (first.rounds, second.rounds) == (1, 2)


def test_a_start_that_stays_best_keeps_its_report_and_points() -> None:
    first = pl.solve(poisson(), "lsr", **SMALL)
    second = pl.solve(poisson(), "pinn", start=first, adam_steps=3, lbfgs_steps=0, points=60)
    assert second.rank == first.rank
    assert second.points == first.points
    x = np.linspace(0, 1, 9)
    np.testing.assert_array_equal(second.predict(x), first.predict(x))


@pytest.mark.parametrize("method", ["ilsr", "lsr", "pinn", "tsonn"])
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_callers_may_have_switched_slopes_off(mode: Any, method: str) -> None:
    options = {"hidden": (6,), "points": 30, "max_iterations": 1, "weight_scale": 1.0}
    if method == "pinn":
        options |= {"adam_steps": 3, "lbfgs_steps": 1}
    usual = pl.solve(poisson(), method, **options)
    with mode():
        solution = pl.solve(poisson(), method, **options)
        x = np.linspace(0, 1, 9)
        np.testing.assert_array_equal(solution.predict(x), usual.predict(x))


def test_a_start_takes_its_dtype_seed_and_hard_conditions_along() -> None:
    first = pl.solve(poisson(), "lsr", hard=True, dtype="float32", seed=3, **SMALL)
    second = pl.solve(poisson(), "lsr", start=first)
    assert second.settings.dtype is torch.float32
    assert second.settings.seed == 3
    assert second.compiled.exact == ("dirichlet u",)
    third = pl.solve(poisson(), "lsr", start=first, dtype="float64")
    assert third.predict(np.array([0.5])).dtype == np.float64
    assert third.errors["u"].relative_l2 < 1e-6


def test_a_start_may_come_from_a_neighbouring_problem() -> None:
    first = pl.solve(poisson(), "lsr", **SMALL)
    second = pl.solve(poisson(source=1.1), "lsr", start=first, points=60)
    assert second.errors["u"].relative_l2 < 1e-5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": (5,)}, "hidden cannot be combined with start"),
        ({"network": nn.Linear(1, 1)}, "network cannot be combined with start"),
        ({"hard": True}, "hard=True does not fit the start, which has hard=False"),
    ],
    ids=["hidden", "network", "hard"],
)
def test_options_that_contradict_the_start_are_refused(
    options: dict[str, Any], message: str
) -> None:
    first = pl.solve(poisson(), "lsr", **SMALL)
    with pytest.raises(pl.SettingsError, match=message):
        pl.solve(poisson(), "lsr", start=first, **options)


def test_refine_appends_a_one_shot_lsr() -> None:
    options = {**SMALL, "adam_steps": 50, "lbfgs_steps": 50}
    plain = pl.solve(poisson(), "pinn", **options)
    refined = pl.solve(poisson(), "pinn", refine=True, **options)
    assert plain.delta is None
    assert refined.delta is not None
    assert refined.heldout < 1e-3 * plain.heldout
    assert refined.history[-1].phase == "refine"
    assert refined.history[-1].iteration == refined.iterations
    torch.testing.assert_close(refined.network.get_vector(), plain.network.get_vector())
    assert refined.points["equation"] >= 2 * refined.parameters


def test_a_network_that_is_passed_in_is_copied() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    before = [p.clone() for p in module.parameters()]
    solution = pl.solve(poisson(), "pinn", network=module, adam_steps=10, lbfgs_steps=0, points=20)
    assert all(torch.equal(p, q) for p, q in zip(module.parameters(), before, strict=True))
    assert module[0].weight.dtype is torch.float32
    assert solution.predict(np.array([0.5])).dtype == np.float64


def test_a_callback_sees_every_record() -> None:
    seen: list[pl.Record] = []
    options = {**SMALL, "hidden": (3,), "max_iterations": 2, "alignment_steps": 5}
    solution = pl.solve(poisson(), "ilsr", callback=seen.append, **options)
    assert [(p.phase, p.train) for p in seen] == [(r.phase, r.train) for r in solution.history]
    assert {p.heldout is None for p in seen} == {True, False}


def test_ctrl_c_returns_the_best_solution_so_far() -> None:
    def stop(progress: pl.Record) -> None:
        if progress.iteration == 2:
            raise KeyboardInterrupt

    options = {**SMALL, "hidden": (3,), "alignment_steps": 5}
    solution = pl.solve(poisson(), "ilsr", callback=stop, refine=True, **options)
    assert solution.status is pl.Status.INTERRUPTED
    assert solution.errors["u"].relative_l2 < 1e-6


def test_ctrl_c_during_the_refinement_keeps_what_there_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pdelsr.solvers.refinement.refiner.Refiner.__call__", interrupted)
    solution = pl.solve(poisson(), "pinn", refine=True, adam_steps=5, lbfgs_steps=0, **SMALL)
    assert solution.status is pl.Status.INTERRUPTED
    assert solution.delta is None


def test_time_limit_and_tolerance_end_the_run() -> None:
    out = pl.solve(poisson(), "pinn", time_limit=0.2, **SMALL)
    assert out.ended is pl.Status.OUT_OF_TIME
    done = pl.solve(poisson(), "ilsr", tolerance=1e-3, **SMALL)
    assert done.status is pl.Status.CONVERGED
    assert done.iterations == 1
    refined = pl.solve(
        poisson(), "pinn", refine=True, tolerance=1e-3, adam_steps=5, lbfgs_steps=5, **SMALL
    )
    assert refined.status is pl.Status.CONVERGED


def test_verbose_writes_to_standard_error_and_quiet_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    pl.solve(poisson(), "lsr", **SMALL)
    assert capsys.readouterr() == ("", "")
    pl.solve(poisson(), "lsr", verbose=True, **SMALL)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "poisson_1d by lsr: iteration   1, refine" in captured.err


def test_equal_seeds_give_equal_solutions() -> None:
    first, second = (pl.solve(poisson(), "lsr", seed=5, **SMALL) for _ in range(2))
    other = pl.solve(poisson(), "lsr", seed=6, **SMALL)
    assert first.heldout == second.heldout
    assert first.heldout != other.heldout


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("lsr", {}),
        ("lsr", {"basis": "output", "rank": 20}),
        ("lsr", {"lstsq": "lsmr"}),
        ("ilsr", {"max_iterations": 2}),
        # Adam of torch 2.7 counts its steps there
        ("tsonn", {"max_iterations": 2, "inner_steps": 20}),
    ],
)
def test_the_default_device_of_torch_is_not_that_of_a_run(
    method: str, options: dict[str, Any]
) -> None:
    """Scripts for a GPU set it; "meta" has no data, so that any tensor there would fail."""
    expected = pl.solve(poisson(), method, **SMALL, **options)
    torch.set_default_device("meta")
    try:
        found = pl.solve(poisson(), method, **SMALL, **options)
        assert found.predict(x=0.5) == expected.predict(x=0.5)
    finally:
        torch.set_default_device(None)
