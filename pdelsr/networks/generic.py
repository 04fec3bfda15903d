"""Any torch module as a network: jets by nested forward mode, rows by reverse mode under vmap."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import accumulate, chain
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from pdelsr.errors import SettingsError, described
from pdelsr.networks.base import Network
from pdelsr.networks.forward_mode import jvp
from pdelsr.networks.index_set import Index, IndexSet


class ModuleNetwork(Network):
    """A torch module (n, d) → (n, k) or (n,) that treats every point on its own.

    Nothing is known about the module, so this is slower than the built-in networks: an entry of
    order p costs about 2^p evaluations. Frozen parameters stay out of θ; buffers are constants.

    Args:
        module: the map; it is wrapped, not copied.
        in_features: d, number of coordinates.
        out_features: k, number of fields; None to find it by a call.

    Raises:
        SettingsError: the module fails on points (2, d), gives another shape than (2, k), mixes
            points, or holds batch norm or dropout in training mode.
    """

    def __init__(
        self, module: nn.Module, in_features: int, out_features: int | None = None
    ) -> None:
        super().__init__()
        require_deterministic(module)
        self.module = module
        self.in_features = in_features
        found = require_pointwise(module, _probe_points(module, in_features))
        if out_features not in (None, found):
            raise SettingsError(
                f"{_name(module)} gives {found} field(s), not out_features={out_features}."
            )
        self.out_features = found

    def forward(
        self, x: Float[Tensor, "n d"], indices: IndexSet | None = None
    ) -> Float[Tensor, "*A n k"]:
        require_deterministic(self.module)
        if indices is None:
            return self._values(x)
        jet: dict[int, Tensor] = {}
        for path in _paths(indices):
            derivatives = _derivatives_along(self._values, x, path)
            jet.update(zip(_positions(indices, path), derivatives, strict=True))
        return torch.stack([jet[i] for i in range(len(indices))])

    @property
    def called(self) -> str:
        return _name(self.module)

    def settings(self) -> dict[str, Any]:
        return {"in_features": self.in_features, "out_features": self.out_features}

    def _values(self, x: Tensor) -> Tensor:
        return self.module(x).reshape(x.shape[0], -1)


def _derivatives_along(
    function: Callable[[Tensor], Tensor], x: Tensor, axes: tuple[int, ...]
) -> list[Tensor]:
    """f, ∂_{i₁} f, ∂_{i₂} ∂_{i₁} f, … for axes (i₁, i₂, …), from one nest of forward passes."""
    if not axes:
        return [function(x)]

    def below(x: Tensor) -> tuple[Tensor, list[Tensor]]:
        *lower, highest = _derivatives_along(function, x, axes[:-1])
        return highest, lower

    direction = torch.zeros(x.shape[1], dtype=x.dtype, device=x.device)
    direction[axes[-1]] = 1.0
    highest, tangent, lower = jvp(below, (x,), (direction.expand(x.shape),), has_aux=True)
    return [*lower, highest, tangent]


@cache
def _paths(indices: IndexSet) -> tuple[tuple[int, ...], ...]:
    """Sequences of axes whose prefixes reach every index: one per leaf of their tree."""
    paths = [tuple(_axes(index)) for index in indices.indices]
    inner = {path[:-1] for path in paths if path}
    return tuple(path for path in paths if path not in inner)


def _axes(index: Index) -> Iterator[int]:
    """Each axis as often as its order: (2, 0, 1) gives 0, 0, 2."""
    return chain.from_iterable([axis] * order for axis, order in enumerate(index))


def _positions(indices: IndexSet, path: tuple[int, ...]) -> list[int]:
    """Positions of the prefixes of a path in the set."""
    zero = (0,) * indices.dim
    prefixes = accumulate(path, lambda a, axis: _raised(a, axis), initial=zero)
    return [indices.positions[index] for index in prefixes]


def _raised(index: Index, axis: int) -> Index:
    return (*index[:axis], index[axis] + 1, *index[axis + 1 :])


def require_deterministic(module: nn.Module) -> None:
    """Refuse batch norm and dropout in training mode: q(x; θ) would not be a function of x."""
    for name, part in module.named_modules():
        if part.training and (isinstance(part, _BatchNorm) or _drops(part)):
            raise SettingsError(
                f"{_name(module)} holds {_name(part)} {name!r} in training mode, so its value at a "
                "point depends on chance or on other points: call module.eval() first."
            )


def _drops(part: nn.Module) -> bool:
    """Whether a module drops some of its values at random in training mode."""
    if isinstance(part, nn.MultiheadAttention):
        return part.dropout > 0
    return isinstance(part, _DropoutNd) and part.p > 0


def require_pointwise(module: nn.Module, points: Float[Tensor, "two d"]) -> int:
    """Refuse a module that does not map (n, d) to (n, k) point by point; return k."""
    with torch.no_grad():
        try:
            together = module(points)
            alone = [module(point[None]) for point in points]
        except Exception as error:  # anything a user's module raises
            raise SettingsError(
                f"{_name(module)} fails on points of shape {tuple(points.shape)}: it must map "
                f"(n, {points.shape[1]}) to (n, k). It said: {described(error)}"
            ) from error
    if not isinstance(together, Tensor) or not together.is_floating_point():
        found = str(together.dtype) if isinstance(together, Tensor) else type(together).__name__
        raise SettingsError(
            f"{_name(module)} returns {found}: it must give a real tensor of shape (n, k) or (n,)."
        )
    if together.ndim not in (1, 2) or together.shape[0] != len(points):
        raise SettingsError(
            f"{_name(module)} maps points of shape {tuple(points.shape)} to "
            f"{tuple(together.shape)}: it must give (n, k) or (n,)."
        )
    apart = torch.cat(alone)
    if not torch.allclose(together, apart, rtol=1e-4, atol=1e-6, equal_nan=True):
        raise SettingsError(
            f"{_name(module)} mixes points: its value at a point changes when another point is "
            "evaluated with it. Wrap a module that treats every point on its own."
        )
    return together.reshape(len(points), -1).shape[1]


def _probe_points(module: nn.Module, in_features: int) -> Tensor:
    like = next(chain(module.parameters(), module.buffers()), torch.empty(0, dtype=torch.float64))
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(2, in_features, dtype=torch.float64, generator=generator, device="cpu")
    return points.to(device=like.device, dtype=like.dtype)


def _name(module: nn.Module) -> str:
    return type(module).__name__
