"""Damping beside the rank, and inputs whose small components are damped."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from regression_cases import F64, bumps, network
from torch import Tensor, nn

import pdelsr as pl
from pdelsr.lstsq.nested import Nested
from pdelsr.lstsq.triangle import Triangle
from pdelsr.regression.smoothing import smoothing_of, smoothings

SENSORS = 12


def rms(x: Tensor) -> float:
    return x.square().mean().sqrt().item()


def nested(n: int = 60, r: int = 9) -> tuple[Nested, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    A = torch.randn(n, r, dtype=F64, generator=generator) * 10.0 ** -torch.arange(r)
    b = torch.randn(n, dtype=F64, generator=generator)
    triangle = Triangle(r, A)
    triangle.update(A, b)
    return triangle.finish(), A, b


@pytest.mark.parametrize("k", [1, 4, 9])
def test_damped_solutions_are_those_of_ridge_regression(k: int) -> None:
    found, A, b = nested()
    dampings = [1e-1, 1e-3, 1e-6]
    Y = found.damped(k, dampings)
    assert Y.shape == (9, 3)
    assert not Y[k:].any()
    for y, damping in zip(Y.T, dampings, strict=True):
        level = damping * torch.linalg.matrix_norm(A[:, :k], 2)
        augmented = torch.cat([A[:, :k], level * torch.eye(k, dtype=F64)])
        wanted = torch.linalg.lstsq(augmented, torch.cat([b, b.new_zeros(k)])[:, None]).solution
        torch.testing.assert_close(y[:k], wanted[:, 0], rtol=1e-7, atol=1e-9)
        size = (A @ y - b).square().sum().item()
        assert found.squares(y) == pytest.approx(size, rel=1e-9)


def test_noise_is_damped() -> None:
    x, t = bumps()
    noisy = t + 0.3 * torch.randn(t.shape, dtype=F64, generator=torch.Generator().manual_seed(2))
    new_x, new_t = bumps(300, seed=9)
    refined = pl.refine(network(), x, noisy)
    by_rank = min((s for s in refined.history if not s.damping), key=lambda s: s.validation)
    chosen = min(refined.history, key=lambda s: s.validation)
    assert refined.damping == chosen.damping > 0
    assert f"damping={refined.damping:.1g}" in repr(refined)
    cut = refined.at_rank(by_rank.rank)
    assert rms(refined(new_x) - new_t) < rms(cut(new_x) - new_t)
    again = refined.at_rank(refined.rank, refined.damping)
    torch.testing.assert_close(again(x), refined(x))
    with pytest.raises(pl.SettingsError, match="damping is -1"):
        refined.at_rank(3, -1)


def functions(n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Sums of sines whose size falls, and a quadratic functional of the first two at some points.

    The small components change nothing.
    """
    generator = torch.Generator().manual_seed(seed)
    x = torch.linspace(0, 1, SENSORS, dtype=F64)
    k = torch.arange(1, SENSORS - 1)
    c = torch.randn(n, len(k), dtype=F64, generator=generator) * k.double() ** -2
    a = c @ torch.sin(math.pi * k[:, None] * x)
    return a, c[:, :1] * torch.cos(x) + c[:, 1:2] * c[:, :1] * x


def trained() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(SENSORS, 40), nn.Tanh(), nn.Linear(40, SENSORS)).to(F64)
    a, t = functions(150)
    pl.operators.train(net, a, t, 60, 30, 1e-2)
    return net


def test_small_components_of_inputs_are_damped_where_that_pays() -> None:
    a, t = functions(150)
    new, wanted = functions(300, seed=7)
    net = trained()
    plain, chosen = (pl.refine(net, a, t, smoothing=s) for s in (None, "auto"))
    assert plain.smoothing is None
    assert chosen.smoothing is not None
    assert f"smoothing={chosen.smoothing.level:g}" in repr(chosen)
    assert rms(chosen(new) - wanted) < rms(plain(new) - wanted) < rms(net(new) - wanted)
    assert chosen.history[0].train == pytest.approx(rms_of_rows(net, chosen, a, t), rel=0.3)


