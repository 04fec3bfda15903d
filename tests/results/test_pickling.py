"""Solutions that are pickled or copied: the same predictions, to the bit."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from solved import SMALL, solved
from torch import nn

import pdelsr as pl

X = pl.coordinates("x")


def root(x: torch.Tensor) -> torch.Tensor:
    """A coefficient that pickle finds by its name."""
    return torch.sqrt(1 + x)


def with_coefficient(function: Any) -> pl.Problem:
    """k u'' = 1 with u = 0 at both ends."""
    u, k = pl.unknown("u", X), pl.coefficient("k", function, X)
    equations = [sp.Eq(k * u.diff(X, 2) + k * u, 1)]
    return pl.Problem("rod", pl.Interval(X, 0, 1), equations, [pl.Dirichlet(u, 0)])


def assert_same(one: pl.Solution, other: pl.Solution) -> None:
    points = np.random.default_rng(0).uniform(size=(30, len(one.problem.coordinates)))
    for a, b in zip(_listed(one.predict(points)), _listed(other.predict(points)), strict=True):
        assert np.array_equal(a, b)
    assert str(one.problem) == str(other.problem)
    assert one.heldout == other.heldout
    assert one.status is other.status


def _listed(found: Any) -> list[Any]:
    return list(found.values()) if isinstance(found, dict) else [found]


@pytest.mark.parametrize("name", ["poisson_1d", "system_2d", "ring_2d"])
def test_there_and_back(name: str) -> None:
    solution = solved(name)
    assert_same(pickle.loads(pickle.dumps(solution)), solution)


def test_with_a_function_that_has_a_name() -> None:
    solution = pl.solve(with_coefficient(root), "lsr", **SMALL)
    assert_same(pickle.loads(pickle.dumps(solution)), solution)


def test_with_a_network_of_the_user() -> None:
    module = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1)).double()
    solution = pl.solve(solved("poisson_1d").problem, "lsr", network=module, points=60)
    assert_same(pickle.loads(pickle.dumps(solution)), solution)


def test_a_function_without_a_name_is_refused_in_words() -> None:
    solution = pl.solve(with_coefficient(lambda x: 1 + x), "lsr", **SMALL)
    with pytest.raises(
        pl.SettingsError, match=r"'rod' cannot be pickled .* solution\.save\(path\)"
    ):
        pickle.dumps(solution)
    assert_same(copy.deepcopy(solution), solution)


def test_copies() -> None:
    solution = solved("poisson_1d")
    deep = copy.deepcopy(solution)
    assert deep.network is not solution.network
    assert copy.copy(solution).network is solution.network
    assert_same(deep, solution)
