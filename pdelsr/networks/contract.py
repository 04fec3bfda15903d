"""The contract of a user-defined network, checked against slower derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from pdelsr.errors import PdelsrError, SettingsError, described
from pdelsr.networks.base import Network
from pdelsr.networks.generic import ModuleNetwork
from pdelsr.networks.index_set import IndexSet

CLOSE: dict[torch.dtype, float] = {torch.float64: 1e-6, torch.float32: 2e-2}
"""Share of the largest entry by which two computations of a derivative may differ."""
ONCE = "the jet: a FeatureNetwork applies each affine layer exactly once"
APPLIED = "the jet along a direction of θ: a FeatureNetwork calls applied(layer, a), not layer(a)"


def require_contract(network: Network, x: Float[Tensor, "n d"], indices: IndexSet) -> None:
    """Refuse a user-defined network that breaks a promise of `Network`.

    Derivatives that torch.func cannot compute are not compared.

    Args:
        network: of a user-defined class.
        x: some points, in its dtype and on its device.
        indices: multi-indices of the derivatives that the problem uses.

    Raises:
        SettingsError: the network fails, a shape is wrong, or a jet, row or tangent is not the
            derivative that it should be.
    """
    if type(network).__module__.startswith("pdelsr."):
        return
    name, kind = network.called, type(network)
    slow = ModuleNetwork(network, network.in_features, network.out_features)
    shape = (len(indices), len(x), network.out_features)
    jet = _jet(f"{name}: forward(x, indices)", shape, network, x, indices)
    wanted = _differentiated(lambda: slow(x, indices))
    for i, index in enumerate(indices.indices):
        what = f"{name}: forward(x, indices), the derivative {index}"
        _require_close(jet[i], None if wanted is None else wanted[i], what, "what forward(x) has")
    if kind.rows is not Network.rows:
        seeds = torch.linspace(0.5, 1.5, jet.numel()).to(x).reshape(shape)
        what = f"{name}: rows(x, indices, seeds)"
        rows = _called(what, lambda: network.rows(x, indices, seeds))
        wanted = _differentiated(lambda: Network.rows(network, x, indices, seeds))
        _require_close(rows, wanted, what, ONCE)
    if kind.tangent_jet is not Network.tangent_jet:
        direction = torch.linspace(0.5, 1.5, network.parameter_count).to(x)
        what = f"{name}: tangent_jet(x, indices, direction)"
        _, tangent = _called(what, lambda: network.tangent_jet(x, indices, direction))
        wanted = _differentiated(lambda: Network.tangent_jet(network, x, indices, direction)[1])
        _require_close(tangent, wanted, what, APPLIED)


def _jet(
    what: str, shape: tuple[int, ...], network: Network, x: Tensor, indices: IndexSet
) -> Float[Tensor, "A n k"]:
    jet = _called(what, lambda: network(x, indices))
    if not isinstance(jet, Tensor) or tuple(jet.shape) != shape:
        given = tuple(jet.shape) if isinstance(jet, Tensor) else type(jet).__name__
        raise SettingsError(
            f"{what} returned {given}; expected a tensor {shape}: an entry for each of the "
            f"derivatives {', '.join(map(str, indices.indices))}, of {shape[1]} points and "
            f"{shape[2]} field(s)"
        )
    return jet


def _called(what: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (PdelsrError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # anything a user's class raises
        raise SettingsError(f"{what} fails with {described(error)}") from error


def _differentiated(call: Callable[[], Tensor]) -> Tensor | None:
    """The derivative by torch.func; None if it cannot differentiate an operation."""
    try:
        return call()
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, NotImplementedError, SettingsError):
        return None


def _require_close(found: Any, wanted: Tensor | None, what: str, of: str) -> None:
    """Refuse derivatives that differ by more than rounding; None counts as equal."""
    if wanted is None:
        return
    if not isinstance(found, Tensor) or found.shape != wanted.shape:
        given = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise SettingsError(f"{what} returned {given}; expected a tensor {tuple(wanted.shape)}")
    size = float(wanted.detach().abs().max())
    gap = float((found - wanted).detach().abs().max())
    if gap > CLOSE.get(wanted.dtype, CLOSE[torch.float32]) * (size + 1e-3):
        raise SettingsError(
            f"{what} is off by {gap:.3g} of {size:.3g}; expected the derivative of {of}"
        )
