"""Options: parsed, refused in the user's words, and carried to the blocks."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from solver_cases import SMALL, burgers, heat, poisson, started, system
from torch import nn

import pdelsr as pl
from pdelsr.cli.options import read_options
from pdelsr.solvers.methods.registry import METHODS, parse_options
from pdelsr.solvers.run.method import require_hidden
from pdelsr.solvers.state.settings import require_flag

UNKNOWN = [
    ("lsr", "rnk", "'rank'"),
    ("lsr", "newton_step", "'newton_steps'"),
    ("pinn", "learningrate", "'learning_rate'"),
    ("tsonn", "inner_step", "'inner_steps'"),
    ("ilsr", "allignment", "'alignment'"),
    ("ilsr", "timelimit", "'time_limit'"),
    ("pinn", "basis", "has no option 'basis'"),
    ("pinn", "lr", "'learning_rate'"),
    ("ilsr", "epochs", "'max_iterations'"),
    ("lsr", "lr", "it has "),
]


@pytest.mark.parametrize(("method", "option", "hint"), UNKNOWN, ids=[u[1] for u in UNKNOWN])
def test_unknown_options_name_the_nearest(method: str, option: str, hint: str) -> None:
    with pytest.raises(pl.SettingsError, match=hint):
        parse_options(method, {option: 1})


@pytest.mark.parametrize(
    ("given", "hint"), [("lrs", "'lsr'"), ("ISLR", "'ilsr'"), ("xy", "one of")]
)
def test_unknown_methods(given: str, hint: str) -> None:
    with pytest.raises(pl.SettingsError, match=hint):
        parse_options(given, {})


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("lsr", {"rank": 0}, "rank is 0: give a whole number from 1 on"),
    ("lsr", {"newton_steps": 0}, "newton_steps is 0"),
    ("lsr", {"basis": "svd"}, "basis 'svd' is not known"),
    ("lsr", {"lstsq": "lu"}, "least-squares solver 'lu' is not known"),
    ("lsr", {"hidden": ()}, r"hidden is \(\): give the widths"),
    ("lsr", {"hidden": (8, 0)}, "a width in hidden is 0"),
    ("lsr", {"weight_scale": 0}, "weight_scale is 0: give a finite number above 0"),
    ("lsr", {"weight_scale": 10**400}, "give a finite number above 0"),
    ("lsr", {"weight_scale": math.inf}, "weight_scale is inf: give a finite number above 0"),
    ("lsr", {"harmonics": 0}, "harmonics is 0"),
    ("lsr", {"activation": "relu"}, "relu"),
    ("lsr", {"initialization": "zeros"}, "zeros"),
    ("pinn", {"adam_steps": -1}, "adam_steps is -1"),
    ("pinn", {"adam_steps": 0, "lbfgs_steps": 0}, r"adam_steps \+ lbfgs_steps is 0"),
    ("pinn", {"learning_rate": 0}, "learning_rate is 0"),
    ("pinn", {"decay": float("nan")}, "decay is nan"),
    ("tsonn", {"optimizer": "sgd"}, "optimizer is 'sgd': choose one of lbfgs, adam"),
    ("tsonn", {"pseudo_time_step": -1}, "pseudo_time_step is -1"),
    ("ilsr", {"alignment": "adam"}, "alignment is 'adam': choose one of gauss-newton, lbfgs"),
    ("ilsr", {"refine_points": 0}, "refine_points is 0"),
    ("lsr", {"points": 0}, "points is 0: give a whole number from 1 on"),
    ("lsr", {"points": {"equation": 0}}, "points of 'equation' is 0"),
    ("lsr", {"weights": {"equation": -1}}, "the weight of 'equation' is -1"),
    ("lsr", {"weights": {"equation": float("inf")}}, "the weight of 'equation' is inf: give a f"),
    ("lsr", {"weights": {"equation": 0}}, "the weight of 'equation' is 0: give a finite number ab"),
    ("lsr", {"weights": {"equation": 10**400}}, "the weight of 'equation' is 10{59}…: give a fin"),
    ("lsr", {"tolerance": -1}, "tolerance is -1: give a number from 0 on"),
    ("lsr", {"time_limit": 0}, "time_limit is 0"),
    ("lsr", {"max_iterations": 0}, "max_iterations is 0"),
    ("lsr", {"seed": -1}, "seed is -1"),
    ("lsr", {"seed": 10**400}, "seed is 10{59}…: give a whole number up to 2147483647"),
    ("lsr", {"seed": 10**5000}, "seed is a value of type int: give a whole number up to"),
    ("lsr", {"seed": 10**30}, "give a whole number up to 2147483647"),
    ("lsr", {"memory_budget": 0}, "memory_budget is 0"),
    ("lsr", {"dtype": "half"}, "dtype is 'half'"),
    ("lsr", {"device": "cuda:99"}, "device .cuda:99. cannot be used here"),
    ("lsr", {"device": "abacus"}, "device 'abacus' cannot be used here"),
]


@pytest.mark.parametrize(("method", "options", "message"), WRONG, ids=[w[2][:30] for w in WRONG])
def test_wrong_values_are_refused(method: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(pl.SettingsError, match=message):
        parse_options(method, options)


@pytest.mark.parametrize("option", ["points", "weights", "sampler"])
def test_blocks_that_do_not_exist_are_refused(option: str) -> None:
    value = {"points": 5, "weights": 2.0, "sampler": pl.Sobol()}[option]
    with pytest.raises(pl.SettingsError, match=f"{option} names the block 'wall'; the problem has"):
        started(poisson(), **{option: {"wall": value}})


def test_whole_numbers_do_where_numbers_are_expected() -> None:
    parse_options("lsr", {"time_limit": 5, "tolerance": 0, "weight_scale": 2, "hidden": [8, 8]})
    parse_options("pinn", {"learning_rate": 1, "decay": 1, "weights": {"equation": 3}})
    parse_options("ilsr", {"pseudo_time_step": 1, "refine_points": 1})
    pl.QR(damping=1), pl.Cholesky(damping=1), pl.LSMR(tolerance=0), pl.TruncatedSVD(cut=0)
    pl.MLP(2, 1, [4], bounds=[(0, 1), [0, 2]], periodic={0: 1}, weight_scale=2)


def test_points_reach_the_blocks() -> None:
    blocks = started(poisson(), points=70).fresh_residual().blocks
    assert [len(b) for b in blocks] == [70, 2]
    by_name = {"equation": 33, "dirichlet u": 7, "initial u": 9}
    context = started(heat(), points=by_name)
    assert {b.block.name: len(b) for b in context.fresh_residual().blocks} == by_name
    declared = started(poisson(points=21), points=None).fresh_residual().blocks[0]
    assert len(declared) == 21


def test_a_problem_with_something_else_than_a_sampler_is_refused() -> None:
    with pytest.raises(pl.ProblemError, match="sampler is 'sobol': give a sampler such as"):
        replace(poisson(), sampler="sobol")


def test_samplers_reach_the_blocks() -> None:
    own = np.linspace(0.1, 0.9, 11)[:, None]
    context = started(poisson(), sampler={"equation": pl.Points(own)})
    found = context.fresh_residual().blocks[0].sites[0]
    torch.testing.assert_close(found, torch.tensor(own))
    grid = started(poisson(), sampler=pl.Grid(), points=10).fresh_residual().blocks[0].sites[0]
    spacing = grid.sort(dim=0).values.diff(dim=0)
    torch.testing.assert_close(spacing, torch.full_like(spacing, 0.1))


def test_weights_and_balance_reach_the_scales() -> None:
    plain = started(poisson(), balance=False).heldout.block_weights()
    assert plain == pytest.approx({"equation": 1.0, "dirichlet u": 1.0})
    weights = {"dirichlet u": 25}
    heavy = started(poisson(), balance=False, weights=weights).heldout.block_weights()
    assert heavy == pytest.approx({"equation": 1.0, "dirichlet u": 25.0})
    context = started(poisson(), balance=True)
    balanced = context.heldout.block_weights()
    residual = context.fresh_residual()
    rows = [balanced[b.block.name] * residual.mean_square_row(b) for b in residual.blocks]
    assert rows[0] == pytest.approx(rows[1], rel=0.2)
    both = started(poisson(), balance=True, weights=weights).heldout.block_weights()
    assert both["dirichlet u"] == pytest.approx(25 * balanced["dirichlet u"])


def test_defaults_of_the_methods_differ() -> None:
    assert started(poisson(), "pinn").heldout.block_weights()["dirichlet u"] == pytest.approx(1.0)
    assert started(poisson(), "lsr").heldout.block_weights()["dirichlet u"] > 2
    assert started(poisson(), "ilsr").discretization.compiled.exact == ("dirichlet u",)
    assert started(poisson(), "lsr").discretization.compiled.exact == ()


@pytest.mark.parametrize("hard", [False, True])
def test_hard_conditions(hard: bool) -> None:
    context = started(heat(), hard=hard)
    kinds = {b.kind for b in context.discretization.compiled.blocks}
    assert ("initial" in kinds) is not hard
    solution = pl.solve(heat(), "lsr", hard=hard, **SMALL)
    start = solution.predict(x=np.linspace(0, 1, 7), t=0.0)
    error = np.abs(start - np.sin(np.pi * np.linspace(0, 1, 7))).max()
    assert error < (1e-12 if hard else 1e-2)


@pytest.mark.parametrize("method", METHODS)
def test_systems(method: str) -> None:
    options = {"pinn": {"adam_steps": 20, "lbfgs_steps": 60}, "tsonn": {"inner_steps": 30}}
    limits = {} if method == "pinn" else {"max_iterations": 2}
    solution = pl.solve(system(), method, **SMALL, **options.get(method, {}), **limits)
    assert set(solution.errors) == {"u", "v"}
    bound = 1e-7 if "lsr" in method else 1.0
    assert all(e.relative_l2 < bound for e in solution.errors.values())


@pytest.mark.parametrize("method", METHODS)
def test_single_precision(method: str) -> None:
    options = {"pinn": {"adam_steps": 20, "lbfgs_steps": 20}, "tsonn": {"inner_steps": 10}}
    limits = {} if method == "pinn" else {"max_iterations": 2}
    given = {**SMALL, **options.get(method, {}), **limits, "dtype": "float32"}
    solution = pl.solve(burgers(), method, **given)
    assert solution.network.get_vector().dtype is torch.float32
    assert solution.predict(x=0.1, t=0.2).dtype == np.float32


@pytest.mark.parametrize("method", METHODS)
def test_networks_of_the_user(method: str) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(1, 10), nn.Tanh(), nn.Linear(10, 1))
    options = {"pinn": {"adam_steps": 20, "lbfgs_steps": 20}, "tsonn": {"inner_steps": 10}}
    limits = {} if method == "pinn" else {"max_iterations": 2}
    given = {**options.get(method, {}), **limits}
    solution = pl.solve(poisson(), method, network=module, points=60, hard=False, **given)
    assert solution.parameters == 31
    assert solution.errors["u"].relative_l2 < (1e-3 if "lsr" in method else 2.0)


def test_networks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(pl.SettingsError, match=r"maps 1 coordinate.* the problem has 2"):
        started(heat(), network=pl.MLP(1, 1, (4,)))
    frozen = nn.Linear(1, 1).requires_grad_(False)
    for method in METHODS:
        with pytest.raises(pl.SettingsError, match="no trainable parameter"):
            started(poisson(), method, network=frozen)
    for periods in ({}, {0: 3.0}, {1: 2.0}):
        network = pl.MLP(2, 1, (4,), periodic=periods)
        with pytest.raises(pl.SettingsError, match="needs a network with a periodic embedding"):
            started(burgers(), hard=True, network=network)
    with pytest.raises(pl.SettingsError, match="Unsized has no in_features and out_features"):
        started(poisson(), network=Unsized())


class Unsized(pl.Network):
    """A network that does not say what it maps."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor, indices: object = None) -> torch.Tensor:
        return self.a * x


