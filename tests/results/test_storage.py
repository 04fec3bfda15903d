"""Saved solutions: they predict to the bit, go on, and refuse what is not theirs."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from safetensors.torch import load_file, save_file
from solved import PROBLEMS, SMALL, X, Y, poisson_1d, solved
from torch import nn

import pdelsr as pl
from pdelsr.files.identity import is_same_problem
from pdelsr.results.loading import load
from pdelsr.results.storage import save

CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "full basis": ("poisson_1d", "lsr", {}),
    "dense basis": ("poisson_1d", "lsr", {"basis": pl.OutputRSVD(oversampling=5), "rank": 20}),
    "coordinate basis": ("poisson_1d", "lsr", {"basis": "coordinate", "rank": 30}),
    "sketched basis": ("poisson_1d", "lsr", {"basis": "count_sketch", "rank": 30}),
    "no basis": ("poisson_1d", "pinn", {"adam_steps": 20, "lbfgs_steps": 10}),
    "hard and periodic": ("heat_1d", "lsr", {"hard": True}),
    "several fields": ("system_2d", "lsr", {"sampler": pl.Grid()}),
    "float32": ("poisson_1d", "lsr", {"dtype": "float32"}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_loaded_solution_is_the_saved_one(case: str, tmp_path: Path) -> None:
    name, method, options = CASES[case]
    solution = pl.solve(PROBLEMS[name](), method, **SMALL, **options)
    solution.save(tmp_path / "solution.safetensors")
    loaded = pl.load(tmp_path / "solution.safetensors", PROBLEMS[name]())
    points = np.random.default_rng(0).random((50, solution.problem.domain.dim))
    for derivative in (u := solution.names[0], f"{u}_x", f"{u}_xx"):
        expected = solution.derivative(derivative, points)
        np.testing.assert_array_equal(loaded.derivative(derivative, points), expected)
    assert loaded.summary() == solution.summary()
    assert loaded.to_json() == solution.to_json()
    assert loaded.method == solution.method
    assert loaded.settings == solution.settings
    assert loaded.history == solution.history
    assert loaded.status is solution.status
    assert loaded.points == solution.points
    if solution.report is not None:
        assert loaded.report is not None
        assert_same_step(loaded, solution)


def assert_same_step(loaded: pl.Solution, solution: pl.Solution) -> None:
    for found in (loaded, solution):
        assert found.report is not None
        assert found.report.directions is not None
        assert found.report.y is not None
        assert found.delta is not None
        torch.testing.assert_close(found.report.directions.lift(found.report.y), found.delta)
    assert loaded.report is not None
    assert solution.report is not None
    torch.testing.assert_close(loaded.report.y, solution.report.y, rtol=0, atol=0)


def test_a_loaded_solution_goes_on(tmp_path: Path) -> None:
    solution = solved("poisson_1d")
    solution.save(tmp_path / "a")
    loaded = pl.load(tmp_path / "a", poisson_1d())
    again = pl.solve(poisson_1d(), loaded.method, start=loaded)
    other = pl.solve(poisson_1d(), solution.method, start=solution)
    assert again.heldout <= solution.heldout
    assert again.heldout == other.heldout
    assert again.rounds == 2


def test_the_name_of_the_problem_does_not_matter_but_its_mathematics_do(tmp_path: Path) -> None:
    solved("poisson_1d").save(tmp_path / "a")
    pl.load(tmp_path / "a", replace(poisson_1d(), name="renamed"))
    with pytest.raises(pl.FileFormatError, match="which is not this problem: it has 'equation"):
        pl.load(tmp_path / "a", poisson_1d(scale=2.0))


def test_parameters_belong_to_the_problem(tmp_path: Path) -> None:
    u, k = pl.unknown("u", X), pl.coordinates("k")
    problem = pl.Problem(
        "k",
        pl.Interval(X, 0, 1),
        [u.diff(X, 2) - k * u],
        [pl.Dirichlet(u, 1)],
        parameters={"k": 1},
    )
    pl.solve(problem, "lsr", **SMALL).save(tmp_path / "a")
    with pytest.raises(pl.FileFormatError, match="'parameters: k = 1' where this one has"):
        pl.load(tmp_path / "a", problem.with_parameters(k=2))


class Own(nn.Module):
    """A user's network with a buffer."""

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Linear(1, width, dtype=torch.float64),
            nn.Tanh(),
            nn.Linear(width, 1, dtype=torch.float64),
        )
        self.register_buffer("scale", torch.tensor(1.0, dtype=torch.float64))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale * self.inner(x)


