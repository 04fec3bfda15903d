"""Runs with little memory: smaller where the sizes are open, refused where the user chose them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from solver_cases import burgers, cubic, poisson, poisson_2d, started

import pdelsr as pl
from pdelsr.linearize import Columns, RowSource
from pdelsr.lstsq import QR
from pdelsr.resources import room
from pdelsr.solvers.descent.gradient import squared_norm
from pdelsr.solvers.descent.levenberg_marquardt import LevenbergMarquardt, affordable_step
from pdelsr.solvers.descent.pseudo_time import pseudo_time_residual, stable_signs
from pdelsr.solvers.refinement.memory.fitting import (
    affordable,
    affordable_columns,
    affordable_points,
)
from pdelsr.solvers.refinement.refiner import Refiner
from pdelsr.subspace.base import Subspace

MIB = 2**20
PLAIN: dict[str, Any] = {"weight_scale": 1.5, "activation": "sin"}
Free = Callable[[float], None]


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Free:
    """Says how many MiB the host has left for arrays; the reserve of libraries is no matter."""
    monkeypatch.setattr(room, "RESERVE", 0)

    def say(size: int | float) -> None:
        told = int(size * MIB / room.USED_SHARE)
        monkeypatch.setattr("pdelsr.resources.free_memory.free_on_host", lambda: told)

    return say


def out_of_memory_in(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, when: Callable[..., bool]
) -> list[int]:
    """Let a function of `owner` raise what a GPU raises, where `when` says so."""
    usual, refused = getattr(owner, name), []

    def limited(*arguments: Any, **options: Any) -> Any:
        if when(*arguments):
            refused.append(len(refused))
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return usual(*arguments, **options)

    monkeypatch.setattr(owner, name, limited)
    return refused


def test_open_sizes_are_lowered_and_the_report_says_so(free: Free) -> None:
    free(60)
    solution = pl.solve(poisson_2d(), "lsr", **PLAIN)
    assert solution.status is pl.Status.COMPLETED
    assert solution.rank is not None
    assert solution.rank < 2545 == solution.parameters
    assert f"{solution.rank:,} of 2,545 directions and" in solution.summary()
    assert solution.report is not None
    assert str(solution.report.limit).endswith("% of the points, for lack of memory")
    assert solution.heldout < solution.heldout_start / 10


def test_points_go_before_directions(free: Free) -> None:
    context = started(poisson_2d(), hidden=(48, 48), points=None, memory_budget=MIB)
    enough = Refiner().bytes_needed(context.discretization)
    free(1.001 * enough / MIB)
    assert affordable(context.discretization, Refiner(), 1.0)[0].lowered is None
    free(0.95 * enough / MIB)
    first = affordable(context.discretization, Refiner(), 1.0)[0]
    assert first.rank is None
    assert first.limit == f"all directions and {first.factor:.1%} of the points, for lack of memory"
    assert 0.5 <= first.factor < 1


def test_chosen_points_stay(free: Free) -> None:
    free(16)
    solution = pl.solve(poisson_2d(), "lsr", points=400, hidden=(20, 20), **PLAIN)
    assert solution.points["equation"] == 400
    assert solution.rank is not None
    assert solution.rank < solution.parameters


REFUSED: dict[str, tuple[str, int, dict[str, Any], str]] = {
    "rank": (
        "lsr",
        30,
        {"rank": 300, "points": 4000},
        r"lower rank to \d+ \(--rank\) or points to \d+ \(--",
    ),
    "full": ("lsr", 60, {"basis": "full"}, r"lower rank to \d+ \(--rank\), or"),
    "last layer": (
        *("lsr", 35, {"basis": "last_layer", "hidden": (16, 60), "points": 20_000}),
        r"lower points to \d+ \(--points\), or",
    ),
    "ilsr": ("ilsr", 25, {"rank": 600}, r"lower rank to \d+"),
    "pinn": ("pinn", 10, {"lbfgs_steps": 1}, r"close other programs, or take a narrower network"),
    "network": ("pinn", 2, {"hidden": (3000, 3000)}, r"^9,[\d,]+ parameters need about .* narrow"),
    "points": ("pinn", 2, {"points": 10**9}, r"^1,[\d,]+ points need about .* GiB .* lower points"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_user_chose_is_refused_with_what_would_fit(
    case: str, free: Free, monkeypatch: Any
) -> None:
    monkeypatch.setattr(pl.PINN, "history", 1000)
    method, size, options, message = REFUSED[case]
    free(size)
    given = {"hidden": (40, 40), "points": 1000, **PLAIN, **options}
    with pytest.raises(pl.MemoryLimitError, match=message) as caught:
        pl.solve(poisson_2d(), method, **given)
    assert "is free, of which 80% are used" in str(caught.value)
    assert isinstance(caught.value, pl.SettingsError)


def test_the_advice_fits(free: Free) -> None:
    free(40)
    options = {"hidden": (40, 40), "points": 1000, **PLAIN}
    with pytest.raises(pl.MemoryLimitError, match="lower rank") as caught:
        pl.solve(poisson_2d(), "lsr", rank=1000, **options)
    rank = int(str(caught.value).split("rank to ")[1].split()[0])
    assert pl.solve(poisson_2d(), "lsr", rank=rank, **options).rank == rank
    with pytest.raises(pl.MemoryLimitError):
        pl.solve(poisson_2d(), "lsr", rank=2 * rank, **options)


def test_a_search_for_the_rank_starts_lower(free: Free) -> None:
    free(16)
    options = {"basis": "gaussian", "hidden": (32, 32), "points": 400}
    solution = pl.solve(poisson_2d(), "lsr", **options, **PLAIN)
    assert solution.rank in (62, 125)
    assert "of 250 directions, for lack of memory" in str(solution.summary())


def test_memory_that_runs_out_costs_half_of_the_directions(monkeypatch: Any) -> None:
    refused = out_of_memory_in(monkeypatch, QR, "init", lambda solver, A: A.shape[1] > 200)
    solution = pl.solve(poisson_2d(), "lsr", hidden=(20, 20), points=300, **PLAIN)
    assert (solution.rank, len(refused)) == (125, 2)
    assert solution.report is not None
    assert solution.report.limit == "125 of 501 directions, for lack of memory"


def test_a_doubling_that_does_not_fit_leaves_the_last_rank(monkeypatch: Any) -> None:
    monkeypatch.setattr("pdelsr.solvers.refinement.refiner_options.FIRST_RANK", 20)
    refused = out_of_memory_in(monkeypatch, QR, "init", lambda solver, A: A.shape[1] > 50)
    options = {"basis": "gaussian", "hidden": (16, 16), "points": 800}
    solution = pl.solve(poisson_2d(), "lsr", **options, **PLAIN)
    assert (solution.rank, len(refused)) == (40, 1)
    assert solution.report is not None
    assert solution.report.limit == "twice as many do not fit into memory"


def test_a_chosen_rank_that_does_not_fit_is_an_error(monkeypatch: Any) -> None:
    out_of_memory_in(monkeypatch, QR, "init", lambda solver, A: True)
    message = "memory ran out before anything was found, with 97 parameters and .* free now: lower"
    with pytest.raises(pl.MemoryLimitError, match=message):
        pl.solve(poisson(), "lsr", hidden=(32,), rank=30, points=100, weight_scale=1.0, hard=True)


def test_the_best_state_so_far_comes_back(monkeypatch: Any) -> None:
    calls: list[int] = []

    def third(solver: QR, A: Any) -> bool:
        calls.append(A.shape[1])
        return len(calls) > 6

    out_of_memory_in(monkeypatch, QR, "init", third)
    options = {"hidden": (8, 8), "points": 100, "alignment_steps": 2, "rank": 10}
    solution = pl.solve(cubic(), "ilsr", max_iterations=9, **options)
    assert solution.status is pl.Status.OUT_OF_MEMORY
    assert "out-of-memory: Memory ran out" in solution.summary()
    assert solution.rank == 10
    again = pl.solve(poisson(), "ilsr", start=solution, max_iterations=1, points=50)
    assert again.status is pl.Status.OUT_OF_MEMORY


def test_another_pass_without_memory(monkeypatch: Any) -> None:
    calls: list[int] = []

    def second(solver: QR, A: Any) -> bool:
        calls.append(1)
        return len(calls) > 1

    out_of_memory_in(monkeypatch, QR, "init", second)
    options = {"hidden": (8, 8), "points": 100, "rank": 50}
    solution = pl.solve(poisson(), "lsr", passes=2, weight_scale=1.0, **options)
    assert solution.rank == 50
    assert "no memory for another pass" in solution.summary()


def test_alignment_moves_fewer_parameters(free: Free, monkeypatch: Any) -> None:
    context = started(cubic(), "ilsr", hidden=(20, 20), points=100)
    assert affordable_columns(context.discretization, 100, 4000) == 4000
    free(1)
    m = context.network.parameter_count
    assert affordable_columns(context.discretization, 100, 4000) in (m // 2, m // 4)
    refused = out_of_memory_in(
        monkeypatch, torch.linalg, "cholesky_ex", lambda A: A.shape[0] > m // 4
    )
    descent, residual = LevenbergMarquardt(), context.fresh_residual()
    before = residual.evaluate().norm().item()
    size = min(
        affordable_step(descent, residual, context.discretization.generator) for _ in range(5)
    )
    assert (descent.largest, len(refused)) == (m // 4, 2)
    assert size < before


@pytest.mark.parametrize("method", ["pinn", "tsonn"])
def test_gradients_of_pieces_add_up(method: str, monkeypatch: Any) -> None:
    context = started(burgers(), method)
    residual, parameters = context.fresh_residual(), list(context.network.parameters())

    def loss(once: int | None) -> Any:
        if method == "pinn":
            return squared_norm(residual, once)
        signs = stable_signs(residual, torch.Generator().manual_seed(0))
        return pseudo_time_residual(residual, context.network, 0.3, signs).loss(once)

    def slope(once: int | None) -> tuple[torch.Tensor, torch.Tensor]:
        context.network.zero_grad()
        value = loss(once).backward(parameters)
        return value, torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])

    value, whole = slope(None)
    assert torch.allclose(loss(16)(), value)
    for once in (16, 64):
        assert torch.allclose(slope(once)[1], whole, rtol=1e-10, atol=1e-12)
    kind = type(residual.network)
    refused = out_of_memory_in(monkeypatch, kind, "forward", lambda _, x, *others: len(x) > 25)
    many = loss(None)
    context.network.zero_grad()
    assert torch.allclose(many.backward(parameters), value)
    assert many.once <= 50
    assert refused


def test_training_on_many_points_takes_pieces(free: Free) -> None:
    context = started(poisson_2d(), "pinn", points=4000)
    free(50)
    assert affordable_points(context.discretization, 4000) == 4000
    free(4)
    assert 256 <= affordable_points(context.discretization, 4000) < 4000
    options = {"adam_steps": 3, "lbfgs_steps": 3, "hidden": (16, 16), "seed": 1}
    pieces = pl.solve(poisson_2d(), "pinn", points=4000, **options)
    free(1000)
    whole = pl.solve(poisson_2d(), "pinn", points=4000, **options)
    assert pieces.heldout == pytest.approx(whole.heldout, rel=1e-6)


def test_chunks_are_fixed_for_a_run(free: Free) -> None:
    free(300)
    context = started(poisson_2d())
    free(1)
    assert (
        context.discretization.memory_budget == context.fresh_residual().memory_budget == 16 * MIB
    )


def test_other_errors_of_a_run_are_raised(monkeypatch: Any) -> None:
    def broken(solver: QR, A: Any) -> Any:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(QR, "init", broken)
    with pytest.raises(RuntimeError, match="shapes"):
        pl.solve(poisson(), "lsr", hidden=(8,), rank=8, points=50, weight_scale=1.0)


@dataclass(frozen=True)
class Leading(pl.Basis):
    """The first parameters, by a user who tells that V holds no numbers."""

    name = "leading"

    def numbers(self, rank: int, parameters: int) -> int:
        return 0

    def build(self, rows: RowSource, rank: int | None, generator: torch.Generator) -> Subspace:
        m = rows.parameter_count
        return Subspace(Columns(torch.arange(min(rank or m, m)), m))


@dataclass(frozen=True)
class Silent(Leading):
    """The same by one who tells nothing, so that V counts as a matrix."""

    name = "silent"

    def numbers(self, rank: int, parameters: int) -> int | float:
        return pl.Basis.numbers(self, rank, parameters)


class Doubled(pl.QR):
    """A solver that keeps twice as much."""

    name = "doubled"

    def numbers(self, n: int | float, r: int) -> int | float:
        return 2 * super().numbers(n, r)


def test_a_basis_and_a_solver_of_the_users_tell_their_memory(free: Free) -> None:
    options = {"hidden": (64, 64, 64), "points": 60, "memory_budget": MIB}
    context = started(poisson_2d(), **options)
    discretization, m = context.discretization, context.network.parameter_count
    told = Refiner(Leading(), rank=20).bytes_needed(discretization)
    matrix = Refiner(Silent(), rank=20).bytes_needed(discretization)
    assert matrix - told == 8 * 20 * m
    doubled = Refiner(Leading(), rank=20, lstsq=Doubled()).bytes_needed(discretization)
    n = int(context.plan.row_count(discretization.compiled.blocks, 1))
    assert doubled - told == 8 * (2 * n * 20 + 8 * 20**2)
    free((told + matrix) / 2 / MIB)
    solution = pl.solve(poisson_2d(), "lsr", basis=Leading(), rank=20, **PLAIN, **options)
    assert solution.rank == 20
    with pytest.raises(pl.MemoryLimitError, match="rank"):
        pl.solve(poisson_2d(), "lsr", basis=Silent(), rank=20, **PLAIN, **options)
