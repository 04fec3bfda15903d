"""A solution as a plain torch module, to deploy without this package."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import sympy as sp
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pdelsr.compile import HardForm
from pdelsr.compile.function import TorchFunction
from pdelsr.errors import SettingsError
from pdelsr.linearize.plain_module import plain_pair
from pdelsr.networks import HardConditions, Network


class SolutionModule(nn.Module):
    """u(x) = g(x) + D(x) (q(x) + J(x) δ), with torch operations only.

    It has no trainable parameters. It follows `.to(device)` and `.to(dtype)`, and points must have
    its dtype.

    Args:
        pair: gives q and J δ at points.
        forms: g and D of every unknown; None without hard conditions.
        coordinates: names of the columns of the points.
        unknowns: names of the columns of the values.
    """

    lift: nn.Module | None
    factor: nn.Module | None
    coordinates: tuple[str, ...]
    unknowns: tuple[str, ...]

    def __init__(
        self,
        pair: nn.Module,
        forms: tuple[nn.Module, nn.Module] | None,
        coordinates: Sequence[str],
        unknowns: Sequence[str],
    ) -> None:
        super().__init__()
        self.pair = pair
        self.lift, self.factor = forms or (None, None)
        self.coordinates, self.unknowns = tuple(coordinates), tuple(unknowns)
        self.eval()

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        require_tensor(x, self.dtype)
        value, moved = self.pair(x)
        if self.lift is None or self.factor is None:
            return value + moved
        factor = self.factor(x)
        return self.lift(x) + factor * value + factor * moved

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the points and the values."""
        tensors = chain(self.parameters(), self.buffers())
        return next(t.dtype for t in tensors if t.is_floating_point())

    def extra_repr(self) -> str:
        return f"{', '.join(self.coordinates)} -> {', '.join(self.unknowns)}"


def require_tensor(x: object, dtype: torch.dtype) -> None:
    """Refuse points that the module cannot take.

    Raises:
        SettingsError: it cannot; the message says what to convert.
    """
    if not isinstance(x, Tensor):
        raise SettingsError(
            f"the module takes points as a tensor, got {type(x).__name__}: give "
            "torch.as_tensor(points), or use solution.predict."
        )
    if x.dtype != dtype:
        raise SettingsError(f"points are {x.dtype}, the module is {dtype}: convert one of them.")


class InDouble(nn.Module):
    """A module evaluated in float64, because the layer of a seam leaves the range of float32."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n k"]:
        return self.module(x.double()).to(x.dtype)


def plain_module(
    network: Network,
    delta: Float[Tensor, " m"] | None,
    coordinates: Sequence[sp.Symbol],
    unknowns: Sequence[str],
) -> SolutionModule:
    """The module of a network with δ, hard conditions included.

    Raises:
        SettingsError: a user's network cannot be traced.
    """
    names = [c.name for c in coordinates]
    forms = network.forms if isinstance(network, HardConditions) else ()
    compiled = [form for form in forms if form is None or isinstance(form, HardForm)]
    if not isinstance(network, HardConditions) or len(compiled) < len(forms):
        return SolutionModule(plain_pair(network, delta), None, names, unknowns)
    pair = plain_pair(network.network, delta)
    return SolutionModule(pair, _graphs(compiled, tuple(coordinates)), names, unknowns)


def _graphs(
    forms: Sequence[HardForm | None], coordinates: tuple[sp.Symbol, ...]
) -> tuple[nn.Module, nn.Module]:
    """g and D of all unknowns; 0 and 1 if the network is the unknown itself."""
    lifts = tuple(sp.Integer(0) if form is None else form.lift for form in forms)
    factors = tuple(sp.Integer(1) if form is None else form.factor for form in forms)
    lift, factor = (
        TorchFunction(e, coordinates, title="hard form").graph() for e in (lifts, factors)
    )
    layered = any(form is not None and form.has_layer for form in forms)
    return (InDouble(lift) if layered else lift), factor
