"""The jvp-column reference and the fast path give the same products."""

from __future__ import annotations

import pytest
import torch
from residual_cases import CASES, IDS, PROBLEMS, assert_close, build, coefficients, normal

from pdelsr.linearize.reference import (
    JetRule,
    nested_reverse_jet,
    own_jet,
    times_by_jvp,
    transpose_times_by_vjp,
)

RULES = {"own jet": own_jet, "nested reverse mode": nested_reverse_jet}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize(("problem", "network"), CASES, ids=IDS)
def test_columns_by_jvp(problem: str, network: str, rule: JetRule) -> None:
    residual = build(problem, network)
    V, c = normal(residual.network.parameter_count, 3), coefficients(residual)
    found = times_by_jvp(residual, V, c, rule)
    assert not found.requires_grad
    assert_close(found, residual.times(V, c))


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize(("problem", "network"), CASES, ids=IDS)
def test_transpose_by_vjp(problem: str, network: str, rule: JetRule) -> None:
    residual = build(problem, network)
    w, c = normal(residual.row_count), coefficients(residual)
    found = transpose_times_by_vjp(residual, w, c, rule)
    assert_close(found, residual.transpose_times(w, c))


@pytest.mark.parametrize("problem", PROBLEMS)
def test_jets_by_nested_reverse_mode(problem: str) -> None:
    residual = build(problem)
    for bound in residual.blocks:
        slow = bound.jet(lambda x, i: nested_reverse_jet(residual.network, x, i))
        assert_close(slow, bound.jet(residual.network))


def test_frozen_parameters_are_no_columns() -> None:
    residual = build("burgers")
    next(residual.network.parameters()).requires_grad_(False)
    V, c = normal(residual.network.parameter_count, 2), coefficients(residual)
    assert_close(times_by_jvp(residual, V, c), residual.times(V, c))


def test_single_precision() -> None:
    residual = build("burgers", dtype=torch.float32)
    V = normal(residual.network.parameter_count, 2, dtype=torch.float32)
    c = coefficients(residual)
    assert_close(times_by_jvp(residual, V, c), residual.times(V, c), 1e-4)
