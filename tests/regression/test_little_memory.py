"""Refinements on data with little memory: smaller pieces, a lower rank, or a refusal."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import pdelsr as pl
from pdelsr.lstsq.triangle import Triangle
from pdelsr.regression.model import Model
from pdelsr.resources import room

MIB = 2**20
torch.manual_seed(0)
X = torch.rand(120, 2, dtype=torch.float64)
T = torch.sin(3 * X[:, :1]) * X[:, 1:]


def network(width: int = 12) -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 1)).double()


@pytest.fixture
def few_samples(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A machine on which no more than 10 samples or columns fit; lists what was refused."""
    refused: list[int] = []
    for name in ("__call__", "raw", "all_rows", "rows", "columns"):
        usual = getattr(Model, name)

        def limited(self: Any, inputs: Any, *others: Any, usual: Any = usual) -> Any:
            columns = others[0].shape[1] if usual.__name__ == "columns" else 0
            if max(len(inputs[0]), columns) > 10:
                refused.append(len(inputs[0]))
                raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
            return usual(self, inputs, *others)

        monkeypatch.setattr(Model, name, limited)
    return refused


@pytest.mark.parametrize("products", ["rows", "columns"])
@pytest.mark.parametrize("rank", [20, "auto"])
def test_batches_are_cut(products: str, rank: int | str, few_samples: list[int]) -> None:
    options = {"rank": rank, "batch_size": 8, "products": products, "seed": 3}
    expected = pl.refine(network(), X, T, **options)
    few_samples.clear()
    found = pl.refine(network(), X, T, **{**options, "batch_size": 120})
    assert few_samples
    assert found.rank == expected.rank
    scores = [score.train for score in found.history]
    assert scores == pytest.approx([score.train for score in expected.history], rel=1e-4)


def test_residuals_of_the_user_are_cut(few_samples: list[int]) -> None:
    options: dict[str, Any] = {"rank": 10, "newton_steps": 2, "residual": lambda q, t: q**2 - t}
    expected = pl.refine(network(), X, T, batch_size=8, **options)
    found = pl.refine(network(), X, T, batch_size=120, **options)
    assert few_samples
    assert found.history[-1].train == pytest.approx(expected.history[-1].train, rel=1e-6)


def test_the_rank_follows_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "RESERVE", 0)
    monkeypatch.setattr("pdelsr.resources.free_memory.free_on_host", lambda: MIB)
    found = pl.refine(network(60), X, T, basis="coordinate")
    most = max(score.rank for score in found.history)
    assert 0 < most < 60
    message = r"rank 100 with 241 parameters needs about .* is free, .*: lower it to \d+, or take"
    with pytest.raises(pl.MemoryLimitError, match=message):
        pl.refine(network(60), X, T, rank=100)


def test_an_open_rank_is_halved_when_memory_runs_out(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Triangle.__init__

    def limited(self: Any, rank: int, like: Any) -> None:
        if rank > 30:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        usual(self, rank, like)

    monkeypatch.setattr(Triangle, "__init__", limited)
    assert max(s.rank for s in pl.refine(network(), X, T).history) == 24
    with pytest.raises(pl.MemoryLimitError, match=r"memory ran out, with .* free: lower rank"):
        pl.refine(network(), X, T, rank=40)