def rms_of_rows(net: nn.Module, refined: pl.RefinedModule, a: Tensor, t: Tensor) -> float:
    """‖q − t‖ of the module on its own inputs, in the norm of the history."""
    with torch.no_grad():
        return (net(a) - t).square().sum(1).mean().sqrt().item()


def test_a_smoothed_refinement_is_saved_moved_and_cut(tmp_path: Path) -> None:
    a, t = functions(150)
    net = trained()
    refined = pl.refine(net, a, t, smoothing=0.05, rank=60)
    assert refined.smoothing is not None
    assert refined.smoothing.level == 0.05
    refined.save(tmp_path / "refined")
    loaded = pl.RefinedModule.load(tmp_path / "refined", net)
    assert torch.equal(loaded(a), refined(a))
    assert torch.equal(refined.at_rank(0)(a), net(a))
    assert rms(refined.at_rank(30)(a) - t) < rms(net(a) - t)
    single = refined.float()
    assert single(a.float()).dtype == torch.float32
    diagnosis = pl.diagnose(pl.refine(net, a, t, smoothing=0.2, rank=60), a, t, iterations=5)
    assert diagnosis.rank == 60


def test_a_smoothing_is_the_filter_of_wiener() -> None:
    a, _ = functions(80)
    found = smoothing_of(a, 0.1)
    mean = a.mean(0)
    components = (a - mean) @ found.modes
    deviations = components.square().sum(0)
    weights = deviations / (deviations + 0.01 * deviations[0])
    smooth = (found(a) - mean) @ found.modes
    torch.testing.assert_close(smooth, components * weights, rtol=1e-9, atol=1e-12)
    shaped = a.reshape(80, 3, 4)
    torch.testing.assert_close(smoothing_of(shaped, 0.1)(shaped).flatten(1), found(a))


def test_an_early_stop_takes_one_linearization() -> None:
    x, t = bumps()
    options = {"residual": lambda q, t: q + q**3 - t, "newton_steps": 2, "basis": "full"}
    with pytest.raises(pl.SettingsError, match="does not go with the path of LSQR"):
        pl.refine(network(), x, t, lstsq=pl.LSQR(), **options)
    refined = pl.refine(network(), x, t, lstsq=pl.LSQR(200), rank=321, **options)
    assert refined.rank == 321


def test_inputs_of_one_size_are_left_alone() -> None:
    x, t = bumps()
    assert smoothings(x) == []
    assert pl.refine(network(), x, t).smoothing is None


def test_what_cannot_be_smoothed_is_named() -> None:
    x, t = bumps()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, t), batch_size=32)
    with pytest.raises(pl.SettingsError, match="smoothing needs the inputs in memory"):
        pl.refine(network(), loader, rank=5, smoothing=0.1)
    for wrong in ("strong", 0, -1.0, float("nan")):
        with pytest.raises(pl.SettingsError, match="smoothing is"):
            pl.refine(network(), x, t, smoothing=wrong)


def test_an_early_stop_regularizes() -> None:
    x, t = bumps()
    noisy = t + 0.3 * torch.randn(t.shape, dtype=F64, generator=torch.Generator().manual_seed(2))
    new_x, new_t = bumps(300, seed=9)
    refined = pl.refine(network(), x, noisy, basis="full", lstsq=pl.LSQR(5000))
    numbers = [score.rank for score in refined.history]
    assert numbers == sorted(numbers)
    assert numbers[0] == 0
    best = min(refined.history, key=lambda s: s.validation)
    assert 0 < refined.rank == best.rank < numbers[-1]
    assert refined.delta.numel() == sum(p.numel() for p in refined.module.parameters())
    assert rms(refined(new_x) - new_t) < 0.5 * rms(network()(new_x) - new_t)
    train = [score.train for score in refined.history]
    assert train == sorted(train, reverse=True)
    with pytest.raises(pl.SettingsError, match="holds no factors"):
        refined.at_rank(3)


