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
    assert found.damping == min(pl.KernelRidge().dampings)
    torch.testing.assert_close(found(x), u, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        {"lstsq": "kernel-ridge"},
        {"lstsq": pl.KernelRidge(most_rows=160)},
        {},
        {"basis": "gaussian"},
    ],
)
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
    assert whole.rank == sum(p.numel() for p in module.parameters()) < 80 * 40
    assert few.rank == 480  # 3 components of the targets, and as many of the module's outputs
    assert few.modes is not None
    assert few.modes.shape == (40, 6)
    moved = few(x) - module(x)
    torch.testing.assert_close(moved @ few.modes @ few.modes.T, moved)
    inputs, held = field(500, 9)[0], field(500, 9)[1] @ wide
    before, one, other = ((m(inputs) - held).norm() for m in (module, whole, few))
    assert other < one < 0.4 * before  # what the components leave out is never changed


def test_user_residuals_are_fitted_as_well() -> None:
    x, u = field(60)
    options = {"lstsq": "kernel-ridge", "residual": lambda q, t: torch.sinh(q - t)}
    found = pl.refine(net(nn.Tanh), x, u, smoothing=None, **options)
    assert error(found) < 0.2 * error(net(nn.Tanh))
    with pytest.raises(pl.SettingsError, match="a residual of your own with 144 rows is too long"):
        pl.refine(net(nn.Tanh), x, u, **{**options, "lstsq": pl.KernelRidge(most_rows=100)})


def test_a_mollified_module_is_refined_again(tmp_path: Path) -> None:
    x, u = field(100)
    first = pl.refine(net(), x, 0.5 * u, mollify=0.3).module
    again = pl.refine(first, x, u, rank=60)
    again.save(tmp_path / "r.safetensors")
    assert torch.equal(pl.RefinedModule.load(tmp_path / "r.safetensors", first)(x), again(x))


def test_components_of_a_file_are_checked(tmp_path: Path) -> None:
    x, u = field(100)
    path = tmp_path / "r.safetensors"
    found = pl.refine(net(), x, u, lstsq=pl.KernelRidge(most_rows=160), mollify=None)
    assert found.modes is not None
    found.modes = found.modes[:, 0]
    found.save(path)
    with pytest.raises(pl.FileFormatError, match="components are no finite columns"):
        pl.RefinedModule.load(path, net())


def test_a_loader_that_shuffles_is_refused() -> None:
    x, u = field(100)
    data = torch.utils.data.TensorDataset(x, u)
    options = {"lstsq": "kernel-ridge", "validation": field(50, 3)}
    found = pl.refine(net(), torch.utils.data.DataLoader(data, batch_size=30), **options)
    assert found.rank
    shuffled = torch.utils.data.DataLoader(data, batch_size=30, shuffle=True)
    with pytest.raises(pl.SettingsError, match="another order each time"):
        pl.refine(net(), shuffled, **options)


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
    with pytest.raises(pl.SettingsError, match=r"no torch\.nn\."):
        pl.refine(net(nn.Tanh), x, u, mollify=0.2)
    assert pl.refine(net(nn.Tanh), x, u, mollify="auto").rank


SOLVERS = ["streaming-qr", "qr", "svd", "cholesky", "lsmr", "lsqr", pl.KernelRidge((1e-2, 1e-4))]


@pytest.mark.parametrize("lstsq", SOLVERS)
def test_relative_residuals_are_those_of_weighted_samples(lstsq: str | pl.LeastSquares) -> None:
    """The same fit by a function of the user's, which no solver knows to be linear."""
    x, u = field(60)
    u = u + 1e-2 * torch.randn(u.shape, dtype=F64, generator=torch.Generator().manual_seed(2))
    options: dict[str, Any] = {"lstsq": lstsq, "smoothing": None, "rank": 40, "basis": "gaussian"}
    told = pl.refine(net(nn.Tanh), x, u, residual="relative", **options)
    written = pl.refine(
        net(nn.Tanh), x, u, residual=lambda q, t: (q - t) / t.norm(dim=1, keepdim=True), **options
    )
    plain = pl.refine(net(nn.Tanh), x, u, **options)
    tolerance = 1e-3 if lstsq in ("lsmr", "lsqr") else 1e-6
    torch.testing.assert_close(told(x), written(x), rtol=tolerance, atol=tolerance)
    assert (told(x) - plain(x)).norm() > 1e-4 * plain(x).norm()


def test_relative_residuals_need_targets() -> None:
    x, u = field(60)
    u[7] = 0
    with pytest.raises(pl.SettingsError, match="residual='relative' divides by the norm"):
        pl.refine(net(), x, u, residual="relative")
    with pytest.raises(pl.SettingsError, match="residual"):
        pl.refine(net(), x, u, residual="relativ")


