"""Networks with conditions built in."""

from __future__ import annotations

import pytest
import sympy as sp
import torch
from network_cases import FORM, INDEX_SETS, assert_close, normal, points

from pdelsr.compile import HardForm
from pdelsr.errors import SettingsError
from pdelsr.networks import MLP, HardConditions

X, T = sp.symbols("x t", real=True)


def test_conditions_hold_exactly() -> None:
    form = HardForm(0, -sp.sin(sp.pi * X), T * (1 - X**2), (X, T))
    network = HardConditions(MLP(2, 1, (6, 5)), [form])
    x = points(5) * 2 - 1
    start, side = x.clone(), x.clone()
    start[:, 1], side[:, 0] = 0.0, 1.0
    assert_close(network(start), -torch.sin(torch.pi * start[:, :1]), 1e-15)
    assert_close(network(side), torch.zeros(5, 1, dtype=torch.float64), 1e-15)


def test_compiled_form_gives_the_derivatives_of_the_ansatz() -> None:
    form = HardForm(0, sp.exp(X) * sp.cos(T), T**2 * (1 - X**2), (X, T))
    inner, x = MLP(2, 1, (6, 5)), points(4)
    network = HardConditions(inner, [form])
    first, time = x.T
    n = inner.jet(x, [(0, 0), (1, 0), (2, 0)])[..., 0]
    u_xx = torch.exp(first) * torch.cos(time) + time**2 * (
        (1 - first**2) * n[2] - 4 * first * n[1] - 2 * n[0]
    )
    assert_close(network.jet(x, [(2, 0)])[0, :, 0], u_xx, 1e-13)


def test_fields_without_a_form_are_the_networks() -> None:
    inner, x, indices = MLP(2, 2, (6, 5)), points(4), INDEX_SETS["mixed"]
    network = HardConditions(inner, [FORM, None])
    assert torch.equal(network(x, indices)[..., 1], inner(x, indices)[..., 1])
    assert torch.equal(network(x)[..., 1], inner(x)[..., 1])


def test_parameters_are_those_of_the_inner_network() -> None:
    inner = MLP(2, 1, (6, 5))
    network = HardConditions(inner, [FORM])
    assert torch.equal(network.get_vector(), inner.get_vector())
    network.set_vector(normal(network.parameter_count))
    assert torch.equal(network.get_vector(), inner.get_vector())


def test_the_lift_does_not_move_with_the_parameters() -> None:
    inner, x, indices = MLP(2, 1, (6, 5)), points(4), INDEX_SETS["heat"]
    v = normal(inner.parameter_count)
    other = type(FORM)((0.0, 0.0), FORM.b)
    tangents = [HardConditions(inner, [f]).tangent_jet(x, indices, v)[1] for f in (FORM, other)]
    assert_close(tangents[0], tangents[1], 1e-15)


def test_one_form_a_field() -> None:
    with pytest.raises(SettingsError, match=r"1 hard form\(s\) for a network of 2 field\(s\)"):
        HardConditions(MLP(2, 2, (5,)), [FORM])
