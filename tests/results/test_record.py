"""The record of a run as JSON, and its summary."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from solved import solved

import pdelsr as pl
from pdelsr.resources.memory import bytes_text
from pdelsr.results.error_estimate import ErrorEstimate
from pdelsr.results.record import json_text
from pdelsr.results.summary import WIDTH, network_text

KEYS = [
    *("problem", "method", "status", "ended", "advice", "not_unique", "unknowns", "blocks"),
    *("error_estimate", "estimate_relative_to_variation", "estimate_is_reliable"),
    *("estimate_is_absolute", "vanishing", "doubts"),
    *("rank", "effective_rank", "condition"),
    *("parameters", "points", "dtype", "device", "seed"),
    *("iterations", "best_iteration", "next_step", "seconds", "peak_memory_bytes"),
]


def test_json_has_exactly_the_documented_keys(tmp_path: Path) -> None:
    solution = solved("poisson_1d")
    record = json.loads(solution.to_json(tmp_path / "a.json"))
    assert json.loads((tmp_path / "a.json").read_text()) == record
    assert list(record) == KEYS
    assert record["unknowns"]["u"].keys() == {
        *("relative_l2", "max_error", "relative_to_variation", "absolute")
    }
    assert record["blocks"]["equation"].keys() == {"train_rms", "heldout_rms"}
    assert record["points"] == 62
    assert record["dtype"] == "float64"
    assert record["device"] == "cpu"
    assert record["parameters"] == solution.network.parameter_count


def test_json_has_the_estimate_of_the_variation_and_the_next_step() -> None:
    solution = replace(
        solved("poisson_1d"),
        estimate=ErrorEstimate(1e-10, 1e-8, variation=1000.0),
        next_step="a refinement of 400 directions, about 9 s",
    )
    found = json.loads(solution.to_json())
    assert found["error_estimate"] == pytest.approx(1e-9)
    assert found["estimate_relative_to_variation"] == pytest.approx(1e-6)
    assert found["next_step"] == solution.next_step
    assert "; 1.0e-06 of ‖u − mean u‖" in " ".join(solution.summary().split())
    doubted = replace(solution, estimate=ErrorEstimate(doubts=("why not",)), next_step=None)
    found = json.loads(doubted.to_json())
    assert found["error_estimate"] is found["estimate_relative_to_variation"] is None
    assert found["next_step"] is None


def test_json_without_a_reference_or_a_refinement() -> None:
    record = json.loads(solved("ring_2d").to_json())
    unknown = dict.fromkeys(("relative_l2", "max_error", "relative_to_variation", "absolute"))
    assert record["unknowns"] == {"u": unknown}
    record = json.loads(solved("poisson_1d", "pinn", adam_steps=5, lbfgs_steps=5).to_json())
    assert record["rank"] is record["effective_rank"] is record["condition"] is None


def test_a_reference_that_fails_costs_no_result() -> None:
    def fails_later(points: np.ndarray) -> np.ndarray:
        if len(points) > 1000:
            raise RuntimeError("no more values")
        return points[:, 0]

    solution = solved("poisson_1d")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pl.ReferenceWarning)
        problem = replace(solution.problem, reference=fails_later)
    solution = replace(solution, problem=problem)
    assert (
        "errors are unknown: reference: the function fails with RuntimeError" in solution.summary()
    )
    record = json.loads(solution.to_json())
    assert set(record["unknowns"]["u"].values()) == {None}


def test_json_is_strict() -> None:
    assert json.loads(json_text({"a": float("inf"), "b": {"c": float("nan")}})) == {
        "a": None,
        "b": {"c": None},
    }


def test_summary_says_what_matters() -> None:
    text = solved("system_2d", points=200).summary()
    for words in (
        *("system_2d by lsr", "relative L2 error", "held-out residual", "equation 1"),
        *("dirichlet v", "MLP 2-8-8-2, tanh", "effective rank", "cpu, float64, seed 0"),
    ):
        assert words in text
    assert all(len(line) <= WIDTH and line == line.rstrip() for line in text.splitlines())
    assert "\x1b" not in text
    assert "\x1b" in solved("system_2d", points=200).summary(color=True)


def test_summary_names_conditions_that_hold_exactly() -> None:
    text = solved("heat_1d", hard=True).summary()
    assert "exact" in next(line for line in text.splitlines() if "initial u" in line)


def test_summary_tells_the_iteration_that_was_kept() -> None:
    options = {"alignment_steps": 2, "max_iterations": 2, "alignment": "gauss-newton"}
    solution = solved("poisson_1d", "ilsr", **options, hidden=(3,))
    kept = [r.iteration for r in solution.history if r.heldout == r.best]
    assert solution.best_iteration in kept
    assert "2 iterations (best: number 1)" in replace(solution, best_iteration=1).summary()
    first = replace(solution, best_iteration=0, delta=None)
    assert "2 iterations (best: where this run began)" in first.summary()
    assert "best:" not in replace(solution, best_iteration=2).summary()


def test_summary_says_that_the_start_came_back() -> None:
    start = solved("poisson_1d")
    assert start.delta is not None

    def stop(_: pl.Record) -> None:
        raise StopIteration

    again = pl.solve(start.problem, "ilsr", start=start, max_iterations=1, callback=stop)
    assert again.best_iteration == 0
    said = "no better state was found: this is the start"
    assert said in " ".join(again.summary().split())
    assert said not in " ".join(start.summary().split())


@pytest.mark.parametrize("status", ["interrupted", "rank-deficient", "out-of-time"])
def test_summary_gives_the_advice_of_the_status(status: str) -> None:
    solution = solved("poisson_1d")
    changed = replace(solution, status=type(solution.status)(status))
    text = " ".join(changed.summary().split())
    assert f"{status}: {changed.status.advice}" in text


@pytest.mark.parametrize(
    ("size", "text"), [(12, "12 B"), (2048, "2 KiB"), (5 * 2**20, "5 MiB"), (3 * 2**30, "3.0 GiB")]
)
def test_sizes_in_memory(size: int, text: str) -> None:
    assert bytes_text(size) == text


def test_networks_in_words() -> None:
    assert network_text(solved("poisson_1d").network) == "MLP 1-8-8-1, tanh, 97 parameters"
