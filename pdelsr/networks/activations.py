"""Smooth activations with closed-form derivatives to order five."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import pi, sqrt
from typing import Any

import torch
from jaxtyping import Float
from numpy.polynomial import Polynomial
from torch import Tensor

from pdelsr.errors import SettingsError, described

MAX_ORDER = 5  # fourth-order jets, and one more derivative for their reverse pass


class Activation(ABC):
    """A scalar function with its derivatives."""

    name: str

    @abstractmethod
    def derivatives(self, z: Float[Tensor, "*s"], order: int) -> list[Tensor]:
        """Values σ(z), σ'(z), …, σ^(order)(z), each of the shape of `z`."""

    def __call__(self, z: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
        return self.derivatives(z, 0)[0]

    def __deepcopy__(self, memo: dict[int, Any]) -> Activation:
        return self  # without state, and compared by identity: a copied network keeps the object


def _polynomials(slope: Polynomial, count: int = MAX_ORDER) -> list[list[float]]:
    """Coefficients of P_1, P_2, … with y' = P_1(y) and P_{k+1} = P_k' · P_1."""
    found = [slope]
    while len(found) < count:
        found.append(found[-1].deriv() * slope)
    return [p.coef.tolist() for p in found]


def _horner(coefficients: list[float], y: Tensor) -> Tensor:
    value = torch.full_like(y, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        value = value.mul_(y).add_(c)
    return value


_TANH = _polynomials(Polynomial([1.0, 0.0, -1.0]))
_LOGISTIC = _polynomials(Polynomial([0.0, 1.0, -1.0]))


class Tanh(Activation):
    """Hyperbolic tangent; every derivative is a polynomial in tanh."""

    name = "tanh"

    def derivatives(self, z: Float[Tensor, "*s"], order: int) -> list[Tensor]:
        y = torch.tanh(z)
        if order == 0:
            return [y]
        # The factor 1 − y² carries the decay of all derivatives; the rest is a short polynomial.
        slope = 1 - y * y
        out = [y, slope]
        if order >= 2:
            out.append(-2 * y * slope)
        if order >= 3:
            out.append(slope * (4 - 6 * slope))
        if order >= 4:
            out.append(y * slope * (24 * slope - 8))
        if order >= 5:
            out.append(_horner(_TANH[4], y))
        return out[: order + 1]


class Sin(Activation):
    """Sine."""

    name = "sin"

    def derivatives(self, z: Float[Tensor, "*s"], order: int) -> list[Tensor]:
        s = torch.sin(z)
        if order == 0:
            return [s]
        c = torch.cos(z)
        return [s, c, -s, -c, s, c][: order + 1]


def _logistic_derivatives(z: Tensor, order: int) -> list[Tensor]:
    s = torch.sigmoid(z)
    return [s, *(_horner(p, s) for p in _LOGISTIC[:order])]


class Softplus(Activation):
    """log(1 + exp z); its slope is the logistic function."""

    name = "softplus"

    def derivatives(self, z: Float[Tensor, "*s"], order: int) -> list[Tensor]:
        value = torch.nn.functional.softplus(z)
        return [value] if order == 0 else [value, *_logistic_derivatives(z, order - 1)]


def _times_identity(z: Tensor, factor: list[Tensor]) -> list[Tensor]:
    """Derivatives of z·g(z) from those of g: z g^(k) + k g^(k−1)."""
    first = [z * factor[0]]
    return first + [z * g + k * lower for k, (lower, g) in enumerate(pairwise(factor), 1)]


class Silu(Activation):
    """z · logistic(z), also called swish."""

    name = "silu"

    def derivatives(self, z: Float[Tensor, "*s"], order: int) -> list[Tensor]:
        return _times_identity(z, _logistic_derivatives(z, order))


class Gelu(Activation):
    """z · Φ(z) with the Gaussian distribution function Φ (the exact form, not tanh's)."""

    name = "gelu"

    def derivatives(self, z: Float[Tensor, "*s"], order: int) -> list[Tensor]:
        distribution = 0.5 * torch.erfc(-z / sqrt(2.0))
        density = torch.exp(-0.5 * z * z) / sqrt(2.0 * pi)
        # Φ^(k+1) = (−1)^k He_k φ with the Hermite recurrence He_{k+1} = z He_k − k He_{k−1}.
        hermite = [torch.ones_like(z), z]
        for k in range(1, max(order, 1)):
            hermite.append(z * hermite[k] - k * hermite[k - 1])
        factor = [distribution]
        factor += [(-1) ** k * hermite[k] * density for k in range(order)]
        return _times_identity(z, factor)


@dataclass(frozen=True)
class UserActivation(Activation):
    """A smooth activation given by its function and as many derivatives as the equations need.

    Args:
        functions: σ, σ', σ'', … as elementwise torch functions. A jet of order k and its rows
            need k + 1 derivatives.
        name: printed in summaries.

    Example:
        >>> import torch
        >>> functions = [lambda z: z**3, lambda z: 3 * z**2, lambda z: 6 * z]
        >>> cubic = UserActivation(functions, name="cubic")
        >>> [float(d) for d in cubic.derivatives(torch.tensor(2.0), order=2)]
        [8.0, 12.0, 12.0]
    """

    functions: Sequence[Callable[[Tensor], Tensor]]
    name: str = "user"

    def __post_init__(self) -> None:
        given = self.functions
        if not isinstance(given, Sequence) or not given or not all(map(callable, given)):
            raise SettingsError(
                f"activation {self.name!r}: functions is {given!r}; give functions=[f, f', …], "
                "elementwise functions of a tensor."
            )
        object.__setattr__(self, "functions", tuple(given))

    @property
    def order(self) -> int:
        """Order of the highest given derivative."""
        return len(self.functions) - 1

    def derivatives(self, z: Float[Tensor, "*s"], order: int) -> list[Tensor]:
        if order >= len(self.functions):
            raise SettingsError(
                f"activation {self.name!r} has {len(self.functions) - 1} derivative(s), and this "
                f"problem needs {order}: give `functions=[f, f', …]` up to that order."
            )
        return [self._called(k, z) for k in range(order + 1)]

    def _called(self, k: int, z: Tensor) -> Tensor:
        try:
            value = self.functions[k](z)
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # anything a user's function raises
            raise SettingsError(
                f"activation {self.name!r}: functions[{k}] fails with {described(error)}; it "
                "takes a tensor, and returns one of the same shape and dtype."
            ) from error
        if not isinstance(value, Tensor) or (value.shape, value.dtype) != (z.shape, z.dtype):
            raise SettingsError(
                f"activation {self.name!r}: functions[{k}] returned {_kind(value)} for "
                f"{_kind(z)}; it has to return a tensor of the same shape and dtype."
            )
        return value


def _kind(value: object) -> str:
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    return type(value).__name__


ACTIVATIONS: dict[str, Activation] = {
    a.name: a for a in (Tanh(), Sin(), Gelu(), Silu(), Softplus())
}


def activation_named(activation: str | Activation) -> Activation:
    """The built-in activation of that name, or the given one.

    Raises:
        SettingsError: the name is not a built-in activation.
    """
    if isinstance(activation, Activation):
        return activation
    if activation not in ACTIVATIONS:
        raise SettingsError(
            f"activation {activation!r} is not known: choose one of {', '.join(ACTIVATIONS)}, or "
            "pass a UserActivation with its derivatives."
        )
    return ACTIVATIONS[activation]
