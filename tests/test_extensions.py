"""Parts of a user's own in one problem: run, command line, files, pictures, checkpoints."""

from __future__ import annotations

import json
import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from own_domain import Sector, X, Y

import pdelsr as pl
from pdelsr.cli import main
from pdelsr.sample import SAMPLERS

PAGE = Path(__file__).parent.parent / "docs" / "extending" / "domain.md"
U = pl.unknown("u", X, Y)
EXACT = sp.log(X**2 + Y**2) + X * Y


@dataclass(frozen=True)
class Impedance(pl.AbstractCondition):
    """∂u/∂n + k u = value."""

    u: Any
    k: Any
    value: Any
    on: Any = None
    title = "Impedance"

    def statements(self, domain: pl.Domain, order: Any) -> tuple[pl.Statement, ...]:
        lhs = pl.normal_derivative(self.u) + self.k * self.u
        where = pl.OnParts(domain.select(self.on))
        return (pl.Statement("impedance", "condition", lhs, self.value, where, self.title),)


@dataclass(frozen=True)
class Clustered(pl.UnitSampler):
    """Random points that crowd at both ends."""

    def fill(self, n: int, dim: int, rng: np.random.Generator) -> np.ndarray:
        return rng.beta(0.5, 0.5, (n, dim))


class Doubled(pl.MLP):
    """Another function of the same weights, with the jets of the layers."""

    def connected(self, a: torch.Tensor, indices: Any, applied: Any) -> torch.Tensor:
        return 2 * super().connected(a, indices, applied)


class Reference:
    """The exact solution, as an object of points."""

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return np.log((points**2).sum(axis=1)) + points.prod(axis=1)


def problem() -> pl.Problem:
    slope = pl.normal(X) * EXACT.diff(X) + pl.normal(Y) * EXACT.diff(Y)
    return pl.Problem(
        name="own parts",
        domain=Sector(),
        equations=[U.diff(X, 2) + U.diff(Y, 2)],
        conditions=[
            pl.Dirichlet(U, EXACT, on=["inner", "start"]),
            Impedance(U, 3, slope + 3 * EXACT, on=["outer", "end"]),
        ],
        sampler=Clustered(),
        reference=Reference(),
    )


def network() -> Doubled:
    return Doubled(2, 1, (14, 14), bounds=[(-1, 2), (0, 2)], weight_scale=1.5)


def test_parts_of_ones_own_together(tmp_path: Path) -> None:
    solution = pl.solve(problem(), "lsr", network=network())
    assert solution.error()["u"].relative_l2 < 1e-4
    assert "Doubled 2-14-14-1, tanh" in solution.summary()
    assert json.loads(solution.to_json())["blocks"]["impedance"]["heldout_rms"] < 1e-2
    path, points = tmp_path / "own.safetensors", np.array([[1.2, 0.3], [0.1, 1.5]])
    solution.save(path)
    again = pl.load(path, problem(), network=network())
    np.testing.assert_array_equal(again.predict(points), solution.predict(points))
    with pytest.raises(pl.FileFormatError, match=r"\(Doubled with 267 trainable parameters\)"):
        pl.load(path, problem())
    copied = pickle.loads(pickle.dumps(solution))
    np.testing.assert_array_equal(copied.predict(points), solution.predict(points))
    module = solution.module()
    found = module(torch.tensor(points))
    np.testing.assert_allclose(found[:, 0].numpy(), solution.predict(points), rtol=1e-9)
    assert solution.plot(tmp_path / "own.png", dpi=30) is not None
    assert solution.export(tmp_path / "own.vtu", n=21)[0].is_file()


def test_a_run_with_parts_of_ones_own_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    given = {"network": network(), "alignment_steps": 2, "points": 100}
    whole = pl.solve(problem(), "ilsr", max_iterations=2, **given)
    given |= {"network": network(), "checkpoint": tmp_path / "run"}
    pl.solve(problem(), "ilsr", max_iterations=1, **given)
    resumed = pl.solve(problem(), "ilsr", max_iterations=2, **given)
    assert resumed.heldout == whole.heldout
    assert resumed.iterations == 2


def test_a_sampler_in_the_registry_stays_among_the_options(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    solution = pl.solve(problem(), "lsr", hidden=(5,), weight_scale=1, sampler=Clustered())
    for kept in (False, True):
        if kept:
            monkeypatch.setitem(SAMPLERS, "clustered", Clustered())
        solution.save(tmp_path / "a")
        assert pl.load(tmp_path / "a", problem()).settings.sampler == (
            Clustered() if kept else None
        )


def test_a_problem_file_may_define_a_domain(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    file, saved, picture = (str(tmp_path / name) for name in ("ring.py", "a", "a.png"))
    Path(file).write_text(block.partition("print(problem)")[0], encoding="utf-8")
    assert main(["show", file, "--method", "lsr"]) == 0
    assert "Sector of radii 1 and 2, opening 2.0944" in capsys.readouterr().out
    small = ["--method", "lsr", "--hidden", "10,10", "--option", "weight_scale=1.5"]
    assert main(["solve", file, *small, "--save", saved, "--plot", picture]) == 0
    assert "ring sector by lsr: estimated error" in capsys.readouterr().out
    assert main(["solve", file, "--method", "lsr", "--quiet", "--start", saved]) == 0
    assert Path(picture).is_file()
