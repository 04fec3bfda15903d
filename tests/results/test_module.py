"""A solution as a plain module: equal to predict, in eager mode and exported."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from solved import PROBLEMS, SMALL, X, solved
from torch import Tensor

import pdelsr as pl
from pdelsr.results.module import require_tensor

ANY_NUMBER = {0: torch.export.Dim("n", max=2**40)}
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "soft, two fields": ("system_2d", "lsr", {}),
    "hard, periodic": ("heat_1d", "lsr", {"hard": True}),
    "hard, disk": ("heat_2d", "lsr", {"hard": True}),
    "unrefined": ("poisson_1d", "pinn", {"adam_steps": 3, "lbfgs_steps": 2, "hard": True}),
}


def points(solution: pl.Solution, n: int = 40) -> Tensor:
    """Points in the bounding box."""
    low, high = torch.tensor(solution.problem.domain.bounding_box).T
    generator = torch.Generator().manual_seed(1)
    return low + (high - low) * torch.rand(n, len(low), generator=generator, dtype=torch.float64)


def predicted(solution: pl.Solution, x: Tensor) -> Tensor:
    """predict as (n, k)."""
    found = solution.predict(x)
    return torch.stack(list(found.values()) if isinstance(found, dict) else [found], dim=1)


def exported(module: torch.nn.Module, x: Tensor, path: Path) -> torch.nn.Module:
    """The module as it comes back from a file of torch.export."""
    program = torch.export.export(module, (x,), dynamic_shapes=(ANY_NUMBER,))
    torch.export.save(program, path)
    return torch.export.load(path).module()


@pytest.mark.parametrize("name", CASES)
def test_the_module_predicts_and_exports(name: str, tmp_path: Path) -> None:
    problem, method, options = CASES[name]
    solution = solved(problem, method, **options)
    module, x = solution.module(), points(solution)
    expected = predicted(solution, x)
    torch.testing.assert_close(module(x), expected, rtol=0, atol=1e-12)
    again = exported(module, x[:5], tmp_path / "u.pt2")
    torch.testing.assert_close(again(x), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["sin", "gelu", "silu", "softplus"])
def test_every_activation(name: str) -> None:
    solution = solved("poisson_1d", hard=True, activation=name)
    module, x = solution.module(), points(solution)
    program = torch.export.export(module, (x[:5],), dynamic_shapes=(ANY_NUMBER,))
    torch.testing.assert_close(program.module()(x), predicted(solution, x), rtol=0, atol=1e-12)


def own_network() -> torch.nn.Module:
    torch.manual_seed(0)
    layers = (torch.nn.Linear(2, 12), torch.nn.GELU(), torch.nn.Linear(12, 1))
    return torch.nn.Sequential(*layers, Residual()).double()


class Residual(torch.nn.Module):
    """A part with a frozen parameter and a buffer."""

    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1).requires_grad_(False)
        self.register_buffer("scale", torch.tensor(0.1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * torch.sin(self.layer(x))


NETWORKS = {
    "own module": own_network(),
    "modified MLP, periodic and Fourier": pl.ModifiedMLP(
        2, 1, (8, 8), periodic={0: 2.0}, harmonics=2, fourier=3, bounds=[(-1, 1), (0, 0.1)]
    ),
    "partly frozen": pl.MLP(2, 1, (8, 8), periodic={0: 2.0}, bounds=[(-1, 1), (0, 0.1)]),
}
NETWORKS["partly frozen"].get_submodule("inner.0").requires_grad_(False)


@pytest.mark.parametrize("name", NETWORKS)
def test_given_networks(name: str, tmp_path: Path) -> None:
    hard = name != "own module"
    solution = pl.solve(
        PROBLEMS["heat_1d"](),
        "lsr",
        network=NETWORKS[name],
        points=200,
        hard=hard,
        rank=20,
        basis="output",
    )
    assert solution.delta is not None
    module, x = solution.module(), points(solution)
    expected = predicted(solution, x)
    torch.testing.assert_close(module(x), expected, rtol=0, atol=1e-12)
    assert torch.equal(predicted(solution, x), expected)  # the solution's own network is as it was
    again = exported(module, x[:5], tmp_path / "u.pt2")
    torch.testing.assert_close(again(x), expected, rtol=0, atol=1e-12)


def test_a_module_is_differentiable_in_x() -> None:
    for solution in (solved("heat_1d", hard=True), traced()):
        x = points(solution).requires_grad_()
        (slope,) = torch.autograd.grad(solution.module()(x).sum(), x)
        expected = solution.derivative("u_x", x.detach())
        torch.testing.assert_close(slope[:, 0], expected, rtol=1e-9, atol=1e-9)


def traced() -> pl.Solution:
    """A solution on a module of the user's."""
    return pl.solve(
        PROBLEMS["heat_1d"](), "lsr", network=own_network(), points=100, rank=10, basis="output"
    )


