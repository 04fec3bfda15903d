"""The callback of a run: what it sees, how it stops a run, how its mistakes come out."""

from __future__ import annotations

import csv
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
from solver_cases import SMALL, cubic, poisson

import pdelsr as pl


def test_progress_holds_what_a_record_holds() -> None:
    seen: list[pl.Record] = []
    solution = pl.solve(
        cubic(), "ilsr", callback=seen.append, max_iterations=1, alignment_steps=5, hidden=(5, 5)
    )
    assert [asdict(p) for p in seen] == [asdict(r) for r in solution.history]
    last = seen[-1]
    assert last.best == solution.heldout
    assert (last.rank, last.effective_rank) == (solution.rank, solution.effective_rank)
    assert last.condition == solution.condition
    assert seen[0].best is None


def test_a_mistake_comes_out_with_the_best_state() -> None:
    def record(progress: pl.Record) -> None:
        raise ZeroDivisionError("no room")

    with pytest.raises(
        pl.CallbackError,
        match=r"callback record failed in iteration 1, refine, with ZeroDivisionError: no room",
    ) as caught:
        pl.solve(poisson(), "lsr", callback=record, **SMALL)
    error = caught.value
    assert isinstance(error, pl.PdelsrError)
    assert isinstance(error.__cause__, ZeroDivisionError)
    assert error.solution.delta is not None
    assert error.solution.errors["u"].relative_l2 < 1e-4
    assert error.solution.status is pl.Status.INTERRUPTED


def test_a_mistake_in_an_inner_iteration_ends_the_run_once() -> None:
    calls = 0

    class Logger:
        def __call__(self, progress: pl.Record) -> None:
            nonlocal calls
            calls += 1
            raise RuntimeError

    with pytest.raises(pl.CallbackError, match="callback Logger failed") as caught:
        pl.solve(cubic(), "pinn", callback=Logger(), refine=True, **SMALL)
    assert calls == 1
    assert caught.value.solution.delta is None


def test_stop_iteration_ends_the_run_with_the_best_state() -> None:
    def enough(progress: pl.Record) -> None:
        if progress.best is not None and progress.best < 1e3:
            raise StopIteration

    solution = pl.solve(poisson(), "ilsr", callback=enough, hidden=(8, 8), weight_scale=1.0)
    assert solution.status is pl.Status.INTERRUPTED
    assert solution.iterations == 1
    assert solution.delta is not None


def test_stopping_after_the_last_refinement_keeps_it() -> None:
    def enough(progress: pl.Record) -> None:
        if progress.phase == "refine":
            raise StopIteration

    solution = pl.solve(
        poisson(), "pinn", callback=enough, refine=True, adam_steps=5, lbfgs_steps=0, **SMALL
    )
    assert solution.status is pl.Status.INTERRUPTED
    assert solution.delta is not None


def test_a_csv_file_in_a_few_lines(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(pl.Record)])
        writer.writeheader()
        pl.solve(poisson(), "lsr", callback=lambda p: writer.writerow(asdict(p)), **SMALL)
    (row,) = csv.DictReader(path.open())
    assert row["phase"] == "refine"
    assert float(row["heldout"]) > 0


def test_tensorboard_in_a_few_lines(tmp_path: Path) -> None:
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with tensorboard.SummaryWriter(tmp_path) as writer:
        step = iter(range(10**9))

        def log(p: pl.Record) -> None:
            values: dict[str, Any] = {"train": p.train, "heldout": p.heldout, "rank": p.rank}
            now = next(step)
            for name, value in values.items():
                if value is not None:
                    writer.add_scalar(f"{p.phase}/{name}", value, now)

        solution = pl.solve(poisson(), "lsr", callback=log, **SMALL)
    events = accumulator.EventAccumulator(str(tmp_path))
    events.Reload()
    (found,) = events.Scalars("refine/heldout")
    assert found.value == pytest.approx(solution.heldout, rel=1e-6)
