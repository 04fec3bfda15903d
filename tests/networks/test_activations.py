"""Closed-form derivatives of activations against automatic differentiation."""

from __future__ import annotations

import pytest
import torch

from pdelsr.errors import SettingsError
from pdelsr.networks.activations import (
    ACTIVATIONS,
    MAX_ORDER,
    Activation,
    UserActivation,
    activation_named,
)

GAUSS = UserActivation(
    (
        lambda z: torch.exp(-z * z),
        lambda z: -2 * z * torch.exp(-z * z),
        lambda z: (4 * z * z - 2) * torch.exp(-z * z),
    ),
    name="gauss",
)
TORCH = {
    "tanh": torch.tanh,
    "sin": torch.sin,
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "softplus": torch.nn.functional.softplus,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_is_the_torch_function(name: str) -> None:
    z = torch.linspace(-6, 6, 201, dtype=torch.float64)
    torch.testing.assert_close(ACTIVATIONS[name](z), TORCH[name](z), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("order", range(1, MAX_ORDER + 1))
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative_is_the_slope_of_the_one_below(name: str, order: int) -> None:
    z = torch.linspace(-4, 4, 101, dtype=torch.float64, requires_grad=True)
    derivatives = ACTIVATIONS[name].derivatives(z, order)
    assert len(derivatives) == order + 1
    (slope,) = torch.autograd.grad(derivatives[order - 1].sum(), z)
    torch.testing.assert_close(derivatives[order], slope, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("activation", [*ACTIVATIONS.values(), GAUSS], ids=lambda a: a.name)
def test_fewer_derivatives_are_the_first_ones(activation: Activation) -> None:
    z = torch.linspace(-2, 2, 11, dtype=torch.float64)
    for short, long in zip(
        activation.derivatives(z, 1), activation.derivatives(z, 2), strict=False
    ):
        torch.testing.assert_close(short, long, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_far_tails_stay_finite(name: str) -> None:
    z = torch.tensor([-800.0, -40.0, 40.0, 800.0], dtype=torch.float64)
    assert all(torch.isfinite(d).all() for d in ACTIVATIONS[name].derivatives(z, MAX_ORDER))


def test_user_activation_names_the_missing_derivative() -> None:
    with pytest.raises(SettingsError, match=r"'gauss' has 2 derivative.*needs 3"):
        GAUSS.derivatives(torch.zeros(1), 3)


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="'relu' is not known: choose one of tanh, sin"):
        activation_named("relu")


def test_an_activation_stands_for_itself() -> None:
    assert activation_named(GAUSS) is GAUSS
