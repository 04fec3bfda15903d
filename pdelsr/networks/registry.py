"""Networks by name: from plain settings to a network, and back for saving."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, TypeGuard

import torch
from torch import nn

from pdelsr.errors import SettingsError, did_you_mean
from pdelsr.networks.activations import ACTIVATIONS
from pdelsr.networks.base import Network
from pdelsr.networks.feature_network import FeatureNetwork
from pdelsr.networks.mlp import MLP
from pdelsr.networks.modified_mlp import ModifiedMLP

KINDS: dict[str, type[FeatureNetwork]] = {"mlp": MLP, "modified_mlp": ModifiedMLP}


def build_network(
    settings: Mapping[str, Any],
    dtype: torch.dtype = torch.float64,
    device: torch.device | str | None = None,
) -> FeatureNetwork:
    """The network of these settings, freshly initialized.

    Args:
        settings: "kind" ("mlp" or "modified_mlp") and the arguments of that class, as
            `network_settings` returns them.
        dtype: of the parameters.
        device: where they live.

    Raises:
        SettingsError: an unknown kind, argument, or value.
    """
    arguments = dict(settings)
    kind = arguments.pop("kind", None)
    if kind not in KINDS:
        raise SettingsError(
            f"network kind {kind!r} is not known: choose one of {', '.join(KINDS)}."
        )
    require_known_arguments(kind, arguments)
    if arguments.get("periodic"):  # JSON has turned the positions into text
        arguments["periodic"] = {int(axis): p for axis, p in arguments["periodic"].items()}
    return KINDS[kind](**arguments, dtype=dtype, device=device)


def network_settings(network: Network) -> dict[str, Any]:
    """The "kind" and the arguments of a built-in network, as plain numbers, strings and lists.

    Raises:
        SettingsError: the network or its activation is not built in, so settings cannot rebuild it.
    """
    for kind, cls in KINDS.items():
        if type(network) is cls:  # a subclass may compute something else
            require_named_activation(network)
            return {"kind": kind, **network.settings()}
    raise SettingsError(
        f"{type(network).__name__} cannot be written as settings, only "
        f"{' and '.join(cls.__name__ for cls in KINDS.values())} can: save the weights, and build "
        "the network in your own code before loading them."
    )


def require_named_activation(network: FeatureNetwork) -> None:
    """Refuse an activation that settings cannot rebuild."""
    if type(ACTIVATIONS.get(network.activation.name)) is not type(network.activation):
        raise SettingsError(
            f"activation {network.activation.name!r} is code and cannot be written as a setting: "
            "save the weights, and build the network in your own code before loading them."
        )


def require_known_arguments(kind: str, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that the class does not have, and suggest the nearest one."""
    known = set(inspect.signature(KINDS[kind]).parameters) - {"dtype", "device"}
    for name in arguments:
        if name not in known:
            hint = did_you_mean(name, known, f"it has {', '.join(sorted(known))}.")
            raise SettingsError(f"network kind {kind!r} has no setting {name!r}: {hint}")


def can_widen(network: nn.Module | None) -> TypeGuard[MLP]:
    """Whether a network can be widened: a multilayer perceptron that its settings rebuild.

    One with random Fourier features cannot: a network built anew would have other features.
    """
    if type(network) is not MLP or network.settings()["fourier"]:
        return False
    try:
        require_named_activation(network)
    except SettingsError:
        return False
    return True
