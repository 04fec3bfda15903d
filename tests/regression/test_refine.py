"""Refinement of any torch module on data."""

from __future__ import annotations

import copy
import functools
import io
import math
from pathlib import Path
from types import MethodType
from typing import Any

import numpy as np
import pytest
import torch
from regression_cases import F64, TwoInputs, bumps, network
from rich.console import Console
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import pdelsr as pl
from pdelsr.files.container import Contents, read, write
from pdelsr.linearize import Dense, Identity
from pdelsr.lstsq import Solved
from pdelsr.progress import PassDisplay
from pdelsr.regression.model import Model
from pdelsr.regression.products import JacobianTimes
from pdelsr.regression.refined import REFINEMENT, RefinedModule


def rms(values: Tensor) -> float:
    return values.square().sum(dim=1).mean().sqrt().item()


def test_a_refined_network_is_far_better_on_new_points() -> None:
    x, t = bumps()
    model = network()
    before = copy.deepcopy(model.state_dict())
    refined = pl.refine(model, x, t, rank=120)
    new_x, new_t = bumps(300, seed=1)
    assert rms(refined(new_x) - new_t) < 1e-3 * rms(model(new_x) - new_t)
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert (refined.rank, refined.status) == (120, "given")
    assert refined.delta_norm > 0
    assert refined.condition > 1
    assert refined.history[-1].train == pytest.approx(rms(refined(x) - t), rel=1e-6)


def test_the_solution_is_the_least_squares_one() -> None:
    x, t = bumps()
    model = network()
    m = sum(p.numel() for p in model.parameters())
    refined = pl.refine(model, x, t, rank=m, parameter_fraction=1.0)
    view = Model(model, 1.0, torch.Generator())
    J = view.all_rows((x,))[:, 0]
    expected = J @ torch.linalg.lstsq(J, (t - view((x,)))[:, 0], driver="gelsd").solution
    found = (refined(x) - model(x))[:, 0]
    torch.testing.assert_close(found, expected, rtol=0.0, atol=2e-6)


@pytest.mark.parametrize("size", [16, 100, 400])
def test_batches_make_no_difference(size: int) -> None:
    x, t = bumps()
    one = pl.refine(network(), x, t, rank=60)
    loader = DataLoader(TensorDataset(x, t), batch_size=size)
    for other in (
        pl.refine(network(), x, t, rank=60, batch_size=size),
        pl.refine(network(), loader, rank=60),
        pl.refine(network(), x, t, rank=60, memory_budget=10_000),
    ):
        torch.testing.assert_close(other(x), one(x), rtol=0.0, atol=1e-10)


def test_a_shuffling_loader_gives_nearly_the_same() -> None:
    x, t = bumps()
    generator = torch.Generator().manual_seed(0)
    data = TensorDataset(x, t)
    loader = DataLoader(data, batch_size=32, shuffle=True, generator=generator)
    assert rms(pl.refine(network(), loader, rank=100)(x) - t) < 1e-3


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_rows_and_columns_agree(share: float) -> None:
    x, _ = bumps(20)
    model = Model(network(outputs=3), share, torch.Generator().manual_seed(1))
    V = torch.randn(model.size, 7, dtype=F64, generator=torch.Generator().manual_seed(0))
    for directions in (Dense(V), Identity(model.size)):
        by = [JacobianTimes(model, directions, way, (x,)) for way in ("rows", "columns", "auto")]
        expected = directions.project(model.all_rows((x,)))
        assert by[2].way in ("rows", "columns")
        for times in by:
            torch.testing.assert_close(times((x,)), expected)
    seeds = torch.randn(20, 3, dtype=F64)
    expected = torch.einsum("nk,nkm->nm", seeds, model.all_rows((x,)))
    torch.testing.assert_close(model.rows((x,), seeds), expected)


def test_a_module_with_two_inputs_a_frozen_layer_and_buffers() -> None:
    x, t = bumps()
    time = x[:, :1] ** 2
    targets = torch.cat([t, t * time], dim=1).float()
    model = TwoInputs().eval()
    refined = pl.refine(model, (x.float(), time.float()), targets, rank=80)
    before = rms(model(x.float(), time.float()).double() - targets)
    assert rms(refined(x, time) - targets) < 0.3 * before
    assert refined(x.float(), time.float()).dtype == F64
    frozen = sum(p.numel() for p in model.frozen.parameters())
    total = sum(p.numel() for p in model.parameters())
    assert refined.delta.numel() == total - frozen