def test_a_given_number_of_iterations_is_taken(tmp_path: Path) -> None:
    x, t = bumps()
    refined = pl.refine(network(), x, t, basis="full", lstsq=pl.LSQR(30), rank=321)
    assert rms(refined(x) - t) < 0.3 * rms(network()(x) - t)
    refined.save(tmp_path / "refined")
    assert torch.equal(pl.RefinedModule.load(tmp_path / "refined", network())(x), refined(x))


@pytest.mark.parametrize("kind", [pl.operators.DeepONet, pl.operators.MultiONet])
def test_operators_are_refined_in_all_parameters_without_a_row(
    kind: type[pl.operators.Separable], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a dense J V of the trunk they would take gigabytes."""
    monkeypatch.setattr(kind, "trunk_along", None)
    monkeypatch.setattr(kind, "branch_along", None)
    a, t = functions(60)
    grid = torch.linspace(0, 1, SENSORS, dtype=F64)[:, None]
    operator = kind(SENSORS, grid, (20, 20))  # type: ignore[call-arg]
    options = {"basis": "full", "lstsq": pl.LSQR(200)}
    refined = pl.refine(operator, a, t, **options, smoothing=None)
    assert rms(refined(a) - t) < 0.2 * rms(operator(a) - t)
    smooth = pl.refine(operator, a, t, **options)
    assert rms(smooth(a) - t) < 0.2 * rms(operator(a) - t)


class Root(nn.Module):
    """|x w|^½, whose derivative is not finite at w = 0."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(SENSORS))

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.w).abs().sqrt()


def test_early_stops_end_in_words_or_at_rank_0() -> None:
    a, t = functions(60)
    options = {"basis": "full", "lstsq": "lsqr", "smoothing": None}
    with pytest.raises(pl.SettingsError, match="the derivatives of Root"):
        pl.refine(Root(), a, t, **options)
    net = trained()
    with torch.no_grad():
        exact = net(a)
    assert pl.refine(net, a, exact, **options).rank == 0


def test_a_smoothing_that_spoils_the_module_leaves_it() -> None:
    a, t = functions(150)
    net = trained()
    for options in ({"rank": 2}, {"lstsq": "qr"}):
        refined = pl.refine(net, a, t, smoothing=3.0, **options)
        assert rms(refined(a) - t) <= 1.2 * rms(net(a) - t)
        assert refined.history[0].train == pytest.approx(rms_of_rows(net, refined, a, t), rel=0.3)
    refined = pl.refine(net, a, t, rank=2, smoothing=3.0)
    assert refined.rank == 0
    assert refined.smoothing is None
    assert torch.equal(refined(a), net(a))


def test_a_basis_of_its_own_width_is_compared_whole() -> None:
    a, t = functions(150)
    refined = pl.refine(trained(), a, t, basis="last_layer")
    assert refined.rank > 0


def test_components_that_few_samples_do_not_have_are_no_small_ones() -> None:
    generator = torch.Generator().manual_seed(0)
    assert smoothings(torch.randn(10, 30, dtype=F64, generator=generator)) == []
    assert smoothings(torch.randn(1, 30, dtype=F64, generator=generator)) == []
    assert len(smoothings(functions(8)[0])) == 3


def test_a_state_brings_its_level_along() -> None:
    a, t = functions(150)
    one, other = (pl.refine(trained(), a, t, rank=60, smoothing=s) for s in (0.05, 0.1))
    one.load_state_dict(other.state_dict())
    assert one.smoothing is not None
    assert one.smoothing.level == 0.1
    assert torch.equal(one(a), other(a))


def test_inputs_that_are_no_functions_are_named() -> None:
    with pytest.raises(pl.SettingsError, match="as one real tensor with several numbers"):
        pl.refine(nn.Embedding(9, 3), torch.arange(9), torch.ones(9, 3), rank=3, smoothing=0.1)
