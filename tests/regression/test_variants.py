"""Kernel ridge regression on data, in the variant that held-out data favour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import pdelsr as pl
from pdelsr.networks.mollified import mollified_widths

F64 = torch.float64


def net(activation: type[nn.Module] = nn.ReLU, width: int = 24) -> nn.Sequential:
    torch.manual_seed(0)
    layers = nn.Linear(2, width), activation(), nn.Linear(width, width), activation()
    return nn.Sequential(*layers, nn.Linear(width, 3)).to(F64)


def field(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Three smooth functions of two numbers."""
    x = torch.rand(n, 2, dtype=F64, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    s, t = x.T
    return x, torch.stack([torch.sin(2 * s) * t, s * t, torch.cos(s + t)], dim=1)


def error(module: nn.Module) -> float:
    x, u = field(500, seed=9)
    return ((module(x) - u).norm() / u.norm()).item()


def test_smooth_rectifiers_predict_better_between_samples() -> None:
    x, u = field(200)
    module = net()
    rough = pl.refine(module, x, u, lstsq="kernel-ridge", mollify=None)
    found = pl.refine(module, x, u, lstsq="kernel-ridge")
    assert error(found) < 0.3 * error(rough) < 0.1 * error(module)
    assert set(mollified_widths(found.module)) == {"1", "3"}
    assert "2 mollified rectifiers" in repr(found)
    assert mollified_widths(module) == {}
    assert found.damping > 0
    assert found.rank == 480  # rows of 160 samples, which are fewer than the parameters


def test_the_first_score_is_that_of_the_module_as_it_is() -> None:
    x, u = field(100)
    module = net()
    found = pl.refine(module, x, u, lstsq="kernel-ridge", mollify=0.4, validation=field(50, 3))
    held, wanted = field(50, 3)
    before = (module(held) - wanted).square().sum(1).mean().sqrt().item()
    assert found.history[0].rank == 0
    assert found.history[0].validation == pytest.approx(before, rel=1e-12)
    dampings = [score.damping for score in found.history[1:]]
    assert dampings == sorted(dampings, reverse=True)
    best = min(found.history, key=lambda score: score.validation)
    assert found.damping == best.damping


def test_where_nothing_is_better_the_module_stays_as_it_is() -> None:
    x, u = field(100)
    noise = torch.randn(u.shape, dtype=F64, generator=torch.Generator().manual_seed(0))
    module = net()
    u = module(x).detach() + 1e-3 * noise  # nothing but noise is left to learn
    found = pl.refine(module, x, u, lstsq="kernel-ridge", mollify=0.4)
    assert found.rank == 0
    assert found.damping == 0.0
    assert mollified_widths(found.module) == {}
    assert torch.equal(found(x), module(x))


def test_a_given_rank_and_width_are_taken() -> None:
    x, u = field(40)
    size = sum(p.numel() for p in net().parameters())
    found = pl.refine(net(), x, u, rank=size, lstsq="kernel-ridge", mollify=0.3)
    assert set(mollified_widths(found.module)) == {"1", "3"}
    torch.testing.assert_close(found(x), u, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("options", [{"lstsq": "kernel-ridge"}, {}, {"basis": "gaussian"}])
def test_files_keep_the_widths(options: dict[str, Any], tmp_path: Path) -> None:
    x, u = field(100)
    found = pl.refine(net(), x, u, mollify=0.3, **options)
    assert found.rank
    found.save(tmp_path / "r.safetensors")
    again = pl.RefinedModule.load(tmp_path / "r.safetensors", net())
    assert torch.equal(again(x), found(x))
    assert mollified_widths(again.module) == mollified_widths(found.module)
    with pytest.raises(pl.FileFormatError, match="another architecture"):
        pl.RefinedModule.load(tmp_path / "r.safetensors", net(nn.Tanh))


def test_rank_zero_of_a_mollified_refinement_is_the_module() -> None:
    x, u = field(100)
    module = net()
    found = pl.refine(module, x, u, mollify=0.3)
    assert found.rank
    assert torch.equal(found.at_rank(0)(x), module(x))
    torch.testing.assert_close(found.at_rank(found.rank, found.damping)(x), found(x))


def test_outputs_beyond_the_rows_are_written_in_components() -> None:
    x, u = field(100)
    wide = torch.randn(3, 40, dtype=F64, generator=torch.Generator().manual_seed(1))
    module = nn.Sequential(net(nn.Tanh), nn.Linear(3, 40, dtype=F64))
    targets = u @ wide
    whole = pl.refine(module, x, targets, lstsq="kernel-ridge", smoothing=None)
    few = pl.refine(module, x, targets, lstsq=pl.KernelRidge(most_rows=640), smoothing=None)
    assert whole.rank == few.rank == 240  # 3 components of 40 for 80 samples
    q, held = module(field(500, 9)[0]), field(500, 9)[1] @ wide
    before = (q - held).norm()
    for found in (whole, few):
        assert (found(field(500, 9)[0]) - held).norm() < 1e-2 * before


def test_user_residuals_are_fitted_as_well() -> None:
    x, u = field(60)
    options = {"lstsq": "kernel-ridge", "residual": lambda q, t: torch.sinh(q - t)}
    found = pl.refine(net(nn.Tanh), x, u, smoothing=None, **options)
    assert error(found) < 0.2 * error(net(nn.Tanh))
    many = pl.refine(
        net(nn.Tanh), x, u, smoothing=None, **{**options, "lstsq": pl.KernelRidge(most_rows=100)}
    )
    assert error(many) < error(net(nn.Tanh))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mollify": "yes"}, "mollify"),
        ({"mollify": -0.1}, "mollify"),
        ({"mollify": float("inf")}, "mollify"),
        ({"lstsq": pl.KernelRidge(most_rows=64)}, "80 samples are too many for a kernel"),
        ({"lstsq": "kernel-ridge", "newton_steps": 2, "residual": lambda q, t: q - t}, "the path"),
    ],
)
def test_what_does_not_fit_is_refused(options: dict[str, Any], message: str) -> None:
    x, u = field(100)
    with pytest.raises(pl.SettingsError, match=message):
        pl.refine(net(), x, u, **options)


def test_mollify_needs_rectifiers_among_the_parts() -> None:
    x, u = field(40)
    with pytest.raises(pl.SettingsError, match="no torch.nn. ReLU|no torch"):
        pl.refine(net(nn.Tanh), x, u, mollify=0.2)
    assert pl.refine(net(nn.Tanh), x, u, mollify="auto").rank