def test_classes_by_their_own_residual() -> None:
    x, t = bumps(600)
    labels = (t[:, 0] > 0).long()

    def residual(q: Tensor, labels: Tensor) -> Tensor:
        return q.softmax(dim=1) - nn.functional.one_hot(labels, 2)

    model = network(outputs=2)
    one, more = (
        pl.refine(model, x, labels, rank=100, residual=residual, newton_steps=n) for n in (1, 5)
    )
    accuracy = [(m(x).argmax(1) == labels).double().mean().item() for m in (model, one, more)]
    assert accuracy[0] < 0.8
    assert accuracy[1] > 0.9
    assert more.history[-1].train < one.history[-1].train < one.history[0].train


def test_more_linearizations_at_the_chosen_rank() -> None:
    x, t = bumps()
    new_x, new_t = bumps(200, seed=1)

    def residual(q: Tensor, t: Tensor) -> Tensor:
        return q + q**3 - t

    one, more = (
        pl.refine(network(), x, t, residual=residual, newton_steps=n, validation=(new_x, new_t))
        for n in (1, 6)
    )
    assert more.rank > 0
    assert not more.damping
    same = one.at_rank(more.rank)
    assert rms(residual(more(new_x), new_t)) < 0.6 * rms(residual(same(new_x), new_t))
    assert rms(residual(more(new_x), new_t)) < rms(residual(one(new_x), new_t))


@pytest.mark.parametrize("products", ["rows", "columns"])
def test_rounding_noise_is_not_fitted(products: str) -> None:
    """Directions that do not change the output must not: the history tells the truth."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 8), nn.Linear(8, 1)).double()  # three directions only
    x, t = bumps()
    refined = pl.refine(net, x, t, rank=20, products=products)
    assert refined.effective_rank == 3
    assert refined.history[-1].train == pytest.approx(rms(refined(x) - t), rel=1e-6)
    ones = torch.cat([x, torch.ones(400, 1, dtype=F64)], dim=1)
    best = t - ones @ torch.linalg.lstsq(ones, t).solution
    assert rms(refined(x) - t) == pytest.approx(rms(best), rel=1e-6)


@pytest.mark.parametrize("newton_steps", [1, 4])
def test_the_smaller_holds_the_refinement_itself(newton_steps: int) -> None:
    x, t = bumps()

    def residual(q: Tensor, t: Tensor) -> Tensor:
        return (6 * q).tanh() - t

    refined = pl.refine(network(), x, t, rank=30, newton_steps=newton_steps, residual=residual)
    torch.testing.assert_close(refined.at_rank(30)(x), refined(x), rtol=0.0, atol=1e-9)


def test_a_refined_module_is_frozen_and_stays_in_eval_mode() -> None:
    x, t = bumps()
    refined = pl.refine(TwoInputs().eval(), (x, t), torch.cat([t, t], 1), rank=10)
    before = refined(x, t)
    assert torch.equal(refined.train().requires_grad_(False)(x, t), before)
    assert not refined.module.training


class Failing(pl.QR):
    """A solver of a user's that finds nothing."""

    def compute(self, state: Any, b: torch.Tensor | None = None) -> Solved:
        return Solved(100.0 + super().compute(state, b).solution)

    def left_over(self, state: Any, b: torch.Tensor | None = None) -> None:
        return None


def test_a_rank_that_raises_the_residual_is_not_taken() -> None:
    x, t = bumps()
    refined = pl.refine(network(), x, t, rank=5, lstsq=Failing())
    assert refined.rank == 0
    assert refined.status == "rank 5 does not lower the residual: try a smaller one"
    assert torch.equal(refined(x), network()(x))
    assert "rank=0" in repr(refined)