@pytest.mark.parametrize("own", [False, True], ids=["built in", "traced"])
def test_states_copies_and_dtypes(own: bool) -> None:
    solution = traced() if own else solved("heat_2d", hard=True)
    module, x = solution.module(), points(solution)
    expected = module(x)
    assert torch.equal(pickle.loads(pickle.dumps(module))(x), expected)
    state = {name: t.clone() for name, t in module.state_dict().items()}
    other = copy.deepcopy(module)
    for tensor in other.state_dict().values():
        tensor.zero_()
    other.load_state_dict(state)
    assert torch.equal(other(x), expected)
    single = module.to(torch.float32)(x.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), expected, rtol=1e-2, atol=1e-2)
    assert not any(p.requires_grad for p in module.parameters())


def test_later_training_does_not_move_the_module() -> None:
    solution = pl.solve(PROBLEMS["poisson_1d"](), "lsr", **SMALL)
    module, x = solution.module(), points(solution)
    expected = module(x)
    solution.network.set_vector(torch.zeros_like(solution.network.get_vector()))
    assert torch.equal(module(x), expected)


def test_every_function_of_a_hard_form_has_a_graph(tmp_path: Path) -> None:
    u = pl.unknown("u", X)
    value = sp.exp(X) + sp.erf(X) + sp.atan2(X, 2) + sp.sqrt(1 + X) + sp.gamma(2 + X) + sp.log(2)
    problem = pl.Problem(
        "functions",
        pl.Interval(X, 0, 1),
        [u.diff(X, 2)],
        [pl.Dirichlet(u, value, on="x=0"), pl.Dirichlet(u, 1, on="x=1")],
    )
    solution = pl.solve(problem, "lsr", **SMALL, hard=True)
    x = points(solution)
    again = exported(solution.module(), x[:5], tmp_path / "u.pt2")
    torch.testing.assert_close(again(x), predicted(solution, x), rtol=0, atol=1e-12)


class Counting(torch.nn.Module):
    """A network whose graph would hold for one number of points only."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 8, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.layer(x)).sum(1, keepdim=True) * torch.ones(len(x), 1)


def test_a_network_that_cannot_be_traced_is_named() -> None:
    solution = pl.solve(PROBLEMS["heat_1d"](), "lsr", network=Counting(), points=50)
    with pytest.raises(pl.SettingsError, match=r"Counting cannot be turned .* x.shape\[0\]"):
        solution.module()


def test_points_of_another_dtype_are_refused() -> None:
    module = solved("poisson_1d", "lsr").module()
    with pytest.raises(pl.SettingsError, match="as a tensor, got ndarray"):
        require_tensor(np.zeros((3, 1)), torch.float64)
    x = torch.rand(3, 1)
    with pytest.raises(pl.SettingsError, match=r"points are torch\.float32, the module is t"):
        module(x)
    assert module.float()(x).dtype == torch.float32
