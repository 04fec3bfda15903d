"""Problems, parameters and seeds on executors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp

import pdelsr as pl
from pdelsr.solvers.state.status import Status

x, k = pl.coordinates("x"), sp.Symbol("k")
u = pl.unknown("u", x)
string = pl.Problem(
    name="string",
    domain=pl.Interval(x, 0, 1),
    equations=[sp.Eq(u.diff(x, 2), -k * sp.pi**2 * sp.sin(sp.pi * x))],
    conditions=[pl.Dirichlet(u, 0)],
    reference=k * sp.sin(sp.pi * x),
    parameters={k: 1},
)
SMALL: dict[str, Any] = {"hidden": (12, 12), "weight_scale": 1.5, "points": 200}
SWEEP: list[dict[str, Any]] = [{"k": 1}, {"k": 2}]


def test_runs_are_those_of_solve_in_order() -> None:
    runs = pl.solve_many(string, "lsr", parameters=SWEEP, seeds=[0, 3], **SMALL)
    assert [(run.problem.parameters["k"], run.seed) for run in runs] == [
        (1, 0),
        (1, 3),
        (2, 0),
        (2, 3),
    ]
    alone = pl.solve(string.with_parameters(k=2), "lsr", seed=3, **SMALL)
    assert runs[3].solution.errors == alone.errors
    assert len(runs.solutions) == 4
    text = str(runs)
    assert "string, k = 2" in text
    assert "lsr" not in text


@pytest.mark.parametrize("options", [{"workers": 2}, {"executor": ThreadPoolExecutor(2)}])
def test_executors_find_the_same(options: Any) -> None:
    one, two = (
        pl.solve_many(string, "lsr", parameters=SWEEP, **SMALL, **how) for how in ({}, options)
    )
    for a, b in zip(one.solutions, two.solutions, strict=True):
        np.testing.assert_allclose(a.predict([[0.3]]), b.predict([[0.3]]), rtol=1e-12)
    with pytest.raises(pl.SettingsError, match="belong to no executor"):
        pl.solve_many(string, "lsr", workers=2, executor=ThreadPoolExecutor(1))


def test_a_folder_keeps_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pdelsr.entry.solve_many as module

    solved = []

    def counting(problem: pl.Problem, *arguments: Any, **options: Any) -> pl.Solution:
        solved.append((problem.parameters["k"], options["seed"]))
        solution = usual(problem, *arguments, **options)
        return replace(solution, status=Status.INTERRUPTED) if len(solved) == 2 else solution

    usual = module.solve
    monkeypatch.setattr(module, "solve", counting)
    folder = tmp_path / "runs"
    with pytest.raises(KeyboardInterrupt):
        pl.solve_many(string, "lsr", parameters=SWEEP, path=folder, **SMALL)
    assert len(list(folder.iterdir())) == 1
    runs = pl.solve_many(string, "lsr", parameters=SWEEP, path=folder, **SMALL)
    assert solved == [(1, 0), (2, 0), (2, 0)]
    assert len(runs) == len(list(folder.iterdir())) == 2
    pl.solve_many(string, "lsr", parameters=SWEEP, path=folder, **{**SMALL, "points": 210})
    assert len(list(folder.iterdir())) == 4


def test_coefficients_of_one_name_are_told_apart(tmp_path: Path) -> None:
    def with_factor(c: float) -> pl.Problem:
        factor = pl.coefficient("c", lambda x: c + 0 * x, x)
        return pl.Problem(
            name="factor",
            domain=pl.Interval(x, 0, 1),
            equations=[sp.Eq(factor * u.diff(x, 2), -1)],
            conditions=[pl.Dirichlet(u, 0)],
        )

    for c in (1.0, 2.0, 1.0):
        (run,) = pl.solve_many(with_factor(c), "lsr", path=tmp_path, **SMALL)
        assert run.solution.predict([[0.5]])[0] == pytest.approx(1 / (8 * c), rel=1e-6)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("problems", "options", "message"),
    [
        ([], {}, "at least one"),
        (3, {}, "at least one"),
        (string, {"callback": print}, "no option 'callback'"),
        (string, {"workers": 0}, "workers is 0"),
        (string, {"executor": 3}, "give an object with submit"),
        (string, {"seeds": [-1]}, "seed is -1"),
        (string, {"parameters": [{"q": 1}]}, "no such parameter"),
        (string, {"poinst": 3}, "did you mean 'points'"),
    ],
)
def test_wrong_arguments_are_told(problems: Any, options: Any, message: str) -> None:
    with pytest.raises(pl.PdelsrError, match=message):
        pl.solve_many(problems, "lsr", **options)


def test_a_file_in_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(pl.SettingsError, match="a file: give a folder"):
        pl.solve_many(string, "lsr", path=tmp_path / "runs", **SMALL)


def test_networks_of_other_weights_have_other_files(tmp_path: Path) -> None:
    for seed in (0, 1, 0):
        network = pl.MLP(1, 1, (10, 10), seed=seed)
        pl.solve_many(string, "lsr", path=tmp_path, network=network, points=200)
    assert len(list(tmp_path.iterdir())) == 2
