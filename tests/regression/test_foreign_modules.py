"""Modules as other libraries write them: complex weights, in-place products, attention."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from regression_cases import F64
from torch import Tensor, nn

import pdelsr as pl
from pdelsr.regression.model import Model

N, MODES = 16, 4


class Spectral(nn.Module):
    """A Fourier layer; `in_place` writes its modes into an array of zeros, as FNO does."""

    def __init__(self, in_place: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.lift, self.out = nn.Linear(1, 4), nn.Linear(4, 1)
        self.w = nn.Parameter(0.3 * torch.randn(4, 4, MODES, dtype=torch.cfloat))
        self.in_place = in_place

    def forward(self, a: Tensor) -> Tensor:
        h = self.lift(a[..., None])
        f = torch.fft.rfft(h, dim=1)[:, :MODES]
        g = torch.einsum("nki,iok->nko", f, self.w)
        if self.in_place:
            whole = torch.zeros(len(a), N // 2 + 1, 4, dtype=g.dtype)
            whole[:, :MODES] = g
            g = whole
        r = torch.fft.irfft(g, n=N, dim=1)
        return self.out(torch.tanh(r))[..., 0]


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.lift, self.out = nn.Linear(1, 8), nn.Linear(8, 1)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)

    def forward(self, a: Tensor) -> Tensor:
        return self.out(self.layer(self.lift(a[..., None])))[..., 0]


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.out = nn.GRU(1, 6, batch_first=True), nn.Linear(6, 1)

    def forward(self, a: Tensor) -> Tensor:
        return self.out(self.layer(a[..., None])[0])[..., 0]


class Viewing(nn.Module):
    """A module that `copy.deepcopy` refuses, with a float32 grid as a plain attribute."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(2, 12), nn.Linear(12, 1)
        self.grid = torch.linspace(0, 1, N)
        self.sizes = {"a": 1}.values()

    def forward(self, a: Tensor) -> Tensor:
        pairs = torch.stack([a, self.grid.expand(len(a), N)], dim=2)
        return self.last(torch.tanh(self.first(pairs)))[..., 0]


MODULES: dict[str, Callable[[], nn.Module]] = {
    "complex": Spectral,
    "in place": lambda: Spectral(in_place=True),
    "attention": Attention,
    "attention in eval mode": lambda: Attention().eval(),
    "recurrent": Recurrent,
    "no deepcopy": Viewing,
    "dropout of zero": lambda: nn.Sequential(nn.Linear(N, 8), nn.Dropout(0.0), nn.Linear(8, N)),
}


def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(60, N, dtype=F64, generator=generator)
    return a, torch.tanh(a.cumsum(1) / 4)


def errors(module: nn.Module, a: Tensor, t: Tensor) -> float:
    like = next(module.parameters())
    with torch.no_grad():
        return (module(a.to(like.real.dtype)) - t).square().mean().sqrt().item()


@pytest.mark.parametrize("name", MODULES)
def test_modules_of_other_libraries_are_refined(name: str, tmp_path: Path) -> None:
    a, t = data()
    module = MODULES[name]()
    before = [p.detach().clone() for p in module.parameters()]
    refined = pl.refine(module, a, t, rank=40)
    assert errors(refined, a, t) < 0.9 * errors(module, a, t)
    for p, q in zip(module.parameters(), before, strict=True):
        assert torch.equal(p, q)
    refined.save(tmp_path / "refined")
    assert torch.equal(pl.RefinedModule.load(tmp_path / "refined", MODULES[name]())(a), refined(a))


@pytest.mark.parametrize("basis", ["output", "coordinate", "gaussian", "count_sketch", "residual"])
@pytest.mark.parametrize("in_place", [False, True])
def test_complex_parameters_move_as_pairs(basis: str, in_place: bool) -> None:
    a, t = data()
    refined = pl.refine(Spectral(in_place), a, t, rank=60, basis=basis)
    w = refined.module.w
    assert w.is_complex()
    assert w.imag.any()
    assert refined.delta.dtype == F64
    total = sum(p.numel() * (2 if p.is_complex() else 1) for p in refined.module.parameters())
    expected = 60 if basis == "coordinate" else total
    assert refined.delta.numel() == expected


@pytest.mark.parametrize("in_place", [False, True])
def test_rows_and_columns_are_derivatives(in_place: bool) -> None:
    """Against differences of the module itself, along a direction of real and imaginary parts."""
    a, _ = data()
    refined = pl.refine(Spectral(in_place), a, data()[1], rank=5)  # in fp64
    model = Model(refined.module, 1.0, torch.Generator())
    few = (a[:3],)
    delta = torch.randn(model.size, dtype=F64, generator=torch.Generator().manual_seed(1))
    value, slope = model.moved(few, delta)
    torch.testing.assert_close(model.columns(few, delta[:, None])[..., 0], slope)
    seeds = torch.randn(3, N, dtype=F64, generator=torch.Generator().manual_seed(2))
    rows = model.rows(few, seeds)
    torch.testing.assert_close(rows @ delta, (seeds * slope).sum(1))
    torch.testing.assert_close(model.pull(few, seeds), rows.sum(0))
    h, parameters = 1e-6, dict(refined.module.named_parameters())
    with torch.no_grad():
        for name, step in model.unflatten(delta).items():
            p = parameters[name]
            p += h * (torch.view_as_complex(step.contiguous()) if p.is_complex() else step)
        torch.testing.assert_close((refined.module(*few) - value) / h, slope, rtol=1e-4, atol=1e-4)


def test_what_drops_at_random_is_refused() -> None:
    layer = nn.MultiheadAttention(4, 2, dropout=0.1, batch_first=True)
    with pytest.raises(pl.SettingsError, match="MultiheadAttention '' in training mode"):
        pl.refine(layer, torch.zeros(3, 2, 4), torch.zeros(3, 2, 4))


def test_complex_outputs_are_refused_in_words() -> None:
    class Complex(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.ones(N, dtype=torch.cfloat))

        def forward(self, a: Any) -> Any:
            return a * self.w

    a, t = data()
    with pytest.raises(pl.SettingsError, match=r"complex output: .* torch\.view_as_real"):
        pl.refine(Complex(), a, t, rank=3)


def test_state_that_is_no_tensor_is_that_of_the_module_given_to_load(tmp_path: Path) -> None:
    class Versioned(Viewing):
        def get_extra_state(self) -> dict[str, int]:
            return {"version": 3}

        def set_extra_state(self, state: dict[str, int]) -> None:
            assert state == {"version": 3}

    a, t = data()
    refined = pl.refine(Versioned(), a, t, rank=20)
    refined.save(tmp_path / "refined")
    assert torch.equal(pl.RefinedModule.load(tmp_path / "refined", Versioned())(a), refined(a))
