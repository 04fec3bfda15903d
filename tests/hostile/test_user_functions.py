"""Functions and modules of the user in Python: what they break is named, and nothing is silent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp
import torch
from torch import nn

import pdelsr as pl

X, Y = pl.coordinates("x y")
SMALL: dict[str, Any] = {"hidden": (6, 6), "points": 40, "weight_scale": 1.0}


def problem(coefficient: Any = None, **others: Any) -> pl.Problem:
    """-u'' + k u = π² sin πx with u = 0 at both ends."""
    u = pl.unknown("u", X)
    k = pl.coefficient("k", coefficient, X) if coefficient else 0
    equation = sp.Eq(-u.diff(X, 2) + k * u, sp.pi**2 * sp.sin(sp.pi * X))
    return pl.Problem("rod", pl.Interval(X, 0, 1), [equation], [pl.Dirichlet(u, 0)], **others)


SOUND = {
    "a number": lambda x: 2,
    "whole numbers": lambda x: (x > 0.5).long(),
    "truth values": lambda x: x > 0.5,
    "an array": lambda x: x.numpy() ** 2,
    "float32": lambda x: x.float(),
    "a tensor that requires gradients": lambda x: x * torch.ones(1, requires_grad=True),
    "a column": lambda x: x[:, None],
    "its argument, changed": lambda x: x.zero_(),
}


@pytest.mark.parametrize("name", SOUND)
def test_what_can_be_read_as_real_values_is_taken(name: str) -> None:
    assert np.isfinite(pl.solve(problem(SOUND[name]), "lsr", **SMALL).heldout)


@pytest.mark.parametrize("method", ["lsr", "ilsr", "pinn", "tsonn"])
def test_every_method_names_block_and_point_of_a_value_that_is_not_finite(method: str) -> None:
    bad = problem(lambda x: torch.where(x > 0.5, torch.nan, x))
    with pytest.raises(
        pl.ProblemError,
        match=r"equation: the callable of k\(x\) is nan at x = 0\.[5-9]\d* \(\d+ of \d+ points\)",
    ):
        pl.solve(bad, method, time_limit=20)


def test_a_value_that_is_not_finite_later_is_named_as_well() -> None:
    calls = []

    def failing(x: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return x if len(calls) < 4 else x / 0

    with pytest.raises(pl.ProblemError, match=r"callable of k\(x\) is inf at x = "):
        pl.solve(problem(failing), "ilsr", **SMALL, time_limit=20)


def test_the_point_of_several_coordinates_is_given() -> None:
    u = pl.unknown("u", X, Y)
    k = pl.coefficient("k", lambda x, y: torch.sqrt(y - 0.5) + x, X, Y)
    equation = sp.Eq(u.diff(X, 2) + u.diff(Y, 2), k)
    box = pl.Box((X, Y), (0, 0), (1, 1))
    with pytest.raises(
        pl.ProblemError, match=r"k\(x, y\) is nan at x = 0\.\d+, y = 0\.[0-4]\d* \("
    ):
        pl.solve(pl.Problem("plate", box, [equation], [pl.Dirichlet(u, 0)]), "lsr", **SMALL)


def test_equations_that_hold_for_large_values_only_are_not_refused() -> None:
    u = pl.unknown("u", X)
    equation = sp.Eq(u.diff(X, 2), sp.log(u - 273) - sp.log(27))
    warm = pl.Problem("warm", pl.Interval(X, 0, 1), [equation], [pl.Dirichlet(u, 300)])
    assert pl.solve(warm, "ilsr", **SMALL, time_limit=20).heldout < 1e-6


class Own(nn.Module):
    """A module with a wrong answer."""

    def __init__(self, change: Any) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Linear(6, 1)).double()
        self.change = change

    def forward(self, x: torch.Tensor) -> Any:
        return self.change(self.inner(x), x)


MODULES = {
    "None": (lambda u, x: None, "Own returns NoneType: it must give a real tensor"),
    "text": (lambda u, x: "u", "Own returns str: it must give a real tensor"),
    "complex": (lambda u, x: 1j * u, r"Own returns torch\.complex128: it must give a real"),
    "whole numbers": (lambda u, x: u.long(), r"Own returns torch\.int64: it must give a real"),
    "a sum": (lambda u, x: u.sum(), r"Own .*(fails on|maps) points"),
    "a mean": (lambda u, x: u + u.mean(), "Own mixes points"),
    "raises": (lambda u, x: {}["a"], r"Own fails on points of shape \(2, 1\).*KeyError: 'a'"),
    "nan": (
        lambda u, x: torch.where(x > 0.5, torch.nan, u),
        r"network Own gives \[nan.*\] at x = \S+, where the block '.*' needs finite values",
    ),
    "inf": (lambda u, x: u / 0, r"network Own gives \[.*(inf|nan).*\] at x = "),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_named_with_what_they_gave(name: str) -> None:
    change, message = MODULES[name]
    with pytest.raises(pl.SettingsError, match=message):
        pl.solve(problem(), "lsr", network=Own(change), points=40)


def activation(function: Any) -> pl.UserActivation:
    return pl.UserActivation((function, torch.cos, lambda z: -torch.sin(z), torch.cos), name="own")


ACTIVATIONS = {
    "raises": (
        lambda z: 1 / 0,
        r"'own': functions\[0\] fails with ZeroDivisionError.*takes a tens",
    ),
    "None": (lambda z: None, r"'own': functions\[0\] returned NoneType for float64"),
    "a shape": (lambda z: z.sum(), r"functions\[0\] returned float64 \(\) for float64 \(\d+, 6\)"),
    "a dtype": (lambda z: z.float(), r"functions\[0\] returned float32 .*same shape and dtype"),
    "complex": (lambda z: z * 1j, r"functions\[0\] returned complex128"),
    "nan": (torch.log, r"activation 'own' gives \[.*nan.*\] at x = .*block 'equation'"),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_named_with_what_they_gave(name: str) -> None:
    function, message = ACTIVATIONS[name]
    with pytest.raises(pl.SettingsError, match=message):
        pl.solve(problem(), "lsr", activation=activation(function), **SMALL)


@pytest.mark.parametrize("functions", [(), (3,), torch.sin, "sin"])
def test_activations_need_functions(functions: Any) -> None:
    with pytest.raises((pl.SettingsError, TypeError), match="functions"):
        pl.UserActivation(functions, name="own")


def test_the_error_of_a_callback_is_quoted_and_costs_no_result() -> None:
    def callback(progress: pl.Record) -> None:
        raise LookupError("mine")

    with pytest.raises(pl.CallbackError, match="LookupError: mine") as caught:
        pl.solve(problem(), "lsr", callback=callback, **SMALL)
    assert isinstance(caught.value.__cause__, LookupError)
    assert caught.value.solution.delta is not None


INPUTS = {
    "raises": (lambda x: 1 / 0, "input function a fails with ZeroDivisionError"),
    "None": (lambda x: None, "input function a gives values of type object"),
    "complex": (lambda x: 1j * x, "input function a gives values of type complex128"),
    "nan": (lambda x: np.where(x > 0.5, np.nan, x), r"input function a is nan at 0\.[5-9]"),
}


@pytest.mark.parametrize("name", INPUTS)
def test_input_functions_are_named(name: str) -> None:
    u, a = pl.unknown("u", X), pl.input_function("a", X)
    parametric = pl.Problem(
        "p", pl.Interval(X, 0, 1), [sp.Eq(u.diff(X, 2), a)], [pl.Dirichlet(u, 0)]
    )
    function, message = INPUTS[name]
    with pytest.raises(pl.ProblemError, match=message):
        pl.solve(parametric.at(function), "lsr", **SMALL)