def test_the_rank_is_chosen_on_held_out_data() -> None:
    x, t = bumps()
    noisy = t + 0.1 * torch.randn(t.shape, dtype=F64, generator=torch.Generator().manual_seed(5))
    refined = pl.refine(network(), x, noisy)
    new_x, new_t = bumps(300, seed=1)
    everything = pl.refine(network(), x, noisy, rank=300)
    assert 0 < refined.rank < 300
    assert rms(refined(new_x) - new_t) < 0.5 * rms(everything(new_x) - new_t)
    scores = {s.rank: s.validation for s in refined.history}
    assert min(scores.values()) == scores[refined.rank]


def test_no_refinement_may_be_the_best() -> None:
    x, _ = bumps()
    model = network()
    noise = 0.1 * torch.randn(400, 1, dtype=F64, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        exact = model(x)
    refined = pl.refine(model, x, exact + noise, validation=(x[:200], exact[:200]))
    assert refined.rank == 0
    assert torch.equal(refined(x), exact)
    assert refined.status == "no rank is better on held-out data"


@pytest.mark.parametrize("basis", ["output", "gaussian"])
def test_smaller_ranks_come_for_free(basis: str) -> None:
    x, t = bumps()
    model = network()
    refined = pl.refine(model, x, t, rank=80, basis=basis)
    assert refined._smaller is not None
    V = refined._smaller.V
    assert isinstance(V, Dense)
    view = Model(model, 1.0, torch.Generator())
    for k in (1, 30, 80):
        A = view.all_rows((x,))[:, 0] @ V.V[:, :k]
        y = torch.linalg.lstsq(A, (t - view((x,)))[:, 0]).solution
        expected = view((x,))[:, 0] + A @ y
        torch.testing.assert_close(refined.at_rank(k)(x)[:, 0], expected, rtol=0.0, atol=1e-7)
    assert torch.equal(refined.at_rank(0)(x), model(x))
    with pytest.raises(pl.SettingsError, match="rank 81: choose one between 0 and 80"):
        refined.at_rank(81)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_callers_may_have_switched_slopes_off(mode: Any) -> None:
    x, t = bumps()
    usual = pl.refine(network(), x, t, rank=30, products="rows")
    with mode():
        refined = pl.refine(network(), x, t, rank=30, products="rows")
        assert torch.equal(refined(x), usual(x))


def test_no_rank_leaves_slopes_in_the_parameters() -> None:
    x, t = bumps()
    refined = pl.refine(network(), x, t, rank=30)
    for k in (0, 10):
        moving = x.clone().requires_grad_()
        assert not refined.at_rank(k)(x).requires_grad
        (slopes,) = torch.autograd.grad(refined.at_rank(k)(moving).sum(), moving)
        assert slopes.abs().max() > 0


def test_part_of_the_parameters() -> None:
    x, t = bumps()
    refined = pl.refine(network(), x, t, rank=50, parameter_fraction=0.5)
    total = sum(p.numel() for p in refined.module.parameters())
    assert refined.delta.numel() == round(total / 2)
    assert refined.history[-1].train < 0.1 * refined.history[0].train


def test_a_saved_refinement_comes_back(tmp_path) -> None:
    x, t = bumps()
    for share in (1.0, 0.5):
        refined = pl.refine(network(), x, t, rank=50, parameter_fraction=share)
        refined.save(tmp_path / "refined.safetensors")
        loaded = pl.RefinedModule.load(tmp_path / "refined.safetensors", network(seed=9))
        assert torch.equal(loaded(x), refined(x))
        assert loaded.rank == 50
        with pytest.raises(pl.SettingsError, match="needs the original one"):
            loaded.at_rank(3)
    with pytest.raises(pl.FileFormatError, match="another architecture"):
        pl.RefinedModule.load(tmp_path / "refined.safetensors", network(outputs=2))
    (tmp_path / "other").write_text("no")
    with pytest.raises(pl.FileFormatError, match="is damaged, or not a refinement"):
        pl.RefinedModule.load(tmp_path / "other", network())


EDITS = {
    "rank": lambda t, d: d.update(rank=-1),
    "large rank": lambda t, d: d.update(rank=10**9),
    "no rank": lambda t, d: d.update(rank="many"),
    "names": lambda t, d: d.update(trainable={}),
    "no names": lambda t, d: d.update(trainable=[1]),
    "more": lambda t, d: d.update(more=1),
    "less": lambda t, d: d.pop("rank"),
    "no delta": lambda t, d: t.pop("delta"),
    "whole delta": lambda t, m: t.update(delta=t["delta"].int()),
    "wide delta": lambda t, m: t.update(delta=t["delta"][:, None]),
    "short delta": lambda t, m: t.update(delta=t["delta"][1:]),
    "endless delta": lambda t, m: t.update(delta=t["delta"] / 0),
    "index": lambda t, m: t.update(index=torch.arange(len(t["delta"])) + 1),
    "negative index": lambda t, m: t.update(index=torch.arange(len(t["delta"])) - 1),
    "short index": lambda t, m: t.update(index=torch.arange(3)),
    "empty": lambda t, m: t.update(delta=t["delta"][:0], index=torch.arange(0)),
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_refinement_is_refused(tmp_path: Path, name: str) -> None:
    x, t = bumps()
    path = tmp_path / "refined.safetensors"
    pl.refine(network(), x, t, rank=5).save(path)
    found = read(path, REFINEMENT)
    tensors, document = dict(found.tensors), dict(found.document)
    EDITS[name](tensors, document)
    write(path, Contents(tensors, document))  # with the right checksum, as whoever edits it can do
    with pytest.raises(pl.FileFormatError, match=r"[Uu]se another copy"):
        pl.RefinedModule.load(path, network())


def test_a_damaged_refinement_is_refused_or_the_same(tmp_path: Path) -> None:
    path = tmp_path / "refined.safetensors"
    x, t = bumps()
    refined = pl.refine(network(), x, t, rank=5)
    refined.save(path)
    whole, expected = path.read_bytes(), refined(x)
    for place in np.random.default_rng(0).integers(len(whole), size=60):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(place) % 8
        path.write_bytes(damaged)
        try:
            found = pl.RefinedModule.load(path, network())
        except pl.FileFormatError:
            continue
        assert torch.equal(found(x), expected)


def test_a_refinement_without_a_checksum_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "refined.safetensors"
    pl.refine(network(), *bumps(), rank=5).save(path)
    with safe_open(path, framework="pt") as file:
        tensors, metadata = {k: file.get_tensor(k) for k in file.keys()}, file.metadata()  # noqa: SIM118
    del metadata["sha256"]
    save_file(tensors, path, metadata)
    with pytest.raises(pl.FileFormatError, match="not a refinement saved by pdelsr"):
        pl.RefinedModule.load(path, network())


def test_other_files_are_no_refinements(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, Contents({}, {"kind": "run"}))
    with pytest.raises(pl.FileFormatError, match="not a refinement saved by pdelsr: give another"):
        pl.RefinedModule.load(path, network())
    save_file({"delta": torch.zeros(2)}, path, {"format": "pdelsr-refined"})
    with pytest.raises(pl.FileFormatError, match=r"an earlier version of pdelsr.* refine again"):
        pl.RefinedModule.load(path, network())


def test_a_refinement_that_promises_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "refined.safetensors"
    pl.refine(network(), *bumps(), rank=5).save(path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(pl.FileFormatError, match="is damaged, or not a refinement"):
        pl.RefinedModule.load(path, network())
    with pytest.raises(pl.FileFormatError, match="there is no file"):
        pl.RefinedModule.load(tmp_path, network())


class Tied(nn.Module):
    """Uses one matrix twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)
        self.second.weight = self.first.weight
        self.last = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.second(torch.tanh(self.first(x)))))


def test_what_is_no_path_is_refused() -> None:
    refined = pl.refine(network(), *bumps(), rank=5)
    for use in (refined.save, lambda path: pl.RefinedModule.load(path, network())):
        with pytest.raises(pl.SettingsError, match="path is '': give the path of a file"):
            use("")


def test_tied_weights_are_saved(tmp_path) -> None:
    x, t = bumps()
    refined = pl.refine(Tied(), x, t, rank=5)
    refined.save(tmp_path / "tied.safetensors")
    assert torch.equal(pl.RefinedModule.load(tmp_path / "tied.safetensors", Tied())(x), refined(x))


def test_a_file_with_other_trainable_parameters_is_refused(tmp_path) -> None:
    """Both modules have as many of them, so that the numbers do not tell."""
    x, t = bumps()
    model, other = network(), network()
    model[0].bias.requires_grad_(False)
    other[2].bias.requires_grad_(False)
    pl.refine(model, x, t, rank=5).save(tmp_path / "refined.safetensors")
    with pytest.raises(pl.FileFormatError, match="freeze the same ones"):
        pl.RefinedModule.load(tmp_path / "refined.safetensors", other)


def test_state_dict_and_moving() -> None:
    x, t = bumps()
    refined, other = (pl.refine(network(k), x, t, rank=r) for k, r in ((0, 50), (1, 5)))
    other.load_state_dict(refined.state_dict())
    assert torch.equal(other(x), refined(x))
    assert (other.rank, other.status) == (50, "loaded")
    with pytest.raises(pl.SettingsError, match="needs the original one"):
        other.at_rank(3)
    with pytest.raises(pl.SettingsError, match="there is no folder"):
        refined.save("absent/refined.safetensors")
    single = copy.deepcopy(refined).float()
    assert single(x).dtype == torch.float32
    torch.testing.assert_close(single(x).double(), refined(x), rtol=0.0, atol=1e-2)


class Scalar(nn.Module):
    """q(θ) = (θ − 1)² + 2, whatever the input."""

    def __init__(self, theta: float) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta, dtype=F64))

    def forward(self, x: Tensor) -> Tensor:
        return ((self.theta - 1) ** 2 + 2) * torch.ones_like(x)


@pytest.mark.parametrize(("theta", "expected"), [(1.0, 2.0), (0.0, 0.0), (4.0, 0.0)])
def test_nothing_moves_at_a_stationary_point(theta: float, expected: float) -> None:
    """The tangent line at θ reaches every value, except at θ = 1, where it is flat."""
    x = torch.ones(5, 1, dtype=F64)
    refined = pl.refine(Scalar(theta), x, torch.zeros_like(x), rank=1)
    assert refined(x)[0].item() == pytest.approx(expected, abs=1e-10)


def test_zero_correction_where_the_gradient_vanishes() -> None:
    x, t = bumps()
    first = pl.refine(nn.Linear(2, 1).double(), x, t, rank=3)  # linear: its refinement is optimal
    optimal = nn.Linear(2, 1).double()
    with torch.no_grad():
        moved = torch.cat([p.reshape(-1) for p in first.module.parameters()]) + first.delta
        optimal.weight.copy_(moved[None, :2])
        optimal.bias.copy_(moved[2:])
    again = pl.refine(optimal, x, t, rank=3)
    assert again.delta_norm < 1e-12


class Mixing(nn.Module):
    """Subtracts the mean over the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) - self.inner(x).mean()


class Doubled(torch.autograd.Function):
    """2 x, of which torch knows no forward mode."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        return 2 * slope


class Opaque(nn.Module):
    """A network that torch cannot differentiate by forward mode."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = network()

    def forward(self, x: Tensor) -> Tensor:
        return Doubled.apply(self.inner(x))


X, T = bumps(30)
LOADER = DataLoader(TensorDataset(X, T), batch_size=10)
NAN = X.clone()
NAN[7] = math.nan


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((network(), X, T), {"rank": 40}, "rank 40 is more than the 30 numbers of the residual"),
        ((nn.Linear(2, 1), X, T), {"rank": 4}, "rank 4 is more than the 3 parameters"),
        ((network().requires_grad_(False), X, T), {}, "no trainable parameter"),
        ((network(), NAN, T), {"rank": 3}, "the output is not finite at sample 7"),
        ((network(), X, T[:20]), {"rank": 3}, "30, 20 rows"),
        ((network(), X, T[:20]), {}, "30, 20 rows"),
        ((network(), (X, T)), {}, "targets are missing"),
        ((network(), X, torch.cat([T, T], 1)), {"rank": 3}, "the targets are"),
        ((network(), []), {"rank": 3}, "there are no samples"),
        ((network(), iter(LOADER)), {"rank": 3}, "read only once"),
        ((network(), X), {"rank": 3}, "targets are missing"),
        ((network(), LOADER), {}, "needs validation="),
        ((network(), X[:, :1], T), {"rank": 3}, "fails on inputs of shape"),
        ((Mixing(), X, T), {"rank": 3}, "mixes samples"),
        ((TwoInputs(), X, T), {"rank": 3}, "in training mode"),
        ((network(), X, T), {"rank": "best"}, "give a whole number, or 'auto'"),
        ((network(), X, T), {"rank": 3, "validation": 0.2}, "used by rank='auto' only"),
        ((network(), X, T), {"validation": 1.5}, "between 0 and 1"),
        ((network(), X, T), {"rank": 3, "basis": "none"}, "basis 'none' is not known"),
        ((network(), X, T), {"rank": 3, "products": "fast"}, "products is 'fast'"),
        ((network(), X, T), {"rank": 3, "dtype": "half"}, "dtype is 'half'"),
        ((network(), X, T), {"rank": 3, "parameter_fraction": 2}, "give at most 1"),
        ((network(), X, T), {"rank": 3, "residual": lambda q, t: q @ t}, "residual= fails"),
        ((network(), X, T), {"rank": 3, "residual": lambda q, t: q - q.mean(0)}, "= mixes samples"),
        ((network(), {"x": X}, T), {"rank": 3}, "inputs are dict"),
        ((network(), LOADER, T), {"rank": 3}, "a loader brings its targets itself"),
        ((network(), X, T), {"ranks": 3}, "no option 'ranks': did you mean 'rank'"),
        ((network(), X, T), {"rank": 3, "batch_size": 0}, "batch_size is 0"),
        ((Opaque(), X, T), {"rank": 3}, "cannot differentiate Opaque"),
        ((network(), X, T), {"rank": 3, "newton_steps": 2}, "newton_steps needs residual="),
        ((network(), LOADER), {"rank": 3, "batch_size": 5}, "a loader has batches of its own"),
        ((network(), X, T), {"validation": (X, X, T)}, "validation has 3 parts"),
        ((network(), X, T), {"validation": ((X, X), T)}, "the validation data have 2 input"),
        ((network(), X, T), {"rank": 3, "residual": lambda q, t: (q - t).mean()}, "not a mean"),
        ((network(outputs=3), X, T.long()[:, 0]), {"rank": 3}, "For classes: residual="),
        ((network(), X[:1], T[:1]), {}, "cannot be split"),
        ((network(), X, T), {"validation": (NAN, T)}, "the output is not finite at sample 7"),
        ((network(), X, T), {"validation": (X, torch.cat([T, T], 1))}, "the targets are"),
        ((network(), X, T), {"rank": 3, "memory_budget": 0}, "memory_budget is 0"),
        ((network(), [[X]]), {"rank": 3}, "expected \\(inputs, targets\\)"),
    ],
)
def test_bad_input_is_named(arguments, options, message) -> None:
    with pytest.raises(pl.SettingsError, match=message):
        pl.refine(*arguments, **options)


