"""Solutions in several threads: every answer is that of one thread, to the bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Any

import numpy as np
import pytest
import torch
from solved import SMALL, heat_1d, poisson_1d, solved
from torch import nn

import pdelsr as pl

THREADS = 8


def own_network() -> nn.Module:
    """A module of which nothing is known, the same in every call."""
    generator = torch.Generator().manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 10), nn.Tanh(), nn.Linear(10, 1)).double()
    with torch.no_grad():
        for p in module.parameters():
            p.uniform_(-1, 1, generator=generator)
    return module


def refined(name: str) -> pl.Solution:
    """A refined solution of one kind."""
    if name == "own module":
        return pl.solve(heat_1d(), "lsr", network=own_network(), points=60)
    return solved("heat_1d", hard=name == "hard conditions")


def of_threads(work: Callable[[int], Any], count: int) -> list[Any]:
    """What the work gives for 0 … count − 1, in eight threads."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, range(count)))


def queries(count: int) -> list[np.ndarray]:
    """Points (n, 2) with n from 1 to 40."""
    random = np.random.default_rng(0)
    return [random.uniform(size=(1 + i % 40, 2)) * [2, 0.1] - [1, 0] for i in range(count)]


def assert_same(found: Sequence[Any], expected: Sequence[Any]) -> None:
    assert len(found) == len(expected)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_a_thousand_predictions() -> None:
    solution, places = refined("soft conditions"), queries(1000)
    found = of_threads(lambda i: solution.predict(places[i]), 1000)
    assert_same(found, [solution.predict(place) for place in places])


@pytest.mark.parametrize("kind", ["soft conditions", "hard conditions", "own module"])
def test_predictions_and_derivatives(kind: str) -> None:
    solution, places = refined(kind), queries(90)
    assert solution.delta is not None
    ways: list[Callable[[int], Any]] = [
        lambda i: solution.predict(places[i]),
        lambda i: solution.derivative("u_xx", places[i]),
        lambda i: solution.unrefined.predict(places[i]),
    ]
    found = of_threads(lambda i: ways[i % 3](i), len(places))
    assert_same(found, [ways[i % 3](i) for i in range(len(places))])


def test_errors_and_modules() -> None:
    solution = refined("own module")
    x = torch.as_tensor(queries(20)[-1])
    expected = solution.error(), solution.module()(x)
    for error, values in of_threads(lambda i: (solution.error(), solution.module()(x)), 4):
        assert error == expected[0]
        assert torch.equal(values, expected[1])


def test_a_refined_module() -> None:
    inputs = torch.linspace(-1, 1, 60, dtype=torch.float64)[:, None]
    module = nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 1)).double()
    fitted = pl.refine(module, inputs, torch.sin(3 * inputs), rank=20, validation=None)
    assert fitted.rank == 20
    expected = [fitted(inputs[: 1 + i % 60]) for i in range(200)]
    assert_same(of_threads(lambda i: fitted(inputs[: 1 + i % 60]), 200), expected)


def test_runs_beside_each_other_and_beside_predictions() -> None:
    inputs = torch.linspace(-1, 1, 60, dtype=torch.float64)[:, None]
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 1)).double()
    before, place = refined("soft conditions"), queries(9)[-1]
    runs: list[Callable[[], Any]] = [
        lambda: pl.solve(poisson_1d(), "lsr", **SMALL).predict(x=0.3),
        lambda: pl.solve(heat_1d(), "lsr", network=own_network(), points=60).predict(place),
        lambda: pl.solve(heat_1d(), "lsr", start=before).predict(place),
        lambda: pl.refine(module, inputs, torch.sin(3 * inputs), rank=20)(inputs).numpy(),
        lambda: before.predict(place),
    ]
    expected = [run() for run in runs]
    for i, found in enumerate(of_threads(lambda i: runs[i % 5](), 10)):
        np.testing.assert_allclose(found, expected[i % 5], rtol=1e-9, atol=1e-9)


def test_a_new_thread_rounds_as_torch_is_told_to() -> None:
    solution, place, found = solved("heat_1d", hidden=(20, 20)), queries(40)[-1], []
    thread = Thread(target=lambda: found.append(solution.predict(place)))
    thread.start()
    thread.join()
    assert_same(found, [solution.predict(place)])
