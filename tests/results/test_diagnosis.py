"""The conditioning study of a refinement against dense least squares and finite differences."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import pdelsr as pl
from pdelsr.linearize import Dense
from pdelsr.lstsq.triangle import Triangle
from pdelsr.regression.model import Model

F64 = torch.float64


def bumps(n: int = 300, seed: int = 0) -> tuple[Tensor, Tensor]:
    x = 2 * torch.rand(n, 2, dtype=F64, generator=torch.Generator().manual_seed(seed)) - 1
    return x, torch.sin(math.pi * x[:, :1]) * torch.sin(math.pi * x[:, 1:])


def network(inputs: int = 2, outputs: int = 1) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, 16), nn.Tanh(), nn.Linear(16, outputs)).to(F64)


def system(refined: pl.RefinedModule, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """A, b and V, from rows of J."""
    smaller = refined._smaller
    assert smaller is not None
    view = refined._model
    J = view.all_rows((x,)).flatten(0, 1)
    V = smaller.V.columns(slice(smaller.V.rank), J)
    return J @ V, (t - view((x,))).flatten(), V


@pytest.mark.parametrize(("basis", "rank"), [("output", 40), ("gaussian", 40), ("output", 65)])
def test_losses_norms_and_conditions_are_those_of_dense_least_squares(basis, rank) -> None:
    x, t = bumps()
    refined = pl.refine(network(), x, t, rank=rank, basis=basis)
    found = pl.diagnose(refined, iterations=5, solvers=["cgls"])
    A, b, _ = system(refined, x, t)
    np.testing.assert_allclose(found.system_values[:20], torch.linalg.svdvals(A)[:20], rtol=1e-8)
    assert (found.ranks[0], found.ranks[-1]) == (1, rank)
    assert len(found.ranks) > 10
    for i, k in enumerate(found.ranks.tolist()):
        values = torch.linalg.svdvals(A[:, :k])
        if values[0] > 1e7 * values[-1]:
            break
        y = torch.linalg.lstsq(A[:, :k], b[:, None]).solution[:, 0]
        loss = (A[:, :k] @ y - b).square().sum().item() / len(x)
        assert found.losses[i] == pytest.approx(loss, rel=1e-7)
        assert found.delta_norms[i] == pytest.approx(y.norm().item(), rel=1e-5)
        assert found.conditions[i] == pytest.approx((values[0] / values[-1]).item(), rel=1e-4)
    assert i > 8
    assert found.direct == found.losses[-1]


def test_errors_are_those_of_the_refinement_at_that_rank() -> None:
    x, t = bumps()
    new_x, new_t = bumps(600, seed=1)  # several batches
    refined = pl.refine(network(), x, t, rank=30)
    found = pl.diagnose(refined, new_x, new_t, iterations=5, solvers=[])
    assert found.errors is not None
    for k, error in zip(found.ranks.tolist(), found.errors, strict=True):
        expected = (refined.at_rank(k)(new_x) - new_t).square().sum(dim=1).mean().sqrt()
        assert error == pytest.approx(expected.item(), rel=1e-9)
    assert found.iterative == {}
    same = pl.diagnose(refined, x, t, iterations=5, solvers=[])
    np.testing.assert_allclose(same.errors, np.sqrt(same.losses), rtol=1e-7)


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_modes_are_finite_differences_along_the_directions(share: float) -> None:
    x, t = bumps()
    targets = torch.cat([t, t**2], dim=1)
    refined = pl.refine(network(outputs=2), x, targets, rank=20, parameter_fraction=share)
    found = pl.diagnose(refined, x[:50], modes=3, iterations=1)
    assert found.modes is not None
    assert found.modes.shape == (3, 50, 2)
    smaller, model, h = refined._smaller, refined._model, 1e-6
    assert smaller is not None
    assert isinstance(smaller.V, Dense)
    for i in range(3):
        step = model.unflatten(smaller.V.V[:, i])
        ends = [
            torch.func.functional_call(
                model.module, {k: p + s * h * step[k] for k, p in model.parameters.items()}, x[:50]
            )
            for s in (1, -1)
        ]
        expected = (ends[0] - ends[1]) / (2 * h)
        np.testing.assert_allclose(found.modes[i], expected.detach(), atol=1e-7)
    # all rows of J are drawn here, so that the lengths of the modes are the singular values
    assert found.basis_values is not None
    assert found.mode_values is not None
    whole = pl.diagnose(refined, x, modes=3, iterations=1).modes
    lengths = [np.linalg.norm(mode) for mode in whole]
    np.testing.assert_allclose(lengths, found.basis_values[:3], rtol=1e-6)
    np.testing.assert_array_equal(found.mode_values, found.basis_values[:3])
    assert (found.errors, found.shares) == (None, None)


@pytest.mark.parametrize("basis", ["gaussian", "output"])
def test_unranked_directions_are_replaced_by_those_of_the_system(basis: str) -> None:
    x, t = bumps()
    rank = 65 if basis == "output" else 30  # 65: all parameters
    refined = pl.refine(network(), x, t, rank=rank, basis=basis)
    found = pl.diagnose(refined, x, modes=4, iterations=1)
    assert found.basis_values is None
    assert found.mode_values is not None
    assert found.modes is not None
    np.testing.assert_allclose(found.mode_values, found.system_values[:4], rtol=1e-9)
    lengths = [np.linalg.norm(mode) for mode in found.modes]
    np.testing.assert_allclose(lengths, found.system_values[:4], rtol=1e-7)
    assert abs((found.modes[0] * found.modes[1]).sum()) < 1e-6 * lengths[0] * lengths[1]


def test_a_linear_model_has_no_other_loss_than_the_linearized_one() -> None:
    x, t = bumps()
    targets = t + x @ torch.tensor([[1.0], [2.0]], dtype=F64)
    refined = pl.refine(nn.Linear(2, 1).double(), x, targets, rank=3)
    found = pl.diagnose(refined, x, targets, iterations=30)
    assert found.linear_losses is not None
    np.testing.assert_allclose(found.nonlinear_losses, found.linear_losses, rtol=1e-10)
    assert found.linear_losses[0] > found.linear_losses[10] > found.linear_losses[-1]
    assert found.linear_losses[-1] == pytest.approx(found.direct, rel=1e-9)
    for name in ("lbfgs", "cgls", "lsqr", "lsmr"):
        assert found.iterative[name][-1] == pytest.approx(found.direct, rel=1e-9)


def test_along_the_step_of_a_network() -> None:
    x, t = bumps()
    refined = pl.refine(network(), x, t, rank=30)
    found = pl.diagnose(refined, x, t, iterations=1)
    assert found.shares is not None
    assert found.linear_losses is not None
    assert found.nonlinear_losses is not None
    before, after = ((m(x) - t).square().mean().item() for m in (refined.module, refined))
    assert found.linear_losses[0] == found.nonlinear_losses[0] == pytest.approx(before)
    assert found.linear_losses[-1] == pytest.approx(after, rel=1e-9)
    step = refined._model.unflatten(refined.delta)
    moved = network()
    moved.load_state_dict({k: v + step[k] for k, v in refined.module.state_dict().items()})
    assert found.nonlinear_losses[-1] == pytest.approx((moved(x) - t).square().mean().item())
    assert found.nonlinear_losses[-1] > 10 * found.linear_losses[-1]


def test_iterative_losses_fall_towards_the_direct_one_and_do_not_reach_it() -> None:
    x, t = bumps()
    found = pl.diagnose(pl.refine(network(), x, t, rank=65), iterations=200)
    assert list(found.iterative) == ["adam", "lbfgs", "cgls", "lsqr", "lsmr"]
    assert (found.iterations[0], found.iterations[-1]) == (1, 200)
    for name, losses in found.iterative.items():
        assert losses.shape == found.iterations.shape
        assert found.seconds[name] > 0
        assert losses[-1] > 2 * found.direct
        if name != "adam":
            assert losses[-1] < 0.5 * losses[0]
    assert (np.diff(found.iterative["lsqr"]) <= 1e-12).all()


def test_the_chosen_rank_of_auto_is_studied_and_any_other_one() -> None:
    x, t = bumps()
    noisy = t + 0.1 * torch.randn(t.shape, dtype=F64, generator=torch.Generator().manual_seed(5))
    refined = pl.refine(network(), x, noisy)
    refined = refined.at_rank(min(refined.history[1:25], key=lambda s: s.validation).rank)
    found = pl.diagnose(refined, iterations=400, solvers=["lsqr"])
    assert refined._smaller is not None
    assert 0 < found.rank == refined.rank < found.ranks[-1] == refined._smaller.leading.nested.rank
    i = found.ranks.tolist().index(refined.rank)
    assert found.direct == found.losses[i]
    three = pl.diagnose(refined.at_rank(3), iterations=10, solvers=["lsqr"])
    assert three.rank == 3
    assert three.iterative["lsqr"][-1] == pytest.approx(three.direct, rel=1e-9)


def test_a_refinement_of_rank_0_is_studied_with_all_factors() -> None:
    x, t = bumps()
    refined = pl.refine(network(), x, t, rank=20).at_rank(0)
    found = pl.diagnose(refined, x, t, iterations=1)
    assert found.rank == 20
    assert found.linear_losses is not None
    assert found.linear_losses[-1] == pytest.approx(found.losses[-1], rel=1e-8)


def test_a_residual_of_the_user() -> None:
    x, t = bumps()
    labels = (t[:, 0] > 0).long()

    def residual(q: Tensor, labels: Tensor) -> Tensor:
        return q.softmax(dim=1) - nn.functional.one_hot(labels, 2)

    refined = pl.refine(network(outputs=2), x, labels, rank=40, residual=residual)
    found = pl.diagnose(refined, x, labels, iterations=5)
    assert found.linear_losses is not None
    assert found.errors is not None
    expected = residual(refined(x), labels).square().sum(dim=1).mean().item()
    assert found.errors[-1] ** 2 == pytest.approx(expected, rel=1e-9)
    model = Model(refined.module, 1.0, torch.Generator())
    q = model((x,))
    one = torch.func.jacrev(lambda q: residual(q[None], labels[:1])[0])  # labels do not matter
    slopes = torch.func.vmap(one)(q)
    assert refined._smaller is not None
    assert isinstance(refined._smaller.V, Dense)
    A = (slopes @ model.all_rows((x,)) @ refined._smaller.V.V).flatten(0, 1)
    b = -residual(q, labels).flatten()
    y = torch.linalg.lstsq(A[:, :5], b[:, None]).solution[:, 0]
    i = found.ranks.tolist().index(5)
    loss = (A[:, :5] @ y - b).square().sum().item() / len(x)
    assert found.losses[i] == pytest.approx(loss, rel=1e-8)


def test_single_precision_and_moving() -> None:
    x, t = bumps()
    refined = pl.refine(network(), x, t, rank=10, dtype="float32")
    found = pl.diagnose(refined, x, t, iterations=5)
    double = pl.diagnose(pl.refine(network(), x, t, rank=10).float(), x, t, iterations=5)
    np.testing.assert_allclose(found.losses, double.losses, rtol=1e-3)
    np.testing.assert_allclose(found.errors, double.errors, rtol=1e-2)
    assert found.losses.dtype == found.errors.dtype == np.float64


@pytest.mark.parametrize(("n", "r"), [(40, 6), (7, 6), (6, 6), (4, 6), (1, 1), (3, 1)])
def test_the_rest_and_squares_of_the_triangle(n: int, r: int) -> None:
    generator = torch.Generator().manual_seed(n)
    A = torch.randn(n, r, dtype=F64, generator=generator)
    b = torch.randn(n, dtype=F64, generator=generator)
    streamed = Triangle(r, A)
    streamed.update(A, b)
    nested = streamed.finish()
    best = A @ torch.linalg.pinv(A) @ b
    assert nested.rest == pytest.approx((b - best).norm().item(), rel=1e-10, abs=1e-10)
    y = torch.randn(r, dtype=F64, generator=generator)
    assert nested.squares(y) == pytest.approx((A @ y - b).square().sum().item(), rel=1e-11)


def tables(text: str) -> list[str]:
    return [line.split()[0] for line in text.splitlines()]


def test_the_summary_names_ranks_and_solvers() -> None:
    x, t = bumps()
    found = pl.diagnose(pl.refine(network(), x, t, rank=30), iterations=10)
    text = str(found)
    assert text.startswith("refinement of rank 30\n")
    assert {"rank", "1", "30", "direct", "adam", "lbfgs", "cgls", "lsqr", "lsmr"} <= set(
        tables(text)
    )
    assert max(map(len, text.splitlines())) <= 88
    assert "solver" not in tables(
        pl.diagnose(pl.refine(network(), x, t, rank=3), solvers=[]).summary()
    )


def several() -> tuple[nn.Module, tuple[Tensor, ...], Tensor]:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(3, 1).double(), nn.Linear(1, 1).double()

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return torch.tanh(self.a(x)) * self.b(y)

    x, t = bumps(60)
    return Sum(), (torch.cat([x, t], dim=1), x[:, :1]), t


X, T = bumps(60)
DRAWN = {
    "two inputs": (network(), X, T),
    "one input": (network(1), X[:, :1], T),
    "outputs": (network(2, 5), X, T.expand(-1, 5)),
    "several inputs": several(),
}
CURVES = ["singular values", "condition and step length", "root mean square of F"]


@pytest.mark.parametrize("name", DRAWN)
def test_every_shape_of_data_is_drawn(name: str, tmp_path: Path) -> None:
    model, x, t = DRAWN[name]
    found = pl.diagnose(pl.refine(model, x, t, rank=6), x, t, iterations=5, modes=4)
    path = tmp_path / "picture.png"
    figure = found.plot(path, dpi=40)
    assert path.read_bytes().startswith(b"\x89PNG")
    titles = [axes.get_title() for part in figure.subfigs for axes in part.axes]
    assert titles[:3] == CURVES
    assert {"along the step", "iterative solvers"} < set(titles)
    assert sum(title.startswith("J v") for title in titles) == 4


def test_what_is_not_known_is_not_drawn() -> None:
    refined = pl.refine(network(), X, T, rank=6)
    (part,) = pl.diagnose(refined, solvers=[]).plot().subfigs
    assert [axes.get_title() for axes in part.axes] == CURVES
    pl.diagnose(pl.refine(network(), X, T, rank=1), X, T, iterations=1, modes=1).plot(dpi=30)
    with pytest.raises(pl.SettingsError, match="nosuch"):
        pl.diagnose(refined, iterations=1).plot("picture.nosuch")


REFINED = pl.refine(network(), X, T, rank=6)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((), {"targets": T}, "targets are given without inputs"),
        ((), {"solvers": ["lsqr", "sgd"]}, "'sgd': choose out of adam, lbfgs, cgls, lsqr, lsmr"),
        ((), {"iterations": 0}, "iterations is 0: give a whole number from 1"),
        ((), {"modes": 0}, "modes is 0: give a whole number from 1"),
        ((X[:, :1],), {}, "fails on inputs of shape"),
        (((),), {}, "one or more tensors with one row a sample"),
        ((X[:0],), {}, "there are no samples"),
        ((torch.tensor(1.0),), {}, "one or more tensors with one row a sample"),
        ((X, T[:20]), {}, "60, 20 rows"),
        ((X, torch.cat([T, T], 1)), {}, "the targets are"),
    ],
)
def test_bad_input_is_named(arguments, options, message) -> None:
    with pytest.raises(pl.SettingsError, match=message):
        pl.diagnose(REFINED, *arguments, **options)


@pytest.mark.parametrize(
    ("path", "dpi", "message"),
    [
        ("a.png", 0, "dpi is 0"),
        ("a.png", 5000, "dpi is 5000"),
        ("a.doc", 90, "pictures end in"),
    ],
)
def test_pictures_that_cannot_be_drawn_are_refused(
    path: str, dpi: int, message: str, tmp_path: Path
) -> None:
    with pytest.raises(pl.SettingsError, match=message):
        pl.diagnose(REFINED, iterations=1, solvers=()).plot(tmp_path / path, dpi=dpi)


def test_a_loaded_module_holds_no_factors(tmp_path: Path) -> None:
    REFINED.save(tmp_path / "refined.safetensors")
    loaded = pl.RefinedModule.load(tmp_path / "refined.safetensors", network())
    with pytest.raises(pl.SettingsError, match=r"holds no factors.*what refine returned"):
        pl.diagnose(loaded)
