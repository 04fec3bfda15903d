"""Operators of other libraries, refined in a few lines; run where those are installed."""

from __future__ import annotations

import os
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import pdelsr as pl

pytestmark = pytest.mark.slow
POINTS, FIT = 32, 80


@pytest.fixture(scope="module")
def data() -> tuple[Tensor, Tensor, Tensor]:
    """Grid, inputs and outputs of 120 functions: sums of four sines, and a bent integral."""
    x = torch.linspace(0, 1, POINTS)
    k = torch.pi * torch.arange(1, 5)[:, None]
    c = torch.randn(120, 4, generator=torch.Generator().manual_seed(0))
    return x[:, None], c @ torch.sin(k * x), torch.tanh(c @ ((1 - torch.cos(k * x)) / k))


def errors_before_and_after(module: nn.Module, a: Tensor, u: Tensor) -> tuple[float, float]:
    """Errors on new functions of a module, trained a little, and refined."""
    torch.manual_seed(0)
    pl.operators.train(module, a[:FIT], u[:FIT], 100, 20, 3e-3, loss="absolute")
    refined = pl.refine(module, a[:FIT], u[:FIT], rank=60)
    with torch.no_grad():
        pair = module(a[FIT:]), refined(a[FIT:])
    found = [(q - u[FIT:]).norm().item() for q in pair]
    return found[0], found[1]


def test_fno_of_neuraloperator(data: tuple[Tensor, Tensor, Tensor]) -> None:
    models = pytest.importorskip("neuralop.models")
    _, a, u = data
    torch.manual_seed(0)
    fno = models.FNO(n_modes=(8,), in_channels=1, out_channels=1, hidden_channels=8, n_layers=2)
    before, after = errors_before_and_after(fno, a[:, None], u[:, None])
    assert after < 0.8 * before


def test_deeponet_of_deepxde(data: tuple[Tensor, Tensor, Tensor]) -> None:
    os.environ.setdefault("DDE_BACKEND", "pytorch")
    dde: Any = pytest.importorskip("deepxde")
    grid, a, u = data

    class AtGrid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            sizes = [POINTS, 30, 30], [1, 30, 30]
            self.net = dde.nn.DeepONetCartesianProd(*sizes, "tanh", "Glorot normal")
            self.grid = grid

        def forward(self, a: Tensor) -> Tensor:
            return self.net((a, self.grid))

    torch.manual_seed(0)
    before, after = errors_before_and_after(AtGrid(), a, u)
    assert after < 0.9 * before


def test_deeponet_of_pina(data: tuple[Tensor, Tensor, Tensor]) -> None:
    models: Any = pytest.importorskip("pina.model")
    grid, a, u = data

    class AtGrid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            branch = models.FeedForward(POINTS, 30, inner_size=30, n_layers=1)
            trunk = models.FeedForward(1, 30, inner_size=30, n_layers=1)
            self.net = models.DeepONet(branch, trunk, list(range(POINTS)), [POINTS])
            self.grid = grid

        def forward(self, a: Tensor) -> Tensor:
            n = len(a)
            pairs = a[:, None].expand(n, POINTS, -1), self.grid.expand(n, -1, 1)
            return self.net(torch.cat(pairs, dim=2).flatten(0, 1)).reshape(n, POINTS)

    torch.manual_seed(0)
    before, after = errors_before_and_after(AtGrid(), a, u)
    assert after < 0.9 * before