@pytest.mark.parametrize("terminal", [True, False])
def test_passes_over_the_data_are_shown_in_a_terminal(terminal: bool) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=80)
    with PassDisplay(True, console) as display:
        seen = list(display.over("least squares", [[1, 2], [3]], total=3))
    assert seen == [[1, 2], [3]]
    assert ("least squares" in out.getvalue()) == terminal


def test_coordinates_are_columns_of_the_jacobian() -> None:
    x, t = bumps()
    model = network()
    refined = pl.refine(model, x, t, rank=40, basis="coordinate", verbose=True)
    assert refined.index is not None
    J = Model(model, 1.0, torch.Generator()).all_rows((x,))[:, 0][:, refined.index]
    for k in (40, 15):
        expected = J[:, :k] @ torch.linalg.lstsq(J[:, :k], t - model(x)).solution
        found = refined.at_rank(k)(x) - model(x)
        torch.testing.assert_close(found, expected, rtol=0.0, atol=1e-8)
    share = pl.refine(model, x, t, rank=40, basis="coordinate", parameter_fraction=0.5)
    assert share.rank == 40
    assert len(set(share.index.tolist())) == 40


@pytest.mark.parametrize("rank", [12, "auto"])
def test_the_residual_of_the_triangle_is_that_of_the_prediction(rank) -> None:
    x, t = bumps()
    refined = pl.refine(network(), x, t, rank=rank, validation=(x, t) if rank == "auto" else None)
    for score in refined.history[1:]:
        module = refined.at_rank(score.rank, score.damping)
        assert score.train == pytest.approx(rms(module(x) - t), rel=1e-5, abs=1e-8)