@pytest.mark.parametrize("residual", ["absolute", "relative"])
@pytest.mark.parametrize("lstsq", ["auto", "lsqr", "kernel-ridge"])
def test_targets_may_be_whole_numbers(lstsq: str, residual: str) -> None:
    x, u = field(60)
    whole = (10 * u).round().long() + 20
    options: dict[str, Any] = {"lstsq": lstsq, "residual": residual, "smoothing": None}
    found = pl.refine(net(nn.Tanh), x, whole, **options)
    torch.testing.assert_close(found(x), pl.refine(net(nn.Tanh), x, whole.to(F64), **options)(x))


def test_ranks_come_back_after_rank_zero() -> None:
    x, u = field(100)
    found = pl.refine(net(), x, u, mollify=0.3)
    again = found.at_rank(0).at_rank(found.rank, found.damping)
    torch.testing.assert_close(again(x), found(x))
    assert set(mollified_widths(again.module)) == {"1", "3"}


def test_attention_with_rectifiers_has_one_function_for_values_and_slopes() -> None:
    torch.manual_seed(0)
    part = nn.TransformerEncoderLayer(4, 2, 8, 0.0, nn.ReLU(), batch_first=True)
    module = nn.Sequential(nn.Unflatten(1, (1, 4)), part, nn.Flatten(), nn.Linear(4, 1)).double()
    x = torch.randn(60, 4, dtype=F64)
    found = pl.refine(module.eval(), x, torch.sin(x[:, :1]), rank=20, mollify=0.3)
    assert mollified_widths(found.module)
    with torch.no_grad():
        quiet = found.module(x)
    torch.testing.assert_close(found.module(x), quiet)
    assert (quiet - module(x)).norm() > 1e-3


class Pair(nn.Module):
    """A module of two inputs, in single precision."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Linear(2, 30), nn.Tanh(), nn.Linear(30, 3))

    def forward(self, s: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return self.body(torch.cat([s, t], dim=1))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_several_inputs_and_single_precision(dtype: str) -> None:
    x, u = field(150)
    inputs = (x[:, :1].float(), x[:, 1:].float())
    found = pl.refine(Pair(), inputs, u.float(), lstsq="kernel-ridge", dtype=dtype)
    assert found.delta.dtype is getattr(torch, dtype)
    held, wanted = field(500, 9)
    before = Pair()(held[:, :1].float(), held[:, 1:].float()) - wanted
    after = found(held[:, :1].float(), held[:, 1:].float()) - wanted
    assert after.norm() < 0.1 * before.norm()


def test_widths_travel_with_the_state() -> None:
    x, u = field(100)
    narrow, wide = (pl.refine(net(), x, u, rank=30, mollify=width) for width in (0.2, 0.8))
    plain = pl.refine(net(), x, u, rank=30, mollify=None)
    wide.load_state_dict(narrow.state_dict())
    torch.testing.assert_close(wide(x), narrow(x))
    assert mollified_widths(wide.module) == mollified_widths(narrow.module)
    with pytest.raises(RuntimeError, match="Unexpected key"):
        plain.load_state_dict(narrow.state_dict())
    with pytest.raises(RuntimeError, match="Missing key"):
        narrow.load_state_dict(plain.state_dict())


def test_widths_are_those_of_all_samples() -> None:
    x, u = field(1000)
    x = x[x[:, 0].argsort()]
    sizes = [
        mollified_widths(pl.refine(net(), x, u, rank=5, mollify=0.3, batch_size=size).module)
        for size in (16, 1000)
    ]
    assert sizes[0] == sizes[1]
    backwards = pl.refine(net(), x.flip(0), u.flip(0), rank=5, mollify=0.3).module
    assert mollified_widths(backwards) == pytest.approx(sizes[0], rel=1e-9)


def test_the_damping_is_told_after_loading(tmp_path: Path) -> None:
    x, u = field(60)
    found = pl.refine(net(nn.Tanh), x, u, lstsq="kernel-ridge", smoothing=None)
    found.save(tmp_path / "refined.safetensors")
    again = pl.regression.RefinedModule.load(tmp_path / "refined.safetensors", net(nn.Tanh))
    assert again.damping == found.damping > 0
    other = pl.refine(net(nn.Tanh), x, u, basis="full", lstsq="lsqr", smoothing=None)
    other.load_state_dict(found.state_dict())
    assert other.damping == found.damping


def test_the_damping_of_a_given_rank_is_in_the_history() -> None:
    x, u = field(60)
    size = sum(p.numel() for p in net().parameters())
    found = pl.refine(net(nn.Tanh), x, u, rank=size, lstsq="kernel-ridge")
    assert found.history[-1].damping == found.damping > 0
