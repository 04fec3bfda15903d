"""The refined predictor is the linearization, in every derivative."""

from __future__ import annotations

import pytest
import torch
from residual_cases import CASES, IDS, assert_close, build, coefficients, normal

from pdelsr.linearize import RefinedPredictor


@pytest.mark.parametrize(("problem", "network"), CASES, ids=IDS)
def test_jet_moves_by_the_basis_jets(problem: str, network: str) -> None:
    residual = build(problem, network)
    V = normal(residual.network.parameter_count, 3)
    y = normal(3, seed=1)
    refined = RefinedPredictor(residual.network, V @ y)
    start, moved = residual.jets_without_graph(), residual.jets_without_graph(refined)
    for a, b, basis in zip(start, moved, residual.basis_jets(V), strict=True):
        assert_close(b - a, basis @ y, 1e-11)


def test_a_linear_residual_moves_by_its_rows() -> None:
    residual = build("burgers")
    residual = residual.with_blocks([b for b in residual.blocks if b.block.linear])
    delta = normal(residual.network.parameter_count)
    refined = RefinedPredictor(residual.network, delta)
    change = residual.times(delta[:, None], coefficients(residual))[:, 0]
    assert_close(residual.evaluate(refined), residual.evaluate() + change, 1e-12)


def test_the_network_is_left_alone() -> None:
    residual = build("coupled")
    theta = residual.network.get_vector()
    refined = RefinedPredictor(residual.network, torch.ones_like(theta))
    residual.evaluate(refined)
    assert torch.equal(residual.network.get_vector(), theta)
    assert (refined.in_features, refined.out_features) == (2, 2)
    assert refined.delta_norm == pytest.approx(len(theta) ** 0.5)
