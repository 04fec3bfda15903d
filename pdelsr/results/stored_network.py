"""A network in a file: its settings and tensors, and its reconstruction."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from pdelsr.compile import CompiledProblem
from pdelsr.errors import FileFormatError, SettingsError
from pdelsr.files.typed import trusted_by_none
from pdelsr.networks import HardConditions, Network, build_network, network_settings
from pdelsr.networks.hard import inner_network
from pdelsr.results.document import NetworkDocument, require_small_network
from pdelsr.solvers.design.build import adopted
from pdelsr.solvers.state.settings import RunSettings


def network_document(network: Network) -> dict[str, Any]:
    """The settings of a built-in network, or why the user has to build it."""
    inner = inner_network(network)
    try:
        return {"settings": network_settings(inner), "own": None}
    except SettingsError:
        count = f"{inner.parameter_count} trainable parameters"
        return {"settings": None, "own": f"{type(inner).__name__} with {count}"}


def network_tensors(network: Network) -> dict[str, Tensor]:
    """θ, and the tensors that are not trained."""
    inner = inner_network(network)
    trainable = inner.trainable()
    fixed = {f"fixed.{k}": t for k, t in inner.state_dict().items() if k not in trainable}
    return {"theta": inner.get_vector(), **fixed}


def stored_network(
    path: str | Path,
    described: NetworkDocument,
    tensors: Mapping[str, Tensor],
    compiled: CompiledProblem,
    settings: RunSettings,
    given: nn.Module | None,
) -> Network:
    """The network of a file, with its weights and the hard conditions of the problem.

    Raises:
        FileFormatError: it was the user's own and is not given, or does not fit the weights.
    """
    size = len(compiled.coordinates), len(compiled.unknowns)
    if given is not None:
        axes = {compiled.coordinates.index(c): p for c, p in compiled.periodic.items()}
        inner = adopted(copy.deepcopy(given), *size, axes)
        inner = inner.to(dtype=settings.torch_dtype, device=settings.torch_device)
    elif described.settings is None:
        raise FileFormatError(
            f"{path} holds the weights of a network of your own ({described.own}), and files "
            "hold no code: build it as for solve, and give load(..., network=...)."
        )
    else:
        with trusted_by_none(path):
            require_small_network(described.settings, size, tensors["theta"].numel())
            inner = build_network(described.settings, settings.torch_dtype, settings.torch_device)
    _read_weights(path, inner, tensors)
    hard = any(form is not None for form in compiled.hard)
    return HardConditions(inner, compiled.hard) if hard else inner


def _read_weights(path: str | Path, inner: Network, tensors: Mapping[str, Tensor]) -> None:
    theta = tensors["theta"]
    trainable = inner.trainable()
    fixed = {k: t for k, t in inner.state_dict().items() if k not in trainable}
    fits = inner.parameter_count == theta.numel() and all(
        f"fixed.{k}" in tensors
        and tensors[f"fixed.{k}"].shape == t.shape
        and tensors[f"fixed.{k}"].dtype == t.dtype
        for k, t in fixed.items()
    )
    if not fits:
        raise FileFormatError(
            f"{path} holds {theta.numel()} trainable parameters, and they do not fit the network "
            f"with {inner.parameter_count}: build it as it was built for solve."
        )
    inner.load_state_dict({k: tensors[f"fixed.{k}"] for k in fixed}, strict=False)
    inner.set_vector(theta)