def test_a_module_of_your_own_comes_back_with_its_weights(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = Own()
    module.scale.fill_(2.0)
    solution = pl.solve(poisson_1d(), "lsr", network=module, points=30)
    solution.save(tmp_path / "a")
    fresh = Own()
    loaded = pl.load(tmp_path / "a", poisson_1d(), network=fresh)
    x = np.linspace(0, 1, 20)
    np.testing.assert_array_equal(loaded.predict(x), solution.predict(x))
    assert fresh.scale.item() == 1.0
    with pytest.raises(
        pl.FileFormatError, match=r"network of your own .* load\(..., network=...\)"
    ):
        pl.load(tmp_path / "a", poisson_1d())
    with pytest.raises(pl.FileFormatError, match="they do not fit the network with 13"):
        pl.load(tmp_path / "a", poisson_1d(), network=Own(width=4))


def test_an_activation_of_your_own_needs_the_network(tmp_path: Path) -> None:
    sine = pl.UserActivation(
        (torch.sin, torch.cos, lambda z: -torch.sin(z), lambda z: -torch.cos(z)), name="mine"
    )
    solution = pl.solve(poisson_1d(), "lsr", activation=sine, **SMALL)
    solution.save(tmp_path / "a")
    with pytest.raises(pl.FileFormatError, match="network of your own"):
        pl.load(tmp_path / "a", poisson_1d())
    network = pl.MLP(1, 1, (8, 8), activation=sine)
    loaded = pl.load(tmp_path / "a", poisson_1d(), network=network)
    x = np.linspace(0, 1, 20)
    np.testing.assert_array_equal(loaded.predict(x), solution.predict(x))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "solution.safetensors"
    save(solved("poisson_1d"), path)
    return path


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def cut_in_the_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def a_pickle(path: Path) -> None:
    torch.save({"theta": torch.zeros(3)}, path)


def text(path: Path) -> None:
    path.write_text("u = 1\n" * 100)


def other_tensors(path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, path)


def flipped_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(bytes(content))


def changed_document(path: Path) -> None:
    change_metadata(path, "document", lambda d: d.replace('"seed": 0', '"seed": 1'))


def newer(path: Path) -> None:
    change_metadata(path, "version", lambda _: "9")


def change_metadata(path: Path, key: str, change: Any) -> None:
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    metadata = json.loads(content[8 : 8 + size])["__metadata__"]
    changed = change(metadata[key])
    assert changed != metadata[key]
    save_file(load_file(path), path, {**metadata, key: changed})


DAMAGE = {
    truncated: "is damaged, or not a solution saved by pdelsr",
    cut_in_the_header: "is damaged",
    empty: "is damaged",
    a_pickle: "is damaged, or not a solution",
    text: "is damaged, or not a solution",
    other_tensors: "is not a solution saved by pdelsr: give a file written by Solution.save",
    flipped_bit: "was changed after it was saved",
    changed_document: "was changed after it was saved",
    newer: "has format version 9, and this pdelsr .* reads version 6: install pdelsr",
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda f: f.__name__)
def test_damaged_and_foreign_files_are_refused(damage: Any, saved: Path) -> None:
    damage(saved)
    with pytest.raises(pl.FileFormatError, match=DAMAGE[damage]):
        load(saved, poisson_1d())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(pl.FileFormatError, match=r"there is no file .*nowhere"):
        load(tmp_path / "nowhere", poisson_1d())
    with pytest.raises(pl.FileFormatError, match="cannot be written: No such file or directory"):
        save(solved("poisson_1d"), tmp_path / "nowhere" / "a")
    with pytest.raises(pl.FileFormatError, match="is a folder: give the path of a file"):
        save(solved("poisson_1d"), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(pl.FileFormatError, match="cannot be written: Not a directory"):
        save(solved("poisson_1d"), tmp_path / "file" / "a")
    longest = tmp_path / (250 * "a")
    save(solved("poisson_1d"), longest)
    assert longest.is_file()


U = pl.unknown("u", X, Y)
STAR = pl.Polygon((X, Y), [(0, 0), (2, -1), (4, 0), (5, 2), (4, 4), (2, 5), (0, 4), (-1, 2)])


def square(**others: Any) -> pl.Problem:
    """∇²u = 1 on a square, unless told otherwise."""
    given = {
        "domain": pl.Box((X, Y), (0, 0), (1, 1)),
        "conditions": [pl.Dirichlet(U, 0)],
        **others,
    }
    return pl.Problem("square", equations=[sp.Eq(U.diff(X, 2) + U.diff(Y, 2), 1)], **given)


def on_edges(*edges: int) -> dict[str, Any]:
    return {
        "domain": STAR,
        "conditions": [
            pl.Dirichlet(U, 0, on=[f"edge {k}" for k in edges]),
            pl.Neumann(U, 0, on=[f"edge {k}" for k in range(8) if k not in edges]),
        ],
    }


def measured(place: float, value: float) -> dict[str, Any]:
    data = pl.Observations(U, [(place, 0.5)], [value])
    return {"conditions": [pl.Dirichlet(U, 0), data]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"domain": pl.Polygon((X, Y), [(0, 0), (5, 0), (5, 5), (0, 5)])},
         {"domain": pl.Polygon((X, Y), [(0, 0), (5, 0), (8, 4), (3, 4)])}),
        ({"domain": pl.Box((X, Y), (0, 0), (1, 1))},
         {"domain": pl.Box((X, Y), (0, 0), (1, 1.0000001))}),
        (on_edges(0, 1, 2, 3, 7), on_edges(0, 4, 5, 6, 7)),
        (measured(0.5, 1.0), measured(0.5, 2.0)),
        (measured(0.5, 1.0), measured(0.4, 1.0)),
    ],
    ids=["corners", "bounds", "parts", "observed values", "observed places"],
)  # fmt: skip
def test_problems_that_print_alike_are_told_apart(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert is_same_problem(square(**one), square(**one))
    assert str(square(**one)).splitlines()[1:2] == str(square(**other)).splitlines()[1:2]
    assert not is_same_problem(square(**one), square(**other))


def test_an_interrupted_save_leaves_the_old_file(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = saved.read_bytes()

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pdelsr.files.atomic.os.fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        save(solved("heat_1d"), saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_method_of_an_unregistered_class_cannot_be_saved(tmp_path: Path) -> None:
    class Mine(pl.LSR):
        """A user's method."""

        name = "mine"

    solution = pl.solve(poisson_1d(), Mine(hidden=(5,), weight_scale=1.0))
    with pytest.raises(pl.SettingsError, match=r'METHODS\["mine"\] = Mine'):
        solution.save(tmp_path / "a")