class Embedded(nn.Module):
    """A network of cos and sin of the first coordinate, of period 2."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        angle = torch.pi * x[:, :1]
        return self.inner(torch.cat([torch.cos(angle), torch.sin(angle), x[:, 1:]], dim=1))


def test_a_module_that_is_periodic_itself_may_have_hard_conditions() -> None:
    context = started(burgers(), hard=True, network=Embedded())
    assert any(name.startswith("periodic") for name in context.discretization.compiled.exact)


@pytest.mark.parametrize("method", METHODS)
def test_equal_seeds_give_bitwise_equal_solutions(method: str) -> None:
    options = {"pinn": {"adam_steps": 20, "lbfgs_steps": 20}, "tsonn": {"inner_steps": 10}}
    limits = {} if method == "pinn" else {"max_iterations": 2}
    given = {**SMALL, **options.get(method, {}), **limits}
    x = np.linspace(0, 1, 5)
    first, second, other = (pl.solve(poisson(), method, seed=s, **given) for s in (4, 4, 5))
    assert (first.predict(x) == second.predict(x)).all()
    assert first.heldout == second.heldout
    assert (first.predict(x) != other.predict(x)).any()


def test_memory_budget_reaches_the_rows() -> None:
    residual = started(poisson(), memory_budget=1).fresh_residual()
    c = residual.coefficients(residual.jets_without_graph())
    assert all(len(rows) == 1 for _, rows in residual.rows(c))


@pytest.mark.parametrize("value", ["yes", 1, None])
def test_flags_are_true_or_false(value: object) -> None:
    with pytest.raises(pl.SettingsError, match=r"refine is .*: give True or False"):
        require_flag("refine", value)
    require_flag("hard", None, open=True)


def test_widths_are_no_text() -> None:
    with pytest.raises(pl.SettingsError, match="hidden is '20,20': give the widths"):
        require_hidden("20,20")


def test_what_solve_takes_itself_is_listed() -> None:
    with pytest.raises(pl.SettingsError, match=r"it has .*start.*track_errors"):
        parse_options("pinn", {"basis": "full"})
    with pytest.raises(pl.SettingsError, match="did you mean 'start'"):
        parse_options("pinn", {"strat": 1})
    with pytest.raises(pl.SettingsError, match="by --start FILE"):
        read_options("lsr", ["start=foo"])
    with pytest.raises(pl.SettingsError, match=r"has no option 'strat': it has"):
        read_options("pinn", ["strat=1"])


def test_networks_of_another_dtype_are_refused() -> None:
    class Single(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.map = nn.Sequential(nn.Linear(1, 9), nn.Tanh(), nn.Linear(9, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.map(x).float()

    with pytest.raises(pl.SettingsError, match=r"values in torch.float32 at points in .*float64"):
        pl.solve(poisson(), "lsr", network=Single())


def test_networks_without_second_derivatives_are_refused() -> None:
    kinked = nn.Sequential(nn.Linear(1, 9), nn.ReLU(), nn.Linear(9, 1))
    with pytest.raises(pl.SettingsError, match=r"no second derivatives.* as with ReLU"):
        pl.solve(poisson(), "lsr", network=kinked)
    flat = nn.Sequential(nn.Linear(1, 9), nn.Tanh(), nn.Linear(9, 1))
    nn.init.zeros_(flat[2].weight)
    assert pl.solve(poisson(), "lsr", network=flat).heldout < 1.0


@pytest.mark.parametrize("option", ["points", "weights"])
def test_options_name_blocks_that_have_points(option: str) -> None:
    with pytest.raises(pl.SettingsError, match="'dirichlet u', which holds exactly"):
        pl.solve(poisson(), "ilsr", **{option: {"dirichlet u": 20}})
    soft = {option: {"dirichlet u": 20}, "hard": False, "hidden": (6,), "weight_scale": 1.0}
    pl.solve(poisson(), "lsr", **soft)
    declared = poisson(**{option: {"dirichlet u": 20}})  # which does not know the method
    pl.solve(declared, "lsr", **{**soft, option: None, "hard": True})