def test_a_null_space_is_not_fitted_with() -> None:
    """Softmax ignores a constant that is added to all logits."""
    torch.manual_seed(0)
    x = torch.randn(300, 6, dtype=F64)
    classes = x[:, :3].argmax(1)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)).to(F64)
    r = sum(p.numel() for p in model.parameters())

    def residual(q: Tensor, t: Tensor) -> Tensor:
        return q.softmax(1) - nn.functional.one_hot(t, 3)

    for newton_steps in (1, 3):
        refined = pl.refine(model, x, classes, rank=r, residual=residual, newton_steps=newton_steps)
        assert refined.effective_rank < r
        assert refined.delta_norm < 1e6
        assert (refined(x).argmax(1) == classes).double().mean() > 0.9


def test_a_gain_within_the_noise_is_none() -> None:
    """The refined network is never much worse on clean data, with noisy targets and few samples."""
    ratios = []
    for seed in range(12):
        x, t = bumps(150, seed)
        model = pl.refine(network(seed), x, t, rank=60)  # fits the clean data well
        generator = torch.Generator().manual_seed(seed)
        noisy = model(x) + 0.3 * torch.randn(150, 1, dtype=F64, generator=generator)
        shift = nn.Sequential(Frozen(model), nn.Linear(1, 1).to(F64))
        with torch.no_grad():
            shift[1].weight.fill_(1.0)
            shift[1].bias.fill_(0.0)
        refined = pl.refine(shift, x, noisy, seed=seed)
        new_x, new_t = bumps(300, seed + 100)
        before, after = (rms(m(new_x) - new_t) for m in (shift, refined))
        ratios.append((after - before) / 0.3)
    assert sum(r > 0 for r in ratios) <= 2
    assert max(ratios) < 0.2


