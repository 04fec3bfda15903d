"""Damped Gauss–Newton lowers the residual of the network, or leaves the network alone."""

from __future__ import annotations

import pytest
import torch
from solver_cases import cubic, never_finite, poisson, started

from pdelsr.solvers.descent import levenberg_marquardt
from pdelsr.solvers.descent.levenberg_marquardt import LARGEST_DAMPING, LevenbergMarquardt, gram


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_step_lowers_the_residual() -> None:
    residual = started(cubic()).fresh_residual()
    descent, generator = LevenbergMarquardt(), random()
    sizes = [torch.linalg.vector_norm(residual.evaluate()).item()]
    for _ in range(15):
        sizes.append(descent.step(residual, generator))
        found = torch.linalg.vector_norm(residual.evaluate()).item()
        assert found == pytest.approx(sizes[-1], rel=1e-14)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 1e-3 * sizes[0]


@pytest.mark.parametrize("bend", [0.0, 1e9], ids=["first order", "second order"])
def test_one_step_solves_the_damped_normal_equations(bend: float, monkeypatch) -> None:
    monkeypatch.setattr(levenberg_marquardt, "BEND", bend)
    monkeypatch.setattr(levenberg_marquardt, "PROBE", 1e-4)
    residual = started(poisson()).fresh_residual()
    theta = residual.network.get_vector()

    def f(shift: torch.Tensor) -> torch.Tensor:
        residual.network.set_vector(theta + shift)
        return residual.evaluate()

    G = residual.matrix(residual.coefficients(residual.jets_without_graph()))
    m = G.shape[1]
    damped = torch.cat([G, (10 * G.square().sum() / m).sqrt() * torch.eye(m, dtype=G.dtype)])

    def solve(b: torch.Tensor) -> torch.Tensor:
        return torch.linalg.lstsq(damped, torch.cat([b, b.new_zeros(m)])).solution

    zero, h = torch.zeros_like(theta), 1e-3
    expected = -solve(f(zero))
    if bend:
        ahead, behind = f(h * expected), f(-h * expected)
        expected -= 0.5 * solve((ahead - 2 * f(zero) + behind) / h**2)
    f(zero)
    LevenbergMarquardt(damping=10.0).step(residual, random())
    found = residual.network.get_vector() - theta
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * found.abs().max().item())


def test_one_triangle_of_the_product_is_enough() -> None:
    for m in (1, 5, 6, 47):
        G = torch.randn(60, m, dtype=torch.float64, generator=random())
        torch.testing.assert_close(gram(G), G.T @ G)


def test_damping_follows_success() -> None:
    residual = started(cubic()).fresh_residual()
    descent = LevenbergMarquardt(damping=1.0)
    for _ in range(5):
        descent.step(residual, random())
    assert descent.damping < 1.0


@pytest.mark.parametrize("problem", [cubic, never_finite], ids=["minimum", "not finite"])
def test_where_nothing_helps_the_network_is_left_alone(problem, monkeypatch) -> None:
    residual = started(problem(), "pinn").fresh_residual()
    descent = LevenbergMarquardt()
    if problem is cubic:
        monkeypatch.setattr(torch.linalg, "vector_norm", lambda f: f.new_tensor(1.0))
    theta = residual.network.get_vector()
    descent.step(residual, random())
    assert torch.equal(residual.network.get_vector(), theta)
    assert 1e-3 < descent.damping <= LARGEST_DAMPING


def test_large_networks_move_a_random_subset() -> None:
    residual = started(cubic()).fresh_residual()
    descent, generator = LevenbergMarquardt(largest=20), random()
    theta, before = residual.network.get_vector(), residual.evaluate().norm().item()
    first_size = descent.step(residual, generator)
    first = residual.network.get_vector() != theta
    theta = residual.network.get_vector()
    second_size = descent.step(residual, generator)
    second = residual.network.get_vector() != theta
    assert 0 < first.sum() <= 20
    assert 0 < second.sum() <= 20
    assert not torch.equal(first, second)
    assert second_size < first_size < before