class Frozen(nn.Module):
    """A function without parameters that move."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = [inner]  # in a list: not a submodule

    def forward(self, x: Tensor) -> Tensor:
        return self.inner[0](x).detach()


@pytest.mark.skipif(torch.__version__ < "2.8", reason="torch does not trace a copy of a module")
def test_a_refined_module_exports_for_fixed_shapes() -> None:
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
    x = torch.rand(60, 2, dtype=torch.float64)
    refined = pl.refine(net, x, torch.sin(x[:, :1]), rank=10)
    assert refined.rank
    program = torch.export.export(refined, (x[:5],)).module()
    torch.testing.assert_close(program(x[5:10]), refined(x[5:10]), rtol=0, atol=1e-12)


def test_a_refined_module_is_not_refined_again() -> None:
    x, t = bumps()
    refined = pl.refine(network(), x, t, rank=10)
    with pytest.raises(pl.SettingsError, match="is refined already"):
        pl.refine(refined, x, t, rank=20)
    again = pl.refine(refined.module, x, t, rank=20)
    torch.testing.assert_close(again(x), pl.refine(network(), x, t, rank=20)(x))


def test_the_module_keeps_the_mode_of_its_refinement() -> None:
    torch.manual_seed(0)
    norm = nn.InstanceNorm1d(1, affine=True, track_running_stats=True)
    model = nn.Sequential(nn.Linear(2, 8), nn.Unflatten(1, (1, 8)), norm, nn.Flatten())
    model = nn.Sequential(model, nn.Tanh(), nn.Linear(8, 1)).double()
    x, t = bumps()
    refined = pl.refine(model, x, t, rank=15)
    expected = refined(x)
    for changed in (refined.eval(), refined.train(), refined.train(False)):
        torch.testing.assert_close(changed(x), expected)


@pytest.mark.parametrize("mode", [True, False])
def test_the_mode_is_in_files_and_states(mode: bool, tmp_path: Path) -> None:
    def model() -> nn.Module:
        torch.manual_seed(0)
        norm = nn.InstanceNorm1d(1, affine=True, track_running_stats=True)
        inner = nn.Sequential(nn.Linear(2, 8), nn.Unflatten(1, (1, 8)), norm, nn.Flatten())
        return nn.Sequential(inner, nn.Tanh(), nn.Linear(8, 1)).double()

    x, t = bumps()
    refined = pl.refine(model().train(mode), x, t, rank=15, basis="coordinate")
    expected = refined(x)
    refined.save(tmp_path / "refined.safetensors")
    loaded = RefinedModule.load(tmp_path / "refined.safetensors", model().train(not mode))
    other = pl.refine(model().train(not mode), x, 2 * t, rank=15, basis="coordinate")
    other.load_state_dict(refined.state_dict())
    for module in (loaded, loaded.eval(), loaded.train(), other):
        torch.testing.assert_close(module(x), expected)


def test_states_of_earlier_versions_have_no_damping_and_no_mode() -> None:
    x, t = bumps()
    refined = pl.refine(network(), x, t, rank=10)
    state = refined.state_dict()
    state["_extra_state"] = {"rank": 10}
    refined.load_state_dict(state)
    assert (refined.rank, refined.damping) == (10, 0.0)


def test_a_part_that_stands_in_two_places() -> None:
    torch.manual_seed(0)
    twice = nn.Linear(4, 4)
    layers = nn.Linear(2, 4), twice, nn.Tanh(), twice, nn.Tanh(), nn.Linear(4, 1)
    model = nn.Sequential(*layers).double()
    tied = nn.Sequential(nn.Linear(2, 4), nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), *layers[4:])
    tied = tied.double()
    for a, b in ((0, 0), (1, 1), (3, 1), (5, 5)):
        for name in ("weight", "bias"):
            setattr(tied[a], name, getattr(model[b], name))
    x, t = bumps()
    for basis in ("coordinate", "output"):
        found, other = (pl.refine(m, x, t, rank=12, basis=basis) for m in (model, tied))
        torch.testing.assert_close(found(x), other(x))
        assert all(isinstance(p, nn.Parameter) for p in found.module[1].parameters())
        torch.testing.assert_close(copy.deepcopy(found)(x), found(x))
        torch.testing.assert_close(found.at_rank(12)(x), found(x))


def test_rows_of_parts_that_vmap_cannot_take() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 8), nn.PReLU(), nn.Linear(8, 3)).double()
    x = torch.randn(40, 2, dtype=F64)
    t = torch.randn(40, 3, dtype=F64)
    rows, columns = (
        pl.refine(model, x, t, rank=20, basis="coordinate", products=way)
        for way in ("rows", "columns")
    )
    torch.testing.assert_close(rows(x), columns(x))


def with_default() -> nn.Module:
    model = network()
    plain = model.forward
    model.forward = lambda x, plain=plain: 2 * plain(x)
    return model


def partial() -> nn.Module:
    model = network()
    model.forward = functools.partial(lambda layers, x: 2 * layers[0](x), [network()])
    return model


def closed_over() -> nn.Module:
    model = network()
    plain = model.forward
    model.forward = lambda x: 2 * plain(x)
    return model


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (closed_over, {}, "holds the original module"),
        (with_default, {}, "holds the original module"),
        (partial, {}, "holds the original module"),
        (network, {"seed": 2**70}, "whole number from 0 to"),
        (network, {"validation": (torch.zeros(5, 3, dtype=F64), torch.zeros(5, 1))}, "validation"),
        (network, {"targets": torch.ones(400, 1, dtype=torch.bool)}, "targets are bool"),
        (network, {"targets": torch.ones(400, 1, dtype=torch.complex128)}, "targets are complex"),
    ],
)
def test_wrong_arguments_are_told_in_words(make: Any, options: Any, message: str) -> None:
    x, t = bumps()
    given = {"inputs": x, "targets": t, **options}
    with pytest.raises(pl.SettingsError, match=message):
        pl.refine(make(), given.pop("inputs"), given.pop("targets"), **given)


def test_a_method_of_the_object_is_copied_with_it() -> None:
    model = network()
    model.forward = MethodType(lambda self, x: 2 * nn.Sequential.forward(self, x), model)
    x, t = bumps()
    found = pl.refine(model, x, 2 * t, rank=20, basis="coordinate")
    torch.testing.assert_close(
        found(x), 2 * pl.refine(network(), x, t, rank=20, basis="coordinate")(x)
    )
